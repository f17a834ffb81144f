/* Responses: their heads, whole ones, errors; and the exchanges, which come from a free list. */
#include "httpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- exchanges ------------------------------------------------------------------------------------------------------ */

struct rp_http_exchange *exchange_take(struct connection *connection) {
    struct home *home = connection->home;
    struct rp_http_exchange *exchange = home->spare;
    if (exchange) {
        home->spare = exchange->next;
        home->spares--;
    } else {
        exchange = rp_calloc(1, sizeof(*exchange));
        request_init(&exchange->parsed, &home->httpd->limits);
        rp_buf_init(&exchange->batch, 2 * READ_SIZE);
    }
    exchange->connection = connection;
    return exchange;
}

void exchange_free(struct rp_http_exchange *exchange) {
    request_finish(&exchange->parsed);
    rp_buf_finish(&exchange->batch);
    free(exchange);
}

void exchange_free_spare(struct home *home) {
    while (home->spare) {
        struct rp_http_exchange *exchange = home->spare;
        home->spare = exchange->next;
        exchange_free(exchange);
    }
    home->spares = 0;
}

void exchange_hold(struct rp_http_exchange *exchange) {
    struct home *home = exchange->connection->home;
    exchange->held = &home->httpd->listener->element;
    rp_element_hold(exchange->held, home->worker);
}

void exchange_unhold(struct rp_http_exchange *exchange) {
    const struct rp_element *held = exchange->held;
    if (!held) return;
    exchange->held = NULL;
    rp_element_release(held, exchange->connection->home->worker);
}

static void forget_joined(struct rp_http_exchange *exchange) {
    while (exchange->joined) {
        struct joined *joined = exchange->joined;
        exchange->joined = joined->next;
        free(joined);
    }
}

static void recycle(struct home *home, struct rp_http_exchange *exchange) {
    struct rp_buf batch = exchange->batch;
    if (batch.cap > BATCH_SIZE) rp_buf_finish(&batch);
    rp_buf_clear(&batch);
    request_reset(&exchange->parsed);
    memset((char *)exchange + sizeof(exchange->parsed), 0, sizeof(*exchange) - sizeof(exchange->parsed));
    exchange->batch = batch;
    exchange->next = home->spare;
    home->spare = exchange;
    home->spares++;
}

/* Made for the limits of a listener that has been followed by another. */
static bool is_outdated(const struct rp_http_exchange *exchange) {
    const struct request_limits *has = &exchange->parsed.limits, *now = &exchange->connection->home->httpd->limits;
    return has->head != now->head || has->body != now->body || has->fields != now->fields;
}

void exchange_release(struct connection *connection) {
    struct rp_http_exchange *exchange = connection->exchange;
    if (!exchange) return;
    connection->exchange = NULL;
    exchange_unhold(exchange);
    forget_joined(exchange);
    if (exchange->upgraded || is_outdated(exchange) || connection->home->spares >= SPARE_EXCHANGES)
        exchange_free(exchange);
    else recycle(connection->home, exchange);
}

/* ---- heads ------------------------------------------------------------------------------------------------------------ */

static const char *status_text(int status) {
    static const struct { int status; const char *text; } texts[] = {
        {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"}, {301, "Moved Permanently"},
        {302, "Found"}, {304, "Not Modified"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
        {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"}, {409, "Conflict"},
        {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {417, "Expectation Failed"},
        {422, "Unprocessable Content"}, {426, "Upgrade Required"}, {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"}, {499, "Client Closed Request"}, {500, "Internal Server Error"},
        {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].status == status) return texts[i].text;
    }
    return "Unknown";
}

static const char *date(struct home *home) {
    int64_t now = rp_worker_now_ms(home->worker);
    if (home->date[0] && now - home->date_ms < 1000) return home->date;
    int64_t wall = rp_wall_ms();
    time_t seconds = (time_t)(wall / 1000);
    struct tm when;
    gmtime_r(&seconds, &when);
    strftime(home->date, sizeof(home->date), "%a, %d %b %Y %H:%M:%S GMT", &when); /* the locale is never set: C */
    home->date_ms = now - wall % 1000;
    return home->date;
}

static void put(struct rp_buf *buf, const char *text) {
    rp_buf_append(buf, text, strlen(text));
}

static void put_field(struct rp_buf *buf, const char *name, const char *value) {
    put(buf, name);
    put(buf, value);
    rp_buf_append(buf, "\r\n", 2);
}

static bool bodyless(int status) {
    return status == 204 || status == 304;
}

static void put_framing(struct rp_buf *buf, struct rp_http_exchange *exchange, int status, int64_t length) {
    struct connection *connection = exchange->connection;
    if (home_closes(connection->home)) connection->last = true;
    if (length < 0 && exchange->parsed.old) connection->last = true; /* HTTP/1.0: the end of the connection tells */
    exchange->chunked = length < 0 && !exchange->parsed.old;
    if (length >= 0 && !bodyless(status)) {
        put(buf, "Content-Length: ");
        rp_buf_int(buf, length);
        rp_buf_append(buf, "\r\n", 2);
    }
    if (exchange->chunked) put(buf, "Transfer-Encoding: chunked\r\n");
    put(buf, connection->last ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
}

bool response_head(struct rp_http_exchange *exchange, struct rp_buf *out, int status, const char *content_type,
                   const char *fields, int64_t length) {
    put(out, "HTTP/1.1 ");
    rp_buf_int(out, status);
    rp_buf_append(out, " ", 1);
    put_field(out, status_text(status), "");
    if (content_type) put_field(out, "Content-Type: ", content_type);
    put_framing(out, exchange, status, length);
    put_field(out, "Date: ", date(exchange->connection->home));
    put_field(out, "X-Request-Id: ", exchange->id);
    if (fields) put(out, fields);
    return rp_buf_append(out, "\r\n", 2) == 0;
}

void response_switching(struct rp_http_exchange *exchange, struct rp_buf *out, const char *fields) {
    put(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n");
    put_field(out, "Date: ", date(exchange->connection->home));
    put_field(out, "X-Request-Id: ", exchange->id);
    if (fields) put(out, fields);
    rp_buf_append(out, "\r\n", 2);
}

/* ---- whole responses ---------------------------------------------------------------------------------------------------- */

void response_whole(struct rp_http_exchange *exchange, int status, const char *content_type, const char *fields,
                    struct rp_str body) {
    struct connection *connection = exchange->connection;
    struct rp_buf *head = &connection->home->head;
    rp_buf_clear(head);
    if (!response_head(exchange, head, status, content_type, fields, (int64_t)body.len)) {
        connection_break(connection);
    }
    bool with_body = !exchange->head_only && !bodyless(status) && body.len > 0;
    uv_buf_t bufs[] = {uv_buf_init(head->data, (unsigned)head->len),
                       uv_buf_init((char *)body.data, (unsigned)body.len)};
    output_send(connection, bufs, with_body ? 2 : 1);
    connection_responded(connection);
}

static void log_refused(const struct rp_http_exchange *exchange, int status, int code, const char *message) {
    struct rp_log_line line;
    if (!rp_log_enabled(RP_LOG_INFO)) return;
    rp_log_open(&line, RP_LOG_INFO, "httpd");
    rp_log_str(&line, "request_id", rp_str(exchange->id));
    rp_log_str(&line, "address", exchange->request.address);
    rp_log_int(&line, "http_status", status);
    rp_log_str(&line, "code", rp_str(rp_error_code(code)));
    rp_log_str(&line, "message", rp_str(message ? message : rp_error_text(code)));
    rp_log_close(&line);
}

void response_error(struct rp_http_exchange *exchange, int status, int code, const char *message, const char *fields,
                    bool close) {
    struct rp_buf body;
    log_refused(exchange, status, code, message);
    rp_buf_init(&body, 4096);
    rp_buf_json_error(&body, code, message, exchange->id);
    if (close) exchange->connection->last = true;
    response_whole(exchange, status, "application/json", fields, rp_buf_str(&body));
    rp_buf_finish(&body);
}
