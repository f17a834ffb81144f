/* Curl's sockets on the loop. A connection outlives its transfers, so its descriptor stays watched for reading between
 * them: the next transfer then costs no epoll_ctl. What becomes readable while nobody wants it (a connection that its
 * peer has closed, a transfer that is paused) is watched again only when curl asks.
 *
 * That holds for connections that stand. Some versions of curl close a socket that was still connecting by themselves
 * and tell us afterwards. So such a socket is let go as soon as curl has no wish for it; its number may come back. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http_client/internal.h"

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- the table --------------------------------------------------------------------------------------------------- */

static struct http_socket *table_get(const struct socket_table *table, curl_socket_t fd) {
    return fd >= 0 && (size_t)fd < table->size ? table->items[fd] : NULL;
}

static void table_put(struct socket_table *table, curl_socket_t fd, struct http_socket *socket) {
    if ((size_t)fd >= table->size) {
        size_t size = ((size_t)fd + 64) & ~(size_t)63;
        table->items = rp_realloc(table->items, size * sizeof(table->items[0]));
        memset(table->items + table->size, 0, (size - table->size) * sizeof(table->items[0]));
        table->size = size;
    }
    table->items[fd] = socket;
}

void socket_table_finish(struct socket_table *table) {
    free(table->items);
    *table = (struct socket_table){0};
}

static struct http_socket *socket_add(struct http_client *client, curl_socket_t fd) {
    struct http_socket *socket = rp_calloc(1, sizeof(*socket));
    socket->fd = fd;
    socket->client = client;
    socket->poll.data = socket;
    table_put(&client->sockets, fd, socket);
    return socket;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

/* The descriptor, open or closed already, is no longer ours to watch. */
static void socket_forget(struct http_socket *socket) {
    socket->client->sockets.items[socket->fd] = NULL;
    if (socket->watched)
        uv_close((uv_handle_t *)&socket->poll, on_closed); /* stops watching at once */
    else
        free(socket);
}

/* ---- watching ---------------------------------------------------------------------------------------------------- */

static void watch(struct http_socket *socket, int events) {
    if (socket->armed == events) return;
    socket->armed = events;
    if (events)
        uv_poll_start(&socket->poll, events, on_poll);
    else
        uv_poll_stop(&socket->poll);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct http_socket *socket = poll->data;
    if (status < 0) {
        socket->armed = 0; /* the loop has stopped watching by itself */
        if (socket->wanted) watch(socket, socket->wanted);
    } else if (!(events & socket->wanted)) {
        watch(socket, socket->wanted);
        return;
    }
    /* A broken socket may still hold the response; and only by reading or writing does curl learn what broke it. */
    if (status < 0) events = socket->wanted;
    int flags = 0;
    if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
    struct http_client *client = socket->client;
    int running;
    client_enter(client);
    curl_multi_socket_action(client->multi, socket->fd, flags, &running);
    client_leave(client);
}

static int want(struct http_socket *socket, int events) {
    if (!socket->watched) {
        if (uv_poll_init(rp_worker_loop(socket->client->worker), &socket->poll, socket->fd) != 0) return -1;
        socket->watched = true;
    }
    socket->wanted = events;
    bool missing = events & ~socket->armed;
    bool spare_write = socket->armed & ~events & UV_WRITABLE; /* would fire at once and for ever */
    if (missing || spare_write) watch(socket, events);
    return 0;
}

/* ---- what curl calls --------------------------------------------------------------------------------------------- */

int socket_on_change(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused) {
    struct http_client *client = arg;
    struct http_socket *socket = table_get(&client->sockets, fd);
    (void)easy;
    (void)unused;
    if (what != CURL_POLL_REMOVE) {
        int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
        return want(socket ? socket : socket_add(client, fd), events);
    }
    if (socket && !socket->stands) {
        socket_forget(socket);
    } else if (socket) {
        socket->wanted = 0;
        if (socket->armed & UV_WRITABLE) watch(socket, UV_READABLE);
    }
    return 0;
}

curl_socket_t socket_on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct rp_fetch *fetch = arg;
    struct http_client *client = fetch->client;
    (void)purpose;
    int fd = socket(address->family, address->socktype, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fetch->opened[fetch->opened_count++ % FETCH_OPENED] = fd;
    struct http_socket *old = table_get(&client->sockets, fd);
    if (!old) return fd;
    int events = old->wanted; /* curl may take the new descriptor for the old one, and not say what it wants */
    socket_forget(old);
    if (events) want(socket_add(client, fd), events);
    return fd;
}

static int local_port_of(curl_socket_t fd) {
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) return -1;
    if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return -1;
}

void socket_on_connected(struct rp_fetch *fetch, int local_port) {
    unsigned count = fetch->opened_count < FETCH_OPENED ? fetch->opened_count : FETCH_OPENED;
    fetch->opened_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct http_socket *socket = table_get(&fetch->client->sockets, fetch->opened[i]);
        if (socket && local_port_of(socket->fd) == local_port) socket->stands = true;
    }
}

int socket_on_close(void *arg, curl_socket_t fd) {
    struct http_client *client = arg;
    struct http_socket *socket = table_get(&client->sockets, fd);
    if (socket) socket_forget(socket);
    return close(fd);
}
