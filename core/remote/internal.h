/* What the files of this folder share. element.c: a configured model; local.c: what each worker has of it; keys.c: its keys; ask.c: the source of one turn;
 * attempt.c: its transfers, intake.c what they bring; judge.c, fault.c and retry.c: what went wrong, and whether to try
 * again; tell.c tells of it; answer.c: what has been read; probe.c: whether the server is there; bulk.h: batch endpoints. */
#ifndef CORE_REMOTE_INTERNAL_H
#define CORE_REMOTE_INTERNAL_H

#include <repartee/http_client.h>
#include <repartee/log.h>
#include <repartee/remote_model.h>
#include <stdatomic.h>

#include "core/remote/retry.h"

#define BODY_MAX (8 * 1024 * 1024)    /* bytes of a request, or of a response that is no stream */
#define STREAM_MAX (64 * 1024 * 1024) /* bytes of a whole stream: many times a reply's limit */
#define FRAME_MAX (1024 * 1024)       /* bytes of one JSON text of a stream */
#define REFUSAL_MAX (64 * 1024)       /* bytes kept of a response that refuses */
#define LINGER_MS 100                 /* for what is behind the end of a stream, so that the connection is kept */

struct remote_key {
    const char *text;            /* NULL: the model needs none */
    struct rp_buf head;          /* the header fields that go with it, each with its NUL */
    const char **fields;         /* NULL-terminated, into head */
    atomic_llong rested_at;      /* worker time in ms: not to be used before, if another can be */
};

/* Made in open; read by all workers. */
struct remote {
    const struct rp_protocol *protocol;
    const struct rp_remote_options *options;
    const struct rp_element *element;
    char *url, *probe_url;
    struct remote_key *keys;
    size_t key_count; /* at least 1 */
    atomic_size_t key; /* the one in use */
    struct rp_metric *answered, *first_token;
};

struct key_use {
    size_t key;     /* the one in use */
    uint32_t tried; /* by bit */
};

enum ask_state { ASK_NEW, ASK_RUNNING, ASK_WAITING, ASK_OVER };

/* One question to the model: the source of one turn, over as many transfers as it takes. In the turn's arena. */
struct ask {
    struct rp_source source; /* first */
    struct remote *remote;
    const struct rp_call *call;
    enum ask_state state;
    bool owed;      /* more() waits for its chunk */
    bool streaming; /* a stream was asked for */
    bool started;   /* text or a tool call has come: too late for another attempt */
    bool failed;
    struct rp_fault fault;

    struct rp_buf request;
    struct rp_timer timer; /* the wait before the next attempt, or the lingering behind the end */
    struct rp_timer clock; /* until the first token, or the next one */
    int64_t started_ms, attempt_ms;
    int64_t attempts, retries;
    struct key_use use;

    /* of the transfer under way */
    struct rp_fetch *fetch;
    bool framed; /* the response is a stream */
    bool paused; /* it waits for the reader */
    bool parsing; /* sse or lines holds memory */
    struct rp_sse sse;
    struct rp_lines lines;
    struct rp_buf body; /* of a response that is no stream */
    struct rp_answer answer; /* what has been read and not handed on */
    size_t tools_given;
    bool echoing;  /* the reply may still begin with what it goes on from */
    size_t echoed; /* bytes of that which have come and been passed over */
    struct rp_buf out; /* the text that was handed on last */

    /* of a turn that can wait; see bulk.h */
    struct bulk *bulk;       /* NULL: it is asked by itself */
    struct bulk_item *item;  /* waits for it */
    struct ask *next, **link; /* in the item's list, or in the queue of those that get a request of their own */
    bool single;             /* it has one */
    bool told;               /* the log has its failure already, for many at once */
};

/* What a finished transfer came to. */
struct outcome {
    int code; /* RP_E…, positive; 0: the reply is whole */
    int status;
    const char *detail;
};

/* element.c */
const char *element_proxy(const struct remote *remote); /* NULL: the environment's */
const char *element_ca_file(const struct remote *remote); /* NULL: the system's */
char *element_url(const struct remote *remote, const char *path); /* below base_url; free it */

/* keys.c */
int keys_open(struct remote *remote);
void keys_close(struct remote *remote);
size_t keys_pick(struct remote *remote, int64_t now_ms);
/* The key of a failed attempt rests where the failure is its own. True: another can go on at once, and is set. */
bool keys_change(struct remote *remote, int64_t now_ms, const struct outcome *outcome, int64_t retry_after_ms,
                 struct key_use *use);
void keys_hide(const struct remote *remote, struct rp_buf *text); /* none of them ever goes to the log */

/* ask.c */
void ask_over(struct ask *ask, const struct rp_fault *fault); /* fault NULL: the reply is whole */
/* Hands on what there is, if it was asked for. The source may be gone afterwards. */
void ask_pay(struct ask *ask);

/* attempt.c */
void attempt_start(struct ask *ask); /* ends in ask_over, now or later */
void attempt_alone(struct ask *ask); /* the same for one that waited for a batch in vain; pays */
int attempt_write(struct ask *ask);  /* the request, unless it stands there */
void attempt_end(struct ask *ask);   /* drops what is under way */
/* `fetch` NULL: the transfer never began, or its header is no longer to be had. */
void attempt_failed(struct ask *ask, const struct outcome *outcome, struct rp_fetch *fetch);
void attempt_moved(struct ask *ask);  /* a token has come, or the transfer goes on: the next is waited for */
void attempt_linger(struct ask *ask); /* the stream has ended, the response has not */
int64_t attempt_time_left(const struct ask *ask);

/* intake.c */
extern const struct rp_fetch_ops intake_ops;
void intake_reset(struct ask *ask);
/* The transfer is over: the reply is whole, or the attempt has failed. */
void intake_end(struct ask *ask, int code, const char *detail, struct rp_fetch *fetch, int status);

/* judge.c */
struct outcome judge(struct ask *ask, int code, const char *detail, int status);
struct outcome judge_answer(struct ask *ask, int status); /* it stands whole in `answer`, or so its sender says */

/* probe.c */
struct warm;
struct warm *warm_open(struct rp_element *element, struct rp_worker *worker); /* NULL: there is nothing to keep warm */
void warm_close(struct warm *warm); /* takes NULL */

/* local.c */
struct bulk;
struct remote_local { /* what a worker has of a model */
    struct warm *warm;
    struct bulk *bulk;
};

/* tell.c */
void tell_open(struct remote *remote);
void tell_first(struct ask *ask); /* the model has begun to answer */
void tell_failure(struct ask *ask, const struct outcome *outcome, const struct retry_plan *plan);
void tell_success(struct ask *ask);

#endif
