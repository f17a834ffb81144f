/* What one worker has of the listener: its listening socket and the list of its connections. */
#include "httpd.h"

#include <stdlib.h>

#define BACKLOG 1024

struct home *home_create(struct httpd *httpd, struct rp_worker *worker) {
    struct home *home = rp_calloc(1, sizeof(*home));
    home->httpd = httpd;
    home->worker = worker;
    rp_buf_init(&home->head, READ_SIZE);
    return home;
}

static void home_free(struct home *home) {
    while (home->spare) {
        struct rp_http_exchange *exchange = home->spare;
        home->spare = exchange->next;
        exchange_free(exchange);
    }
    rp_buf_finish(&home->head);
    free(home);
}

void home_handle_closed(struct home *home) {
    if (--home->handles == 0 && home->detached) home_free(home);
}

static void on_server_closed(uv_handle_t *handle) {
    home_handle_closed(handle->data);
}

static void on_connection(uv_stream_t *server, int status) {
    if (status == 0) {
        connection_accept(server->data);
    } else {
        rp_log(RP_LOG_WARN, "httpd", "cannot accept a connection: %s", uv_strerror(status));
    }
}

void home_listen(struct home *home) {
    struct httpd *httpd = home->httpd;
    unsigned index = rp_worker_index(home->worker);
    if (index >= httpd->socket_count || httpd->sockets[index] < 0) return;
    uv_tcp_init(rp_worker_loop(home->worker), &home->server);
    home->server.data = home;
    home->handles++;
    home->listening = true;
    int status = uv_tcp_open(&home->server, httpd->sockets[index]);
    if (status == 0) {
        httpd->sockets[index] = -1;
        status = uv_listen((uv_stream_t *)&home->server, BACKLOG, on_connection);
    }
    if (status < 0) {
        rp_log(RP_LOG_ERROR, "httpd", "cannot listen on http://%s: %s", httpd->address, uv_strerror(status));
    } else if (index == 0) {
        rp_log(RP_LOG_INFO, "httpd", "listening on http://%s", httpd->address);
    }
}

static void stop_listening(struct home *home) {
    if (!home->listening) return;
    home->listening = false;
    uv_close((uv_handle_t *)&home->server, on_server_closed);
}

void home_drain(struct home *home) {
    stop_listening(home);
    for (struct connection *connection = home->connections, *next; connection; connection = next) {
        next = connection->next;
        connection_drain(connection);
    }
}

void home_detach(struct home *home) {
    home->handles++; /* so that the home outlives the loop below */
    home->detached = true;
    stop_listening(home);
    while (home->connections) connection_close(home->connections);
    home_handle_closed(home);
}
