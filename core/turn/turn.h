/* The turn from the inside. Its laws stand in <repartee/turn.h>; this header has what the files of this folder share:
 * turn.c (the way in, and the one way out), reply.c (the way out of the chunks), turn_session.c and remember.c (what is
 * kept), turn_table.c (tickets, memory), turn_log.c (what is said of a turn when it has ended). */
#ifndef CORE_TURN_TURN_H
#define CORE_TURN_TURN_H

#include <stdatomic.h>

#include "core/config/bot.h"
#include "core/loop/worker.h"
#include "core/turn/session.h"

/* Shared by all workers of one generation. A turn keeps the one that it began with. */
struct turn_runtime {
    struct generation *generation; /* NULL: none (tests) */
    struct bot_limits limits;
    struct rp_store *store; /* of the sessions; NULL: sessions last as long as their turn (tests) */
    struct session_hub *hub; /* the process's: all generations have the same */
    struct rp_pipeline **pipelines; /* for events that the core itself starts; the first one is the default */
    size_t pipeline_count;
    bool log_prompts;
    const char *currency; /* of costs; NULL or empty: not said */
    bool trace; /* every turn has a record, and it is kept */
    const struct bot_events *events; /* where events are posted to; NULL: nowhere */
};

enum turn_phase {
    TURN_START,   /* to be given its session */
    TURN_BRANCHED, /* a branch that has not been asked for anything yet */
    TURN_WAITING, /* in line for the session, or the store is reading it */
    TURN_READY,   /* the session is there */
    TURN_INWARD,  /* stage `index` is next */
    TURN_CALLING, /* in that stage's on_turn */
    TURN_KEPT,    /* that stage owes a payment */
    TURN_REPLY,   /* chunks flow */
    TURN_SAVING,  /* the last chunk waits until the store has the session */
    TURN_ENDED,   /* the last chunk has been written */
};

enum turn_payment { PAID_NOTHING, PAID_RESUME, PAID_REPLY };

/* What the next step has to do besides going inward. */
enum turn_ask { ASK_NOBODY, ASK_LEVEL, ASK_RESTART };

struct turn {
    struct rp_turn pub; /* first: struct rp_turn * and struct turn * are the same address */
    struct rp_transport *transport;
    struct rp_pipeline *pipeline;
    struct rp_sink *sink;
    struct turn_runtime *runtime;
    struct rp_ticket ticket;

    enum turn_phase phase;
    enum turn_payment payment;
    unsigned index;
    void **slots;
    struct rp_task task;
    struct rp_timer deadline;
    bool cancelled, finishing;
    bool branch; /* of another turn: neither its session nor the log hear of it */
    struct rp_ticket origin; /* of a branch: the turn that it came from, which may have ended */
    bool shielded, late; /* late: the deadline has passed behind the shield */

    struct rp_source *source;
    struct rp_sink source_sink; /* where the source writes */
    struct rp_tap *outermost, *innermost;
    bool wanted;        /* the sink has asked and has not been answered */
    enum turn_ask ask;
    struct rp_tap *ask_tap; /* whom to ask next; NULL: the source */

    struct rp_buf reply;
    struct rp_usage usage;
    struct spend *spend; /* of all calls of models, those that nobody heard the end of too; NULL: none was made */
    enum rp_finish finish;
    struct rp_fault fault; /* code 0: none */
    struct rp_chunk last;  /* while TURN_SAVING */
    struct rp_prompt *prompt;

    struct session session;
    const struct rp_message *rounds; /* of tools, that the reply took; see turn_remember */
    size_t round_messages;
    bool session_queued, session_held, session_fresh;
    bool session_lent; /* the turn that waits for this one holds it */
    bool timeout;      /* started by the core to look whether the session is to be woken */
    bool woken;        /* the event that was due has been run in front of this turn */
    bool event_runs;   /* right now */
    bool pending_given;
    size_t pending_len; /* bytes at the start of the reply that events have said */
    int session_error; /* RP_E…: why it could not be read; 0: it could */
    struct rp_store_op store_op;
    struct rp_session_save *save; /* asked for by a stage, not yet answered */
    int save_code;
    struct rp_task save_task;
    struct turn_event *events;
    struct record *record; /* NULL: nobody wants an explanation */
    bool explain;          /* whoever started it does */

    int64_t *stage_ns; /* at level debug: time in each stage's on_turn */
};

static inline struct turn *turn_of(struct rp_turn *turn) {
    return (struct turn *)turn;
}

/* turn.c */
/* A turn that holds its worker and generation and has its deadline; the caller fills in the rest and schedules it. */
struct turn *turn_make(struct rp_worker *worker, struct turn_runtime *runtime, struct rp_pipeline *pipeline);
void turn_schedule(struct turn *turn);
void turn_save_and_end(struct turn *turn, const struct rp_chunk *chunk); /* the reply is complete */
void turn_end(struct turn *turn, const struct rp_chunk *chunk, enum rp_flow flow); /* writes the last chunk */
void turn_break(struct turn *turn, int code); /* ends it with this error, wherever it is */
bool turn_is_deadline(const struct rp_timer *timer);
void turn_misuse(struct turn *turn, const char *what); /* logs a broken law */
/* A turn that looks whether this session is to be woken; the caller sets its sink. `parent`: a turn that holds the
 * session and waits, or NULL. */
struct turn *turn_start_timeout(struct rp_worker *worker, struct rp_str session, struct turn *parent);

/* turn_session.c: the session of a turn, from the store and back */
void turn_take_session(struct turn *turn);     /* the first step of every turn */
void turn_session_ready(struct turn *turn);    /* turn.c: it is there, or turn->session_error says why not */
void turn_fail_early(struct turn *turn, int code, const char *message); /* turn.c */
bool turn_store_is_busy(const struct turn *turn); /* it has a pointer into the turn */

/* reply.c */
void reply_begin(struct turn *turn, struct rp_source *source); /* the turn owns the source from here on */
void reply_step(struct turn *turn);
void reply_close(struct turn *turn); /* the source and all taps */
void reply_restart(struct turn *turn);

/* remember.c */
/* The messages that a reply took besides its text, rounds of tools: a model's calls and their results. They become part of
 * the exchange when the turn ends well, if the source is what the turn replies with. Borrowed from the turn's arena. */
void turn_remember(struct rp_source *source, const struct rp_message *rounds, size_t count);
size_t remember_exchange(struct turn *turn, const struct rp_message **out_messages); /* what this turn adds to the session */

/* turn_table.c */
struct turn_table *turn_table_create(void);
void turn_table_destroy(struct turn_table *table);
struct turn *turn_table_take(struct rp_worker *worker); /* zeroed but for arena, worker and ticket */
void turn_table_give(struct rp_worker *worker, struct turn *turn);
void turn_table_break_all(struct rp_worker *worker, int code);

/* turn_log.c */
void turn_log(struct turn *turn);
/* Appends what rp_turn_json says behind the id, each member with a comma in front. */
int turn_json_members(const struct rp_turn *turn, enum rp_finish finish, struct rp_buf *out);
/* The text without the personal data that the pipeline's stages mask, whether the turn has come as far as them or not. */
struct rp_str turn_mask(struct turn *turn, struct rp_str text);

#endif
