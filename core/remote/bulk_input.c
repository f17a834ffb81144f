/* What a batch hands in, written as its requests come: a file of lines inside a multipart body, or one JSON text. */
#include <ctype.h>
#include <stdio.h>

#include "core/remote/bulk.h"

#define AROUND_MAX 4096 /* bytes around the requests */
#define FILE_HEAD                                                                                                      \
    "--%s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"                                        \
    "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"repartee.jsonl\"\r\n"                           \
    "Content-Type: application/jsonl\r\n\r\n"

static const struct rp_bulk_protocol *protocol_of(const struct bulk_batch *batch) {
    return batch->bulk->remote->protocol->bulk;
}

int bulk_input_begin(struct bulk_batch *batch) {
    const struct rp_bulk_protocol *protocol = protocol_of(batch);
    rp_buf_init(&batch->input, (size_t)batch->bulk->remote->options->bulk_size + AROUND_MAX);
    rp_id(batch->boundary);
    int rc = protocol->files ? rp_buf_printf(&batch->input, FILE_HEAD, batch->boundary, batch->boundary) : 0;
    if (rc == 0) rc = rp_buf_append_str(&batch->input, rp_str(protocol->open));
    batch->begin = batch->input.len;
    return rc;
}

int bulk_input_add(struct bulk_batch *batch, struct bulk_item *item, struct rp_str body) {
    const struct rp_bulk_protocol *protocol = protocol_of(batch);
    char name[BULK_NAME_SIZE];
    size_t at = batch->input.len;
    bulk_name(item->node.id, name);
    int rc = protocol->line(batch->bulk->remote->options, rp_str(name), body, &batch->input);
    if (rc == 0) rc = rp_buf_append_str(&batch->input, rp_str(protocol->between));
    if (rc != 0) {
        batch->input.len = at;
        return rc;
    }
    item->at = at;
    item->len = batch->input.len - at;
    return 0;
}

/* Moves the requests that somebody waits for together; they stand in the order of the batch's list. */
static void cut_dead(struct bulk_batch *batch) {
    size_t end = batch->begin;
    for (struct bulk_item *item = batch->items; item; item = item->next) {
        memmove(batch->input.data + end, batch->input.data + item->at, item->len);
        item->at = end;
        end += item->len;
    }
    batch->input.len = end;
    batch->dead = 0;
}

int bulk_input_end(struct bulk_batch *batch) {
    const struct rp_bulk_protocol *protocol = protocol_of(batch);
    if (batch->dead) cut_dead(batch);
    batch->input.len -= strlen(protocol->between);
    int rc = rp_buf_append_str(&batch->input, rp_str(protocol->close));
    if (rc || !protocol->files) return rc;
    snprintf(batch->type, sizeof(batch->type), "Content-Type: multipart/form-data; boundary=%s", batch->boundary);
    return rp_buf_printf(&batch->input, "\r\n--%s--\r\n", batch->boundary);
}

bool rp_bulk_scan_id(struct rp_scan *scan, char *out, size_t size) {
    struct rp_str raw;
    if (rp_scan_peek(scan) != '"') return rp_scan_skip(scan);
    if (!rp_scan_raw(scan, &raw)) return false;
    struct rp_str id = rp_str_n(raw.data + 1, raw.len - 2);
    if (id.len == 0 || id.len >= size || id.data[0] == '.') return true;
    for (size_t i = 0; i < id.len; i++) {
        if (!isalnum((unsigned char)id.data[i]) && !memchr("-_.:", id.data[i], 4)) return true;
    }
    memcpy(out, id.data, id.len);
    out[id.len] = '\0';
    return true;
}
