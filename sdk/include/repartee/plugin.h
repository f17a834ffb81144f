/* What a plugin declares: one descriptor with lists of types, each with its option table.
 *
 *     RP_PLUGIN(.name = "redact", .version = "1.0.0", .summary = "Masks personal data",
 *               .stages = RP_LIST(&redact_stage));
 *
 * A configured thing is an element of a type: `models { main = openai { … } }` makes the element "main" of the type
 * "openai". Its life:
 *
 *     check(options)   bot file loaded; nothing is opened yet                                   main thread
 *     open(element)    once; options are filled, references point to elements that are open     main thread
 *     attach(worker)   once for each worker: what the worker needs of its own                   that worker
 *     start(worker)    transports and listeners only: begin to take in work                     that worker
 *     drain(worker)    transports and listeners only: take in nothing new, finish what there is that worker
 *     detach(worker)   the counterpart of attach                                                that worker
 *     close(element)   the counterpart of open; only after an open that returned 0              main thread
 *
 * A reload makes all elements anew, a new generation, while the one before it serves: check, open, attach on each worker,
 * then the switch, on each worker by itself: adopt or start for the new ones, drain for the old ones that nobody has
 * adopted. The old generation is detached from a worker as soon as nothing there holds it any more (its turns, what
 * rp_element_hold was called for), and closed when all workers are done. Where the bot cannot be loaded, opened or attached
 * the new elements are detached and closed again, and nothing has changed: before adopt nothing that `before` uses may
 * be altered. drain comes a second time when the process ends while an old generation is still there.
 *
 * Every hook may be NULL. `repartee check` opens and attaches everything, and starts nothing: mistakes in files that
 * an element reads must show in open or attach. */
#ifndef REPARTEE_PLUGIN_H
#define REPARTEE_PLUGIN_H

#include <limits.h>
#include <repartee/base.h>
#include <repartee/option.h>
#include <repartee/turn.h>
#include <repartee/worker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RP_ABI_MAGIC 0x52505445u /* "RPTE" */
#define RP_ABI_MAJOR 4 /* loads only where equal */
#define RP_ABI_MINOR 0 /* loads where not newer than the host's */

struct rp_element;
struct rp_pipeline;

/* The part that all types share; the first member of each. */
struct rp_type {
    const char *name;    /* as in the bot file: an identifier */
    const char *summary; /* one line, for `repartee plugins` */
    size_t options_size; /* sizeof the options struct; 0: no options */
    const struct rp_option *options;
    int (*check)(const void *options, struct rp_error *error); /* fills only `text`: the core adds file and line */
    int (*open)(struct rp_element *element, struct rp_error *error);
    int (*attach)(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
    void (*detach)(struct rp_element *element, struct rp_worker *worker, void *local);
    void (*close)(struct rp_element *element);
    /* A reload, at the switch: on each worker, all of the new generation being attached, the element takes over what
     * `before` has open there (sockets, connections), so that `before` keeps only the turns it has begun. Called instead
     * of start() where there is a `before`, which then is not drained. NULL: there is nothing to take over. */
    void (*adopt)(struct rp_element *element, struct rp_worker *worker);
    /* Between turns its elements keep nothing of them, so that a conversation test need not make them anew: for what is
     * dear to open. */
    bool remembers_nothing;
};

/* The first member of every element. */
struct rp_element {
    const struct rp_type *type;
    const char *name;    /* the name in its section, or the type's where it has none */
    const char *file;    /* where the bot file makes it */
    int line;
    const char *language; /* the bot's: `bot { language = … }` */
    const void *options; /* the plugin's options struct, filled by the core */
    void *state;         /* the plugin's own: set in open, free in close */
    void **local;        /* by worker index; use rp_local */
    struct rp_element *before; /* from open to the switch: what this one replaces in a reload, an element of the same
                                  name and the very same type, from the same build of the plugin; NULL: none. Its state
                                  may be shared, with a count of its users: both are opened and closed on one thread */
    struct bot *bot;     /* the core's */
};
struct rp_stage { struct rp_element element; };
struct rp_model {
    struct rp_element element;
    struct model_meter *meter; /* the core's */
    const struct model_terms *terms; /* the core's */
};
struct rp_store { struct rp_element element; };
struct rp_listener { struct rp_element element; };
struct rp_transport {
    struct rp_element element;
    struct rp_pipeline *pipeline; /* the one its turns take */
};

/* Reports a mistake, or a warning, besides the error that the hook returns: from open and attach only. A hook that has
 * reported all its mistakes returns -RP_ECONFIG with an empty error. */
RP_EXPORT void rp_element_report(const struct rp_element *element, bool warning, const char *file, int line,
                                 const char *format, ...) RP_PRINTF(5, 6);
/* Tells something that is no mistake, but worth knowing: `repartee check` shows it, nobody else. The same hooks. */
RP_EXPORT void rp_element_note(const struct rp_element *element, const char *file, int line, const char *format, ...)
    RP_PRINTF(4, 5);
/* The model of that name in the element's bot, with an empty name the one called "main", or the only one; NULL: none.
 * From open on, any thread. */
RP_EXPORT struct rp_model *rp_element_model(const struct rp_element *element, struct rp_str name);

/* What replies come from besides the bot file: an element tells the files that it has read, in open(). */
RP_EXPORT void rp_element_shape(const struct rp_element *element, struct rp_str bytes);
/* From attach on, any thread: a number that is the same as long as nothing has changed that may show in what the bot says
 * at this element's place: bot file, rule files, repartee's version. Equal on all machines that run the same bot, so that
 * a shared store can be asked with it. */
#define RP_FINGERPRINT_SIZE 32
RP_EXPORT void rp_element_fingerprint(const struct rp_element *element,
                                      unsigned char out_fingerprint[RP_FINGERPRINT_SIZE]);

/* Keeps the element's generation on this worker, although a reload has replaced it: for what is under way there besides
 * turns, which hold theirs by themselves. Each hold needs one release; both on the worker. */
RP_EXPORT void rp_element_hold(const struct rp_element *element, struct rp_worker *worker);
RP_EXPORT void rp_element_release(const struct rp_element *element, struct rp_worker *worker);

/* The folder of that name among the files that ship with repartee: "lua", "template". $REPARTEE_DATA names another
 * place to look first. False: it is not there. Any thread. */
RP_EXPORT bool rp_data_folder(const char *name, char out_path[PATH_MAX]);

/* What attach left for this worker. */
static inline void *rp_local(const struct rp_element *element, const struct rp_worker *worker) {
    return element->local[rp_worker_index(worker)];
}

/* ---- stages ------------------------------------------------------------------------------------------------------- */

struct rp_stage_type {
    struct rp_type type;
    enum rp_outcome (*on_turn)(struct rp_stage *stage, struct rp_turn *turn);
    /* An event of the session instead of a message (turn->event): the same debts. Stages without it are passed by; an
     * event that no stage answers ends with an empty reply. */
    enum rp_outcome (*on_event)(struct rp_stage *stage, struct rp_turn *turn);
    /* The turn ends while this stage keeps it: drop what is under way, pay nothing. Needed by a stage that keeps. */
    void (*cancel)(struct rp_stage *stage, struct rp_turn *turn);
    /* For stages that mask personal data: the same masking for text that goes to the log although the turn never
     * reached the stage. The result lives in the turn's arena. */
    struct rp_str (*mask)(struct rp_stage *stage, struct rp_turn *turn, struct rp_str text);
    /* For the coverage of conversation tests: what the stage has that a turn can reach, and how often turns have reached
     * it on this worker since this was called first, before any turn: a new reference to
     *     [{"kind": "rule", "name": "hours", "file": "rules/shop.lua", "line": 3, "reached": 2,
     *       "lines": [[5, 2], [7, 0]]}]
     * "lines": those of its functions that can run, each with how often it did. The kind "function" stands for code that
     * has no name of its own; only its lines count. NULL: there is nothing to reach. */
    json_t *(*inventory)(struct rp_stage *stage, struct rp_worker *worker);
};
/* Memory of a stage for one turn: NULL at first. */
RP_EXPORT void **rp_turn_slot(struct rp_turn *turn, const struct rp_stage *stage);

/* ---- models ------------------------------------------------------------------------------------------------------- */

/* What who asks a model wants otherwise than it is set up. */
struct rp_call_limits {
    /* Until a connection stands, until the first token, between two of them, where that is shorter than the model's own
     * limits; 0: those. The last two are the asker's own business where the model does not say RP_TAKES_LIMITS. */
    int64_t connect_ms, first_ms, stall_ms;
    bool once; /* one attempt: more are the asker's own business, so that they do not multiply */
};
struct rp_call { /* lives in the turn's arena */
    const struct rp_message *messages; /* system first where there is one; a system's note may also be the last, which
                                          otherwise is the user's or a tool's result */
    size_t message_count;
    const struct rp_prompt *prompt;    /* never NULL */
    bool stream;                       /* chunks are wanted as they come */
    const struct rp_call_limits *limits; /* NULL: none */
    struct rp_str prefix;              /* the reply has begun so, with another model that broke off; the source gives only
                                          what comes behind it. Empty: it has not; ends in no white space */
    const struct rp_element *by;       /* who asks, for the explanation; NULL: the model itself */
    const char *too_large;             /* it must not be asked, as the model has no room for it: a sentence; NULL: it has */
};
enum rp_model_takes {
    RP_TAKES_TOOLS = 1 << 0,
    RP_TAKES_SCHEMA = 1 << 1,
    RP_TAKES_GRAMMAR = 1 << 2,
    RP_TAKES_IMAGES = 1 << 3,
    RP_TAKES_PREFIX = 1 << 4, /* goes on from the beginning of a reply */
    RP_TAKES_LIMITS = 1 << 5, /* keeps rp_call.limits itself: it sees tokens that nobody else does, of thinking for example */
};
/* A look at whether a model can be asked; the asker's memory. */
struct rp_probe {
    void (*done)(struct rp_probe *probe, int code); /* 0, or why not: RP_E…; once, never inside the call */
    void *state;                                    /* the model's */
};
struct rp_model_type {
    struct rp_type type;
    /* A source that gives the model's reply. Never fails by itself: what goes wrong is a fault in the source. Work
     * starts at once or at the first more(). */
    struct rp_source *(*ask)(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);
    /* What it can do with a prompt's tools, schema and grammar, and with images: RP_TAKES_…; NULL: nothing. ask() sees
     * only what it takes: a schema is told in words instead, all else is refused with RP_EUNSUPPORTED. Any thread, from
     * open on; the answer does not change. */
    unsigned (*takes)(const struct rp_model *model);
    /* Looks whether it could reply now, without asking anything that costs; on any worker. NULL: there is no way to tell. */
    void (*probe)(struct rp_model *model, struct rp_worker *worker, struct rp_probe *probe);
    void (*probe_cancel)(struct rp_model *model, struct rp_probe *probe); /* instead of done(); with `probe`, or NULL */
    bool forwards; /* gives other models' replies, which are counted in the metrics as theirs */
    /* How many tokens a text has, and how many the prompt and the reply may have together (0: not known); from open on,
     * any thread. NULL: there is no tokenizer at hand, nobody knows. */
    int64_t (*tokens)(const struct rp_model *model, struct rp_str text);
    int64_t (*context)(const struct rp_model *model);
    /* How many tokens a reply may have where the prompt does not say; 0: not known. NULL: what its option max_tokens says. */
    int64_t (*reply)(const struct rp_model *model);
};
RP_EXPORT unsigned rp_model_takes(const struct rp_model *model);
/* The tokens of a text: counted where the model can, else estimated, rather too many than too few; NULL: estimated. Any
 * thread. */
RP_EXPORT int64_t rp_model_tokens(const struct rp_model *model, struct rp_str text);
RP_EXPORT int64_t rp_model_context(const struct rp_model *model); /* tokens; 0: not known */
RP_EXPORT int64_t rp_model_reply(const struct rp_model *model);   /* tokens; 0: not known */
/* Asks once. The call is counted and timed. Open, use and close the source; rp_model_talk (talk.h) also runs tools and
 * checks schemas. */
RP_EXPORT struct rp_source *rp_model_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);

/* ---- stores ------------------------------------------------------------------------------------------------------- */

/* Keyed, expiring bytes. Calls come from every worker. `done` is called exactly once on the calling worker, perhaps
 * before the call returns: code 0; -RP_ENOTFOUND from get; another code when the store failed. `value` is borrowed. */
struct rp_store_op {
    void (*done)(struct rp_store_op *op, int code, struct rp_str value);
};
struct rp_store_type {
    struct rp_type type;
    void (*get)(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
    /* Copies key and value. ttl_ms 0: no expiry. */
    void (*put)(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                int64_t ttl_ms, struct rp_store_op *op);
    void (*del)(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
    /* Every key that begins with `prefix`, in any order: done(op, 0, key) for each (return quickly), then done with code
     * -RP_ENOTFOUND and an empty value at the end, or with another code when the store failed. Never inside the call. NULL
     * for a store that does not outlive the process. */
    void (*list)(struct rp_store *store, struct rp_worker *worker, struct rp_str prefix, struct rp_store_op *op);
    /* Adds to a whole number that is kept as decimal text, in one step whoever else adds at the same time: done(op, 0, the
     * sum as text). A key that is not there counts as 0 and lives for ttl_ms (0: no expiry); one that is there keeps the
     * life it has. -RP_EINVALID, and nothing has changed: what is there is no such number, or the sum would not fit into
     * an int64_t. Any other code: the store failed, and nobody knows whether the number was added. NULL for a store that
     * cannot count: budgets cannot use it. */
    void (*add)(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
                struct rp_store_op *op);
};

/* ---- listeners and transports --------------------------------------------------------------------------------------- */

struct rp_http_ops; /* http_server.h */

struct rp_listener_type {
    struct rp_type type;
    const struct rp_http_ops *http; /* NULL: not an HTTP server */
    /* Before the workers start, on the main thread: bind the sockets, so that a port in use is a clear error. */
    int (*bind)(struct rp_listener *listener, unsigned workers, struct rp_error *error);
    void (*start)(struct rp_listener *listener, struct rp_worker *worker);
    void (*drain)(struct rp_listener *listener, struct rp_worker *worker);
};
struct rp_transport_type {
    struct rp_type type;
    void (*start)(struct rp_transport *transport, struct rp_worker *worker);
    void (*drain)(struct rp_transport *transport, struct rp_worker *worker);
};

/* What a transport hands over for a turn. All text is copied. */
struct rp_turn_start {
    const char *id;         /* the request id; NULL: the core makes one */
    struct rp_str message;  /* checked by the core: valid UTF-8, not blank, within the limit */
    struct rp_str session;  /* empty: starts a new one. At most 128 bytes, no control characters */
    struct rp_str user;     /* empty: unknown; the same bounds */
    struct rp_str address;
    json_t *metadata;       /* the core takes its own reference; NULL or an object */
    bool stream;
    bool patient;
    int64_t time_ms;        /* until its deadline; 0: what the bot's limits say */
    bool explain;           /* collect the record; rp_turn_json then has it as "explain" */
    const char *event;      /* an event instead of a message, which must be empty then; needs a session */
};
/* Starts a turn and asks for its first chunk; `sink` gets the chunks, and done() in the end. 0, or the reason why there
 * is no turn (then the sink is never called): -RP_EINVALID, -RP_EUTF8, -RP_ETOOLARGE, -RP_EBUSY, -RP_EDRAINING. Nothing
 * is written to the sink before this returns. */
RP_EXPORT int rp_turn_start(struct rp_transport *transport, struct rp_worker *worker,
                            const struct rp_turn_start *start, struct rp_sink *sink, struct rp_turn **out_turn);
/* What a client is told of such a reason; takes a code of either sign. */
RP_EXPORT struct rp_fault rp_turn_start_fault(int code);
RP_EXPORT void rp_turn_more(struct rp_turn *turn);   /* the sink can take the next chunk */
RP_EXPORT void rp_turn_cancel(struct rp_turn *turn); /* the client has left; done() follows, nothing else */
/* From the sink's write with RP_END on: the whole reply as text, and what it cost. */
RP_EXPORT struct rp_str rp_turn_reply_text(const struct rp_turn *turn);
RP_EXPORT struct rp_usage rp_turn_usage(const struct rp_turn *turn);
RP_EXPORT const json_t *rp_turn_record(struct rp_turn *turn); /* borrowed; NULL: it is not explained */
/* Appends `{"id", "session", "reply", "by", "finish", "usage", "ms"}`, what HTTP and WebSocket clients get at the end. */
RP_EXPORT int rp_turn_json(const struct rp_turn *turn, enum rp_finish finish, struct rp_buf *out);

/* ---- the descriptor --------------------------------------------------------------------------------------------------- */

#define RP_LIST_SIZE 16 /* entries of one list, its NULL included */

struct rp_plugin {
    uint32_t magic;
    uint32_t size; /* sizeof(struct rp_plugin) when the plugin was built */
    uint16_t abi_major, abi_minor;
    const char *name, *version, *summary;
    const struct rp_transport_type *transports[RP_LIST_SIZE]; /* NULL-terminated */
    const struct rp_listener_type *listeners[RP_LIST_SIZE];
    const struct rp_stage_type *stages[RP_LIST_SIZE];
    const struct rp_model_type *models[RP_LIST_SIZE];
    const struct rp_store_type *stores[RP_LIST_SIZE];
    const void *functions[RP_LIST_SIZE]; /* reserved: C functions offered to Lua */
};

#define RP_PLUGIN_SYMBOL "rp_plugin"
#define RP_LIST(...) {__VA_ARGS__, NULL}
#define RP_PLUGIN(...)                                                                                                 \
    RP_EXPORT const struct rp_plugin *rp_plugin(void);                                                                 \
    const struct rp_plugin *rp_plugin(void) {                                                                          \
        static const struct rp_plugin plugin = {.magic = RP_ABI_MAGIC,                                                 \
                                                .size = sizeof(struct rp_plugin),                                      \
                                                .abi_major = RP_ABI_MAJOR,                                             \
                                                .abi_minor = RP_ABI_MINOR,                                             \
                                                __VA_ARGS__};                                                          \
        return &plugin;                                                                                                \
    }                                                                                                                  \
    struct rp_plugin /* takes the semicolon */

#ifdef __cplusplus
}
#endif
#endif
