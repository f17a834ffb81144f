/* One item on its way: its turn, its result, and another try where it was refused for now. */
#include <stdio.h>

#include "core/batch/batch_state.h"
#include "core/batch/item.h"

enum {
    LINE_KEPT = 64 << 10, /* of a result's memory kept for the next one */
    AGAIN_FIRST_MS = 250,
    AGAIN_LAST_MS = 30000,
};

/* ---- results ----------------------------------------------------------------------------------------------------- */

static struct rp_buf *line_clear(struct rp_batch *batch) {
    if (batch->line.cap > LINE_KEPT) rp_buf_finish(&batch->line);
    rp_buf_clear(&batch->line);
    return &batch->line;
}

static void tell(struct rp_batch *batch, int64_t number, int code) {
    const struct rp_batch_result result = {.number = number, .code = code, .line = rp_buf_str(&batch->line)};
    if (!batch->cancelled) batch->options.ops->result(batch->options.arg, &result);
}

static void tell_fault(struct item *item, const struct rp_fault *fault) {
    const char *request_id = item->turn ? item->turn->id : NULL;
    item->settled = true;
    item_error_line(line_clear(item->batch), item->head, item->id, fault, request_id);
    tell(item->batch, item->number, fault->code);
}

static void tell_reply(struct item *item, enum rp_finish finish) {
    struct rp_batch *batch = item->batch;
    const struct rp_fault too_long = {.code = RP_EREPLYSIZE};
    if (item_reply_line(line_clear(batch), item->head, item->id, item->turn, finish) != 0) {
        tell_fault(item, &too_long);
        return;
    }
    item->settled = true;
    tell(batch, item->number, 0);
}

void item_tell_unread(struct rp_batch *batch, const struct rp_batch_item *item, struct rp_str id,
                      const struct rp_fault *fault) {
    item_error_line(line_clear(batch), item->head, id, fault, NULL);
    tell(batch, item->number, fault->code);
}

/* ---- trying again ------------------------------------------------------------------------------------------------ */

static bool refused_for_now(int code) {
    return code == RP_ERATE || code == RP_EBUSY || code == RP_EUPRATE;
}

/* As told, else longer each time; some of it is chance, so that those who were refused together do not come back so. */
static int64_t pause_ms(const struct item *item, const struct rp_fault *fault) {
    uint32_t random;
    rp_random(&random, sizeof(random));
    int64_t ms = (int64_t)fault->retry_after * 1000;
    if (ms == 0) ms = item->tries < 8 ? (int64_t)AGAIN_FIRST_MS << (item->tries - 1) : AGAIN_LAST_MS;
    if (fault->retry_after == 0 && ms > AGAIN_LAST_MS) ms = AGAIN_LAST_MS;
    return ms + (int64_t)(random % (uint32_t)(AGAIN_FIRST_MS + 1));
}

/* True: the item is to be tried again, when its turn has ended. */
static bool plan_again(struct item *item, const struct rp_fault *fault) {
    const struct rp_batch *batch = item->batch;
    if (!refused_for_now(fault->code) || batch->options.wait_ms == 0) return false;
    int64_t ms = pause_ms(item, fault);
    int64_t spent = rp_worker_now_ms(batch->options.worker) - item->first_ms;
    if (spent + ms > batch->options.wait_ms) return false;
    item->again_ms = ms;
    return true;
}

static void wait_again(struct item *item) {
    rp_timer_start(item->batch->options.worker, &item->again, item->again_ms);
    item->again_ms = -1;
}

/* ---- an item's turn ---------------------------------------------------------------------------------------------- */

static struct item *item_of(struct rp_sink *sink) {
    return (struct item *)((char *)sink - offsetof(struct item, sink));
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct item *item = item_of(sink);
    if (flow == RP_MORE)
        rp_turn_more(item->turn);
    else if (flow == RP_END)
        tell_reply(item, chunk->finish);
    else if (chunk->fault.code == RP_EDRAINING)
        item->settled = true; /* it was not asked: whoever comes next asks it */
    else if (!plan_again(item, &chunk->fault))
        tell_fault(item, &chunk->fault);
}

static void on_done(struct rp_sink *sink) {
    struct item *item = item_of(sink);
    struct rp_batch *batch = item->batch;
    const struct rp_fault broken = {.code = RP_ECANCELLED};
    bool again = item->again_ms >= 0;
    item->turn = NULL;
    if (again && !batch->stopped) {
        wait_again(item);
        return;
    }
    if (!item->settled && !again) tell_fault(item, &broken);
    item_end(item);
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

static struct rp_fault explain_fault(void) {
    return (struct rp_fault){.code = RP_EFORBIDDEN, .message = "explanations are not for this caller"};
}

/* 0, or why there is no turn. */
static int start_turn(struct item *item, const struct rp_chat_body *body) {
    const struct rp_batch_options *options = &item->batch->options;
    char id[128];
    if (options->id) snprintf(id, sizeof(id), "%s.%lld", options->id, (long long)item->number);
    const struct rp_turn_start start = {
        .id = options->id ? id : NULL,
        .message = body->text,
        .session = body->session,
        .user = body->user,
        .address = options->address,
        .metadata = body->metadata,
        .patient = options->patient,
        .time_ms = options->time_ms,
        .explain = body->explain,
    };
    return -rp_turn_start(options->transport, options->worker, &start, &item->sink, &item->turn);
}

static void refuse(struct item *item, const struct rp_fault *fault) {
    struct rp_batch *batch = item->batch;
    if (fault->code == RP_EDRAINING) {
        item_end(item);
        rp_batch_stop(batch);
    } else if (plan_again(item, fault)) {
        wait_again(item);
    } else {
        tell_fault(item, fault);
        item_end(item);
    }
}

void item_try(struct item *item) {
    struct rp_batch *batch = item->batch;
    struct rp_chat_body body;
    struct rp_error error = {0};
    struct rp_fault fault = {0};
    if (item->tries++ == 0) item->first_ms = rp_worker_now_ms(batch->options.worker);
    int code = item_parse(rp_str_n(item->text, item->len), &batch->space, &body, &error);
    if (code != 0)
        fault = (struct rp_fault){.code = -code, .message = error.text};
    else if (body.explain && !batch->options.may_explain)
        fault = explain_fault();
    else if ((code = start_turn(item, &body)) != 0)
        fault = rp_turn_start_fault(code);
    rp_chat_body_finish(&body);
    if (fault.code) refuse(item, &fault);
}

static void on_again(struct rp_timer *timer) {
    item_try((struct item *)((char *)timer - offsetof(struct item, again)));
}

void item_prepare(struct item *item) {
    item->sink.ops = &sink_ops;
    item->again.run = on_again;
}
