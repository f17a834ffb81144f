/* What comes to be asked in bulk and what leaves: requests into batches, answers to those who wait. Where the server turns
 * out to have no batch endpoint, requests of their own, a few at a time. */
#include <stdio.h>
#include <stdlib.h>

#include <repartee/metrics.h>

#include "core/model/meter.h"
#include "core/remote/bulk.h"
#include "core/turn/bulk_state.h"

#define LINE_AROUND 256 /* bytes around a body in the input, more than any protocol needs */

void bulk_log(const struct bulk *bulk, enum rp_log_level level, const char *batch, const char *format, ...) {
    if (!rp_log_enabled(level)) return;
    struct rp_log_line line;
    char text[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rp_log_open(&line, level, bulk->remote->protocol->name);
    rp_log_str(&line, "message", rp_str(text));
    rp_log_str(&line, "model", rp_str(bulk->remote->element->name));
    if (batch && *batch) rp_log_str(&line, "batch", rp_str(batch));
    rp_log_close(&line);
}

void bulk_count(const struct bulk *bulk, const char *outcome) {
    rp_metric_add(rp_metric(RP_COUNTER, "repartee_model_batches_total",
                            "Batches handed in to providers, by how they ended", "model", bulk->remote->element->name,
                            "outcome", outcome, NULL),
                  1);
}

/* ---- asks in lists ----------------------------------------------------------------------------------------------- */

static void link_ask(struct ask **list, struct ask *ask) {
    ask->next = *list;
    if (ask->next) ask->next->link = &ask->next;
    ask->link = list;
    *list = ask;
}

static void unlink_ask(struct ask *ask) {
    if (ask->bulk->queue_end == &ask->next) ask->bulk->queue_end = ask->link;
    *ask->link = ask->next;
    if (ask->next) ask->next->link = ask->link;
    ask->link = NULL;
    ask->next = NULL;
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static void link_item(struct bulk_batch *batch, struct bulk_item *item) {
    item->batch = batch;
    item->next = NULL;
    item->prev = batch->last;
    if (batch->last)
        batch->last->next = item;
    else
        batch->items = item;
    batch->last = item;
    batch->count++;
    if (item->asks) batch->waited++;
}

void bulk_item_unlink(struct bulk_item *item) {
    struct bulk_batch *batch = item->batch;
    if (item->next)
        item->next->prev = item->prev;
    else
        batch->last = item->prev;
    if (item->prev)
        item->prev->next = item->next;
    else
        batch->items = item->next;
    batch->count--;
    if (item->asks) batch->waited--;
    item->batch = NULL;
    item->next = item->prev = NULL;
}

void bulk_item_destroy(struct bulk *bulk, struct bulk_item *item) {
    bulk_table_remove(&bulk->items, &item->node);
    free(item);
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

static void on_gathered(struct rp_timer *timer) {
    bulk_submit(bulk_batch_of(timer));
}

static bool has_room(const struct bulk_batch *batch, size_t len) {
    const struct rp_remote_options *options = batch->bulk->remote->options;
    return batch->count < (size_t)options->bulk_count &&
           batch->input.len + len + LINE_AROUND <= (size_t)options->bulk_size;
}

static struct bulk_batch *gathering_with(struct bulk *bulk, size_t len) {
    if (bulk->gathering && !has_room(bulk->gathering, len)) bulk_submit(bulk->gathering);
    if (!bulk->gathering) bulk->gathering = bulk_batch_create(bulk);
    return bulk->gathering;
}

/* More may come at once; but not for ever. */
static void wait_for_more(struct bulk_batch *batch) {
    int64_t wait = batch->bulk->remote->options->bulk_wait;
    int64_t left = batch->born_ms + wait * BULK_GATHER_TIMES - rp_worker_now_ms(batch->bulk->worker);
    bulk_batch_wait(batch, left < wait ? left > 0 ? left : 0 : wait, on_gathered);
}

static void gather(struct bulk *bulk, struct bulk_item *item) {
    struct ask *ask = item->asks;
    int rc = attempt_write(ask);
    struct bulk_batch *batch = rc == 0 ? gathering_with(bulk, ask->request.len) : NULL;
    if (rc == 0) rc = bulk_input_add(batch, item, rp_buf_str(&ask->request));
    rp_buf_finish(&ask->request);
    if (rc != 0) {
        bulk_give(item, NULL, &(struct outcome){-rc, 0, "the request cannot be put into a batch"});
        return;
    }
    link_item(batch, item);
    wait_for_more(batch);
    if (batch->count == (size_t)bulk->remote->options->bulk_count) bulk_submit(batch);
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* Into the batch of an earlier run, or of somebody who has left, that has the very request. */
static bool adopt(struct bulk *bulk, struct bulk_item *item) {
    struct bulk_past *past = (struct bulk_past *)bulk_table_find(&bulk->past, item->node.id);
    if (!past) return false;
    struct bulk_note *note = past->note;
    bulk_table_remove(&bulk->past, &past->node);
    note->open--;
    free(past);
    struct bulk_batch *batch = note->batch ? note->batch : bulk_batch_adopt(bulk, note);
    if (batch->stage == BULK_FETCHING) batch->get.late = true;
    link_item(batch, item);
    return true;
}

static void queue(struct bulk *bulk, struct ask *ask) {
    link_ask(bulk->queue_end, ask);
    bulk->queue_end = &ask->next;
    rp_task_schedule(bulk->worker, &bulk->task);
}

static void queue_all(struct bulk *bulk, struct bulk_item *item) {
    while (item->asks) {
        struct ask *ask = item->asks;
        unlink_ask(ask);
        ask->item = NULL;
        queue(bulk, ask);
    }
    bulk_item_destroy(bulk, item);
}

void bulk_place(struct bulk *bulk, struct bulk_item *item) {
    if (!item->asks)
        bulk_item_destroy(bulk, item);
    else if (!adopt(bulk, item) && bulk->missing)
        queue_all(bulk, item);
    else if (!item->batch)
        gather(bulk, item);
}

/* ---- coming ------------------------------------------------------------------------------------------------------ */

bool bulk_takes(const struct bulk *bulk, const struct rp_turn *turn) {
    return bulk && turn->patient;
}

static void join(struct ask *ask, struct bulk_item *item) {
    if (item->batch && !item->asks) item->batch->waited++;
    if (item->batch && item->batch->stage == BULK_FETCHING) item->batch->get.late = true;
    ask->item = item;
    link_ask(&item->asks, ask);
}

void bulk_add(struct ask *ask) {
    struct bulk *bulk = ask->bulk;
    unsigned char id[BULK_HASH];
    bulk_hash(rp_buf_str(&ask->request), id);
    rp_turn_note(ask->source.turn, bulk->remote->element, "waits for a batch", NULL);
    model_watch_bulk(&ask->source, true);
    struct bulk_item *item = (struct bulk_item *)bulk_table_find(&bulk->items, id);
    if (item) {
        join(ask, item);
        rp_buf_finish(&ask->request);
        return;
    }
    item = rp_calloc(1, sizeof(*item));
    memcpy(item->node.id, id, sizeof(id));
    bulk_table_add(&bulk->items, &item->node);
    join(ask, item);
    bulk_place(bulk, item);
    rp_buf_finish(&ask->request);
}

/* ---- leaving ----------------------------------------------------------------------------------------------------- */

static void leave_item(struct ask *ask) {
    struct bulk_item *item = ask->item;
    struct bulk_batch *batch = item->batch;
    unlink_ask(ask);
    ask->item = NULL;
    if (item->asks || !batch) return; /* without a batch it is just being answered */
    batch->waited--;
    if (batch->stage == BULK_GATHERING) {
        batch->dead += item->len;
        bulk_item_unlink(item);
        bulk_item_destroy(batch->bulk, item);
    }
    if (batch->waited == 0) bulk_batch_leave(batch);
}

void bulk_remove(struct ask *ask) {
    struct bulk *bulk = ask->bulk;
    if (!bulk) return;
    if (ask->item || ask->link) bulk->left = true;
    if (ask->item)
        leave_item(ask);
    else if (ask->link)
        unlink_ask(ask);
    bulk_single_over(ask);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void answer(struct ask *ask, const struct rp_bulk_result *result) {
    bool fits = rp_buf_append_str(&ask->body, result->body) == 0;
    intake_end(ask, fits ? 0 : -RP_ETOOLARGE, "the response is too large", NULL, result->status);
}

void bulk_give(struct bulk_item *item, const struct rp_bulk_result *result, const struct outcome *failure) {
    struct bulk_batch *batch = item->batch;
    struct bulk *bulk = item->asks ? item->asks->bulk : batch->bulk;
    if (batch) bulk_item_unlink(item);
    bulk_table_remove(&bulk->items, &item->node); /* who asks the same from now on asks anew */
    while (item->asks) {
        struct ask *ask = item->asks;
        unlink_ask(ask);
        ask->item = NULL;
        if (batch) ask->use.key = batch->call.use.key;
        if (result) {
            answer(ask, result);
        } else {
            ask->told = true;
            attempt_failed(ask, failure, NULL);
            ask->told = false;
            ask_pay(ask);
        }
    }
    free(item);
}

/* ---- requests of their own --------------------------------------------------------------------------------------- */

static void on_singles(struct rp_task *task) {
    struct bulk *bulk = (struct bulk *)((char *)task - offsetof(struct bulk, task));
    while (bulk->queue && bulk->singles < BULK_SINGLES) {
        struct ask *ask = bulk->queue;
        unlink_ask(ask);
        ask->single = true;
        model_watch_bulk(&ask->source, false);
        bulk->singles++;
        attempt_alone(ask);
    }
}

void bulk_single_over(struct ask *ask) {
    if (!ask->single) return;
    ask->single = false;
    ask->bulk->singles--;
    if (ask->bulk->queue) rp_task_schedule(ask->bulk->worker, &ask->bulk->task);
    ask->bulk = NULL;
}

void bulk_fall_back(struct bulk_batch *batch) {
    struct bulk *bulk = batch->bulk;
    if (!bulk->missing)
        bulk_log(bulk, RP_LOG_ERROR, NULL, "there is no batch endpoint at %s: requests are made one by one", bulk->url);
    bulk->missing = true;
    struct bulk_batch *gathering = bulk->gathering;
    bulk_batch_again(batch);
    if (gathering && gathering != batch) bulk_batch_again(gathering);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int bulk_open(struct rp_element *element, struct rp_worker *worker, struct bulk **out, struct rp_error *error) {
    struct remote *remote = element->state;
    if (!remote->protocol->bulk || !remote->options->bulk) return 0;
    struct bulk *bulk = rp_calloc(1, sizeof(*bulk));
    bulk->remote = remote;
    bulk->worker = worker;
    bulk->url = element_url(remote, remote->protocol->bulk->path);
    const char *files = remote->protocol->bulk->files;
    bulk->files_url = files ? element_url(remote, files) : NULL;
    bulk->folder = bulk_state();
    bulk->queue_end = &bulk->queue;
    bulk->task.run = on_singles;
    int rc = bulk_notes_load(bulk, error);
    if (rc == 0)
        *out = bulk;
    else
        bulk_close(bulk);
    return rc;
}

/* All turns have ended: nobody waits. */
void bulk_close(struct bulk *bulk) {
    if (!bulk) return;
    while (bulk->batches) bulk_batch_destroy(bulk->batches);
    rp_task_cancel(bulk->worker, &bulk->task);
    bulk_notes_leave(bulk);
    bulk_table_finish(&bulk->items);
    free(bulk->url);
    free(bulk->files_url);
    free(bulk);
}
