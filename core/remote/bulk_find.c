/* A batch was handed in and its answer never came: the connection broke, or the process died. The provider's list of batches
 * tells whether it has been taken. */
#include <stdio.h>

#include "core/remote/bulk.h"

#define PAGE 100
#define PAGES_MAX 50
#define SKEW_MS (10 * 60 * 1000) /* that the provider's clock may be off */

static void look(struct bulk_batch *batch);

/* ---- one of the list --------------------------------------------------------------------------------------------- */

static bool is_others(const struct bulk_batch *batch, const char *id) {
    for (const struct bulk_note *note = batch->bulk->notes; note; note = note->next) {
        if (note != batch->note && strcmp(note->id, id) == 0) return true;
    }
    for (unsigned i = 0; i < batch->wrong_count; i++) {
        if (strcmp(batch->wrong[i], id) == 0) return true;
    }
    return false;
}

static bool is_older(const struct bulk_batch *batch, const struct rp_bulk_batch *listed) {
    return listed->made_s > 0 && listed->made_s * 1000 < batch->note->made_ms - SKEW_MS;
}

/* Where there is no marker it may be ours, if nothing speaks against it. */
static bool is_ours(const struct bulk_batch *batch, const struct rp_bulk_batch *listed) {
    if (*listed->marker) return strcmp(listed->marker, batch->note->marker) == 0;
    bool fits = listed->total == batch->note->total || listed->total == 0;
    return fits && !is_older(batch, listed) && !is_others(batch, listed->id);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

enum seen { SEEN_OURS, SEEN_ALL, SEEN_PART, SEEN_NONSENSE };

static enum seen see_batches(struct bulk_batch *batch, struct rp_scan *scan, bool *out_older) {
    const struct remote *remote = batch->bulk->remote;
    struct rp_str json;
    bool first = rp_scan_open(scan, '[');
    while (rp_scan_item(scan, &first)) {
        struct rp_bulk_batch listed = {0};
        if (!rp_scan_raw(scan, &json)) return SEEN_NONSENSE;
        if (remote->protocol->bulk->batch(remote->options, json, &listed, &batch->call.answer) != 0)
            return SEEN_NONSENSE;
        memcpy(batch->told.id, listed.id, sizeof(listed.id));
        *out_older = is_older(batch, &listed);
        if (!is_ours(batch, &listed)) continue;
        memcpy(batch->note->id, listed.id, sizeof(listed.id));
        batch->guessed = !*listed.marker;
        return SEEN_OURS;
    }
    return scan->broken ? SEEN_NONSENSE : SEEN_PART;
}

static enum seen see(struct bulk_batch *batch, struct rp_str page) {
    struct rp_scan scan;
    struct rp_str key, more = {0};
    enum seen seen = SEEN_NONSENSE;
    bool older = false;
    batch->told.id[0] = '\0';
    rp_scan_init(&scan, page);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        if (rp_str_is(key, "data") && rp_scan_peek(&scan) == '[') {
            seen = see_batches(batch, &scan, &older);
            if (seen != SEEN_PART) return seen;
        } else if (rp_str_is(key, "has_more") ? !rp_scan_raw(&scan, &more) : !rp_scan_skip(&scan)) {
            break;
        }
    }
    if (!rp_scan_done(&scan) || seen == SEEN_NONSENSE) return SEEN_NONSENSE;
    return rp_str_is(more, "true") && !older && *batch->told.id ? SEEN_PART : SEEN_ALL;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static void on_look(struct rp_timer *timer) {
    struct bulk_batch *batch = bulk_batch_of(timer);
    batch->told.id[0] = '\0';
    batch->pages = 0;
    look(batch);
}

static void not_there(struct bulk_batch *batch) {
    if (++batch->looks < BULK_LOOKS) {
        bulk_batch_wait(batch, batch->bulk->remote->options->bulk_poll, on_look); /* lists may lag behind */
        return;
    }
    if (++batch->bulk->not_taken > batch->bulk->remote->options->retries) {
        bulk_batch_lost(batch, &(struct outcome){RP_EUPSTREAM, 200, "it did not arrive"});
        return;
    }
    bulk_log(batch->bulk, RP_LOG_WARN, NULL, "a batch of %lld requests did not arrive: they are handed in again",
             (long long)batch->note->total);
    bulk_batch_again(batch);
}

static void on_listed(struct bulk_call *call, const struct outcome *outcome) {
    struct bulk_batch *batch = bulk_batch_at(call);
    if (outcome->code != 0) {
        bulk_batch_give_up(batch,
                           &(struct outcome){outcome->code, outcome->status, "whether it was taken is not known"});
        return;
    }
    switch (see(batch, rp_buf_str(&call->reply))) {
    case SEEN_OURS:
        bulk_batch_known(batch);
        return;
    case SEEN_PART:
        if (++batch->pages < PAGES_MAX) {
            look(batch);
            return;
        }
        break;
    case SEEN_ALL:
        not_there(batch);
        return;
    case SEEN_NONSENSE:
        break;
    }
    bulk_batch_give_up(
        batch,
        &(struct outcome){RP_EUPSTREAM, 200, "whether it was taken is not known: the list of batches cannot be read"});
}

static void look(struct bulk_batch *batch) {
    char url[RP_BULK_URL_SIZE * 4];
    const char *last = batch->told.id;
    snprintf(url, sizeof(url), "%s?limit=%d%s%s%s%s", batch->bulk->url, PAGE, *last ? "&" : "",
             *last ? batch->bulk->remote->protocol->bulk->after : "", *last ? "=" : "", last);
    batch->call.done = on_listed;
    bulk_call_start(
        &batch->call,
        &(struct bulk_request){.what = "the list of batches", .method = "GET", .url = url, .again = BULK_ALWAYS});
}

void bulk_find_other(struct bulk_batch *batch) {
    if (batch->wrong_count < BULK_WRONG_MAX)
        memcpy(batch->wrong[batch->wrong_count++], batch->note->id, sizeof(batch->note->id));
    batch->note->id[0] = '\0';
    batch->guessed = false;
    bulk_find(batch);
}

void bulk_find(struct bulk_batch *batch) {
    bulk_log(batch->bulk, RP_LOG_WARN, NULL,
             "whether a batch of %lld requests was taken is not known: the provider's list is asked",
             (long long)batch->note->total);
    batch->stage = BULK_FINDING;
    batch->looks = 0;
    bulk_batch_wait(batch, batch->adopted ? 0 : batch->bulk->remote->options->retry_base, on_look);
}
