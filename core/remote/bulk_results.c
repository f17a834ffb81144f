/* The results of a batch: files of lines, read as they come and never held. Each line goes to those who wait for it. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/remote/bulk.h"

#define PARTS 2
#define TOTAL_MS (4 * 60 * 60 * 1000) /* for one file, however slowly it comes */

static void fetch_part(struct bulk_batch *batch);

static const struct rp_remote_options *options_of(const struct bulk_batch *batch) {
    return batch->bulk->remote->options;
}

void bulk_results_end(struct bulk_batch *batch) {
    rp_fetch_cancel(batch->get.fetch);
    batch->get.fetch = NULL;
    rp_lines_finish(&batch->get.lines);
    rp_buf_finish(&batch->get.refusal);
}

/* ---- what is left ------------------------------------------------------------------------------------------------ */

/* Nobody waits for it: who comes later finds it where it is. */
static void put_back(struct bulk_item *item) {
    struct bulk_batch *batch = item->batch;
    if (batch->bulk->folder) bulk_note_reopen(batch->bulk, batch->note, item->node.id);
    bulk_item_unlink(item);
    bulk_item_destroy(batch->bulk, item);
}

static void finish(struct bulk_batch *batch) {
    struct bulk *bulk = batch->bulk;
    struct bulk_note *note = batch->note;
    bulk_log(bulk, RP_LOG_INFO, note->id, "a batch of %lld requests is done, %zu of them expired",
             (long long)note->total, batch->get.expired);
    bulk_count(bulk, "ok");
    bulk_batch_destroy(batch);
    if (!bulk->folder && note->open == 0) bulk_notes_forget(bulk, note);
}

/* The provider named no result for these, although it is done. */
static void give_rest(struct bulk_batch *batch) {
    static const struct outcome missing = {RP_EUPSTREAM, 200, "the batch ended without a result for this request"};
    if (batch->waited)
        bulk_log(batch->bulk, RP_LOG_WARN, batch->note->id, "a batch ended without a result for %zu of its requests%s",
                 batch->waited, batch->adopted ? ": they are asked anew" : "");
    batch->giving = true;
    while (batch->items) {
        struct bulk_item *item = batch->items;
        if (!item->asks) {
            put_back(item);
        } else if (!batch->adopted) {
            bulk_give(item, NULL, &missing);
        } else {
            bulk_item_unlink(item);
            bulk_place(batch->bulk, item);
        }
    }
    batch->giving = false;
    finish(batch);
}

static void on_retry(struct rp_timer *timer) {
    struct bulk_batch *batch = bulk_batch_of(timer);
    fetch_part(batch);
}

static bool try_again(struct bulk_batch *batch) {
    if (batch->get.attempts >= options_of(batch)->retries) return false;
    int64_t wait = options_of(batch)->retry_base << (batch->get.attempts < 8 ? batch->get.attempts : 8);
    batch->get.attempts++;
    batch->get.broken = 0;
    bulk_batch_wait(batch, wait < options_of(batch)->retry_max ? wait : options_of(batch)->retry_max, on_retry);
    return true;
}

/* All parts have been read. */
static void settle(struct bulk_batch *batch) {
    if (batch->waited == 0) {
        if (batch->get.ours)
            give_rest(batch);
        else
            bulk_batch_leave(batch);
    } else if (batch->guessed && !batch->get.ours) {
        bulk_find_other(batch);
    } else if (batch->get.late) {
        batch->get.part = 0;
        batch->get.late = false;
        bulk_batch_wait(batch, 0, on_retry);
    } else if (batch->get.broken && batch->waited) {
        batch->get.part = 0;
        if (!try_again(batch)) give_rest(batch);
    } else {
        give_rest(batch);
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void give(struct bulk_item *item, const struct rp_bulk_result *result) {
    static const struct outcome expired = {RP_EUPTIMEOUT, 504, "the batch expired before it was this request's turn"};
    static const struct outcome cancelled = {RP_EUPSTREAM, 200, "the batch was cancelled at the provider"};
    struct bulk_batch *batch = item->batch;
    bool good = result->end == RP_BULK_ANSWERED && result->status >= 200 && result->status <= 299;
    if (!item->asks) {
        put_back(item);
    } else if (good || (!batch->adopted && result->end == RP_BULK_ANSWERED)) {
        bulk_give(item, result, NULL);
    } else if (batch->adopted) { /* of another run: this one has its own chance */
        bulk_item_unlink(item);
        bulk_place(batch->bulk, item);
    } else {
        bulk_give(item, NULL, result->end == RP_BULK_EXPIRED ? &expired : &cancelled);
    }
}

static int on_line(void *arg, struct rp_str line) {
    struct bulk_batch *batch = arg;
    const struct remote *remote = batch->bulk->remote;
    struct rp_bulk_result result;
    unsigned char id[BULK_HASH];
    if (remote->protocol->bulk->result(remote->options, line, &result) != 0) {
        if (batch->get.broken++ == 0)
            bulk_log(batch->bulk, RP_LOG_WARN, batch->note->id, "the results hold a line that this API does not send");
        return 0;
    }
    if (!bulk_unname(result.id, id)) return 0;
    struct bulk_item *item = (struct bulk_item *)bulk_table_find(&batch->bulk->items, id);
    if (!item || item->batch != batch) return 0; /* of nobody who waits, or for the second time */
    batch->get.ours = true;
    if (result.end == RP_BULK_EXPIRED) batch->get.expired++;
    give(item, &result);
    return 0;
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct bulk_batch *batch = rp_fetch_arg(fetch);
    if (rp_fetch_status(fetch) != 200) {
        size_t room = REFUSAL_MAX - batch->get.refusal.len;
        rp_buf_append(&batch->get.refusal, data, len < room ? len : room);
        return RP_FETCH_TAKEN;
    }
    batch->giving = true;
    int rc = rp_lines_feed(&batch->get.lines, data, len, on_line, batch);
    batch->giving = false;
    if (rc == 0 && batch->waited > 0) return RP_FETCH_TAKEN;
    batch->get.broken += rc != 0;
    rp_fetch_cancel(batch->get.fetch); /* nobody waits for more, or no more can be read */
    batch->get.fetch = NULL;
    batch->get.part = PARTS;
    settle(batch);
    return RP_FETCH_TAKEN;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void next_part(struct bulk_batch *batch) {
    batch->get.part++;
    fetch_part(batch);
}

static struct outcome judge_file(struct bulk_batch *batch, int code, const char *detail, int status) {
    if (status == 0) return (struct outcome){code == -RP_EUPTIMEOUT ? RP_EUPTIMEOUT : RP_EUPSTREAM, 0, detail};
    if (status != 200) {
        const struct remote *remote = batch->bulk->remote;
        struct rp_answer *answer = &batch->call.answer;
        rp_answer_finish(answer);
        rp_answer_init(answer, BULK_REPLY_MAX);
        remote->protocol->read(remote->options, answer, rp_buf_str(&batch->get.refusal));
        int refused = fault_of_status(status, &answer->error);
        return (struct outcome){refused, status, "the server refused to give the results"};
    }
    if (code != 0) return (struct outcome){RP_ETRUNCATED, status, detail};
    return (struct outcome){.status = status};
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct bulk_batch *batch = rp_fetch_arg(fetch);
    struct outcome outcome = judge_file(batch, code, detail, rp_fetch_status(fetch));
    batch->get.fetch = NULL;
    batch->giving = true;
    if (outcome.code == 0) rp_lines_end(&batch->get.lines, on_line, batch);
    batch->giving = false;
    if (outcome.code == 0) {
        next_part(batch);
        return;
    }
    bulk_log(batch->bulk, RP_LOG_WARN, batch->note->id, "the results of a batch could not be read (%s, status %d): %s",
             rp_error_code(outcome.code), outcome.status, outcome.detail);
    if (batch->waited == 0)
        bulk_batch_leave(batch);
    else if (outcome.status == 404 || outcome.status == 410)
        bulk_batch_lost(batch, &outcome);
    else if (outcome.status == 401 || outcome.status == 403 || !try_again(batch))
        bulk_batch_give_up(batch, &outcome);
}

static size_t origin_length(const char *url) {
    const char *start = strstr(url, "://");
    return start ? (size_t)(start + 3 - url) + strcspn(start + 3, "/?#\\") : 0;
}

/* A key goes only where base_url sends it: of a URL that leads elsewhere, the path that the documentation names is asked. */
static void make_url(const struct bulk_batch *batch, const char *given, char *out, size_t size) {
    const struct bulk *bulk = batch->bulk;
    char *below = *given == '/' ? element_url(bulk->remote, given) : NULL;
    size_t origin = origin_length(bulk->url);
    if (below)
        snprintf(out, size, "%s", below);
    else if (origin_length(given) == origin && strncasecmp(given, bulk->url, origin) == 0)
        snprintf(out, size, "%s", given);
    else
        snprintf(out, size, "%s/%s/results", bulk->url, batch->note->id);
    free(below);
}

static int start_fetch(struct bulk_batch *batch, const char *given) {
    static const struct rp_fetch_ops ops = {.on_data = on_data, .on_done = on_done};
    const struct remote *remote = batch->bulk->remote;
    char url[RP_BULK_URL_SIZE * 5];
    make_url(batch, given, url, sizeof(url));
    struct rp_fetch_request request = {
        .method = "GET",
        .url = url,
        .fields = remote->keys[batch->call.use.key].fields,
        .connect_ms = remote->options->timeout_connect,
        .first_byte_ms = remote->options->timeout,
        .stall_ms = remote->options->timeout_stall,
        .total_ms = TOTAL_MS,
        .proxy = element_proxy(remote),
        .ca_file = element_ca_file(remote),
        .ops = &ops,
        .arg = batch,
    };
    return rp_fetch_start(batch->bulk->worker, &request, &batch->get.fetch);
}

static void fetch_part(struct bulk_batch *batch) {
    bulk_results_end(batch);
    while (batch->get.part < PARTS && !*batch->told.results[batch->get.part]) batch->get.part++;
    if (batch->get.part >= PARTS) {
        settle(batch);
        return;
    }
    rp_lines_init(&batch->get.lines, BULK_RESULT_MAX);
    rp_buf_init(&batch->get.refusal, REFUSAL_MAX);
    if (start_fetch(batch, batch->told.results[batch->get.part]) == 0) return;
    bulk_batch_give_up(batch, &(struct outcome){RP_EUPSTREAM, 0, "its results are at no URL that can be asked"});
}

void bulk_results(struct bulk_batch *batch) {
    batch->stage = BULK_FETCHING;
    batch->get.part = 0;
    batch->get.attempts = 0;
    batch->get.broken = 0;
    batch->get.ours = batch->get.late = false;
    fetch_part(batch);
}
