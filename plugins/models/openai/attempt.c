/* The transfers of one question: a request, what comes back, and the next attempt when that makes sense. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "openai.h"

#define LOGGED_MAX 300     /* bytes of what an upstream said */
#define REQUEST_USUAL 1000 /* bytes that a request has at once; a long one grows from there */

static void on_wait(struct rp_timer *timer);
static void on_linger(struct rp_timer *timer);

/* What a finished transfer came to. */
struct outcome {
    int code; /* RP_E…, positive; 0: the reply is whole */
    int status;
    const char *detail;
};

static struct rp_worker *worker_of(const struct ask *ask) {
    return ask->source.turn->worker;
}

static int64_t time_left(const struct ask *ask) {
    int64_t own = ask->started_ms + ask->openai->options->timeout;
    int64_t turn = ask->source.turn->deadline_ms;
    return (own < turn ? own : turn) - rp_worker_now_ms(worker_of(ask));
}

static void reset(struct ask *ask) {
    if (ask->parsing) rp_sse_finish(&ask->sse);
    ask->parsing = ask->events = ask->done = ask->paused = false;
    rp_buf_finish(&ask->body);
}

void attempt_end(struct ask *ask) {
    rp_timer_stop(worker_of(ask), &ask->timer);
    rp_fetch_cancel(ask->fetch);
    ask->fetch = NULL;
    reset(ask);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* What the upstream said about it may hold the key that it was sent: that never goes to the log. */
static void hide_key(struct rp_buf *text, const char *key) {
    size_t len = key ? strlen(key) : 0;
    if (len == 0 || text->len < len) return;
    for (size_t at = 0; at <= text->len - len; at++) {
        if (memcmp(text->data + at, key, len) == 0) memset(text->data + at, '*', len);
    }
}

static void log_failure(struct ask *ask, const struct outcome *outcome, const struct retry_plan *plan) {
    struct rp_log_line line;
    char text[512];
    struct rp_buf *said = &ask->reply.error.message;
    if (said->len == 0 && outcome->status >= 300) said = &ask->body;
    hide_key(said, ask->openai->options->api_key);
    int limit = said->len < LOGGED_MAX ? (int)said->len : LOGGED_MAX;
    snprintf(text, sizeof(text), "%s%s%.*s", outcome->detail, limit ? ": " : "", limit, limit ? said->data : "");
    rp_log_open(&line, RP_LOG_WARN, "openai");
    rp_log_str(&line, "message", rp_str(text));
    rp_log_str(&line, "request_id", rp_str(ask->source.turn->id));
    rp_log_str(&line, "model", rp_str(ask->openai->name));
    rp_log_str(&line, "code", rp_str(rp_error_code(outcome->code)));
    rp_log_int(&line, "attempt", ask->attempts);
    if (outcome->status) rp_log_int(&line, "status", outcome->status);
    if (plan->again) rp_log_int(&line, "next_attempt_ms", plan->wait_ms);
    rp_log_close(&line);
}

static struct retry_plan plan_retry(struct ask *ask, const struct outcome *outcome, struct rp_fetch *fetch) {
    const struct openai_options *options = ask->openai->options;
    const char *should = fetch ? rp_fetch_field(fetch, "x-should-retry") : NULL;
    uint32_t random;
    rp_random(&random, sizeof(random));
    struct attempt_result result = {
        .code = outcome->code,
        .status = outcome->status,
        .should_retry = !should                            ? -1
                        : strcasecmp(should, "true") == 0  ? 1
                        : strcasecmp(should, "false") == 0 ? 0
                                                           : -1,
        .retry_after_ms = fetch && outcome->status >= 300 ? rp_fetch_retry_after_ms(fetch) : -1,
        .started = ask->reply.started,
        .attempt = ask->attempts - 1,
    };
    struct retry_rules rules = {.retries = options->retries,
                                .base_ms = options->retry_base,
                                .max_ms = options->retry_max,
                                .left_ms = time_left(ask),
                                .jitter = (double)random / UINT32_MAX};
    return retry_decide(&result, &rules);
}

/* `fetch` NULL: the transfer never began, or its header is no longer to be had. */
static void failed(struct ask *ask, const struct outcome *outcome, struct rp_fetch *fetch) {
    struct retry_plan plan = plan_retry(ask, outcome, fetch);
    log_failure(ask, outcome, &plan);
    if (plan.again) {
        ask->state = ASK_WAITING;
        ask->timer.run = on_wait;
        rp_timer_start(worker_of(ask), &ask->timer, plan.wait_ms);
        return;
    }
    ask_over(ask, &(struct rp_fault){.code = outcome->code, .retry_after = plan.retry_after});
}

/* The reply stands whole in `reply`, or so its sender says. */
static struct outcome judge_whole(struct ask *ask, int status) {
    if (ask->reply.error.present)
        return (struct outcome){fault_of_event(&ask->reply.error), status, "the model reported an error"};
    if (!tools_valid(&ask->reply.tools))
        return (struct outcome){RP_EUPSTREAM, status, "the model sent a tool call that is not valid"};
    return (struct outcome){.status = status};
}

static struct outcome judge_events(struct ask *ask, int code, const char *detail, int status) {
    if (ask->reply.finished || ask->reply.error.present) return judge_whole(ask, status);
    if (code == -RP_EUPTIMEOUT) return (struct outcome){RP_EUPTIMEOUT, status, detail};
    if (code == -RP_ETOOLARGE) return (struct outcome){RP_EUPSTREAM, status, detail};
    return (struct outcome){RP_ETRUNCATED, status, code ? detail : "the stream ended without finish_reason"};
}

static struct outcome judge_body(struct ask *ask, int code, const char *detail, int status) {
    if (code == -RP_ETOOLARGE) return (struct outcome){RP_EUPSTREAM, status, detail};
    if (code == -RP_EUPTIMEOUT) return (struct outcome){RP_EUPTIMEOUT, status, detail};
    if (code != 0) return (struct outcome){RP_ETRUNCATED, status, detail};
    if (reply_decode(&ask->reply, rp_buf_str(&ask->body)) != 0)
        return (struct outcome){RP_EUPSTREAM, status, "the response is not a chat completion"};
    if (!ask->reply.has_choice && !ask->reply.error.present)
        return (struct outcome){RP_EUPSTREAM, status, "the response has no choices"};
    return judge_whole(ask, status);
}

static struct outcome judge_refusal(struct ask *ask, int status) {
    reply_decode(&ask->reply, rp_buf_str(&ask->body)); /* or it is no JSON: then the status has to do */
    rp_buf_clear(&ask->reply.text);
    tools_finish(&ask->reply.tools);
    ask->reply.started = false;
    return (struct outcome){fault_of_status(status, &ask->reply.error), status, "the model's server refused"};
}

static struct outcome judge(struct ask *ask, int code, const char *detail, int status) {
    if (status == 0) return (struct outcome){code == -RP_EUPTIMEOUT ? RP_EUPTIMEOUT : RP_EUPSTREAM, 0, detail};
    if (status < 200 || status > 299) return judge_refusal(ask, status);
    return ask->events ? judge_events(ask, code, detail, status) : judge_body(ask, code, detail, status);
}

/* ---- what comes back --------------------------------------------------------------------------------------------- */

static void on_head(struct rp_fetch *fetch, int status) {
    struct ask *ask = rp_fetch_arg(fetch);
    const char *type = rp_fetch_field(fetch, "content-type");
    if (status != 200 || !type || strncasecmp(type, "text/event-stream", 17) != 0) return;
    ask->events = ask->parsing = true;
    rp_sse_init(&ask->sse, OPENAI_EVENT_MAX);
}

static int on_event(void *arg, struct rp_str event, struct rp_str data) {
    struct ask *ask = arg;
    (void)event; /* only errors have another name, and they say so in their data too */
    if (ask->done) return 0;
    if (rp_str_equal(data, RP_STR("[DONE]"))) {
        ask->done = true;
        return 0;
    }
    int rc = reply_decode(&ask->reply, data);
    return rc ? rc : ask->reply.error.present ? -RP_EUPSTREAM : 0;
}

/* The stream cannot be read on; what came before it is still handed on. */
static void break_off(struct ask *ask, struct rp_fetch *fetch, int rc) {
    struct outcome outcome = {RP_EUPSTREAM, rp_fetch_status(fetch), "the stream holds something that is no chunk"};
    if (ask->reply.error.present)
        outcome = judge_whole(ask, outcome.status);
    else if (rc == -RP_ETOOLARGE)
        outcome.detail = "an event of the stream is too large";
    struct rp_fetch *broken = ask->fetch;
    ask->fetch = NULL;
    failed(ask, &outcome, fetch);
    rp_fetch_cancel(broken);
}

static void take_events(struct ask *ask, struct rp_fetch *fetch, const char *data, size_t len) {
    int rc = rp_sse_feed(&ask->sse, data, len, on_event, ask);
    if (rc != 0) {
        break_off(ask, fetch, rc);
    } else if (ask->done && !rp_timer_started(&ask->timer)) {
        ask->timer.run = on_linger;
        rp_timer_start(worker_of(ask), &ask->timer, OPENAI_LINGER_MS);
    }
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct ask *ask = rp_fetch_arg(fetch);
    if (!ask->events) {
        size_t max = rp_fetch_status(fetch) < 300 ? OPENAI_BODY_MAX : OPENAI_ERROR_MAX;
        size_t room = max - ask->body.len;
        rp_buf_append(&ask->body, data, len < room ? len : room);
        return RP_FETCH_TAKEN;
    }
    if (ask->reply.text.len >= (size_t)ask->openai->options->buffer) {
        ask->paused = true;
        return RP_FETCH_PAUSE;
    }
    take_events(ask, fetch, data, len);
    ask_pay(ask);
    return RP_FETCH_TAKEN;
}

static void finish(struct ask *ask, int code, const char *detail, struct rp_fetch *fetch, int status) {
    struct outcome outcome = judge(ask, code, detail, status);
    if (outcome.code != 0)
        failed(ask, &outcome, fetch);
    else
        ask_over(ask, NULL);
    ask_pay(ask);
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct ask *ask = rp_fetch_arg(fetch);
    rp_timer_stop(worker_of(ask), &ask->timer);
    ask->fetch = NULL;
    finish(ask, code, detail, fetch, rp_fetch_status(fetch));
}

static const struct rp_fetch_ops fetch_ops = {.on_head = on_head, .on_data = on_data, .on_done = on_done};

/* [DONE] has come, the end of the response has not. */
static void on_linger(struct rp_timer *timer) {
    struct ask *ask = (struct ask *)((char *)timer - offsetof(struct ask, timer));
    rp_fetch_cancel(ask->fetch);
    ask->fetch = NULL;
    finish(ask, 0, "", NULL, 200);
}

/* ---- attempts ---------------------------------------------------------------------------------------------------- */

static int start_fetch(struct ask *ask) {
    const struct openai *openai = ask->openai;
    const struct openai_options *options = openai->options;
    int64_t left = time_left(ask);
    struct rp_fetch_request request = {
        .url = openai->url,
        .fields = (const char *const *)openai->fields,
        .body = rp_buf_str(&ask->request),
        .connect_ms = options->timeout_connect,
        .first_byte_ms = options->timeout_first,
        .stall_ms = options->timeout_stall,
        .total_ms = left > 1 ? left : 1,
        .max_body = ask->streaming ? OPENAI_STREAM_MAX : OPENAI_BODY_MAX,
        .proxy = options->proxy && *options->proxy ? options->proxy : NULL,
        .ca_file = options->ca_file && *options->ca_file ? options->ca_file : NULL,
        .ops = &fetch_ops,
        .arg = ask,
    };
    return rp_fetch_start(worker_of(ask), &request, &ask->fetch);
}

static void attempt(struct ask *ask) {
    reset(ask);
    reply_finish(&ask->reply);
    reply_init(&ask->reply, OPENAI_BODY_MAX);
    rp_buf_init(&ask->body, OPENAI_BODY_MAX);
    ask->attempts++;
    ask->state = ASK_RUNNING;
    if (start_fetch(ask) == 0) return;
    rp_log(RP_LOG_ERROR, "openai", "%s: base_url is no URL that a request can be sent to", ask->openai->name);
    ask_over(ask, &(struct rp_fault){.code = RP_EUPSTREAM});
}

static void on_wait(struct rp_timer *timer) {
    struct ask *ask = (struct ask *)((char *)timer - offsetof(struct ask, timer));
    attempt(ask);
    ask_pay(ask);
}

void attempt_start(struct ask *ask) {
    ask->started_ms = rp_worker_now_ms(worker_of(ask));
    rp_buf_init(&ask->request, OPENAI_BODY_MAX);
    rp_buf_reserve(&ask->request, REQUEST_USUAL);
    if (request_write(&ask->request, ask->openai->options, ask->call, ask->streaming) == 0) {
        attempt(ask);
        return;
    }
    rp_log(RP_LOG_WARN, "openai", "%s: the conversation is too large for a request", ask->openai->name);
    ask_over(ask, &(struct rp_fault){.code = RP_ETOOLARGE});
}
