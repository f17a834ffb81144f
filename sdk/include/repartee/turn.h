/* The turn: one user message on its way to one reply. This is the header for everybody who touches turns: stages,
 * models, transports. All of it is called on the turn's own worker.
 *
 *     transport ──turn──▶ stage 1 ─▶ … ─▶ stage n       inward: on_turn, PASS or KEEP
 *         ▲                 │                │ answers with a source
 *         └──◀ chunks ◀── tap 1 ◀── … ◀── source        outward: chunk by chunk
 *
 * The laws:
 *  1. on_turn returns RP_PASS, or RP_KEEP and then owes exactly one of rp_turn_resume, rp_turn_reply, rp_turn_fail,
 *     now or later. It may pay before it returns RP_KEEP.
 *  2. A reply is pulled. One request for more is answered by exactly one write: the transport asks (rp_turn_more), the
 *     outermost tap that has something left answers, else the source. So one chunk is in flight, and only there.
 *  3. The last write carries RP_END or RP_ERROR. Nothing follows it, and everybody passes it on exactly once.
 *  4. close() of the source, of each tap, and done() of the sink are called exactly once, whatever happened: the reply
 *     ended, the upstream failed, the client left, the deadline passed. After it the object is not called again.
 *  5. resume, reply, fail, more and cancel only schedule: no callback runs inside them, so each may be called from
 *     anywhere. A debt paid twice is refused with -RP_ESTATE and logged; nothing else happens.
 *  6. When a turn ends while a stage keeps it, the stage's cancel() is called instead of its payment. */
#ifndef REPARTEE_TURN_H
#define REPARTEE_TURN_H

#include <repartee/base.h>
#include <repartee/worker.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_stage;
struct rp_turn;
struct rp_source;
struct rp_tap;
struct rp_sink;

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

enum rp_chunk_type {
    RP_CHUNK_NONE,  /* nothing: carries only the flow */
    RP_CHUNK_TEXT,  /* whole UTF-8 characters; sources must not cut inside one. Broken text is RP_EUPSTREAM */
    RP_CHUNK_TOOL,  /* the model calls a tool */
    RP_CHUNK_USAGE, /* tokens spent, added up by the core */
    RP_CHUNK_ERROR, /* always with RP_ERROR, and RP_ERROR always with it */
};
enum rp_flow {
    RP_MORE,  /* another chunk can be asked for */
    RP_END,   /* the reply is complete */
    RP_ERROR, /* the reply is broken; what the client has of it is not complete */
};
enum rp_finish { RP_FINISH_STOP, RP_FINISH_LENGTH, RP_FINISH_TOOLS, RP_FINISH_FILTER };

struct rp_tool_call {
    struct rp_str id, name, arguments; /* arguments: JSON text, whole */
    bool own;                          /* the bot runs it itself: taps see it, the transport does not */
};
struct rp_usage {
    int64_t input_tokens, output_tokens;
    int64_t cached_tokens; /* those of the input that the provider had read before, which may be cheaper */
};
struct rp_fault {
    int code;            /* RP_E…, positive */
    const char *message; /* for the client; NULL takes the code's own sentence */
    int retry_after;     /* seconds; 0: not known */
};
struct rp_chunk { /* borrowed for the call, with all it points to */
    enum rp_chunk_type type;
    enum rp_finish finish; /* with RP_END */
    union {
        struct rp_str text;
        struct rp_tool_call tool;
        struct rp_usage usage;
        struct rp_fault fault;
    };
};

RP_EXPORT const char *rp_finish_name(enum rp_finish finish); /* "stop", "length", "tool_calls", "content_filter" */

/* ---- sinks: where chunks arrive ----------------------------------------------------------------------------------- */

struct rp_sink_ops {
    /* A chunk; copy what is kept. Ask for the next one with rp_turn_more, or rp_source_more, when it can be taken. A
     * transport's sink must also take an RP_ERROR that it has not asked for: the deadline waits for nobody. */
    void (*write)(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow);
    /* Only for a transport's sink: the turn has ended and must not be touched again. NULL where not wanted. */
    void (*done)(struct rp_sink *sink);
};
struct rp_sink {
    const struct rp_sink_ops *ops;
};

/* ---- sources: what produces a reply -------------------------------------------------------------------------------- */

struct rp_source_ops {
    /* Owes exactly one rp_source_write, now or later. Not called again before that, nor after RP_END or RP_ERROR. */
    void (*more)(struct rp_source *source);
    /* Ends everything the source has under way. Memory in the turn's arena needs no care. */
    void (*close)(struct rp_source *source);
};
struct rp_source {
    const struct rp_source_ops *ops;
    struct rp_turn *turn;
    struct rp_sink *sink; /* the core's and rp_source_open's */
    struct rp_task task;
    unsigned state;
    struct model_watch *watch; /* the core's: of a model's reply */
};

/* For makers: fills the fields; the struct lives in the turn's arena or outlives the turn. */
RP_EXPORT void rp_source_init(struct rp_source *source, const struct rp_source_ops *ops, struct rp_turn *turn);
/* Pays for one more(). 0, or -RP_ESTATE when none is owed (then nothing was written). */
RP_EXPORT int rp_source_write(struct rp_source *source, const struct rp_chunk *chunk, enum rp_flow flow);

/* For those who use a source themselves, as a route over other models does: set the sink, ask, and close once. The
 * core does all of this for a source given to rp_turn_reply. */
RP_EXPORT void rp_source_open(struct rp_source *source, struct rp_sink *sink);
RP_EXPORT void rp_source_more(struct rp_source *source);
RP_EXPORT void rp_source_close(struct rp_source *source); /* calls ops->close once; takes NULL */

/* Ready-made sources in the turn's arena. */
RP_EXPORT struct rp_source *rp_source_text(struct rp_turn *turn, struct rp_str text); /* copies; one chunk, then END */
RP_EXPORT struct rp_source *rp_source_ending(struct rp_turn *turn, struct rp_str text, enum rp_finish finish);
RP_EXPORT struct rp_source *rp_source_fault(struct rp_turn *turn, const struct rp_fault *fault);

/* ---- taps: what a stage hangs into the reply ------------------------------------------------------------------------ */

struct rp_tap_ops {
    /* A chunk from further in. Owes exactly one, now or later: rp_tap_next (forward this, or something else, or part
     * of it), or rp_tap_more (nothing to forward yet). With RP_END or RP_ERROR only rp_tap_next is possible. */
    void (*write)(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow);
    /* Asked for more from further out. Owes the same two; NULL stands for rp_tap_more. A tap that forwarded only part
     * of a chunk hands out the rest here. */
    void (*more)(struct rp_tap *tap, struct rp_turn *turn);
    void (*close)(struct rp_tap *tap, struct rp_turn *turn); /* may be NULL */
    /* A tap of the same stage, further out, has restarted the reply: another one comes through this tap, which forgets
     * what it has done so far. NULL: it is closed instead, as the taps of the stages behind are. */
    void (*again)(struct rp_tap *tap, struct rp_turn *turn);
};
struct rp_tap {
    const struct rp_tap_ops *ops;
    struct rp_turn *turn; /* the core's, from here on */
    struct rp_tap *outer, *inner;
    unsigned stage;
    unsigned state;
};
/* While the turn passes this stage (in on_turn, or while it keeps it). The tap lives in the turn's arena. */
RP_EXPORT void rp_tap_push(struct rp_turn *turn, struct rp_tap *tap, const struct rp_tap_ops *ops);
RP_EXPORT int rp_tap_next(struct rp_tap *tap, const struct rp_chunk *chunk, enum rp_flow flow);
RP_EXPORT int rp_tap_more(struct rp_tap *tap);
/* Instead of rp_tap_next or rp_tap_more: throws away what lies further in and runs the stages behind this tap's
 * stage again. -RP_ESTATE when text has already passed this tap. Taps of this stage further in may stay: see again(). */
RP_EXPORT int rp_tap_restart(struct rp_tap *tap);

/* ---- what a model is asked ------------------------------------------------------------------------------------------ */

struct rp_model;
struct rp_schema;
struct rp_tool_runner;

enum rp_role { RP_ROLE_SYSTEM, RP_ROLE_USER, RP_ROLE_ASSISTANT, RP_ROLE_TOOL };
struct rp_message {
    enum rp_role role;
    struct rp_str text;               /* may be empty where an assistant only calls tools */
    const struct rp_tool_call *calls; /* of an assistant: the tools it calls; of RP_ROLE_TOOL: the one call whose result */
    size_t call_count;                /*     the text is. Results follow the calls at once, all of them, in their order */
    const struct rp_str *images;      /* of a user: "https://…", "data:image/png;base64,…" */
    size_t image_count;
};
/* How the next model call shall look, as rules and stages want it; unset fields leave the model's own setting. */
struct rp_prompt {
    struct rp_str system;               /* empty: unset */
    const struct rp_message *examples;  /* put between system and history */
    size_t example_count;
    double temperature, top_p;          /* NAN: unset */
    int64_t max_tokens;                 /* 0: unset */
    const char *const *stop;            /* NULL-terminated; NULL: unset */
    const char *by;                     /* "generate:support"; NULL: the model's name counts */
    const json_t *tools;                /* [{"name", "description", "parameters": JSON Schema}]; NULL: none */
    const struct rp_tool_runner *runner; /* runs them (talk.h); NULL: calls go to the client */
    const json_t *schema;               /* JSON Schema that the reply must fit; NULL: none */
    const struct rp_schema *fits;       /* the same, compiled: the reply is held and checked against it; NULL: it is not */
    int corrections;                    /* how often a reply that does not fit is asked for again */
    const char *grammar;                /* GBNF, for models that take one; NULL: none */
    struct rp_str note;                 /* said by the system behind the user's message, by whoever asks the model: models
                                           find it among the messages; empty: none */
    struct rp_model *model;             /* to be asked instead of the stage's own; NULL: that one */
};
RP_EXPORT struct rp_prompt *rp_turn_prompt(struct rp_turn *turn); /* made at the first call, all unset */

/* ---- the turn --------------------------------------------------------------------------------------------------------- */

/* Read freely; change only through the calls below. All text lives in the arena. */
struct rp_turn {
    struct rp_worker *worker;
    struct rp_arena *arena;  /* ends with the turn */
    const char *id;          /* the request id */
    struct rp_str message;   /* valid UTF-8; a stage may replace it with rp_turn_set_message */
    struct rp_str original;  /* as the user wrote it */
    struct rp_str user;      /* empty: unknown */
    struct rp_str session;   /* never empty */
    struct rp_str address;   /* of the client, without port: "192.0.2.7", "local" */
    const json_t *metadata;  /* what the client sent along: an object, or NULL */
    const char *by;          /* who made the reply: "rule:hours", "model:main"; NULL as long as nobody did */
    const char *event;       /* NULL: a message. Else the name of an event of the session, with `metadata` as its data
                                and an empty message: only stages with on_event see it */
    bool stream;             /* the client wants chunks as they come */
    bool patient;            /* hours do not matter: models may collect such turns and ask their provider in bulk */
    int64_t started_ns;      /* rp_now_ns() at the start */
    int64_t deadline_ms;     /* rp_worker_now_ms() at which it ends by itself */
    size_t reply_max;        /* bytes that a reply may have; one that is longer fails with RP_EREPLYSIZE */
};

enum rp_outcome { RP_PASS, RP_KEEP };

RP_EXPORT int rp_turn_resume(struct rp_turn *turn);                           /* go on with the next stage */
RP_EXPORT int rp_turn_reply(struct rp_turn *turn, struct rp_source *source);  /* the core closes the source, also on
                                                                                 -RP_ESTATE */
RP_EXPORT int rp_turn_fail(struct rp_turn *turn, const struct rp_fault *fault); /* copied; taps see it as RP_ERROR */
RP_EXPORT void rp_turn_set_message(struct rp_turn *turn, struct rp_str text); /* copied; valid UTF-8 */
RP_EXPORT void rp_turn_set_by(struct rp_turn *turn, const char *format, ...) RP_PRINTF(2, 3);

/* ---- the session ------------------------------------------------------------------------------------------------------ */

/* The turn has its session to itself from on_turn to the end. What a turn puts in is kept when the turn ends well.
 * The core itself adds message and reply to the history. */
/* What user and bot have said, oldest first, at most the last `max`; in the turn's arena. */
RP_EXPORT size_t rp_session_history(struct rp_turn *turn, size_t max, const struct rp_message **out_messages);
/* All that is kept of the conversation: the same with the tools that the bot's models have called and their results, in
 * front of the reply that they were for. A result follows its call. Long results are shortened, personal data is masked
 * as the pipeline masks it, and the ids are the session's own. */
RP_EXPORT size_t rp_session_messages(struct rp_turn *turn, const struct rp_message **out_messages);
/* What somebody has written down of how the conversation began, so that it need not be sent to a model in full. Returns
 * how many messages of rp_session_history, from the very first on, it stands for; an empty text: there is none. Those who
 * write it replace it as a whole. It comes from what users say, so nobody should take orders from it. */
RP_EXPORT size_t rp_session_summary(struct rp_turn *turn, struct rp_str *out_text);
RP_EXPORT void rp_session_set_summary(struct rp_turn *turn, struct rp_str text, size_t messages); /* copied, masked */
RP_EXPORT bool rp_session_is_kept(const struct rp_turn *turn); /* false: a branch, whatever it puts in is dropped */
RP_EXPORT const json_t *rp_session_get(struct rp_turn *turn, const char *name); /* borrowed; NULL: not set */
/* Takes its own reference. NULL or JSON null removes. -RP_ETOOLARGE when the session would outgrow its limit. */
RP_EXPORT int rp_session_set(struct rp_turn *turn, const char *name, json_t *value);

RP_EXPORT const json_t *rp_session_vars(struct rp_turn *turn); /* all of them: an object, borrowed until the next set */

/* Writes the session to the store in the middle of a turn, without the exchange under way: for what must be on disk
 * before an effect goes out. done() follows once on this worker, never inside the call, unless the turn ends first; a
 * second save must wait for it. Lives in the turn's arena. */
struct rp_session_save {
    void (*done)(struct rp_session_save *save, int code); /* 0, or what the store says */
};
RP_EXPORT void rp_session_save(struct rp_turn *turn, struct rp_session_save *save);

/* Asks for the event "timeout" in this session at `at_ms` of rp_wall_ms(), in line with its messages; 0: no more. One
 * for each session; kept with it, so it comes after a restart too, late then. It is the turn's to keep: a turn that
 * fails changes nothing. The event's reply waits and is put in front of the session's next one. */
RP_EXPORT void rp_session_wake(struct rp_turn *turn, int64_t at_ms);

/* While shielded, a turn outlives its client and its deadline (not the drain's): for effects that must not be cut off
 * in the middle. What is written to a client that has left is dropped. Not counted: one unshield ends it. */
RP_EXPORT void rp_turn_shield(struct rp_turn *turn);
RP_EXPORT void rp_turn_unshield(struct rp_turn *turn);

/* ---- branches: the stages behind, for more than this turn ---------------------------------------------------------------- */

/* A turn that runs the stages behind the one that `turn` is at: for a stage that lets several turns share a reply, or
 * gets one for later. It has copies of message, prompt and session as they are now, and outlives `turn`. It does nothing
 * until the first rp_turn_more; then it goes like any turn, with `sink` in the transport's place and a deadline of its
 * own; rp_turn_cancel ends it. What it puts into the session is dropped, its usage (rp_turn_usage) is counted nowhere
 * else, and the log does not hear of it. NULL: the prompt has a runner or `fits`, which belong to their turn. */
RP_EXPORT struct rp_turn *rp_turn_branch(struct rp_turn *turn, struct rp_sink *sink);

/* ---- what is told of a turn -------------------------------------------------------------------------------------------- */

struct rp_element;

/* Something outside should know: goes to the log and to where the bot file's `events { }` sends it, when the turn has
 * ended well. `data` may be NULL; the call takes its own reference. */
RP_EXPORT void rp_turn_event(struct rp_turn *turn, const char *name, json_t *data);

/* The record of a turn that is to be explained: stages note what they decided and why. Ask rp_turn_explained before
 * building anything expensive; a note for another turn is dropped. `detail` is taken over, NULL for none. */
RP_EXPORT bool rp_turn_explained(const struct rp_turn *turn);
RP_EXPORT void rp_turn_note(struct rp_turn *turn, const struct rp_element *by, const char *what, json_t *detail);

#ifdef __cplusplus
}
#endif
#endif
