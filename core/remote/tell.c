/* What is told of attempts: to the log, to the explanation of the turn, to the metrics. */
#include <stdio.h>

#include <repartee/metrics.h>

#include "core/remote/internal.h"

#define LOGGED_MAX 300 /* bytes of what an upstream said */

static struct rp_metric *attempts(const struct remote *remote, const char *outcome) {
    return rp_metric(RP_COUNTER, "repartee_model_attempts_total", "Requests to models, by how they ended", "model",
                     remote->element->name, "outcome", outcome, NULL);
}

void tell_open(struct remote *remote) {
    remote->answered = attempts(remote, "ok");
    remote->first_token = rp_metric(RP_HISTOGRAM, "repartee_model_first_token_seconds",
                                    "From a request to the first token of its reply", "model", remote->element->name, NULL);
}

static int64_t took_ms(const struct ask *ask) {
    return rp_worker_now_ms(ask->source.turn->worker) - ask->attempt_ms;
}

/* What the upstream said about it may hold the key that it was sent. */
static const char *said(struct ask *ask, const struct outcome *outcome, char *out, size_t size) {
    struct rp_buf *text = &ask->answer.error.message;
    if (text->len == 0 && outcome->status >= 300) text = &ask->body;
    keys_hide(ask->remote, text);
    int limit = text->len < LOGGED_MAX ? (int)text->len : LOGGED_MAX;
    snprintf(out, size, "%s%s%.*s", outcome->detail, limit ? ": " : "", limit, limit ? text->data : "");
    return out;
}

static void log_failure(struct ask *ask, const struct outcome *outcome, const struct retry_plan *plan) {
    struct rp_log_line line;
    char text[512];
    rp_log_open(&line, RP_LOG_WARN, ask->remote->protocol->name);
    rp_log_str(&line, "message", rp_str(said(ask, outcome, text, sizeof(text))));
    rp_log_str(&line, "request_id", rp_str(ask->source.turn->id));
    rp_log_str(&line, "model", rp_str(ask->remote->element->name));
    rp_log_str(&line, "code", rp_str(rp_error_code(outcome->code)));
    rp_log_int(&line, "attempt", ask->attempts);
    if (outcome->status) rp_log_int(&line, "status", outcome->status);
    if (plan->again) rp_log_int(&line, "next_attempt_ms", plan->wait_ms);
    rp_log_close(&line);
}

void tell_first(struct ask *ask) {
    rp_metric_observe(ask->remote->first_token, took_ms(ask) * 1000000);
}

static void note(const struct ask *ask, const char *what, json_t *detail) {
    const struct rp_element *self = ask->remote->element, *by = ask->call->by;
    json_object_set_new(detail, "model", json_string(self->name));
    rp_turn_note(ask->source.turn, by ? by : self, what, detail);
}

void tell_failure(struct ask *ask, const struct outcome *outcome, const struct retry_plan *plan) {
    rp_metric_add(attempts(ask->remote, rp_error_code(outcome->code)), 1);
    if (!ask->told) log_failure(ask, outcome, plan);
    if (!rp_turn_explained(ask->source.turn)) return;
    json_t *detail = json_pack("{s:I, s:s, s:s, s:I}", "attempt", (json_int_t)ask->attempts, "code",
                               rp_error_code(outcome->code), "why", outcome->detail, "ms", (json_int_t)took_ms(ask));
    if (outcome->status) json_object_set_new(detail, "status", json_integer(outcome->status));
    if (plan->again) json_object_set_new(detail, "next_attempt_ms", json_integer(plan->wait_ms));
    note(ask, "attempt failed", detail);
}

void tell_success(struct ask *ask) {
    rp_metric_add(ask->remote->answered, 1);
    if (!rp_turn_explained(ask->source.turn)) return;
    note(ask, "answered", json_pack("{s:I, s:I}", "attempt", (json_int_t)ask->attempts, "ms", (json_int_t)took_ms(ask)));
}
