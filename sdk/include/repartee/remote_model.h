/* Models behind HTTP, for plugins that speak the protocol of a provider. What all of them share is done here: the options
 * that each takes, the request with its time limits and further attempts, keys that take turns, the stream cut into JSON
 * texts, text that waits for a slow reader, errors in one set of codes. A plugin brings options of its own and a
 * `struct rp_protocol`: how a request is written, and how one JSON text of the answer is read.
 *
 *     struct mine { struct rp_remote_options remote; bool extra; };
 *     static const struct rp_option options[] = {RP_REMOTE_OPTIONS("https://api.example.com/v1"), {.name = "extra", …}, {0}};
 *     static const struct rp_protocol protocol = {.name = "mine", …};
 *     static int open_model(struct rp_element *element, struct rp_error *error) {
 *         return rp_remote_open(element, &protocol, error);
 *     }
 *     static const struct rp_model_type mine = {
 *         .type = {.name = "mine", .options_size = sizeof(struct mine), .options = options, .check = rp_remote_check,
 *                  .open = open_model, .attach = rp_remote_attach, .detach = rp_remote_detach, .close = rp_remote_close},
 *         .ask = rp_remote_ask, .probe = rp_remote_probe, .probe_cancel = rp_remote_probe_cancel,
 *         .context = rp_remote_context,
 *     };
 *
 * The functions of a protocol are called on the turn's worker and keep nothing. */
#ifndef REPARTEE_REMOTE_MODEL_H
#define REPARTEE_REMOTE_MODEL_H

#include <repartee/json_scan.h>
#include <repartee/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ------------------------------------------------------------------------------------------------------ */

struct rp_remote_options { /* the first member of the plugin's options */
    const char *base_url, *model, *system, *proxy, *ca_file;
    struct rp_option_list api_key;
    json_t *headers;
    double temperature, top_p; /* negative: unset */
    int64_t max_tokens;        /* 0: unset */
    int64_t context;           /* tokens; 0: not known */
    bool stream;
    int64_t timeout_connect, timeout_first, timeout_stall, timeout;
    int64_t retries, retry_base, retry_max;
    int64_t buffer;
    int64_t warm;
    bool bulk;                 /* only with RP_BULK_OPTIONS, as what follows */
    int64_t bulk_wait, bulk_count, bulk_size, bulk_poll, bulk_poll_max;
};

#define RP_REMOTE_KEYS_MAX 32
#define RP_REMOTE_ROW(field, kind) .name = #field, .type = kind, .offset = offsetof(struct rp_remote_options, field)

#define RP_REMOTE_OPTIONS(url)                                                                                         \
    {RP_REMOTE_ROW(base_url, RP_OPTION_STRING), .text = url, .help = "where the API is"},                              \
    {RP_REMOTE_ROW(api_key, RP_OPTION_SECRETS), .max = RP_REMOTE_KEYS_MAX,                                             \
     .help = "the key, or several: one that is refused or limited gives way to the next"},                             \
    {RP_REMOTE_ROW(model, RP_OPTION_STRING), .flags = RP_OPTION_REQUIRED,                                              \
     .help = "the model's name as the server knows it"},                                                               \
    {RP_REMOTE_ROW(headers, RP_OPTION_MAP), .help = "more header fields of the request"},                              \
    {RP_REMOTE_ROW(system, RP_OPTION_STRING), .help = "the system text where no rule gives one"},                      \
    {RP_REMOTE_ROW(temperature, RP_OPTION_NUMBER), .text = "-1", .min = -1, .max = 2,                                  \
     .help = "0 to 2; -1 leaves it to the server"},                                                                    \
    {RP_REMOTE_ROW(top_p, RP_OPTION_NUMBER), .text = "-1", .min = -1, .max = 1,                                        \
     .help = "0 to 1; -1 leaves it to the server"},                                                                    \
    {RP_REMOTE_ROW(max_tokens, RP_OPTION_INT), .text = "0", .min = 0, .max = 1e7,                                      \
     .help = "tokens of a reply; 0 leaves it to the server"},                                                          \
    {RP_REMOTE_ROW(context, RP_OPTION_INT), .text = "0", .min = 0, .max = 1e8,                                         \
     .help = "tokens that the model has in view, reply included, so that the history is made to fit; ollama is told "   \
             "them as num_ctx; 0: not known"},                                                                         \
    {RP_REMOTE_ROW(stream, RP_OPTION_BOOL), .text = "true",                                                            \
     .help = "ask for a stream when the client streams; false: the whole reply comes at once"},                        \
    {RP_REMOTE_ROW(timeout_connect, RP_OPTION_DURATION), .text = "10s", .min = 1, .max = 6e5,                          \
     .help = "until the connection stands"},                                                                           \
    {RP_REMOTE_ROW(timeout_first, RP_OPTION_DURATION), .text = "30s", .min = 1, .max = 36e5,                           \
     .help = "from the request to the first token, of a reply that is not streamed to its first byte"},                \
    {RP_REMOTE_ROW(timeout_stall, RP_OPTION_DURATION), .text = "30s", .min = 1, .max = 36e5,                           \
     .help = "between two bytes of the response, and between two tokens of a stream"},                                                                     \
    {RP_REMOTE_ROW(timeout, RP_OPTION_DURATION), .text = "120s", .min = 1, .max = 36e5,                                \
     .help = "for the whole reply, all attempts together"},                                                            \
    {RP_REMOTE_ROW(retries, RP_OPTION_INT), .text = "2", .min = 0, .max = 10,                                          \
     .help = "more attempts after a failure, as long as no text has come"},                                            \
    {RP_REMOTE_ROW(retry_base, RP_OPTION_DURATION), .text = "500ms", .min = 1, .max = 6e4,                             \
     .help = "the wait before the second attempt; it doubles with each"},                                              \
    {RP_REMOTE_ROW(retry_max, RP_OPTION_DURATION), .text = "8s", .min = 1, .max = 6e5, .help = "the longest such wait"}, \
    {RP_REMOTE_ROW(buffer, RP_OPTION_SIZE), .text = "64KiB", .min = 1024, .max = 1 << 24,                              \
     .help = "text that may wait for a slow client before the transfer is paused"},                                    \
    {RP_REMOTE_ROW(warm, RP_OPTION_INT), .text = "0", .min = 0, .max = 64,                                             \
     .help = "connections that each worker makes at the start and keeps, so that no turn waits for a handshake"},      \
    {RP_REMOTE_ROW(proxy, RP_OPTION_STRING), .help = "an HTTP proxy; else the environment's"},                         \
    {RP_REMOTE_ROW(ca_file, RP_OPTION_FILE), .help = "certificates to trust; else the system's"}

/* Besides those, for a protocol with a batch endpoint: the most requests and bytes (a text) that it takes in one batch. */
#define RP_BULK_OPTIONS(most, bytes)                                                                                   \
    {RP_REMOTE_ROW(bulk, RP_OPTION_BOOL), .text = "true",                                                              \
     .help = "turns that can wait for hours go to the batch endpoint, where the server has one"},                      \
    {RP_REMOTE_ROW(bulk_wait, RP_OPTION_DURATION), .text = "2s", .min = 1, .max = 36e5,                                \
     .help = "a batch is handed in when nothing more has come for so long"},                                           \
    {RP_REMOTE_ROW(bulk_count, RP_OPTION_INT), .text = #most, .min = 1, .max = most, .help = "requests in one batch"}, \
    {RP_REMOTE_ROW(bulk_size, RP_OPTION_SIZE), .text = bytes, .min = 16 << 20, .max = 1e9, .help = "bytes of one batch"}, \
    {RP_REMOTE_ROW(bulk_poll, RP_OPTION_DURATION), .text = "10s", .min = 1, .max = 36e5,                               \
     .help = "from handing a batch in to the first look at how it stands; the waits grow from there"},                 \
    {RP_REMOTE_ROW(bulk_poll_max, RP_OPTION_DURATION), .text = "5m", .min = 1, .max = 864e5, .help = "the longest such wait"}

/* ---- what has been read of an answer -------------------------------------------------------------------------------- */

#define RP_ANSWER_TOOLS_MAX 64

struct rp_answer_tool { /* one call, as it grows */
    int64_t index;
    struct rp_buf id, name, arguments; /* with ceilings */
    uint16_t half; /* as of the text: of the arguments */
};
struct rp_answer_error {
    bool present;
    struct rp_buf message, type, code;
};
/* Readers add to it; what has been handed on is taken out again. */
struct rp_answer {
    struct rp_buf text; /* not handed on yet; may end inside a character */
    uint16_t half;      /* of a surrogate pair that a cut has torn apart; 0: none */
    struct rp_answer_tool *tools;
    size_t tool_count;
    bool awake;     /* the model has begun: text, a tool call, or thinking that is not shown */
    bool ping;      /* the JSON text was a sign of life and nothing else; cleared before each */
    bool has_reply; /* the JSON text was a reply, though perhaps an empty one */
    bool finished;  /* the model has said why it ended: `finish` */
    bool whole;     /* a stream may end here, and the reply is complete */
    bool done;      /* nothing of the stream is to follow */
    bool has_usage;
    enum rp_finish finish;
    struct rp_usage usage;
    struct rp_answer_error error;
};

RP_EXPORT void rp_answer_init(struct rp_answer *answer, size_t max_text);
RP_EXPORT void rp_answer_finish(struct rp_answer *answer);
/* Adds a text, or passes over what is none. A character that was torn apart between two texts comes out whole. */
RP_EXPORT bool rp_answer_scan_text(struct rp_answer *answer, struct rp_scan *scan);
/* The tool call of that index, made when it is new; NULL: there are too many. */
RP_EXPORT struct rp_answer_tool *rp_answer_tool(struct rp_answer *answer, int64_t index);
/* The same for a piece of a call's arguments, which are JSON within a text. */
RP_EXPORT bool rp_answer_scan_arguments(struct rp_answer_tool *tool, struct rp_scan *scan);
/* Takes the value of "error": a text, or an object with "message", "type" and "code"; null is none. */
RP_EXPORT bool rp_answer_scan_error(struct rp_answer *answer, struct rp_scan *scan);
/* Every call has a name, and arguments that are JSON; empty arguments become {}. */
RP_EXPORT bool rp_answer_tools_valid(struct rp_answer *answer);

/* ---- protocols ------------------------------------------------------------------------------------------------------ */

struct rp_bulk_protocol;

enum rp_frames { RP_FRAMES_EVENTS, RP_FRAMES_LINES }; /* server-sent events, lines */

struct rp_protocol {
    const char *name;        /* the plugin's, for the log */
    const char *path;        /* added to base_url; a first segment that base_url ends with stands there once */
    const char *probe;       /* the same for a GET that shows that the server is there and costs nothing: "/models" */
    const char *stream_type; /* the media type of a stream: "text/event-stream" */
    enum rp_frames frames;   /* what cuts it into JSON texts */
    const char *end;         /* what ends a stream, for the log: "[DONE]" */
    /* Appends the header fields that this protocol needs besides Content-Type, each "Name: value" with its NUL. `key` is
     * NULL where there is none. 0, or what rp_buf_append says. */
    int (*head)(const void *options, const char *key, struct rp_buf *out);
    /* Writes the request's body. 0; -RP_ETOOLARGE; -RP_EUNSUPPORTED for what this protocol cannot say. */
    int (*write)(const void *options, const struct rp_call *call, bool stream, struct rp_buf *out);
    /* Adds one JSON text to the answer: an event's data, a line, a whole body, the body of a refusal. 0, or -RP_EJSON when
     * it is none, has the wrong shape, or outgrows a limit. */
    int (*read)(const void *options, struct rp_answer *answer, struct rp_str json);
    /* Whether a reply that goes on from a beginning (rp_call.prefix) may say that again first. NULL: it does not. */
    bool (*echoes)(const void *options);
    const struct rp_bulk_protocol *bulk; /* NULL: there is no batch endpoint */
};

/* ---- batch endpoints: many requests handed in at once, answered within a day, at a lower price ---------------------------- */

#define RP_BULK_ID_SIZE 128
#define RP_BULK_URL_SIZE 512

enum rp_bulk_state {
    RP_BULK_RUNNING,
    RP_BULK_OVER,   /* there are results, perhaps not of all requests */
    RP_BULK_FAILED, /* none of its requests was answered: why stands in the answer's error */
};
struct rp_bulk_batch { /* what the provider says of one; starts as all zeros */
    char id[RP_BULK_ID_SIZE];     /* a batch's, or a file's */
    char marker[RP_BULK_ID_SIZE]; /* what it was handed in with; empty: this provider keeps none */
    enum rp_bulk_state state;
    char results[2][RP_BULK_URL_SIZE]; /* where they are: below base_url, or a whole URL; empty: none */
    int64_t made_s;  /* seconds since 1970; 0: not told */
    int64_t total;   /* requests in it; 0: not told */
    int64_t settled; /* of these, how many have come to an end; for the log */
};

enum rp_bulk_end {
    RP_BULK_ANSWERED, /* as a request alone would have been: with a status and a body */
    RP_BULK_EXPIRED,  /* it was not its turn in time */
    RP_BULK_CANCELLED,
};
struct rp_bulk_result { /* one line of the results */
    struct rp_str id;   /* as written in the line */
    enum rp_bulk_end end;
    int status;
    struct rp_str body; /* JSON text */
};

/* How it is written and read. A batch is made by a POST to `path`; "/ID" below it tells how it stands, "/ID/cancel" ends it,
 * and a GET of `path` lists `{"data": [batch, …], "has_more"}`, the newest first. */
struct rp_bulk_protocol {
    const char *path;  /* added to base_url: "/batches" */
    const char *files; /* where the requests are uploaded as a file (multipart, purpose "batch") before; NULL: they stand
                          in the POST itself */
    const char *after; /* the list's parameter for a next page: the id of the last batch of the one before */
    const char *open, *between, *close; /* what stands around and between the requests */
    /* Appends one request: its id and its body, which is what `write` has written. 0, or -RP_ETOOLARGE. */
    int (*line)(const void *options, struct rp_str id, struct rp_str body, struct rp_buf *out);
    /* Appends the body of the POST for an uploaded file; `marker` is to come back in the list. NULL without `files`. */
    int (*submit)(const void *options, const char *file, const char *marker, struct rp_buf *out);
    /* What a JSON text says of a batch, or of an uploaded file. 0, or -RP_EJSON. */
    int (*batch)(const void *options, struct rp_str json, struct rp_bulk_batch *out, struct rp_answer *answer);
    int (*result)(const void *options, struct rp_str line, struct rp_bulk_result *out); /* the same for a result */
};

/* Takes a text made of letters, digits and "-_.:" only, as ids are, that fits; else `out` stays as it is. False: broken. */
RP_EXPORT bool rp_bulk_scan_id(struct rp_scan *scan, char *out, size_t size);

RP_EXPORT int rp_remote_check(const void *options, struct rp_error *error);
RP_EXPORT int rp_remote_open(struct rp_element *element, const struct rp_protocol *protocol, struct rp_error *error);
RP_EXPORT void rp_remote_close(struct rp_element *element);
RP_EXPORT int rp_remote_attach(struct rp_element *element, struct rp_worker *worker, void **out_local,
                               struct rp_error *error);
RP_EXPORT void rp_remote_detach(struct rp_element *element, struct rp_worker *worker, void *local);
RP_EXPORT void rp_remote_probe(struct rp_model *model, struct rp_worker *worker, struct rp_probe *probe);
RP_EXPORT void rp_remote_probe_cancel(struct rp_model *model, struct rp_probe *probe);
RP_EXPORT int64_t rp_remote_context(const struct rp_model *model);
RP_EXPORT struct rp_source *rp_remote_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);

#ifdef __cplusplus
}
#endif
#endif
