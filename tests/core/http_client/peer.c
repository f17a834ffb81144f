/* The server and the notes of peer.h. */
#define _GNU_SOURCE /* strcasestr */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#include "core/http_client/peer.h"

#define PATIENCE_MS 10000

/* ---- the server -------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
    (void)handle;
    *buf = uv_buf_init(rp_alloc(size), (unsigned)size);
}

/* The length of the first whole request in the buffer, 0 when there is none yet. */
static size_t whole_request(const struct rp_buf *in) {
    const char *end = in->len ? strstr(in->data, "\r\n\r\n") : NULL;
    if (!end) return 0;
    size_t head = (size_t)(end - in->data) + 4;
    const char *field = strcasestr(in->data, "\r\ncontent-length:");
    size_t body = field && field < end ? (size_t)atol(field + 17) : 0;
    return in->len >= head + body ? head + body : 0;
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    struct peer_conn *conn = stream->data;
    if (len < 0) {
        conn->ended = true;
        uv_read_stop(stream);
    } else {
        rp_buf_append(&conn->in, buf->base, (size_t)len);
    }
    free(buf->base);
    size_t request;
    while (!conn->closed && (request = whole_request(&conn->in)) > 0) {
        char *text = strndup(conn->in.data, request);
        rp_buf_consume(&conn->in, request);
        conn->requests++;
        conn->peer->answer(conn, text);
        free(text);
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    struct peer *peer = listener->data;
    assert_int_equal(status, 0);
    struct peer_conn *conn = rp_calloc(1, sizeof(*conn));
    conn->peer = peer;
    conn->next = peer->all;
    peer->all = conn;
    peer->connections++;
    rp_buf_init(&conn->in, 1 << 24);
    uv_tcp_init(listener->loop, &conn->tcp);
    conn->tcp.data = conn;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&conn->tcp), 0);
    uv_tcp_nodelay(&conn->tcp, 1);
    uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
}

void peer_join(struct peer *peer, struct rp_worker *worker,
               void (*answer)(struct peer_conn *conn, const char *request)) {
    struct worker_group group = peer->group;
    *peer = (struct peer){.group = group, .worker = worker, .answer = answer};
    signal(SIGPIPE, SIG_IGN); /* as the program does: a peer that has left is no reason to die */
    struct sockaddr_storage address;
    int len = sizeof(address);
    uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&address);
    uv_tcp_init(rp_worker_loop(peer->worker), &peer->listener);
    peer->listener.data = peer;
    assert_int_equal(uv_tcp_bind(&peer->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&peer->listener, 128, on_connection), 0);
    uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&address, &len);
    peer->port = ntohs(((struct sockaddr_in *)&address)->sin_port);
}

void peer_open(struct peer *peer, void (*answer)(struct peer_conn *conn, const char *request)) {
    *peer = (struct peer){0};
    worker_group_init(&peer->group, 1);
    peer_join(peer, peer->group.workers[0], answer);
}

static void conn_close(struct peer_conn *conn) {
    if (conn->closed) return;
    conn->closed = true;
    uv_close((uv_handle_t *)&conn->tcp, NULL);
}

void peer_close(struct peer *peer) {
    for (struct peer_conn *conn = peer->all; conn; conn = conn->next) conn_close(conn);
    uv_close((uv_handle_t *)&peer->listener, NULL);
    if (peer->group.count)
        worker_group_finish(&peer->group); /* lets the loop run until every handle is closed */
    else
        worker_turn_loop(peer->worker);
    while (peer->all) {
        struct peer_conn *conn = peer->all;
        peer->all = conn->next;
        rp_buf_finish(&conn->in);
        free(conn);
    }
}

static void on_sent(uv_write_t *write, int status) {
    (void)status;
    free(write);
}

void peer_send(struct peer_conn *conn, const char *data, size_t len) {
    if (conn->closed) return;
    uv_write_t *write = rp_alloc(sizeof(*write) + len);
    memcpy(write + 1, data, len);
    uv_buf_t buf = uv_buf_init((char *)(write + 1), (unsigned)len);
    uv_write(write, (uv_stream_t *)&conn->tcp, &buf, 1, on_sent);
}

void peer_say(struct peer_conn *conn, const char *text) {
    peer_send(conn, text, strlen(text));
}

struct rest {
    uv_timer_t timer;
    struct peer_conn *conn;
    size_t len;
    char data[];
};

static void free_rest(uv_handle_t *handle) {
    free(handle->data);
}

static void on_rest(uv_timer_t *timer) {
    struct rest *rest = timer->data;
    peer_send(rest->conn, rest->data, rest->len);
    uv_close((uv_handle_t *)timer, free_rest);
}

void peer_send_cut(struct peer_conn *conn, const char *data, size_t len, size_t at) {
    struct rest *rest = rp_alloc(sizeof(*rest) + len);
    rest->conn = conn;
    rest->len = len - at;
    rest->timer.data = rest;
    memcpy(rest->data, data + at, len - at);
    peer_send(conn, data, at);
    uv_timer_init(conn->tcp.loop, &rest->timer);
    uv_timer_start(&rest->timer, on_rest, 1, 0);
}

static void on_shutdown(uv_shutdown_t *request, int status) {
    struct peer_conn *conn = request->handle->data;
    (void)status;
    free(request);
    conn_close(conn);
}

void peer_end(struct peer_conn *conn) {
    if (conn->closed) return;
    uv_shutdown_t *request = rp_alloc(sizeof(*request));
    if (uv_shutdown(request, (uv_stream_t *)&conn->tcp, on_shutdown) == 0) return;
    free(request);
    conn_close(conn);
}

void peer_reset(struct peer_conn *conn) {
    if (conn->closed) return;
    conn->closed = true;
    uv_tcp_close_reset(&conn->tcp, NULL);
}

static void on_reset(uv_timer_t *timer) {
    struct rest *rest = timer->data;
    peer_reset(rest->conn);
    uv_close((uv_handle_t *)timer, free_rest);
}

void peer_reset_soon(struct peer_conn *conn) {
    struct rest *rest = rp_alloc(sizeof(*rest));
    rest->conn = conn;
    rest->timer.data = rest;
    uv_timer_init(conn->tcp.loop, &rest->timer);
    uv_timer_start(&rest->timer, on_reset, 20, 0);
}

static void on_bell(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

static void free_bell(uv_handle_t *bell) {
    free(bell);
}

static bool run_until(struct peer *peer, const bool *flag, int64_t ms) {
    bool rung = false;
    uv_timer_t *bell = rp_calloc(1, sizeof(*bell));
    uv_update_time(rp_worker_loop(peer->worker));
    uv_timer_init(rp_worker_loop(peer->worker), bell);
    bell->data = &rung;
    uv_timer_start(bell, on_bell, (uint64_t)ms, 0);
    while (!rung && !(flag && *flag)) uv_run(rp_worker_loop(peer->worker), UV_RUN_ONCE);
    uv_close((uv_handle_t *)bell, free_bell);
    uv_run(rp_worker_loop(peer->worker), UV_RUN_NOWAIT);
    return flag && *flag;
}

void peer_spin(struct peer *peer, int64_t ms) {
    run_until(peer, NULL, ms);
}

bool peer_until(struct peer *peer, const bool *flag) {
    return run_until(peer, flag, PATIENCE_MS);
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

static void on_head(struct rp_fetch *fetch, int status) {
    struct notes *notes = rp_fetch_arg(fetch);
    notes->heads++;
    notes->status = status;
    const char *field = rp_fetch_field(fetch, "X-Test");
    snprintf(notes->field, sizeof(notes->field), "%s", field ? field : "");
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct notes *notes = rp_fetch_arg(fetch);
    notes->datas++;
    assert_int_equal(rp_buf_append(&notes->body, data, len), 0);
    return RP_FETCH_TAKEN;
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct notes *notes = rp_fetch_arg(fetch);
    notes->dones++;
    notes->done = true;
    notes->code = code;
    notes->status = rp_fetch_status(fetch);
    notes->retry_after = rp_fetch_retry_after_ms(fetch);
    snprintf(notes->detail, sizeof(notes->detail), "%s", detail);
}

const struct rp_fetch_ops notes_ops = {.on_head = on_head, .on_data = on_data, .on_done = on_done};

struct rp_fetch_request notes_request(struct peer *peer, struct notes *notes, const char *path) {
    static char url[256];
    *notes = (struct notes){0};
    rp_buf_init(&notes->body, 1 << 24);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", peer->port, path);
    return (struct rp_fetch_request){.url = url, .ops = &notes_ops, .arg = notes};
}

void notes_fetch(struct peer *peer, struct notes *notes, const struct rp_fetch_request *request) {
    assert_int_equal(rp_fetch_start(peer->worker, request, &notes->fetch), 0);
    assert_false(notes->done); /* no callback from inside the call */
    assert_true(peer_until(peer, &notes->done));
    assert_int_equal(notes->dones, 1);
}

void notes_get(struct peer *peer, struct notes *notes) {
    struct rp_fetch_request request = notes_request(peer, notes, "/");
    notes_fetch(peer, notes, &request);
}

void notes_finish(struct notes *notes) {
    rp_buf_finish(&notes->body);
}
