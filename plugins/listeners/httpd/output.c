/* Writing: straight to the kernel, and only what it does not take is copied and waits. */
#include "httpd.h"

#include <stdlib.h>

static bool fail(struct connection *connection) {
    connection_break(connection);
    return false;
}

void output_free(struct connection *connection) {
    struct output *output = connection->output;
    if (!output) return;
    rp_buf_finish(&output->sending);
    rp_buf_finish(&output->waiting);
    free(output);
    connection->output = NULL;
}

size_t output_waiting(const struct connection *connection) {
    if (!connection->output) return 0;
    return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp) + connection->output->waiting.len;
}

bool output_moves(struct connection *connection) {
    struct output *output = connection->output;
    if (!output) return true;
    size_t taken = output->queued - output_waiting(connection);
    bool moves = taken > output->taken;
    output->taken = taken;
    return moves;
}

static void on_written(uv_write_t *write, int status);

static bool start(struct connection *connection) {
    struct output *output = connection->output;
    uv_buf_t buf = uv_buf_init(output->sending.data, (unsigned)output->sending.len);
    return uv_write(&output->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written) == 0;
}

static void on_written(uv_write_t *write, int status) {
    struct connection *connection = write->handle->data;
    struct output *output = connection->output;
    if (connection->state == CONNECTION_CLOSED) return;
    if (status < 0) {
        connection_close(connection);
        return;
    }
    if (output->waiting.len == 0) {
        output_free(connection);
        deadline_set(connection, 0);
        connection_drained(connection);
        return;
    }
    struct rp_buf sent = output->sending;
    output->sending = output->waiting;
    output->waiting = sent;
    rp_buf_clear(&output->waiting);
    if (!start(connection)) connection_close(connection);
}

static bool keep(struct output *output, struct rp_buf *buf, const uv_buf_t *bufs, unsigned count, size_t skip) {
    for (unsigned i = 0; i < count; i++) {
        size_t here = skip < bufs[i].len ? skip : bufs[i].len;
        skip -= here;
        if (rp_buf_append(buf, bufs[i].base + here, bufs[i].len - here)) return false;
        output->queued += bufs[i].len - here;
    }
    return true;
}

static bool send_later(struct connection *connection, const uv_buf_t *bufs, unsigned count, size_t sent) {
    size_t max = (size_t)connection->home->httpd->options->output;
    struct output *output = rp_calloc(1, sizeof(*output));
    connection->output = output;
    rp_buf_init(&output->sending, max);
    rp_buf_init(&output->waiting, max);
    if (!keep(output, &output->sending, bufs, count, sent) || !start(connection)) return fail(connection);
    output_moves(connection);
    deadline_set(connection, connection->home->httpd->options->write_ms);
    return true;
}

bool output_send(struct connection *connection, uv_buf_t *bufs, unsigned count) {
    if (connection->broken || connection->state == CONNECTION_CLOSED) return false;
    struct output *output = connection->output;
    if (output) return keep(output, &output->waiting, bufs, count, 0) || fail(connection);
    size_t total = 0;
    for (unsigned i = 0; i < count; i++) total += bufs[i].len;
    if (total == 0) return true;
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, bufs, count);
    if (sent == (int)total) return true;
    if (sent < 0 && sent != UV_EAGAIN) return fail(connection);
    return send_later(connection, bufs, count, sent > 0 ? (size_t)sent : 0);
}
