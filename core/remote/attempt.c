/* The transfers of one question: a request with its clocks, and the next attempt when that makes sense. */
#include <stdlib.h>
#include <strings.h>

#include "core/remote/bulk.h"

#define REQUEST_USUAL 1000 /* bytes that a request has at once; a long one grows from there */

static void on_wait(struct rp_timer *timer);

static struct rp_worker *worker_of(const struct ask *ask) {
    return ask->source.turn->worker;
}

int64_t attempt_time_left(const struct ask *ask) {
    int64_t own = ask->started_ms + ask->remote->options->timeout;
    int64_t turn = ask->source.turn->deadline_ms;
    if (ask->bulk && !ask->single) own = turn;
    return (own < turn ? own : turn) - rp_worker_now_ms(worker_of(ask));
}

static void stop_clocks(struct ask *ask) {
    rp_timer_stop(worker_of(ask), &ask->timer);
    rp_timer_stop(worker_of(ask), &ask->clock);
}

void attempt_end(struct ask *ask) {
    stop_clocks(ask);
    rp_fetch_cancel(ask->fetch);
    ask->fetch = NULL;
    bulk_remove(ask);
    intake_reset(ask);
}

/* ---- another attempt, or none ------------------------------------------------------------------------------------ */

static int server_says(struct rp_fetch *fetch) {
    const char *field = fetch ? rp_fetch_field(fetch, "x-should-retry") : NULL;
    if (!field) return -1;
    return strcasecmp(field, "true") == 0 ? 1 : strcasecmp(field, "false") == 0 ? 0 : -1;
}

static struct retry_plan plan_retry(struct ask *ask, const struct outcome *outcome, struct rp_fetch *fetch,
                                    int64_t retry_after_ms) {
    const struct rp_remote_options *options = ask->remote->options;
    uint32_t random;
    rp_random(&random, sizeof(random));
    struct attempt_result result = {
        .code = outcome->code,
        .status = outcome->status,
        .should_retry = server_says(fetch),
        .retry_after_ms = retry_after_ms,
        .started = ask->started,
        .retries = ask->retries,
    };
    struct retry_rules rules = {.retries = ask->call->limits && ask->call->limits->once ? 0 : options->retries,
                                .base_ms = options->retry_base,
                                .max_ms = options->retry_max,
                                .left_ms = attempt_time_left(ask),
                                .jitter = (double)random / UINT32_MAX};
    return retry_decide(&result, &rules);
}

/* With another key there is nothing to wait for, and it is no retry: the number of keys bounds it. */
static struct retry_plan plan(struct ask *ask, const struct outcome *outcome, struct rp_fetch *fetch) {
    int64_t retry_after_ms = fetch && outcome->status >= 300 ? rp_fetch_retry_after_ms(fetch) : -1;
    bool changed = keys_change(ask->remote, rp_worker_now_ms(worker_of(ask)), outcome, retry_after_ms, &ask->use);
    if (changed && !ask->started) return (struct retry_plan){.again = attempt_time_left(ask) > 0};
    struct retry_plan plan = plan_retry(ask, outcome, fetch, retry_after_ms);
    if (plan.again) ask->retries++;
    return plan;
}

void attempt_failed(struct ask *ask, const struct outcome *outcome, struct rp_fetch *fetch) {
    struct retry_plan next = plan(ask, outcome, fetch);
    stop_clocks(ask);
    tell_failure(ask, outcome, &next);
    if (next.again) {
        ask->state = ASK_WAITING;
        ask->timer.run = on_wait;
        rp_timer_start(worker_of(ask), &ask->timer, next.wait_ms);
        return;
    }
    ask_over(ask, &(struct rp_fault){.code = outcome->code, .retry_after = next.retry_after});
}

/* ---- clocks ------------------------------------------------------------------------------------------------------ */

static void on_linger(struct rp_timer *timer) {
    struct ask *ask = (struct ask *)((char *)timer - offsetof(struct ask, timer));
    rp_fetch_cancel(ask->fetch);
    ask->fetch = NULL;
    rp_timer_stop(worker_of(ask), &ask->clock);
    intake_end(ask, 0, "", NULL, 200);
}

void attempt_linger(struct ask *ask) {
    if (rp_timer_started(&ask->timer)) return;
    ask->timer.run = on_linger;
    rp_timer_start(worker_of(ask), &ask->timer, LINGER_MS);
}

/* The loop gets to see first what came while it stood still. */
static void on_late(struct rp_timer *timer) {
    struct ask *ask = (struct ask *)((char *)timer - offsetof(struct ask, clock));
    struct rp_fetch *fetch = ask->fetch;
    struct outcome outcome = {RP_EUPTIMEOUT, rp_fetch_status(fetch),
                              ask->answer.awake ? "no further token of the reply came in time"
                                                : "no token of the reply came in time"};
    ask->fetch = NULL;
    attempt_failed(ask, &outcome, NULL);
    rp_fetch_cancel(fetch);
    ask_pay(ask);
}

static void on_clock(struct rp_timer *timer) {
    timer->run = on_late;
    rp_timer_start(rp_worker_current(), timer, 1);
}

/* ---- attempts ---------------------------------------------------------------------------------------------------- */

static int64_t least(int64_t own, int64_t limit) {
    return limit && limit < own ? limit : own;
}

static struct rp_call_limits limits_of(const struct ask *ask) {
    const struct rp_remote_options *options = ask->remote->options;
    struct rp_call_limits limits = ask->call->limits ? *ask->call->limits : (struct rp_call_limits){0};
    limits.connect_ms = least(options->timeout_connect, limits.connect_ms);
    limits.first_ms = least(options->timeout_first, limits.first_ms);
    limits.stall_ms = least(options->timeout_stall, limits.stall_ms);
    return limits;
}

void attempt_moved(struct ask *ask) {
    rp_timer_stop(worker_of(ask), &ask->clock);
    if (!ask->fetch || ask->answer.done || ask->paused) return; /* then it waits for nothing, or for us */
    ask->clock.run = on_clock;
    rp_timer_start(worker_of(ask), &ask->clock, limits_of(ask).stall_ms);
}

/* A request over a connection that was kept, and that ends without a byte of a response, libcurl sends again by itself: the
 * server has nearly always closed it in between, and not seen the request. Only one that took it and died before its first
 * byte has worked twice. */
static int start_fetch(struct ask *ask) {
    const struct rp_call_limits limits = limits_of(ask);
    int64_t left = attempt_time_left(ask);
    struct rp_fetch_request request = {
        .url = ask->remote->url,
        .fields = ask->remote->keys[ask->use.key].fields,
        .body = rp_buf_str(&ask->request),
        .connect_ms = limits.connect_ms,
        .first_byte_ms = limits.first_ms,
        .stall_ms = limits.stall_ms,
        .total_ms = left > 1 ? left : 1,
        .max_body = ask->streaming ? STREAM_MAX : BODY_MAX,
        .proxy = element_proxy(ask->remote),
        .ca_file = element_ca_file(ask->remote),
        .ops = &intake_ops,
        .arg = ask,
    };
    return rp_fetch_start(worker_of(ask), &request, &ask->fetch);
}

static void start_alone(struct ask *ask) {
    if (start_fetch(ask) != 0) {
        rp_log(RP_LOG_ERROR, ask->remote->protocol->name, "%s: base_url is no URL that a request can be sent to",
               ask->remote->element->name);
        ask_over(ask, &(struct rp_fault){.code = RP_EUPSTREAM});
        return;
    }
    ask->clock.run = on_clock;
    rp_timer_start(worker_of(ask), &ask->clock, limits_of(ask).first_ms);
}

static void attempt(struct ask *ask) {
    intake_reset(ask);
    rp_answer_finish(&ask->answer);
    rp_answer_init(&ask->answer, BODY_MAX);
    rp_buf_init(&ask->body, BODY_MAX);
    ask->tools_given = 0;
    ask->echoed = 0;
    ask->echoing = ask->call->prefix.len && ask->remote->protocol->echoes &&
                   ask->remote->protocol->echoes(ask->remote->options);
    ask->use.tried |= 1u << ask->use.key;
    ask->attempts++;
    ask->attempt_ms = rp_worker_now_ms(worker_of(ask));
    ask->state = ASK_RUNNING;
    int rc = attempt_write(ask);
    if (rc != 0)
        ask_over(ask, &(struct rp_fault){.code = -rc});
    else if (ask->bulk && !ask->single)
        bulk_add(ask);
    else
        start_alone(ask);
}

static void on_wait(struct rp_timer *timer) {
    struct ask *ask = (struct ask *)((char *)timer - offsetof(struct ask, timer));
    attempt(ask);
    ask_pay(ask);
}

int attempt_write(struct ask *ask) {
    const struct remote *remote = ask->remote;
    if (ask->request.len > 0) return 0;
    rp_buf_init(&ask->request, BODY_MAX);
    rp_buf_reserve(&ask->request, REQUEST_USUAL);
    int rc = remote->protocol->write(remote->options, ask->call, ask->streaming, &ask->request);
    if (rc != 0)
        rp_log(RP_LOG_WARN, remote->protocol->name, "%s: the conversation %s", remote->element->name,
               rc == -RP_ETOOLARGE ? "is too large for a request" : "holds what this model cannot be asked");
    return rc;
}

static void begin(struct ask *ask) {
    ask->started_ms = rp_worker_now_ms(worker_of(ask));
    ask->use.key = keys_pick(ask->remote, ask->started_ms);
    attempt(ask);
}

void attempt_start(struct ask *ask) {
    begin(ask);
}

void attempt_alone(struct ask *ask) {
    begin(ask);
    ask_pay(ask);
}
