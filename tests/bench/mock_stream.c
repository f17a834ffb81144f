/* Plays a streaming model for scripts/bench: every POST gets a chat completion of 64 deltas, each written by itself,
 * the first at once and the others INTERVAL apart.
 *
 *     mock_stream PORT INTERVAL-MS
 *
 * One thread, one timer: at each tick every reply that is under way goes on by one delta. */
#define _GNU_SOURCE /* accept4, memmem */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { DELTAS = 64, MAX_CONNECTIONS = 4096, MAX_HEAD = 65536 };

struct connection {
    char *in; /* what came of a request that is not complete; NULL: no such connection */
    size_t in_len;
    int sent; /* deltas of the reply under way; 0: none is */
};

static struct connection connections[MAX_CONNECTIONS]; /* by descriptor */
static int top;                                        /* the highest descriptor that is one, and 1 */
static char delta[512], last[512];
static size_t delta_len, last_len;

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static size_t chunk(char *out, size_t size, const char *events) {
    return (size_t)snprintf(out, size, "%zx\r\n%s\r\n", strlen(events), events);
}

static void make_chunks(void) {
    delta_len =
        chunk(delta, sizeof(delta),
              "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\","
              "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n");
    last_len =
        chunk(last, sizeof(last),
              "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\","
              "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    memcpy(last + last_len, "0\r\n\r\n", 6);
    last_len += 5;
}

static void drop(int fd) {
    free(connections[fd].in);
    connections[fd] = (struct connection){0};
    close(fd);
}

/* The pieces are small and the reader is fast: what the kernel does not take is a reason to give up. */
static void put(int fd, const char *data, size_t len) {
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len) drop(fd);
}

static void step(int fd) {
    struct connection *connection = &connections[fd];
    if (connection->sent++ < DELTAS) {
        put(fd, delta, delta_len);
    } else {
        connection->sent = 0;
        put(fd, last, last_len);
    }
}

/* The length of a complete request at the front, 0 when there is none yet. */
static size_t request_length(const struct connection *connection) {
    const char *end = memmem(connection->in, connection->in_len, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head_len = (size_t)(end - connection->in) + 4, body_len = 0;
    for (const char *line = connection->in; line && line < end; line = memchr(line, '\n', (size_t)(end - line))) {
        line += *line == '\n';
        if (strncasecmp(line, "Content-Length:", 15) == 0) body_len = strtoul(line + 15, NULL, 10);
    }
    return connection->in_len >= head_len + body_len ? head_len + body_len : 0;
}

static void on_readable(int fd) {
    struct connection *connection = &connections[fd];
    ssize_t got = read(fd, connection->in + connection->in_len, MAX_HEAD - connection->in_len);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        drop(fd);
        return;
    }
    connection->in_len += (size_t)got;
    connection->in[connection->in_len] = '\0';
    size_t len = request_length(connection);
    if (len == 0 || connection->sent > 0) return;
    connection->in_len -= len;
    memmove(connection->in, connection->in + len, connection->in_len);
    put(fd, head, sizeof(head) - 1);
    if (connection->in) step(fd);
}

static void on_connection(int loop, int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), yes = 1;
    if (fd < 0) return;
    if (fd >= MAX_CONNECTIONS) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    connections[fd] = (struct connection){.in = malloc(MAX_HEAD + 1)};
    if (!connections[fd].in) fail("malloc");
    if (fd >= top) top = fd + 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1024) != 0) fail("listen");
    return fd;
}

static int start_timer(int interval_ms) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct timespec interval = {.tv_sec = interval_ms / 1000, .tv_nsec = interval_ms % 1000 * 1000000L};
    struct itimerspec spec = {.it_interval = interval, .it_value = interval};
    if (fd < 0 || timerfd_settime(fd, 0, &spec, NULL) != 0) fail("timer");
    return fd;
}

static void on_tick(int timer) {
    uint64_t ticks;
    if (read(timer, &ticks, sizeof(ticks)) < 0) return;
    for (int fd = 0; fd < top; fd++)
        if (connections[fd].sent > 0) step(fd);
}

int main(int argc, char **argv) {
    if (argc != 3 || atoi(argv[2]) < 1) return 2;
    signal(SIGPIPE, SIG_IGN);
    make_chunks();
    int listener = listen_on(atoi(argv[1])), timer = start_timer(atoi(argv[2])), loop = epoll_create1(0);
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    epoll_ctl(loop, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.fd = timer});
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(loop, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) on_connection(loop, fd);
            if (fd == timer) on_tick(fd);
            if (fd != listener && fd != timer && connections[fd].in) on_readable(fd);
        }
    }
}
