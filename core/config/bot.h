/* A bot: everything that one bot file declares, bound, checked and (after bot_open) made. One generation.
 *
 * bot_load reads the file, loads the plugins it names, binds all options and collects every mistake it finds into the
 * report. It opens nothing. All calls on the main thread but those that take a worker, which run on it. */
#ifndef CORE_CONFIG_BOT_H
#define CORE_CONFIG_BOT_H

#include <repartee/log.h>
#include <repartee/plugin.h>

struct report_entry {
    struct rp_error error;
    bool warning, note; /* note: nothing is wrong; for `repartee check` only */
};
struct report { /* zero-initialise */
    struct report_entry *entries;
    size_t count, errors;
};
void report_add(struct report *report, int code, const char *file, int line, const char *format, ...) RP_PRINTF(5, 6);
void report_add_error(struct report *report, const struct rp_error *error);
/* `bot.lua:21: pipeline stage 3: no stage called 'redcat' (did you mean 'redact'?)`, a line each. */
void report_print(const struct report *report, FILE *out);
void report_print_notes(const struct report *report, FILE *out); /* which the others leave out */
/* The same lines one by one: calls tell(arg, warning, line) for each. */
void report_tell(const struct report *report, void (*tell)(void *arg, bool warning, const char *line), void *arg);
void report_merge(struct report *report, const struct report *from);
void report_finish(struct report *report);

struct bot_limits { /* the section `limits { … }`; defaults in brackets */
    int64_t turns;         /* turns in flight, all workers together [4096] */
    int64_t turn_ms;       /* a turn's deadline [60s] */
    int64_t message;       /* bytes of a message [32KiB] */
    int64_t reply;         /* bytes of a reply [1MiB] */
    int64_t history;       /* messages kept in a session [40] */
    int64_t session;       /* bytes of a session in the store [256KiB] */
    int64_t session_ttl_ms;/* [1h] */
    int64_t session_queue; /* turns that wait for one session [16] */
    int64_t host_connections; /* of one worker to one host, for models and rules; more wait for their turn [512] */
    int64_t metric_users;  /* that have series of their own in the metrics [0] */
    int64_t drain_ms;      /* from SIGTERM to the end [20s] */
};
struct bot_log { /* the section `log { … }` */
    int level;        /* enum rp_log_level, choices debug info warn error off [info] */
    const char *file; /* NULL: stderr */
    int prompts;      /* choices "none" (0), "redacted" (1, the default) */
};

struct budgets;
struct turn_runtime;
struct bot_trace { /* the section `trace { … }` */
    int64_t keep;  /* records of turns; 0: none, also without the section [1000] */
    int64_t bytes; /* [16MiB] */
};

struct bot_events { /* the section `events { … }` */
    const char *url;     /* NULL: events only go to the log */
    const char *secret;  /* NULL: not signed */
    int64_t timeout_ms;  /* of one attempt [10s] */
    int64_t retries;     /* [4] */
    int64_t queue;       /* of one worker: events on their way [1000] */
};

struct rp_pipeline {
    const char *name; /* "main" for the unnamed one */
    struct turn_runtime *runtime; /* core/turn's: of its generation; NULL: the worker's own counts (tests) */
    struct rp_stage **stages;
    size_t count;
};

/* What the bot is loaded for. */
enum bot_use {
    BOT_SERVES,  /* all of it */
    BOT_INWARD,  /* its stores, models and stages: no listener and no transport is opened, the command starts the turns */
    BOT_OFFLINE, /* the same, and nothing outside is needed: stores become memory stores, secrets may be unset */
};

struct bot {
    const char *file, *folder;   /* absolute */
    const char *name, *language; /* the section `bot { … }` */
    struct bot_limits limits;
    struct bot_log log;
    struct bot_trace trace;
    struct bot_events events;
    const char *currency;    /* `prices { currency = … }`, "" without; NULL: there is no price table */
    struct budgets *budgets; /* the section `budgets { … }` (core/money); NULL: none */
    /* in the order of opening: a model that refers to others comes behind them */
    struct rp_store **stores;
    size_t store_count;
    struct rp_model **models;
    size_t model_count;
    struct rp_listener **listeners;
    size_t listener_count;
    struct rp_pipeline **pipelines;
    size_t pipeline_count;
    struct rp_transport **transports;
    size_t transport_count;
    struct rp_store *sessions; /* `bot { sessions = "main" }`, else the first store, else a memory store made for it */
    enum bot_use use;
    struct bot_private *private;
    struct generation *generation; /* core/turn's; NULL: none */
};

/* A transport that the program itself wants, `stdin` for `repartee chat`: made when the file has none of this type,
 * otherwise the file's element with these options set. `options` are those of the type, hidden ones included. */
struct bot_wish {
    const char *transport; /* NULL: none */
    json_t *options; /* borrowed */
    enum bot_use use;
};

/* 0 and a bot, or -RP_ECONFIG with the report filled (warnings can stand in it in either case). `wish` may be NULL. */
int bot_load(const char *file, const struct bot_wish *wish, struct bot **out_bot, struct report *report);
/* Opens every element in order (stores, models, listeners, stages, transports); on failure what was opened is closed
 * again and the report tells all elements that failed. `workers`: how many will attach. */
int bot_open(struct bot *bot, unsigned workers, struct report *report);
/* All or nothing; the report may be filled in either case. */
int bot_attach(struct bot *bot, struct rp_worker *worker, struct report *report);
void bot_detach(struct bot *bot, struct rp_worker *worker);
/* Closes and opens again, on a bot with one worker, what may remember earlier turns (all but types that say
 * `remembers_nothing`), so that the next turn finds the bot as it was at first. 0, or -RP_ECONFIG: close the bot. */
int bot_renew(struct bot *bot, struct rp_worker *worker, struct report *report);
void bot_close(struct bot *bot); /* what bot_open opened */
/* Behind bot_open, for a bot that will serve: the listeners' sockets. 0, or -RP_ECONFIG with the report filled. */
int bot_bind(struct bot *bot, struct report *report);

/* follow.c: a reload. Between bot_load and bot_open: tells each element which one of `before` it replaces; `before`
 * NULL: none any more. */
void bot_follow(struct bot *bot, const struct bot *before);
bool bot_keeps_sessions(const struct bot *bot, const struct bot *before); /* the store that has them is followed */
void bot_warn_of_losses(const struct bot *bot, const struct bot *before, struct report *report);

/* ---- taking in work: each on its worker, when all workers have attached. `only` names the one type of transport that
 * counts, and then no listener does; NULL: all of them. ---- */

/* Elements that replace others adopt what these have open; the rest of the transports and listeners start. */
void bot_begin(struct bot *bot, struct rp_worker *worker, const char *only);
/* Transports and listeners take in nothing new, but those that `successor` has adopted; NULL: none is. */
void bot_drain(struct bot *bot, struct rp_worker *worker, const struct bot *successor, const char *only);
void bot_free(struct bot *bot);  /* unloads the plugins too; takes NULL */

#endif
