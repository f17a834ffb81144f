/* One exchange with a batch endpoint whose answer is small: a request, other keys, further attempts. Patience is longer here
 * than in a turn that somebody waits for: a server may ask for an hour. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/remote/bulk.h"

#define SLOWEST 64 /* bytes in a millisecond that an upload must reach */

static void on_wait(struct rp_timer *timer);

void bulk_call_init(struct bulk_call *call, struct bulk *bulk) {
    *call = (struct bulk_call){.bulk = bulk, .retry_after_ms = -1};
    rp_buf_init(&call->url, RP_BULK_URL_SIZE * 4);
}

static void clear(struct bulk_call *call) {
    rp_buf_finish(&call->reply);
    rp_answer_finish(&call->answer);
}

void bulk_call_end(struct bulk_call *call) {
    rp_fetch_cancel(call->fetch);
    call->fetch = NULL;
    if (call->bulk) rp_timer_stop(call->bulk->worker, &call->timer);
    clear(call);
    rp_buf_finish(&call->url);
}

const char **bulk_call_fields(const struct remote_key *key, const char *type) {
    static const char content_type[] = "Content-Type:";
    size_t count = 0, given = 0;
    while (key->fields[count]) count++;
    const char **fields = rp_calloc(count + 2, sizeof(*fields));
    for (size_t i = 0; i < count; i++) {
        bool typed = strncasecmp(key->fields[i], content_type, sizeof(content_type) - 1) == 0;
        if (!type || !typed) fields[given++] = key->fields[i];
    }
    if (type) fields[given++] = type;
    return fields;
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static struct outcome judge_call(struct bulk_call *call, int code, const char *detail, int status) {
    const struct remote *remote = call->bulk->remote;
    bool telling = code == -RP_EUPTIMEOUT || code == -RP_EUPCERT;
    if (status == 0) return (struct outcome){telling ? -code : RP_EUPSTREAM, 0, detail};
    if (status < 200 || status > 299) {
        remote->protocol->read(remote->options, &call->answer, rp_buf_str(&call->reply));
        keys_hide(remote, &call->answer.error.message);
        return (struct outcome){fault_of_status(status, &call->answer.error), status, "the server refused"};
    }
    if (code != 0) return (struct outcome){code == -RP_EUPTIMEOUT ? RP_EUPTIMEOUT : RP_ETRUNCATED, status, detail};
    return (struct outcome){.status = status};
}

static bool certainly_refused(const struct outcome *outcome) {
    if (outcome->code == RP_EUPCERT) return true; /* nothing was sent */
    return outcome->status >= 400 && outcome->status <= 499 && outcome->status != 408;
}

static struct retry_plan plan(struct bulk_call *call, const struct outcome *outcome) {
    const struct rp_remote_options *options = call->bulk->remote->options;
    bool may =
        call->request.again == BULK_ALWAYS || (call->request.again == BULK_REFUSED && certainly_refused(outcome));
    if (keys_change(call->bulk->remote, rp_worker_now_ms(call->bulk->worker), outcome, call->retry_after_ms,
                    &call->use))
        return (struct retry_plan){.again = true};
    if (!may) return (struct retry_plan){0};
    struct attempt_result result = {.code = outcome->code,
                                    .status = outcome->status,
                                    .should_retry = -1,
                                    .retry_after_ms = call->retry_after_ms,
                                    .retries = call->retries};
    uint32_t random;
    rp_random(&random, sizeof(random));
    struct retry_rules rules = {.retries = options->retries,
                                .base_ms = options->retry_base,
                                .max_ms = options->retry_max,
                                .after_max_ms = BULK_AFTER_MAX_MS,
                                .left_ms = INT64_MAX,
                                .jitter = (double)random / UINT32_MAX};
    struct retry_plan plan = retry_decide(&result, &rules);
    if (plan.again) call->retries++;
    return plan;
}

static void tell(struct bulk_call *call, const struct outcome *outcome, const struct retry_plan *plan) {
    struct rp_buf *said = &call->answer.error.message;
    char next[64] = "";
    if (plan->again) snprintf(next, sizeof(next), "; again in %lld ms", (long long)plan->wait_ms);
    bulk_log(call->bulk, RP_LOG_WARN, NULL, "%s failed (%s, status %d): %s%s%.*s%s", call->request.what,
             rp_error_code(outcome->code), outcome->status, outcome->detail, said->len ? ": " : "",
             said->len < 300 ? (int)said->len : 300, said->len ? said->data : "", next);
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct bulk_call *call = rp_fetch_arg(fetch);
    call->fetch = NULL;
    struct outcome outcome = judge_call(call, code, detail, rp_fetch_status(fetch));
    call->retry_after_ms = rp_fetch_status(fetch) ? rp_fetch_retry_after_ms(fetch) : -1;
    if (outcome.code != 0) {
        struct retry_plan next = plan(call, &outcome);
        tell(call, &outcome, &next);
        if (next.again) {
            call->timer.run = on_wait;
            rp_timer_start(call->bulk->worker, &call->timer, next.wait_ms);
            return;
        }
    }
    call->done(call, &outcome);
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct bulk_call *call = rp_fetch_arg(fetch);
    size_t room = (rp_fetch_status(fetch) < 300 ? BULK_REPLY_MAX : REFUSAL_MAX) - call->reply.len;
    rp_buf_append(&call->reply, data, len < room ? len : room);
    return RP_FETCH_TAKEN;
}

/* ---- attempts ---------------------------------------------------------------------------------------------------- */

static int start_fetch(struct bulk_call *call) {
    static const struct rp_fetch_ops ops = {.on_data = on_data, .on_done = on_done};
    const struct remote *remote = call->bulk->remote;
    const struct rp_remote_options *options = remote->options;
    const char **fields = bulk_call_fields(&remote->keys[call->use.key], call->request.type);
    int64_t upload_ms = (int64_t)(call->request.body.len / SLOWEST);
    struct rp_fetch_request request = {
        .method = call->request.method,
        .url = call->url.data,
        .fields = fields,
        .body = call->request.body,
        .connect_ms = options->timeout_connect,
        .first_byte_ms = options->timeout_first + upload_ms,
        .stall_ms = options->timeout_stall,
        .total_ms = options->timeout + upload_ms,
        .max_body = BULK_REPLY_MAX,
        .once = call->request.again == BULK_REFUSED,
        .proxy = element_proxy(remote),
        .ca_file = element_ca_file(remote),
        .ops = &ops,
        .arg = call,
    };
    int rc = rp_fetch_start(call->bulk->worker, &request, &call->fetch);
    free(fields);
    return rc;
}

static void attempt(struct bulk_call *call) {
    clear(call);
    rp_buf_init(&call->reply, BULK_REPLY_MAX);
    rp_answer_init(&call->answer, BULK_REPLY_MAX);
    call->use.tried |= 1u << call->use.key;
    call->retry_after_ms = -1;
    if (start_fetch(call) == 0) return;
    struct outcome outcome = {RP_EUPSTREAM, 0, "this is no URL that a request can be sent to"};
    tell(call, &outcome, &(struct retry_plan){0});
    call->failed = outcome;
    call->timer.run = on_wait;
    rp_timer_start(call->bulk->worker, &call->timer, 0); /* never inside the call */
}

static void on_wait(struct rp_timer *timer) {
    struct bulk_call *call = (struct bulk_call *)((char *)timer - offsetof(struct bulk_call, timer));
    struct outcome failed = call->failed;
    call->failed.code = 0;
    if (failed.code)
        call->done(call, &failed);
    else
        attempt(call);
}

void bulk_call_start(struct bulk_call *call, const struct bulk_request *request) {
    call->request = *request;
    call->retries = 0;
    call->use.tried = 0;
    rp_buf_clear(&call->url);
    rp_buf_append_str(&call->url, rp_str(request->url)); /* one that is too long is cut, and refused by its server */
    attempt(call);
}
