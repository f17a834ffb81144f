/* The life of a connection: handshake, bytes in and out, keep-alive, limits, close. What the bytes say is
 * conversation.c's.
 *
 * Every callback ends in connection_settle, which is the only place where a connection ends or is freed. */
#include "websocket.h"

#include <stdlib.h>

#define UNASKED_MAX (64u << 10) /* bytes of pongs and errors that a client may leave unread */
#define KEEP_MAX (64u << 10)    /* bytes that a worker's buffers keep between callbacks */
#define LINGER_MS 1000          /* after a broken protocol: time to read our close frame */

/* ---- making and freeing ------------------------------------------------------------------------------------------ */

static void on_timer(struct rp_timer *timer);

static struct connection *connection_create(struct rp_transport *transport, struct rp_http_exchange *exchange,
                                            const struct rp_http_request *request) {
    const struct options *options = transport->element.options;
    struct local *local = rp_local(&transport->element, request->worker);
    struct connection *connection = rp_calloc(1, sizeof *connection);
    connection->transport = transport;
    rp_element_hold(&transport->element, local->worker);
    connection->options = options;
    connection->http = rp_http(options->on);
    connection->local = local;
    connection->exchange = exchange;
    connection->address = rp_alloc(request->address.len + 1);
    snprintf(connection->address, request->address.len + 1, "%.*s", RP_STR_ARG(request->address));
    connection->sink.ops = &conversation_sink;
    connection->timer.run = on_timer;
    connection->heard_ms = connection->message_ms = rp_worker_now_ms(local->worker);
    stream_init(&connection->stream, (size_t)options->message, conversation_on_text, connection);
    connection->next = local->connections;
    if (connection->next) connection->next->prev = connection;
    local->connections = connection;
    return connection;
}

static void connection_free(struct connection *connection) {
    struct local *local = connection->local;
    const struct rp_element *held = &connection->transport->element;
    rp_timer_stop(local->worker, &connection->timer);
    *(connection->prev ? &connection->prev->next : &local->connections) = connection->next;
    if (connection->next) connection->next->prev = connection->prev;
    stream_finish(&connection->stream);
    free(connection->address);
    free(connection->session);
    free(connection->user);
    free(connection);
    rp_element_release(held, local->worker);
}

/* ---- bytes out --------------------------------------------------------------------------------------------------- */

static void give_back(struct rp_buf *buf) {
    if (buf->cap > KEEP_MAX) rp_buf_finish(buf);
    rp_buf_clear(buf);
}

void connection_send(struct connection *connection) {
    struct rp_buf *json = &connection->local->json;
    if (!connection->broken && stream_text(&connection->stream, rp_buf_str(json))) connection->broken = true;
    give_back(json);
}

void connection_flush(struct connection *connection, bool asked) {
    struct rp_buf *output = &connection->local->output;
    if (!connection->exchange || connection->broken) return;
    if (stream_flush(&connection->stream, output)) connection->broken = true;
    if (output->len == 0) return;
    if (!connection->broken) connection->pending = connection->http->write(connection->exchange, rp_buf_str(output));
    if (connection->pending == 0) {
        connection->unasked = 0;
    } else if (!asked) {
        connection->unasked += output->len;
        if (connection->unasked > UNASKED_MAX) connection->broken = true;
    }
    give_back(output);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void log_end(struct connection *connection, const char *what) {
    if (!rp_log_enabled(RP_LOG_INFO)) return;
    struct rp_log_line line;
    rp_log_open(&line, RP_LOG_INFO, "websocket");
    rp_log_str(&line, "message", rp_str(what));
    rp_log_str(&line, "address", rp_str(connection->address));
    uint16_t code = stream_close_code(&connection->stream);
    if (code) rp_log_int(&line, "close_code", code);
    rp_log_close(&line);
}

/* The exchange is over, or is about to be. */
static void leave(struct connection *connection) {
    connection->exchange = NULL;
    if (connection->closing) rp_worker_release(connection->local->worker);
    connection->closing = false;
    rp_timer_stop(connection->local->worker, &connection->timer);
    conversation_end(connection);
}

static void finish(struct connection *connection) {
    connection->http->end(connection->exchange);
    leave(connection);
}

static void break_off(struct connection *connection) {
    connection->http->abort(connection->exchange);
    leave(connection);
}

/* From here on only the client's close frame counts, until `wait_ms` is over. */
static void await_close(struct connection *connection, int64_t wait_ms) {
    if (connection->closing) return;
    connection->closing = true;
    connection->end_ms = rp_worker_now_ms(connection->local->worker) + wait_ms;
    rp_worker_hold(connection->local->worker);
    rp_timer_start(connection->local->worker, &connection->timer, wait_ms);
    conversation_end(connection);
}

static void say_goodbye(struct connection *connection, uint16_t code, const char *reason) {
    if (connection->closing) return;
    if (stream_close(&connection->stream, code, reason)) connection->broken = true;
    connection_flush(connection, true);
}

/* ---- settling ---------------------------------------------------------------------------------------------------- */

static void follow_stream(struct connection *connection) {
    switch (stream_state(&connection->stream)) {
    case STREAM_OPEN: break;
    case STREAM_CLOSING: await_close(connection, connection->options->close_ms); break;
    case STREAM_CLOSED: finish(connection); break;
    case STREAM_FAILED:
        if (!connection->closing) log_end(connection, "the client broke the protocol");
        await_close(connection, LINGER_MS);
        break;
    }
}

static void carry_on(struct connection *connection) {
    conversation_next(connection);
    connection_flush(connection, false);
    if (connection->draining && !connection->turn) {
        say_goodbye(connection, WSLAY_CODE_GOING_AWAY, "the server is shutting down");
    }
}

void connection_settle(struct connection *connection) {
    if (connection->exchange && !connection->closing) carry_on(connection);
    if (connection->exchange && connection->broken) {
        log_end(connection, "the connection was dropped: its output could not be held");
        break_off(connection);
    }
    if (connection->exchange) follow_stream(connection);
    if (connection->turn) return;
    if (connection->exchange) stream_rest(&connection->stream);
    else connection_free(connection);
}

void connection_abandon(struct connection *connection) {
    if (connection->exchange) break_off(connection);
    connection->turn = NULL;
    connection_settle(connection);
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* When the timer has to look again. */
static int64_t next_look(const struct connection *connection) {
    const struct options *options = connection->options;
    int64_t due = INT64_MAX;
    if (connection->pinged_ms) due = connection->pinged_ms + options->pong_ms;
    else if (options->ping_ms) due = connection->heard_ms + options->ping_ms;
    if (!connection->turn) due = earlier(due, connection->message_ms + options->idle_ms);
    return due;
}

static void set_timer(struct connection *connection, int64_t now_ms) {
    int64_t due = next_look(connection);
    if (due == INT64_MAX) due = now_ms + connection->options->idle_ms; /* a turn is running: look again later */
    rp_timer_start(connection->local->worker, &connection->timer, due > now_ms ? due - now_ms : 1);
}

static void keep_alive(struct connection *connection, int64_t now_ms) {
    const struct options *options = connection->options;
    if (connection->pending) connection->heard_ms = now_ms; /* the listener drops a client that takes nothing */
    if (connection->pinged_ms && now_ms >= connection->pinged_ms + options->pong_ms) {
        log_end(connection, "the connection was dropped: no pong came");
        break_off(connection);
    } else if (!connection->turn && now_ms >= connection->message_ms + options->idle_ms) {
        say_goodbye(connection, WSLAY_CODE_NORMAL_CLOSURE, "no message came for a long time");
    } else if (!connection->pinged_ms && options->ping_ms && now_ms >= connection->heard_ms + options->ping_ms) {
        connection->pinged_ms = now_ms;
        if (stream_ping(&connection->stream)) connection->broken = true;
        connection_flush(connection, true);
    }
}

static void on_timer(struct rp_timer *timer) {
    struct connection *connection = (struct connection *)((char *)timer - offsetof(struct connection, timer));
    int64_t now_ms = rp_worker_now_ms(connection->local->worker);
    if (connection->closing) {
        finish(connection);
    } else {
        keep_alive(connection, now_ms);
        if (connection->exchange) set_timer(connection, now_ms);
    }
    connection_settle(connection);
}

/* ---- a new generation --------------------------------------------------------------------------------------------- */

void connection_adopt(struct connection *connection, struct rp_transport *transport) {
    struct rp_worker *worker = connection->local->worker;
    rp_element_hold(&transport->element, worker);
    rp_element_release(&connection->transport->element, worker);
    connection->transport = transport;
    connection->options = transport->element.options;
    if (connection->exchange && !connection->closing) set_timer(connection, rp_worker_now_ms(worker));
}

/* ---- what the listener reports ----------------------------------------------------------------------------------- */

static void on_data(void *arg, struct rp_str data) {
    struct connection *connection = arg;
    if (!connection->exchange) return;
    connection->heard_ms = rp_worker_now_ms(connection->local->worker);
    connection->pinged_ms = 0;
    if (stream_read(&connection->stream, data)) connection->broken = true;
    connection_flush(connection, false);
    connection_settle(connection);
}

static void on_writable(void *arg) {
    struct connection *connection = arg;
    connection->pending = connection->unasked = 0;
    conversation_writable(connection);
    connection_settle(connection);
}

static void on_gone(void *arg) {
    struct connection *connection = arg;
    leave(connection);
    connection_settle(connection);
}

void connection_drain(struct connection *connection) {
    if (connection->draining) return;
    connection->draining = true;
    conversation_drain(connection);
    connection_flush(connection, false);
    connection_settle(connection);
}

static void on_drain(void *arg) {
    connection_drain(arg);
}

static const struct rp_http_watcher watcher = {on_writable, on_gone, on_data, on_drain};

/* ---- the handshake ----------------------------------------------------------------------------------------------- */

static void refuse(const struct rp_http_ops *http, struct rp_http_exchange *exchange,
                   const struct rp_http_request *request, const struct refusal *refusal) {
    struct rp_buf body;
    rp_buf_init(&body, 4096);
    rp_buf_json_error(&body, refusal->code, refusal->message, request->id);
    http->respond(exchange, refusal->status, "application/json", refusal->fields, rp_buf_str(&body));
    rp_buf_finish(&body);
}

static void accept_upgrade(struct connection *connection, struct rp_str key) {
    char accept[HANDSHAKE_ACCEPT_SIZE], fields[128];
    struct rp_str token = connection->http->field(connection->exchange, "X-Explain-Token");
    connection->may_explain = rp_may_explain(&connection->options->explain, rp_str(connection->address), token);
    handshake_accept(key, accept);
    snprintf(fields, sizeof fields, "Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n", accept);
    connection->http->watch(connection->exchange, &watcher, connection);
    connection->http->upgrade(connection->exchange, fields);
    set_timer(connection, connection->heard_ms);
}

void connection_on_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    struct rp_transport *transport = arg;
    const struct options *options = transport->element.options;
    const struct rp_http_ops *http = rp_http(options->on);
    const struct handshake handshake = {
        .method = request->method,
        .upgrade = http->field(exchange, "Upgrade"),
        .connection = http->field(exchange, "Connection"),
        .version = http->field(exchange, "Sec-WebSocket-Version"),
        .key = http->field(exchange, "Sec-WebSocket-Key"),
        .origin = http->field(exchange, "Origin"),
    };
    struct refusal refusal;
    if (rp_worker_draining(request->worker)) {
        refusal = (struct refusal){503, RP_EDRAINING, "Retry-After: 1\r\n", NULL};
        refuse(http, exchange, request, &refusal);
    } else if (handshake_check(&handshake, &options->origins, &refusal)) {
        refuse(http, exchange, request, &refusal);
    } else {
        accept_upgrade(connection_create(transport, exchange, request), handshake.key);
    }
}
