/* What one worker has of the listener: its listening socket and the list of its connections; and how they go over to the
 * listener of a new generation. */
#include "httpd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BACKLOG 1024

struct home *home_create(struct httpd *httpd, struct rp_worker *worker) {
    struct home *home = rp_calloc(1, sizeof(*home));
    home->httpd = httpd;
    home->worker = worker;
    rp_buf_init(&home->head, READ_SIZE);
    return home;
}

static void home_free(struct home *home) {
    exchange_free_spare(home);
    rp_buf_finish(&home->head);
    free(home);
}

void home_handle_closed(struct home *home) {
    if (--home->handles == 0 && home->detached) home_free(home);
}

bool home_closes(const struct home *home) {
    return home->draining || rp_worker_draining(home->worker);
}

/* ---- listening --------------------------------------------------------------------------------------------------- */

static void on_server_closed(uv_handle_t *handle) {
    struct server *server = handle->data;
    struct home *home = server->home;
    free(server);
    home_handle_closed(home);
}

static void on_connection(uv_stream_t *stream, int status) {
    struct server *server = stream->data;
    if (status == 0) {
        connection_accept(server->home, stream);
    } else {
        rp_log(RP_LOG_WARN, "httpd", "cannot accept a connection: %s", uv_strerror(status));
    }
}

static struct server *server_create(struct home *home) {
    struct server *server = rp_calloc(1, sizeof(*server));
    server->home = home;
    uv_tcp_init(rp_worker_loop(home->worker), &server->tcp);
    server->tcp.data = server;
    home->handles++;
    return server;
}

void home_listen(struct home *home) {
    const char *address = rp_sockets_address(home->httpd->sockets);
    home->server = server_create(home);
    int fd = rp_sockets_take(home->httpd->sockets, home->worker);
    int status = fd < 0 ? uv_translate_sys_error(errno) : uv_tcp_open(&home->server->tcp, fd);
    if (status == 0) status = uv_listen((uv_stream_t *)&home->server->tcp, BACKLOG, on_connection);
    if (status < 0) {
        rp_log(RP_LOG_ERROR, "httpd", "cannot listen on http://%s: %s", address, uv_strerror(status));
    } else if (rp_worker_index(home->worker) == 0) {
        rp_log(RP_LOG_INFO, "httpd", "listening on http://%s", address);
    }
}

/* Those that the kernel has accepted already: with the socket they would be lost. */
static void accept_waiting(struct home *home) {
    uv_os_fd_t listening;
    if (uv_fileno((uv_handle_t *)&home->server->tcp, &listening) != 0) return;
    for (int fd; (fd = accept(listening, NULL, NULL)) >= 0;) connection_accept_file(home, fd);
}

static void stop_listening(struct home *home, struct rp_sockets *sockets) {
    if (!home->server) return;
    if (!rp_worker_draining(home->worker)) accept_waiting(home);
    uv_close((uv_handle_t *)&home->server->tcp, on_server_closed);
    home->server = NULL;
    rp_sockets_leave(sockets, home->worker);
}

/* ---- from one generation to the next ------------------------------------------------------------------------------ */

void home_adopt(struct home *home, struct httpd *httpd) {
    struct httpd *before = home->httpd;
    home->httpd = httpd;
    exchange_free_spare(home); /* they are made for the limits of the one before */
    if (strcmp(rp_sockets_address(httpd->sockets), rp_sockets_address(before->sockets)) == 0) {
        rp_sockets_leave(before->sockets, home->worker);
        return;
    }
    stop_listening(home, before->sockets);
    home_listen(home);
}

/* While the worker goes on, an idle connection is served once more: a request may be on its way in it. */
void home_drain(struct home *home) {
    stop_listening(home, home->httpd->sockets);
    home->draining = true;
    if (home->connections && !home->held) {
        home->held = &home->httpd->listener->element;
        rp_element_hold(home->held, home->worker);
    }
    for (struct connection *connection = home->connections, *next; connection; connection = next) {
        next = connection->next;
        connection_drain(connection);
    }
}

void home_connection_gone(struct home *home) {
    if (home->connections || !home->held) return;
    const struct rp_element *held = home->held;
    home->held = NULL;
    rp_element_release(held, home->worker);
}

void home_leave(struct home *home) {
    if (--home->users > 0) return;
    home->handles++; /* so that the home outlives the loop below */
    home->detached = true;
    stop_listening(home, home->httpd->sockets);
    while (home->connections) connection_close(home->connections);
    home_handle_closed(home);
}
