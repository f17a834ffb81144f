/* Which item runs when. A task of the worker's begins items as long as there is room; whatever ends schedules it. */
#include <stdlib.h>

#include "core/batch/batch_state.h"
#include "core/batch/item.h"

enum {
    STEP_ITEMS = 64,      /* begun at a time, so that others get to the worker as well */
    READ_AHEAD_MIN = 256, /* items that may wait for their sessions */
    READ_AHEAD_MAX = 4096,
    READ_AHEAD_EACH = 16,  /* for each one that may be under way */
    HELD_BYTES = 64 << 20, /* of items under way and waiting; one may always be */
    LINE_BYTES = 16 << 20, /* of a result */
};

static void schedule(struct rp_batch *batch) {
    rp_task_schedule(batch->options.worker, &batch->task);
}

static size_t size_of(const struct item *item) {
    return sizeof(*item) + item->len;
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
    item_try(item);
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

void item_end(struct item *item) {
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
    *item = (struct item){.batch = batch, .again_ms = -1, .number = from->number, .len = from->text.len};
    item_prepare(item);
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
        item_tell_unread(batch, from, body.id, &fault);
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
    case RP_BATCH_ITEM:
        admit(batch, &item);
        return true;
    case RP_BATCH_WAIT:
        batch->source = SOURCE_DRY;
        return false;
    case RP_BATCH_END:
        batch->source = SOURCE_ENDED;
        return false;
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
        if (rp_timer_started(&item->again)) item_end(item);
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
