/* The life of a batch once it is handed in: looked at in growing intervals until the provider is done with it; or its end,
 * however that comes. */
#include <stdio.h>
#include <stdlib.h>

#include "core/remote/bulk.h"

#define GONE_LOOKS 3 /* times that a batch may not be found, since it may be too new */
#define CANCEL_MS (10 * 1000)

static void poll(struct bulk_batch *batch);

static const struct rp_remote_options *options_of(const struct bulk_batch *batch) {
    return batch->bulk->remote->options;
}

struct bulk_batch *bulk_batch_of(struct rp_timer *timer) {
    return (struct bulk_batch *)((char *)timer - offsetof(struct bulk_batch, timer));
}

struct bulk_batch *bulk_batch_at(struct bulk_call *call) {
    return (struct bulk_batch *)((char *)call - offsetof(struct bulk_batch, call));
}

void bulk_batch_wait(struct bulk_batch *batch, int64_t ms, void (*run)(struct rp_timer *timer)) {
    batch->timer.run = run;
    rp_timer_start(batch->bulk->worker, &batch->timer, ms);
}

static struct bulk_batch *make(struct bulk *bulk) {
    struct bulk_batch *batch = rp_calloc(1, sizeof(*batch));
    batch->bulk = bulk;
    batch->next = bulk->batches;
    if (batch->next) batch->next->prev = batch;
    bulk->batches = batch;
    batch->born_ms = rp_worker_now_ms(bulk->worker);
    batch->wait_ms = bulk->remote->options->bulk_poll;
    bulk_call_init(&batch->call, bulk);
    return batch;
}

struct bulk_batch *bulk_batch_create(struct bulk *bulk) {
    struct bulk_batch *batch = make(bulk);
    batch->stage = BULK_GATHERING;
    batch->call.use.key = keys_pick(bulk->remote, batch->born_ms);
    bulk_input_begin(batch);
    return batch;
}

static void drop_items(struct bulk_batch *batch) {
    while (batch->items) {
        struct bulk_item *item = batch->items;
        bulk_item_unlink(item);
        bulk_item_destroy(batch->bulk, item);
    }
}

void bulk_batch_destroy(struct bulk_batch *batch) {
    struct bulk *bulk = batch->bulk;
    drop_items(batch);
    bulk_call_end(&batch->call);
    bulk_results_end(batch);
    bulk_note_drop_write(batch);
    rp_timer_stop(bulk->worker, &batch->timer);
    rp_buf_finish(&batch->input);
    if (batch->note) batch->note->batch = NULL;
    if (bulk->gathering == batch) bulk->gathering = NULL;
    if (batch->next) batch->next->prev = batch->prev;
    if (batch->prev)
        batch->prev->next = batch->next;
    else
        bulk->batches = batch->next;
    free(batch);
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void forget(struct bulk_batch *batch) {
    struct bulk_note *note = batch->note;
    batch->note = NULL;
    if (note) bulk_notes_forget(batch->bulk, note);
}

void bulk_batch_again(struct bulk_batch *batch) {
    struct bulk *bulk = batch->bulk;
    forget(batch);
    if (bulk->gathering == batch) bulk->gathering = NULL;
    while (batch->items) {
        struct bulk_item *item = batch->items;
        bulk_item_unlink(item);
        bulk_place(bulk, item);
    }
    bulk_batch_destroy(batch);
}

static void fail_items(struct bulk_batch *batch, const struct outcome *outcome) {
    batch->giving = true;
    while (batch->items) bulk_give(batch->items, NULL, outcome);
    batch->giving = false;
}

void bulk_batch_lost(struct bulk_batch *batch, const struct outcome *outcome) {
    bulk_log(batch->bulk, RP_LOG_WARN, batch->note ? batch->note->id : NULL,
             "a batch of %zu requests has failed (%s): %s%s", batch->count, rp_error_code(outcome->code),
             outcome->detail, batch->adopted ? "; they are asked anew" : "");
    bulk_count(batch->bulk, "failed");
    if (batch->adopted) {
        bulk_batch_again(batch);
        return;
    }
    forget(batch);
    fail_items(batch, outcome);
    bulk_batch_destroy(batch);
}

/* What is not answered can be asked for again. */
static void reopen(struct bulk_batch *batch) {
    for (struct bulk_item *item = batch->items; item; item = item->next)
        bulk_note_reopen(batch->bulk, batch->note, item->node.id);
}

void bulk_batch_give_up(struct bulk_batch *batch, const struct outcome *outcome) {
    bulk_log(batch->bulk, RP_LOG_ERROR, batch->note->id, "no answer can be had from a batch of %zu requests (%s): %s%s",
             batch->count, rp_error_code(outcome->code), outcome->detail,
             batch->note->kept ? "; another run looks for it again" : "");
    bulk_count(batch->bulk, "given up");
    reopen(batch);
    fail_items(batch, outcome);
    bulk_batch_destroy(batch);
}

static void ignore(struct rp_fetch *fetch, int code, const char *detail) {
    (void)fetch, (void)code, (void)detail;
}

/* For what has no notes: the provider need not go on. Nobody waits for the response. */
static void cancel(struct bulk_batch *batch) {
    static const struct rp_fetch_ops ops = {.on_done = ignore};
    const struct remote *remote = batch->bulk->remote;
    struct rp_buf url;
    rp_buf_init(&url, RP_BULK_URL_SIZE * 4);
    rp_buf_printf(&url, "%s/%s/cancel", batch->bulk->url, batch->note->id);
    struct rp_fetch_request request = {.method = "POST",
                                       .url = url.data,
                                       .fields = remote->keys[batch->call.use.key].fields,
                                       .total_ms = CANCEL_MS,
                                       .max_body = BULK_REPLY_MAX,
                                       .proxy = element_proxy(remote),
                                       .ca_file = element_ca_file(remote),
                                       .ops = &ops};
    struct rp_fetch *fetch;
    rp_fetch_start(batch->bulk->worker, &request, &fetch);
    rp_buf_finish(&url);
}

void bulk_batch_leave(struct bulk_batch *batch) {
    if (batch->giving) return;
    bool handed_in = batch->stage >= BULK_SUBMITTING;
    if (batch->note && batch->bulk->folder && handed_in)
        reopen(batch);
    else if (batch->note && *batch->note->id)
        cancel(batch);
    if (batch->note && (!handed_in || !batch->bulk->folder) && batch->stage != BULK_NOTING) forget(batch);
    bulk_batch_destroy(batch);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static void on_poll(struct rp_timer *timer) {
    poll(bulk_batch_of(timer));
}

static void wait_longer(struct bulk_batch *batch) {
    int64_t wait = batch->wait_ms, most = options_of(batch)->bulk_poll_max;
    if (batch->call.retry_after_ms > wait) wait = batch->call.retry_after_ms;
    if (wait > BULK_AFTER_MAX_MS && wait > most) wait = most;
    batch->wait_ms += batch->wait_ms / 2 + 1;
    if (batch->wait_ms > most) batch->wait_ms = most;
    batch->stage = BULK_WAITING;
    bulk_batch_wait(batch, wait, on_poll);
}

static void on_again(struct rp_timer *timer) {
    bulk_batch_again(bulk_batch_of(timer));
}

/* The provider has too much of ours in its queue. That passes when it is done with some of it. */
void bulk_batch_turned_away(struct bulk_batch *batch, const struct outcome *outcome) {
    struct bulk *bulk = batch->bulk;
    if (++bulk->turned_away > BULK_POLL_FAILURES) {
        bulk_batch_lost(batch, outcome);
        return;
    }
    bulk_log(bulk, RP_LOG_INFO, NULL, "the provider takes no more for now: %zu requests are handed in again in %lld ms",
             batch->count, (long long)options_of(batch)->bulk_poll_max);
    forget(batch);
    batch->stage = BULK_GATHERING; /* but not the one that gathers: nothing of it is with the provider */
    bulk_batch_wait(batch, options_of(batch)->bulk_poll_max, on_again);
}

static void on_failed(struct bulk_batch *batch) {
    struct rp_answer_error *error = &batch->call.answer.error;
    int code = fault_of_event(error);
    struct outcome outcome = {code == RP_EUPSTREAM ? RP_EUPREQUEST : code, code == RP_EUPRATE ? 429 : 400, NULL};
    char detail[400];
    keys_hide(batch->bulk->remote, &error->message);
    snprintf(detail, sizeof(detail), "the provider refused it%s%.300s", error->message.len ? ": " : "",
             error->message.len ? error->message.data : "");
    outcome.detail = detail;
    if (code == RP_EUPRATE)
        bulk_batch_turned_away(batch, &outcome);
    else
        bulk_batch_lost(batch, &outcome);
}

static void on_told(struct bulk_batch *batch) {
    batch->failures = 0;
    bulk_log(batch->bulk, RP_LOG_DEBUG, batch->note->id, "%lld of %lld requests have come to an end",
             (long long)batch->told.settled, (long long)batch->note->total);
    if (batch->guessed && batch->told.total && batch->told.total != batch->note->total)
        bulk_find_other(batch);
    else if (batch->told.state == RP_BULK_OVER)
        bulk_results(batch);
    else if (batch->told.state == RP_BULK_FAILED)
        on_failed(batch);
    else
        wait_longer(batch);
}

static void on_no_news(struct bulk_batch *batch, struct outcome outcome) {
    bool gone = outcome.status == 404 && ++batch->gone >= GONE_LOOKS;
    if (gone)
        bulk_batch_lost(batch, &outcome);
    else if (outcome.status == 401 || outcome.status == 403 || ++batch->failures >= BULK_POLL_FAILURES)
        bulk_batch_give_up(batch, &outcome);
    else
        wait_longer(batch);
}

static void on_looked(struct bulk_call *call, const struct outcome *outcome) {
    struct bulk_batch *batch = bulk_batch_at(call);
    const struct remote *remote = batch->bulk->remote;
    if (outcome->code != 0) {
        on_no_news(batch, *outcome);
        return;
    }
    batch->told = (struct rp_bulk_batch){0};
    if (remote->protocol->bulk->batch(remote->options, rp_buf_str(&call->reply), &batch->told, &call->answer) == 0) {
        on_told(batch);
        return;
    }
    bulk_log(batch->bulk, RP_LOG_WARN, batch->note->id, "the server's word about a batch is not what this API answers");
    on_no_news(batch, (struct outcome){RP_EUPSTREAM, 200, "the server's word about it is not what this API answers"});
}

static void poll(struct bulk_batch *batch) {
    char url[RP_BULK_URL_SIZE * 4];
    snprintf(url, sizeof(url), "%s/%s", batch->bulk->url, batch->note->id);
    batch->stage = BULK_POLLING;
    batch->call.done = on_looked;
    bulk_call_start(&batch->call, &(struct bulk_request){.what = "a look at a batch", .method = "GET", .url = url});
}

static void on_id_kept(struct bulk_batch *batch, int code) {
    (void)code; /* logged; the batch is paid, so its results are waited for */
    wait_longer(batch);
}

void bulk_batch_known(struct bulk_batch *batch) {
    batch->stage = BULK_WAITING;
    batch->bulk->turned_away = 0;
    batch->bulk->not_taken = 0;
    bulk_key_mark(batch->bulk->remote->keys[batch->call.use.key].text, batch->note->key);
    bulk_log(batch->bulk, RP_LOG_INFO, batch->note->id, "a batch of %lld requests is with the provider",
             (long long)batch->note->total);
    if (batch->note->kept && !batch->guessed)
        bulk_note_add_id(batch, on_id_kept);
    else
        wait_longer(batch);
}

/* ---- those of before --------------------------------------------------------------------------------------------- */

static size_t key_marked(const struct bulk *bulk, const char *mark) {
    char own[17];
    for (size_t i = 0; i < bulk->remote->key_count; i++) {
        bulk_key_mark(bulk->remote->keys[i].text, own);
        if (strcmp(own, mark) == 0) return i;
    }
    return keys_pick(bulk->remote, rp_worker_now_ms(bulk->worker));
}

static void on_adopted(struct rp_timer *timer) {
    struct bulk_batch *batch = bulk_batch_of(timer);
    if (*batch->note->id)
        poll(batch);
    else
        bulk_find(batch);
}

struct bulk_batch *bulk_batch_adopt(struct bulk *bulk, struct bulk_note *note) {
    struct bulk_batch *batch = make(bulk);
    batch->note = note;
    note->batch = batch;
    batch->adopted = true;
    batch->stage = BULK_WAITING;
    batch->call.use.key = key_marked(bulk, note->key);
    bulk_log(bulk, RP_LOG_INFO, note->id, "a batch of %lld requests was handed in before: its results are waited for",
             (long long)note->total);
    bulk_batch_wait(batch, bulk->remote->options->bulk_wait,
                    on_adopted); /* others of it may come: its results are read once */
    return batch;
}
