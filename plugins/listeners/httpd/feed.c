/* Bytes of a client on their way: into the request that is being read, behind the one that is being answered, or to
 * the protocol that the connection was upgraded to. */
#include "httpd.h"

static void fill_request(struct rp_http_exchange *exchange) {
    struct request *parsed = &exchange->parsed;
    struct connection *connection = exchange->connection;
    if (parsed->id[0])
        memcpy(exchange->id, parsed->id, sizeof(exchange->id));
    else
        rp_id(exchange->id);
    exchange->head_only = rp_str_equal(parsed->method, RP_STR("HEAD"));
    exchange->request = (struct rp_http_request){
        .id = exchange->id,
        .worker = connection->home->worker,
        .method = parsed->method,
        .path = parsed->path,
        .query = parsed->query,
        .body = rp_buf_str(&parsed->body),
        .address = rp_str(connection->address),
    };
}

static void serve(struct connection *connection) {
    struct rp_http_exchange *exchange = connection->exchange;
    fill_request(exchange);
    connection->state = CONNECTION_SERVING;
    connection->last = !exchange->parsed.keep_alive;
    deadline_set(connection, 0);
    exchange_hold(exchange);
    routes_serve(connection->home->httpd, exchange);
}

void feed_refuse(struct connection *connection, int status, int code, const char *why) {
    fill_request(connection->exchange);
    connection->state = CONNECTION_SERVING;
    deadline_set(connection, 0);
    const char *fields = code == RP_EBUSY ? "Retry-After: 1\r\n" : NULL;
    response_error(connection->exchange, status, code, why, fields, true);
}

/* The head is there, the body is not. */
static void body_begins(struct connection *connection, bool none_yet) {
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    deadline_set(connection, connection->home->httpd->options->body_grace_ms);
    if (!connection->exchange->parsed.expects || !none_yet) return;
    uv_buf_t buf = uv_buf_init(text, sizeof(text) - 1);
    output_send(connection, &buf, 1);
}

static size_t feed_request(struct connection *connection, const char *data, size_t len) {
    bool first = connection->state == CONNECTION_IDLE;
    if (first) connection_taken(connection);
    struct request *parsed = &connection->exchange->parsed;
    enum request_state before = parsed->state;
    size_t taken = request_feed(parsed, data, len);
    switch (parsed->state) {
    case REQUEST_HEAD: /* the first request has as long as there is since the connection was accepted */
        if (first && connection->served) deadline_set(connection, connection->home->httpd->options->header_ms);
        break;
    case REQUEST_BODY:
        if (before == REQUEST_HEAD)
            body_begins(connection, parsed->body.len == 0);
        else
            deadline_of_body(connection, taken);
        break;
    case REQUEST_DONE:
        serve(connection);
        break;
    case REQUEST_BAD:
        feed_refuse(connection, parsed->status, parsed->code, parsed->why);
        break;
    }
    return taken;
}

static void keep(struct connection *connection, const char *data, size_t len) {
    if (connection->state == CONNECTION_LINGERING || connection->state == CONNECTION_CLOSED || len == 0) return;
    if (rp_buf_append(&connection->tail, data, len) != 0) connection_break(connection);
    if (connection->tail.len >= TAIL_HIGH) connection_read(connection, false);
}

static void feed_upgraded(struct connection *connection, const char *data, size_t len) {
    struct rp_http_exchange *exchange = connection->exchange;
    if (exchange->watcher && exchange->watcher->on_data) {
        exchange->watcher->on_data(exchange->watcher_arg, rp_str_n(data, len));
    }
    if (output_waiting(connection) > OUTPUT_HIGH) connection_read(connection, false);
}

void feed_bytes(struct connection *connection, const char *data, size_t len) {
    size_t taken = 0;
    if (connection->state == CONNECTION_UPGRADED && connection->tail.len == 0) {
        feed_upgraded(connection, data, len);
        return;
    }
    connection->feeding = true;
    while (taken < len && connection->state <= CONNECTION_READING && connection->tail.len == 0) {
        taken += feed_request(connection, data + taken, len - taken);
    }
    connection->feeding = false;
    keep(connection, data + taken, len - taken);
    if (connection->state == CONNECTION_UPGRADED && connection->tail.len > 0) connection_schedule(connection);
}

void feed_tail(struct connection *connection) {
    bool wanted = connection->state == CONNECTION_IDLE || connection->state == CONNECTION_UPGRADED;
    if (!wanted || connection->tail.len == 0) return;
    struct rp_buf tail = connection->tail;
    rp_buf_init(&connection->tail, tail.max);
    feed_bytes(connection, tail.data, tail.len);
    rp_buf_finish(&tail);
    if (connection->tail.len < TAIL_HIGH && !connection->output) connection_read(connection, true);
}
