/* Hands a batch in: a note of it on the disk first, then the file where there is one, then the batch itself. */
#include <stdio.h>

#include "core/remote/bulk.h"

static const struct rp_bulk_protocol *protocol_of(const struct bulk_batch *batch) {
    return batch->bulk->remote->protocol->bulk;
}

static bool is_missing(const struct outcome *outcome) {
    return outcome->status == 404 || outcome->status == 405 || outcome->status == 501;
}

static bool read_batch(struct bulk_batch *batch) {
    const struct remote *remote = batch->bulk->remote;
    batch->told = (struct rp_bulk_batch){0};
    return protocol_of(batch)->batch(remote->options, rp_buf_str(&batch->call.reply), &batch->told,
                                     &batch->call.answer) == 0;
}

/* Nothing of it has been taken. */
static void refused(struct bulk_batch *batch, struct outcome outcome) {
    if (is_missing(&outcome))
        bulk_fall_back(batch);
    else if (outcome.status == 429 && outcome.code != RP_EUPQUOTA)
        bulk_batch_turned_away(batch, &outcome);
    else
        bulk_batch_lost(batch, &outcome);
}

/* ---- the batch itself -------------------------------------------------------------------------------------------- */

static bool is_unknown(const struct outcome *outcome) {
    if (outcome->code == RP_EUPCERT || is_missing(outcome)) return false; /* nothing was sent, or to nobody */
    return outcome->status < 400 || outcome->status >= 500 || outcome->status == 408;
}

static void on_submitted(struct bulk_call *call, const struct outcome *outcome) {
    struct bulk_batch *batch = bulk_batch_at(call);
    rp_buf_finish(&batch->input);
    if (outcome->code == 0 && read_batch(batch)) {
        memcpy(batch->note->id, batch->told.id, sizeof(batch->note->id));
        bulk_batch_known(batch);
    } else if (is_unknown(outcome)) {
        bulk_find(batch);
    } else {
        refused(batch, *outcome);
    }
}

static void submit(struct bulk_batch *batch) {
    batch->stage = BULK_SUBMITTING;
    batch->call.done = on_submitted;
    bulk_call_start(&batch->call, &(struct bulk_request){.what = "handing in a batch",
                                                         .method = "POST",
                                                         .url = batch->bulk->url,
                                                         .body = rp_buf_str(&batch->input),
                                                         .again = BULK_REFUSED});
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* One that was uploaded and is not used costs nothing, so that this may be done again. */
static void on_uploaded(struct bulk_call *call, const struct outcome *outcome) {
    struct bulk_batch *batch = bulk_batch_at(call);
    rp_buf_finish(&batch->input);
    if (outcome->code != 0) {
        refused(batch, *outcome);
        return;
    }
    if (!read_batch(batch)) {
        refused(batch, (struct outcome){RP_EUPSTREAM, 200, "the answer to the upload is not what this API answers"});
        return;
    }
    rp_buf_init(&batch->input, BULK_REPLY_MAX);
    protocol_of(batch)->submit(batch->bulk->remote->options, batch->told.id, batch->note->marker, &batch->input);
    submit(batch);
}

static void upload(struct bulk_batch *batch) {
    batch->stage = BULK_UPLOADING;
    batch->call.done = on_uploaded;
    bulk_call_start(&batch->call, &(struct bulk_request){.what = "the upload of a batch",
                                                         .method = "POST",
                                                         .url = batch->bulk->files_url,
                                                         .type = batch->type,
                                                         .body = rp_buf_str(&batch->input),
                                                         .again = BULK_ALWAYS});
}

/* ---- the note ---------------------------------------------------------------------------------------------------- */

static void on_noted(struct bulk_batch *batch, int code) {
    if (code != 0)
        bulk_batch_lost(batch, &(struct outcome){-code, 0, "its note cannot be written"});
    else if (protocol_of(batch)->files)
        upload(batch);
    else
        submit(batch);
}

static void make_note(struct bulk_batch *batch) {
    struct bulk_note *note = bulk_note_create(batch->bulk);
    note->total = (int64_t)batch->count;
    note->batch = batch;
    batch->note = note;
    bulk_key_mark(batch->bulk->remote->keys[batch->call.use.key].text, note->key);
}

void bulk_submit(struct bulk_batch *batch) {
    struct bulk *bulk = batch->bulk;
    if (bulk->gathering == batch) bulk->gathering = NULL;
    rp_timer_stop(bulk->worker, &batch->timer);
    bulk_input_end(batch);
    make_note(batch);
    batch->stage = BULK_NOTING;
    if (bulk->folder)
        bulk_note_write(batch, on_noted);
    else
        on_noted(batch, 0);
}
