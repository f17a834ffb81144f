/* What routes call. Nothing here calls back: what must happen afterwards is left to the connection's task.
 *
 * Pieces of a response that are written within one pass of the loop go out together, as one chunk, with the head and
 * with the end where these fall into the same pass. */
#include "httpd.h"

#include <stdlib.h>

static int route(struct rp_listener *listener, const struct rp_http_route *added, struct rp_error *error) {
    return routes_add(listener->element.state, added, error);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static struct rp_str join(struct rp_http_exchange *exchange, const char *name) {
    const struct request *parsed = &exchange->parsed;
    size_t len = 0;
    struct rp_str value;
    for (unsigned n = 0; value = request_field(parsed, name, n), value.data; n++) len += value.len + 2;
    struct joined *joined = rp_alloc(sizeof(*joined) + len);
    char *text = (char *)(joined + 1), *at = text;
    for (unsigned n = 0; value = request_field(parsed, name, n), value.data; n++) {
        if (n > 0) at = memcpy(at, ", ", 2), at += 2;
        memcpy(at, value.data, value.len);
        at += value.len;
    }
    joined->next = exchange->joined;
    exchange->joined = joined;
    return rp_str_n(text, (size_t)(at - text));
}

static struct rp_str field(struct rp_http_exchange *exchange, const char *name) {
    if (request_field(&exchange->parsed, name, 1).data) return join(exchange, name);
    return request_field(&exchange->parsed, name, 0);
}

static void watch(struct rp_http_exchange *exchange, const struct rp_http_watcher *watcher, void *arg) {
    exchange->watcher = watcher;
    exchange->watcher_arg = arg;
}

/* ---- sending -------------------------------------------------------------------------------------------------------- */

/* The line in front of a chunk: its size in hexadecimal, 16 digits at most. Written from the end. */
static uv_buf_t chunk_line(char line[20], size_t size) {
    static const char digits[] = "0123456789abcdef";
    char *at = line + 18;
    memcpy(at, "\r\n", 2);
    do *--at = digits[size & 15];
    while (size >>= 4);
    return uv_buf_init(at, (unsigned)(line + 20 - at));
}

/* What is in the batch, then `data`, framed as one chunk, then the end of the body. */
static void send_batch(struct rp_http_exchange *exchange, struct rp_str data, bool end) {
    struct connection *connection = exchange->connection;
    struct rp_buf *batch = &exchange->batch;
    size_t body = batch->len - exchange->head_len + data.len;
    char size[20];
    uv_buf_t bufs[6];
    unsigned count = 0;
    if (exchange->head_len) bufs[count++] = uv_buf_init(batch->data, (unsigned)exchange->head_len);
    if (body && exchange->chunked) bufs[count++] = chunk_line(size, body);
    if (batch->len > exchange->head_len) {
        bufs[count++] = uv_buf_init(batch->data + exchange->head_len, (unsigned)(batch->len - exchange->head_len));
    }
    if (data.len) bufs[count++] = uv_buf_init((char *)data.data, (unsigned)data.len);
    if (body && exchange->chunked)
        bufs[count++] = uv_buf_init((char *)"\r\n0\r\n\r\n", end ? 7 : 2);
    else if (end && exchange->chunked)
        bufs[count++] = uv_buf_init((char *)"0\r\n\r\n", 5);
    exchange->head_len = 0;
    if (count) output_send(connection, bufs, count);
    rp_buf_clear(batch);
    if (exchange->upgraded && batch->cap > IDLE_BATCH) rp_buf_finish(batch);
}

void exchange_flush(struct rp_http_exchange *exchange) {
    exchange->fresh = false;
    if (exchange->batch.len > 0 && !exchange->head_only) send_batch(exchange, rp_str_n(NULL, 0), false);
}

static void begin(struct rp_http_exchange *exchange, int status, const char *content_type, const char *fields) {
    if (!response_head(exchange, &exchange->batch, status, content_type, fields, -1)) {
        connection_break(exchange->connection);
    }
    if (exchange->head_only) exchange->chunked = false;
    exchange->head_len = exchange->batch.len;
}

static size_t write_piece(struct rp_http_exchange *exchange, struct rp_str data) {
    struct connection *connection = exchange->connection;
    if (exchange->head_only) return 0;
    if (connection->broken) return data.len + 1; /* on_gone is on its way */
    if (exchange->batch.len + data.len > BATCH_SIZE) {
        send_batch(exchange, data, false);
    } else {
        rp_buf_append(&exchange->batch, data.data, data.len);
        exchange->fresh = true;
        connection_schedule(connection);
    }
    if (!connection->output) return 0;
    exchange->wants_writable = true;
    return output_waiting(connection) + exchange->batch.len;
}

static void end(struct rp_http_exchange *exchange) {
    struct connection *connection = exchange->connection;
    send_batch(exchange, rp_str_n(NULL, 0), true);
    if (exchange->upgraded) connection->last = true;
    connection_responded(connection);
}

/* Without the last chunk a client knows that something is missing, and it can still read what came before; where only
 * the end of the connection marks the end, it takes a reset to tell. */
static void break_off(struct rp_http_exchange *exchange) {
    struct connection *connection = exchange->connection;
    bool framed = exchange->chunked;
    if (framed) exchange_flush(exchange);
    exchange_release(connection);
    connection->state = CONNECTION_FLUSHING;
    if (framed)
        connection_close(connection);
    else
        connection_reset(connection);
}

static void upgrade(struct rp_http_exchange *exchange, const char *fields) {
    struct connection *connection = exchange->connection;
    response_switching(exchange, &exchange->batch, fields);
    exchange->upgraded = true;
    exchange_unhold(exchange);
    exchange->fresh = true;
    connection->state = CONNECTION_UPGRADED;
    request_compact(&exchange->parsed);
    exchange->request.body = rp_str_n(NULL, 0);
    connection_schedule(connection);
}

const struct rp_http_ops exchange_ops = {
    .route = route,
    .field = field,
    .watch = watch,
    .respond = response_whole,
    .begin = begin,
    .write = write_piece,
    .end = end,
    .abort = break_off,
    .upgrade = upgrade,
};
