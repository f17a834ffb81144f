/* The life of a connection: accepting, reading, ending. What the bytes mean is in feed.c. */
#include "httpd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- ends --------------------------------------------------------------------------------------------------------- */

static void hold(struct connection *connection, bool wanted) {
    if (connection->held == wanted) return;
    connection->held = wanted;
    if (wanted)
        rp_worker_hold(connection->home->worker);
    else
        rp_worker_release(connection->home->worker);
}

static void on_closed(uv_handle_t *handle) {
    struct connection *connection = handle->data;
    struct home *home = connection->home;
    output_free(connection);
    free(connection);
    home_handle_closed(home);
}

static void unlink_connection(struct connection *connection) {
    *connection->link = connection->next;
    if (connection->next) connection->next->link = connection->link;
}

/* The route hears of it while its request is still there to be read; then everything but the handle goes. */
static void let_go(struct connection *connection) {
    struct home *home = connection->home;
    struct rp_http_exchange *exchange = connection->exchange;
    bool owed = connection->state == CONNECTION_SERVING || connection->state == CONNECTION_UPGRADED;
    connection->state = CONNECTION_CLOSED;
    rp_timer_stop(home->worker, &connection->timer);
    rp_task_cancel(home->worker, &connection->task);
    unlink_connection(connection);
    rp_buf_finish(&connection->tail);
    if (connection->counted)
        atomic_fetch_sub_explicit(&home->httpd->crowd->connections, 1, memory_order_relaxed);
    else
        home->refused--;
    if (owed && exchange->watcher && exchange->watcher->on_gone) exchange->watcher->on_gone(exchange->watcher_arg);
    exchange_release(connection);
    hold(connection, false);
    home_connection_gone(home);
}

void connection_close(struct connection *connection) {
    if (connection->state == CONNECTION_CLOSED) return;
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    let_go(connection);
}

void connection_reset(struct connection *connection) {
    if (connection->state == CONNECTION_CLOSED) return;
    if (uv_tcp_close_reset(&connection->tcp, on_closed) != 0) uv_close((uv_handle_t *)&connection->tcp, on_closed);
    let_go(connection);
}

/* Closing at once would make the kernel answer whatever the client still sends with a reset, and a reset throws away
 * the response that the client has not read yet. */
static void linger(struct connection *connection) {
    uv_os_fd_t fd;
    if (connection->left || uv_fileno((uv_handle_t *)&connection->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_LINGERING;
    rp_buf_finish(&connection->tail);
    connection_read(connection, true);
    deadline_set(connection, LINGER_MS);
}

/* ---- from one request to the next ----------------------------------------------------------------------------------- */

static void next_request(struct connection *connection) {
    if (connection->last || connection->left || home_closes(connection->home)) {
        linger(connection);
        return;
    }
    connection->state = CONNECTION_IDLE;
    connection->served = true;
    hold(connection, false);
    connection_read(connection, true);
    deadline_set(connection, connection->home->httpd->options->idle_ms);
    if (connection->tail.len > 0 && !connection->feeding) connection_schedule(connection);
}

void connection_responded(struct connection *connection) {
    exchange_release(connection);
    if (connection->state == CONNECTION_CLOSED) return;
    connection->state = CONNECTION_FLUSHING;
    if (!connection->broken && !connection->output) next_request(connection);
}

void connection_drained(struct connection *connection) {
    struct rp_http_exchange *exchange = connection->exchange;
    if (connection->state == CONNECTION_FLUSHING) {
        next_request(connection);
        return;
    }
    if (!exchange) return;
    exchange_flush(exchange);
    if (connection->output || connection->broken) return;
    connection_read(connection, connection->tail.len < TAIL_HIGH);
    if (!exchange->wants_writable) return;
    exchange->wants_writable = false;
    if (exchange->watcher && exchange->watcher->on_writable) exchange->watcher->on_writable(exchange->watcher_arg);
}

void connection_drain(struct connection *connection) {
    struct rp_http_exchange *exchange = connection->exchange;
    if (connection->state == CONNECTION_IDLE && connection->tail.len == 0) {
        if (rp_worker_draining(connection->home->worker)) connection_close(connection);
    } else if (connection->state == CONNECTION_UPGRADED && !exchange->told_to_drain) {
        exchange->told_to_drain = true;
        if (exchange->watcher && exchange->watcher->on_drain) exchange->watcher->on_drain(exchange->watcher_arg);
    }
}

void connection_taken(struct connection *connection) {
    connection->state = CONNECTION_READING;
    connection->exchange = exchange_take(connection);
    hold(connection, true);
}

/* ---- the task: what must not happen inside a route's call ------------------------------------------------------------- */

static void on_task(struct rp_task *task) {
    struct connection *connection = (struct connection *)((char *)task - offsetof(struct connection, task));
    struct rp_http_exchange *exchange = connection->exchange;
    if (connection->broken) {
        connection_close(connection);
        return;
    }
    if (exchange && exchange->fresh) {
        /* Something was added since the last look: one more round for the others, more may come. */
        exchange->fresh = false;
        connection_schedule(connection);
    } else if (exchange) {
        exchange_flush(exchange);
    }
    feed_tail(connection);
    if (connection->home->draining && connection->state == CONNECTION_UPGRADED) connection_drain(connection);
}

void connection_schedule(struct connection *connection) {
    rp_task_schedule(connection->home->worker, &connection->task);
}

void connection_break(struct connection *connection) {
    connection->broken = true;
    connection_schedule(connection);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)suggested;
    struct connection *connection = handle->data;
    *out = uv_buf_init(connection->home->input, READ_SIZE);
}

static void on_end(struct connection *connection, int why) {
    connection->reading = false;
    connection->left = true;
    if (connection->state == CONNECTION_FLUSHING && why == UV_EOF) return; /* it may still want to read */
    if (connection->state == CONNECTION_READING || connection->state == CONNECTION_SERVING) {
        rp_log(RP_LOG_INFO, "httpd", "%s left in the middle of a request", connection->address);
    }
    connection_close(connection);
}

static void discard(struct connection *connection, size_t len) {
    connection->discarded += len;
    if (connection->discarded > LINGER_BYTES) connection_close(connection);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    struct connection *connection = stream->data;
    if (len < 0) {
        on_end(connection, (int)len);
    } else if (connection->state == CONNECTION_LINGERING) {
        discard(connection, (size_t)len);
    } else if (len > 0) {
        feed_bytes(connection, buf->base, (size_t)len);
    }
}

void connection_read(struct connection *connection, bool wanted) {
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    if (connection->reading == wanted || connection->left || connection->state == CONNECTION_CLOSED) return;
    connection->reading = wanted;
    if (!wanted) {
        uv_read_stop(stream);
    } else if (uv_read_start(stream, on_alloc, on_read) != 0) {
        connection_break(connection);
    }
}

/* ---- accepting -------------------------------------------------------------------------------------------------------- */

static void note_address(struct connection *connection) {
    struct sockaddr_storage peer;
    int size = sizeof(peer);
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&peer, &size) != 0) return;
    if (peer.ss_family == AF_INET6) {
        uv_ip6_name((struct sockaddr_in6 *)&peer, connection->address, sizeof(connection->address));
    } else {
        uv_ip4_name((struct sockaddr_in *)&peer, connection->address, sizeof(connection->address));
    }
}

static struct connection *connection_create(struct home *home) {
    struct connection *connection = rp_calloc(1, sizeof(*connection));
    connection->home = home;
    connection->task.run = on_task;
    connection->timer.run = on_deadline;
    rp_buf_init(&connection->tail, TAIL_HIGH + READ_SIZE);
    uv_tcp_init(rp_worker_loop(home->worker), &connection->tcp);
    connection->tcp.data = connection;
    connection->next = home->connections;
    connection->link = &home->connections;
    if (connection->next) connection->next->link = &connection->next;
    home->connections = connection;
    home->handles++;
    return connection;
}

/* True: there is room for one more. */
static bool count(struct connection *connection) {
    struct httpd *httpd = connection->home->httpd;
    long before = atomic_fetch_add_explicit(&httpd->crowd->connections, 1, memory_order_relaxed);
    connection->counted = before < httpd->options->connections;
    if (connection->counted) return true;
    atomic_fetch_sub_explicit(&httpd->crowd->connections, 1, memory_order_relaxed);
    connection->home->refused++;
    return false;
}

static void turn_away(struct connection *connection) {
    if (connection->home->refused > REFUSED_MAX) {
        connection_close(connection);
        return;
    }
    connection_taken(connection);
    feed_refuse(connection, 503, RP_EBUSY, "the server has too many connections");
}

static void begin(struct connection *connection, bool room) {
    uv_tcp_nodelay(&connection->tcp, 1);
    note_address(connection);
    if (!room) {
        turn_away(connection);
        return;
    }
    connection_read(connection, true);
    deadline_set(connection, connection->home->httpd->options->header_ms);
}

void connection_accept(struct home *home, uv_stream_t *server) {
    struct connection *connection = connection_create(home);
    bool room = count(connection);
    if (uv_accept(server, (uv_stream_t *)&connection->tcp) == 0)
        begin(connection, room);
    else
        connection_close(connection);
}

void connection_accept_file(struct home *home, int fd) {
    struct connection *connection = connection_create(home);
    bool room = count(connection);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && uv_tcp_open(&connection->tcp, fd) == 0) {
        begin(connection, room);
        return;
    }
    close(fd);
    connection_close(connection);
}
