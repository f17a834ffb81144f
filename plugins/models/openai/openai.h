/* What the files of this plugin share. plugin.c: options; element.c: a configured model; ask.c: the source of one turn,
 * and attempt.c its transfers; request.c writes the request; decode.c and tools.c read the answer by way of scan.c;
 * fault.c and retry.c judge what went wrong and whether to try again. */
#ifndef OPENAI_H
#define OPENAI_H

#include <repartee/repartee.h>

#include "decode.h"
#include "fault.h"

#define OPENAI_BODY_MAX (8 * 1024 * 1024)    /* bytes of a request, or of a response that is no stream */
#define OPENAI_STREAM_MAX (64 * 1024 * 1024) /* bytes of a whole stream: many times a reply's limit */
#define OPENAI_EVENT_MAX (1024 * 1024)       /* bytes of one event of a stream */
#define OPENAI_ERROR_MAX (64 * 1024)         /* bytes kept of a response that refuses */
#define OPENAI_LINGER_MS 100                 /* for what is behind [DONE], so that the connection is kept */

enum { MAX_TOKENS_OLD, MAX_TOKENS_NEW };

struct openai_options {
    const char *base_url, *api_key, *model, *organization, *system, *proxy, *ca_file;
    json_t *headers;
    double temperature, top_p; /* negative: unset */
    int64_t max_tokens;
    int max_tokens_field;
    bool stream;
    int64_t timeout_connect, timeout_first, timeout_stall, timeout;
    int64_t retries, retry_base, retry_max;
    int64_t buffer;
};

/* Made in open; read by all workers. */
struct openai {
    const struct openai_options *options;
    const char *name;
    char *url;
    char **fields; /* NULL-terminated */
};

enum ask_state { ASK_NEW, ASK_RUNNING, ASK_WAITING, ASK_OVER };

/* One question to the model: the source of one turn, over as many transfers as it takes. In the turn's arena. */
struct ask {
    struct rp_source source; /* first */
    const struct openai *openai;
    const struct rp_call *call;
    enum ask_state state;
    bool owed;      /* more() waits for its chunk */
    bool streaming; /* a stream was asked for */
    bool failed;
    struct rp_fault fault;

    struct rp_buf request;
    struct rp_timer timer; /* the wait before the next attempt, or the lingering behind [DONE] */
    int64_t started_ms;
    int64_t attempts;

    /* of the transfer under way */
    struct rp_fetch *fetch;
    bool events, done, paused; /* the response is a stream; [DONE] has come; waits for the reader */
    bool parsing;              /* sse holds memory */
    struct rp_sse sse;
    struct rp_buf body; /* of a response that is no stream */
    struct reply reply; /* what has been read and not handed on */
    struct rp_buf out;  /* the text that was handed on last */
};

/* element.c */
int openai_check(const void *options, struct rp_error *error);
int openai_open(struct rp_element *element, struct rp_error *error);
void openai_close(struct rp_element *element);

/* ask.c */
struct rp_source *openai_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);
void ask_over(struct ask *ask, const struct rp_fault *fault); /* fault NULL: the reply is whole */
/* Hands on what there is, if it was asked for. The source may be gone afterwards. */
void ask_pay(struct ask *ask);

/* attempt.c */
void attempt_start(struct ask *ask); /* ends in ask_over, now or later */
void attempt_end(struct ask *ask);   /* drops what is under way */

/* request.c */
int request_write(struct rp_buf *out, const struct openai_options *options, const struct rp_call *call, bool stream);

#endif
