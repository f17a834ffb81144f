/* What the files of this plugin share. plugin.c: options; element.c: a configured route and its targets; ask.c: the source
 * of one turn, which tries targets until one has replied; give.c: what it gives out; leg.c: one try; health.c: looks at
 * targets from time to time; target.c: what is known of one; room.c: how much of a conversation they take; tell.c:
 * explanation, log, metrics. breaker.c, latency.c and pick.c are pure.
 *
 * What is known of a target (breaker, latency, health) belongs to the process, not to a worker: a server that has gone is
 * noticed once, and is looked at by one call, not by one of each worker. It is behind a lock that is held for a few
 * instructions. A reload begins anew. */
#ifndef ROUTE_H
#define ROUTE_H

#include <repartee/repartee.h>

#include "breaker.h"
#include "latency.h"
#include "pick.h"

#define TARGETS_MAX 16
#define SAID_MAX (1024 * 1024) /* beyond it a reply is given out as it comes, and nobody can step in any more */

struct route_options {
    struct rp_model_list use;
    int strategy, hash_by;
    int64_t connect, first, stall;
    json_t *targets;
    int64_t retries, retry_base, retry_max;
    int64_t breaker_failures, breaker_window, breaker_rest;
    double hedge;
    int64_t check_every;
    bool resume;
};
enum { HASH_SESSION, HASH_USER };

struct target {
    struct rp_model *model;
    const char *name;
    double weight;
    int64_t connect_ms, first_ms, stall_ms; /* 0: the model's own limits */

    uv_mutex_t lock; /* for what follows */
    struct breaker breaker;
    struct latency latency;
    unsigned checks_failed; /* in a row */
    int64_t rests_until_ms; /* as it has asked for, by Retry-After */

    struct rp_metric *resting; /* 1 while it is not asked */
};

struct route {
    const struct route_options *options;
    const struct rp_element *element;
    struct breaker_rules rules;
    struct target *targets;
    size_t count;
    uv_mutex_t lock; /* for what follows */
    double hedges;   /* that may still be sent */
    struct rp_metric *hedged, *resumed;
};

/* ---- target.c: all of it thread-safe ----------------------------------------------------------------------------- */

/* Whether it may be asked now; `*out_why` says why not. Each GO and LOOK is followed by target_end. `desperate`: although
 * checks say it is down, and although it has asked for time. */
enum breaker_answer target_ask(struct target *target, bool desperate, int64_t now_ms, const char **out_why);
void target_end(const struct route *route, struct target *target, bool look, enum breaker_end end, int64_t now_ms);
void target_first(struct target *target, int64_t ms, int64_t now_ms); /* its first token came after that time */
void target_lost(struct target *target, int64_t usual_ms, int64_t ms, int64_t now_ms); /* see latency_lose */
/* It failed after `ms`, -1: behind its first token; and asks to be left alone for `rest_ms`. */
void target_failed(struct target *target, int64_t ms, int64_t rest_ms, int64_t now_ms);
int64_t target_p95(struct target *target);                            /* -1: not known yet */
double target_score(struct target *target, int64_t now_ms);
int64_t target_wait_ms(struct target *target, bool desperate, int64_t now_ms); /* until it may be asked; INT64_MAX: down */
void target_checked(const struct route *route, struct target *target, int code, int64_t now_ms);

/* ---- one turn ---------------------------------------------------------------------------------------------------- */

struct route_ask;

/* One try of one target. In the turn's arena. */
struct leg {
    struct rp_sink sink; /* first: its source writes here */
    struct route_ask *ask;
    struct target *target;
    struct rp_source *source;
    struct rp_call call;
    struct rp_call_limits limits;
    struct rp_timer clock; /* until the first token, or the next piece, where the target has no such clock itself */
    bool clocked;
    struct rp_task shut;   /* a source is not closed inside its own write */
    int64_t started_ms;
    bool look;    /* the breaker's */
    bool looked;  /* and it has seen that the target is well */
    bool began;   /* its first token has come */
    bool hedge;   /* started because another was late */
    bool over;    /* it has ended, or nobody listens to it any more */
    struct leg *before; /* of the same turn */
};

struct route_ask {
    struct rp_source source; /* first */
    struct route *route;
    const struct rp_call *call;
    unsigned char order[TARGETS_MAX];
    size_t next;      /* place in `order` */
    uint32_t useless; /* targets, by bit, that will not do in another round either */
    struct leg *legs;         /* all of them, the newest first */
    struct leg *main, *hedge; /* under way; either may be NULL */
    struct leg *speaker;      /* the one whose text is given out: main, and then there is no other */
    struct rp_timer timer;    /* to the next round */
    struct rp_timer late;     /* to the hedge */
    int64_t usual_ms;         /* that timer's */
    bool begun, owed;
    bool desperate; /* nobody else is left: also those that fail their checks are asked */
    bool ended;     /* the reply is complete, though not all of it given out */
    bool noted;  /* what is said is written down, so that another can go on from there */
    bool held;   /* and not given out before the end, so that another can begin anew: the client wants it whole */
    bool called; /* a tool: nobody goes on from there */
    int64_t retries, round; /* retries: left */
    struct rp_fault fault; /* of the last try that failed; code 0: none was made */
    struct rp_buf said;    /* while it is noted */
    size_t given;          /* of `said`: white space at its end waits for what follows */
    struct rp_usage usage; /* of all tries */
    enum rp_finish finish;
};

/* leg.c */
struct leg *leg_start(struct route_ask *ask, struct target *target, bool look, bool hedge);
void leg_more(struct leg *leg);
/* Nobody listens any more: `end` is what that says of the target. Takes NULL. */
void leg_drop(struct leg *leg, enum breaker_end end, const char *why);

/* ask.c */
struct rp_source *route_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);
void ask_on_chunk(struct leg *leg, const struct rp_chunk *chunk, enum rp_flow flow);
void ask_on_failure(struct leg *leg, const struct rp_fault *fault); /* the leg is over */

/* give.c: each of these pays for the chunk that is owed, or asks the speaker for more. */
void give_text(struct route_ask *ask, struct rp_str text);
void give_tool(struct route_ask *ask, const struct rp_chunk *chunk);
void give_end(struct route_ask *ask);
void give_fault(struct route_ask *ask, const struct rp_fault *fault);

/* tell.c */
void tell_open(struct route *route);
void tell_end(const struct leg *leg, const char *outcome, const struct rp_fault *fault);
void tell_skipped(const struct route_ask *ask, const struct target *target, const char *why);
void tell_round(const struct route_ask *ask, int64_t wait_ms);
void tell_given_up(const struct route_ask *ask, const char *why);
void tell_breaker(const struct route *route, const struct target *target, bool opened);
void tell_check(const struct route *route, const struct target *target, int code);

/* health.c */
int health_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void health_detach(struct rp_element *element, struct rp_worker *worker, void *local);
void route_probe(struct rp_model *model, struct rp_worker *worker, struct rp_probe *probe);
void route_probe_cancel(struct rp_model *model, struct rp_probe *probe);

/* element.c */
int route_check(const void *options, struct rp_error *error);
int route_open(struct rp_element *element, struct rp_error *error);
void route_close(struct rp_element *element);
unsigned route_takes(const struct rp_model *model);

/* room.c */
int64_t route_tokens(const struct rp_model *model, struct rp_str text);
int64_t route_context(const struct rp_model *model);
int64_t route_reply(const struct rp_model *model);

#endif
