/* A client for scripts/bench: how long one request after another takes on one connection, and idle connections.
 *
 *     probe latency PORT PATH BODY-FILE COUNT   {"p50": …, "p99": …, "first50": …, "first99": …} in microseconds;
 *                                               first: until the first byte of the body (of an event: its data)
 *     probe hold PORT PATH COUNT                opens COUNT connections, asks once on each, prints "ready", and
 *                                               holds them until its own input ends
 *
 * Knows as much HTTP as the servers of the bench speak. */
#define _GNU_SOURCE /* memmem */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RESPONSE = 1 << 20, WARM_UP = 200 };

struct times {
    double first, whole; /* microseconds */
};

static char response[MAX_RESPONSE + 1];

static void fail(const char *what) {
    fprintf(stderr, "probe: %s\n", what);
    exit(1);
}

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int dial(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

static bool complete(const char *body, size_t len) {
    const char *field = memmem(response, (size_t)(body - response), "Content-Length: ", 16);
    if (field) return len >= strtoul(field + 16, NULL, 10);
    return len >= 5 && memcmp(body + len - 5, "0\r\n\r\n", 5) == 0;
}

static struct times ask(int fd, const char *request, size_t request_len, bool events) {
    struct times times = {0};
    double start = now_us();
    if (write(fd, request, request_len) != (ssize_t)request_len) fail("cannot send");
    for (size_t len = 0; len < MAX_RESPONSE;) {
        ssize_t got = read(fd, response + len, MAX_RESPONSE - len);
        if (got <= 0) fail("the server closed the connection");
        len += (size_t)got;
        char *body = memmem(response, len, "\r\n\r\n", 4);
        if (!body) continue;
        body += 4;
        size_t body_len = len - (size_t)(body - response);
        if (times.first == 0 && (events ? memmem(body, body_len, "data:", 5) != NULL : body_len > 0))
            times.first = now_us() - start;
        if (!complete(body, body_len)) continue;
        times.whole = now_us() - start;
        if (memcmp(response, "HTTP/1.1 200", 12) != 0) {
            response[len] = '\0';
            fprintf(stderr, "%s\n", response);
            fail("not a 200");
        }
        return times;
    }
    fail("the response is too long");
    return times;
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double part(const double *sorted, size_t count, double share) {
    return sorted[(size_t)((double)(count - 1) * share)];
}

static int latency(int port, const char *path, const char *body_file, size_t count) {
    static char body[65536], request[66560];
    FILE *file = fopen(body_file, "rb");
    if (!file) fail("cannot read the body");
    size_t body_len = fread(body, 1, sizeof(body) - 1, file);
    fclose(file);
    int len =
        snprintf(request, sizeof(request),
                 "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 path, body_len, body);
    bool events = strstr(body, "\"stream\":true") != NULL;
    double *first = calloc(count, sizeof(double)), *whole = calloc(count, sizeof(double));
    if (!first || !whole) fail("out of memory");
    int fd = dial(port);
    for (size_t i = 0; i < (events ? 10 : WARM_UP); i++) ask(fd, request, (size_t)len, events);
    for (size_t i = 0; i < count; i++) {
        struct times times = ask(fd, request, (size_t)len, events);
        first[i] = times.first;
        whole[i] = times.whole;
    }
    qsort(first, count, sizeof(double), by_size);
    qsort(whole, count, sizeof(double), by_size);
    printf("{\"p50\": %.1f, \"p99\": %.1f, \"first50\": %.1f, \"first99\": %.1f}\n", part(whole, count, 0.5),
           part(whole, count, 0.99), part(first, count, 0.5), part(first, count, 0.99));
    free(first);
    free(whole);
    close(fd);
    return 0;
}

static int hold(int port, const char *path, size_t count) {
    char request[512];
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    for (size_t i = 0; i < count; i++) ask(dial(port), request, (size_t)len, false);
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "latency") == 0)
        return latency(atoi(argv[2]), argv[3], argv[4], strtoul(argv[5], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "hold") == 0) return hold(atoi(argv[2]), argv[3], strtoul(argv[4], NULL, 10));
    fail("usage: see the top of probe.c");
    return 2;
}
