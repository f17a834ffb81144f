/* Which item runs when. A task of the worker's begins items as long as there is room; whatever ends schedules it. */
#include <stdio.h>
#include <stdlib.h>

#include <repartee/batch.h>

#include "core/batch/item.h"
#include "core/batch/queues.h"

enum {
    STEP_ITEMS = 64,        /* begun at a time, so that others get to the worker as well */
    READ_AHEAD_MIN = 256,   /* items that may wait for their sessions */
    READ_AHEAD_MAX = 4096,
    READ_AHEAD_EACH = 16,   /* for each one that may be under way */
    HELD_BYTES = 64 << 20,  /* of items under way and waiting; one may always be */
    LINE_BYTES = 16 << 20,  /* of a result */
    LINE_KEPT = 64 << 10,   /* of its memory kept for the next one */
    AGAIN_FIRST_MS = 250,
    AGAIN_LAST_MS = 30000,
};

enum source { SOURCE_READY, SOURCE_DRY, SOURCE_ENDED };

struct item {
    struct queued queued; /* first: in its session's line, or among those that are ready */
    struct rp_sink sink;
    struct rp_batch *batch;
    struct item *before, *after; /* among those under way */
    struct queue *queue;         /* NULL: it names no session */
    struct rp_turn *turn;        /* NULL: none, it waits for `again` */
    struct rp_timer again;
    int64_t again_ms;            /* until it is tried again; -1: it is not */
    int64_t first_ms;            /* when it was tried first */
    unsigned tries;
    bool settled;                /* it has its result, or is to have none */
    int64_t number;
    char head[sizeof(((struct rp_batch_item *)0)->head)];
    struct rp_str id; /* in `text` */
    size_t len;
    char text[];
};

struct rp_batch {
    struct rp_batch_options options;
    char *id, *address;
    struct rp_task task;
    struct queues queues;
    struct item under_way;                /* head of a ring */
    struct queued *ready, **ready_last;   /* nobody is in front of these any more */
    size_t running, waiting, read_ahead;
    size_t held;                          /* bytes */
    enum source source;
    bool paused, stopped, cancelled, over;
    struct rp_buf space, line;
};

static void on_task(struct rp_task *task);
static void end_item(struct item *item);

static void schedule(struct rp_batch *batch) {
    rp_task_schedule(batch->options.worker, &batch->task);
}

static size_t size_of(const struct item *item) {
    return sizeof(*item) + item->len;
}

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

/* Of what was no item to begin with. */
static void tell_unread(struct rp_batch *batch, const struct rp_batch_item *item, struct rp_str id,
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
    end_item(item);
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
        end_item(item);
        rp_batch_stop(batch);
    } else if (plan_again(item, fault)) {
        wait_again(item);
    } else {
        tell_fault(item, fault);
        end_item(item);
    }
}

static void try_item(struct item *item) {
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
    try_item((struct item *)((char *)timer - offsetof(struct item, again)));
}

/* ---- who is next ------------------------------------------------------------------------------------------------- */

static void make_ready(struct rp_batch *batch, struct queued *queued) {
    queued->next = NULL;
    *batch->ready_last = queued;
    batch->ready_last = &queued->next;
}

static struct item *take_ready(struct rp_batch *batch) {
    struct queued *first = batch->ready;
    if (!first) return NULL;
    batch->ready = first->next;
    if (!batch->ready) batch->ready_last = &batch->ready;
    return (struct item *)first;
}

static void begin(struct item *item) {
    struct item *ring = &item->batch->under_way;
    item->before = ring->before;
    item->after = ring;
    item->before->after = ring->before = item;
    item->batch->running++;
    try_item(item);
}

/* Gives the session to the one behind it. */
static void free_item(struct item *item) {
    struct rp_batch *batch = item->batch;
    struct queued *next = item->queue ? queues_leave(&batch->queues, item->queue) : NULL;
    if (next) {
        batch->waiting--;
        make_ready(batch, next);
    }
    batch->held -= size_of(item);
    free(item);
}

static void end_item(struct item *item) {
    struct rp_batch *batch = item->batch;
    rp_timer_stop(batch->options.worker, &item->again);
    item->before->after = item->after;
    item->after->before = item->before;
    batch->running--;
    free_item(item);
    schedule(batch);
}

static struct item *item_create(struct rp_batch *batch, const struct rp_batch_item *from, struct rp_str id) {
    struct item *item = rp_alloc(sizeof(*item) + from->text.len);
    *item = (struct item){.sink = {.ops = &sink_ops}, .batch = batch, .again = {.run = on_again}, .again_ms = -1,
                          .number = from->number, .len = from->text.len};
    memcpy(item->head, from->head, sizeof(item->head));
    memcpy(item->text, from->text.data, from->text.len);
    if (id.len > 0) item->id = rp_str_n(item->text + (id.data - from->text.data), id.len);
    batch->held += size_of(item);
    return item;
}

static void admit(struct rp_batch *batch, const struct rp_batch_item *from) {
    struct rp_chat_body body = {0};
    struct rp_error error = {0};
    struct rp_fault fault = from->fault;
    bool is_free = true;
    if (!fault.code && item_parse(from->text, &batch->space, &body, &error) != 0)
        fault = (struct rp_fault){.code = error.code, .message = error.text};
    if (fault.code) {
        tell_unread(batch, from, body.id, &fault);
        return;
    }
    struct item *item = item_create(batch, from, body.id);
    if (body.session.len > 0) item->queue = queues_enter(&batch->queues, body.session, &is_free);
    rp_chat_body_finish(&body);
    if (is_free) {
        make_ready(batch, &item->queued);
    } else {
        queue_add(item->queue, &item->queued);
        batch->waiting++;
    }
}

/* True: something was read. */
static bool read_one(struct rp_batch *batch) {
    struct rp_batch_item item = {0};
    bool full = batch->waiting >= batch->read_ahead || batch->held >= HELD_BYTES;
    if (full || batch->source != SOURCE_READY) return false;
    switch (batch->options.ops->next(batch->options.arg, &item)) {
    case RP_BATCH_ITEM: admit(batch, &item); return true;
    case RP_BATCH_WAIT: batch->source = SOURCE_DRY; return false;
    case RP_BATCH_END: batch->source = SOURCE_ENDED; return false;
    }
    return false;
}

static bool may_begin(const struct rp_batch *batch) {
    return !batch->paused && !batch->stopped && batch->running < batch->options.concurrency;
}

static bool has_ended(const struct rp_batch *batch) {
    bool nothing_comes = batch->stopped || (batch->source == SOURCE_ENDED && !batch->ready && batch->waiting == 0);
    return !batch->over && batch->running == 0 && nothing_comes;
}

static void on_task(struct rp_task *task) {
    struct rp_batch *batch = (struct rp_batch *)((char *)task - offsetof(struct rp_batch, task));
    bool more = true;
    for (int i = 0; i < STEP_ITEMS && more && may_begin(batch); i++) {
        struct item *item = take_ready(batch);
        if (item)
            begin(item);
        else
            more = read_one(batch);
    }
    if (more && may_begin(batch)) schedule(batch);
    if (!has_ended(batch)) return;
    batch->over = true;
    rp_task_cancel(batch->options.worker, &batch->task);
    rp_worker_release(batch->options.worker);
    batch->options.ops->done(batch->options.arg);
}

/* ---- from outside ------------------------------------------------------------------------------------------------ */

struct rp_batch *rp_batch_create(const struct rp_batch_options *options) {
    struct rp_batch *batch = rp_calloc(1, sizeof(*batch));
    size_t ahead = options->concurrency * READ_AHEAD_EACH;
    batch->options = *options;
    batch->id = options->id ? rp_strdup(options->id) : NULL;
    batch->options.id = batch->id;
    batch->address = rp_alloc(options->address.len + 1);
    if (options->address.len > 0) memcpy(batch->address, options->address.data, options->address.len);
    batch->options.address.data = batch->address;
    batch->read_ahead = ahead < READ_AHEAD_MIN ? READ_AHEAD_MIN : ahead > READ_AHEAD_MAX ? READ_AHEAD_MAX : ahead;
    batch->task.run = on_task;
    batch->under_way.before = batch->under_way.after = &batch->under_way;
    batch->ready_last = &batch->ready;
    queues_init(&batch->queues, options->concurrency + batch->read_ahead);
    rp_buf_init(&batch->space, HELD_BYTES);
    rp_buf_init(&batch->line, LINE_BYTES);
    rp_worker_hold(options->worker);
    return batch;
}

/* Nobody who waits is asked any more. */
static void forget_waiting(struct rp_batch *batch) {
    struct queued *queued;
    size_t bucket = 0;
    while ((queued = queues_drop(&batch->queues, &bucket))) {
        struct item *item = (struct item *)queued;
        batch->held -= size_of(item);
        free(item);
    }
    batch->waiting = 0;
    for (struct item *item; (item = take_ready(batch));) free_item(item);
}

void rp_batch_destroy(struct rp_batch *batch) {
    if (!batch) return;
    if (!batch->over) rp_worker_release(batch->options.worker);
    rp_task_cancel(batch->options.worker, &batch->task);
    forget_waiting(batch);
    queues_finish(&batch->queues);
    rp_buf_finish(&batch->space);
    rp_buf_finish(&batch->line);
    free(batch->address);
    free(batch->id);
    free(batch);
}

void rp_batch_go(struct rp_batch *batch) {
    batch->paused = false;
    if (batch->source == SOURCE_DRY) batch->source = SOURCE_READY;
    schedule(batch);
}

void rp_batch_pause(struct rp_batch *batch) {
    batch->paused = true;
}

void rp_batch_stop(struct rp_batch *batch) {
    if (batch->stopped) return;
    batch->stopped = true;
    forget_waiting(batch);
    for (struct item *item = batch->under_way.after, *after; item != &batch->under_way; item = after) {
        after = item->after;
        if (rp_timer_started(&item->again)) end_item(item);
    }
    schedule(batch);
}

void rp_batch_cancel(struct rp_batch *batch) {
    batch->cancelled = true;
    rp_batch_stop(batch);
    for (struct item *item = batch->under_way.after; item != &batch->under_way; item = item->after)
        if (item->turn) rp_turn_cancel(item->turn);
}

size_t rp_batch_running(const struct rp_batch *batch) {
    return batch->running;
}
