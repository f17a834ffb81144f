/* What a transfer brings: a stream is cut into JSON texts as it comes, anything else is kept until it is whole. */
#include <strings.h>

#include "core/remote/internal.h"

void intake_reset(struct ask *ask) {
    if (ask->parsing && ask->remote->protocol->frames == RP_FRAMES_EVENTS) rp_sse_finish(&ask->sse);
    if (ask->parsing && ask->remote->protocol->frames == RP_FRAMES_LINES) rp_lines_finish(&ask->lines);
    ask->parsing = ask->framed = ask->paused = false;
    rp_buf_finish(&ask->body);
}

static void on_head(struct rp_fetch *fetch, int status) {
    struct ask *ask = rp_fetch_arg(fetch);
    const struct rp_protocol *protocol = ask->remote->protocol;
    const char *type = rp_fetch_field(fetch, "content-type");
    if (status != 200 || !type || strncasecmp(type, protocol->stream_type, strlen(protocol->stream_type)) != 0) {
        rp_timer_stop(ask->source.turn->worker, &ask->clock); /* what comes whole has its first token with its last */
        return;
    }
    ask->framed = ask->parsing = true;
    if (protocol->frames == RP_FRAMES_EVENTS)
        rp_sse_init(&ask->sse, FRAME_MAX);
    else
        rp_lines_init(&ask->lines, FRAME_MAX);
}

/* ---- JSON texts of a stream -------------------------------------------------------------------------------------- */

static int on_text(void *arg, struct rp_str json) {
    struct ask *ask = arg;
    struct rp_answer *answer = &ask->answer;
    if (answer->done || json.len == 0) return 0;
    bool awake = answer->awake;
    answer->ping = false;
    int rc = ask->remote->protocol->read(ask->remote->options, answer, json);
    if (answer->text.len > 0 || answer->tool_count > 0) ask->started = answer->awake = true;
    if (answer->awake && !awake) tell_first(ask);
    if (answer->awake && !answer->ping) attempt_moved(ask);
    return rc ? rc : answer->error.present ? -RP_EUPSTREAM : 0;
}

static int on_event(void *arg, struct rp_str event, struct rp_str data) {
    (void)event; /* the data of each says itself what it is */
    return on_text(arg, data);
}

static int feed(struct ask *ask, const char *data, size_t len) {
    if (ask->remote->protocol->frames == RP_FRAMES_EVENTS) return rp_sse_feed(&ask->sse, data, len, on_event, ask);
    return rp_lines_feed(&ask->lines, data, len, on_text, ask);
}

/* The stream cannot be read on; what came before it is still handed on. */
static void break_off(struct ask *ask, struct rp_fetch *fetch, int rc) {
    struct outcome outcome = {RP_EUPSTREAM, rp_fetch_status(fetch), "the stream holds something that this API does not send"};
    if (ask->answer.error.present)
        outcome = judge_answer(ask, outcome.status);
    else if (rc == -RP_ETOOLARGE)
        outcome.detail = "a piece of the stream is too large";
    struct rp_fetch *broken = ask->fetch;
    ask->fetch = NULL;
    attempt_failed(ask, &outcome, fetch);
    rp_fetch_cancel(broken);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void keep(struct ask *ask, struct rp_fetch *fetch, const char *data, size_t len) {
    size_t max = rp_fetch_status(fetch) < 300 ? BODY_MAX : REFUSAL_MAX;
    size_t room = max - ask->body.len;
    rp_buf_append(&ask->body, data, len < room ? len : room);
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct ask *ask = rp_fetch_arg(fetch);
    if (!ask->framed) {
        keep(ask, fetch, data, len);
        return RP_FETCH_TAKEN;
    }
    if (ask->answer.text.len >= (size_t)ask->remote->options->buffer) {
        ask->paused = true;
        attempt_moved(ask);
        return RP_FETCH_PAUSE;
    }
    int rc = feed(ask, data, len);
    if (rc != 0)
        break_off(ask, fetch, rc);
    else if (ask->answer.done)
        attempt_linger(ask);
    ask_pay(ask);
    return RP_FETCH_TAKEN;
}

void intake_end(struct ask *ask, int code, const char *detail, struct rp_fetch *fetch, int status) {
    bool last_line = code == 0 && ask->framed && ask->remote->protocol->frames == RP_FRAMES_LINES;
    if (last_line && rp_lines_end(&ask->lines, on_text, ask) != 0 && !ask->answer.error.present) code = -RP_ETRUNCATED;
    struct outcome outcome = judge(ask, code, detail, status);
    if (outcome.code != 0) {
        attempt_failed(ask, &outcome, fetch);
    } else {
        tell_success(ask);
        ask_over(ask, NULL);
    }
    ask_pay(ask);
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct ask *ask = rp_fetch_arg(fetch);
    ask->fetch = NULL;
    rp_timer_stop(ask->source.turn->worker, &ask->timer);
    rp_timer_stop(ask->source.turn->worker, &ask->clock);
    intake_end(ask, code, detail, fetch, rp_fetch_status(fetch));
}

const struct rp_fetch_ops intake_ops = {.on_head = on_head, .on_data = on_data, .on_done = on_done};
