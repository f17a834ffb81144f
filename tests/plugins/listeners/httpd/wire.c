/* See wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char received[1 << 22];
static bool ended, was_reset;

const struct rp_plugin *rp_plugin(void);

static const struct rp_listener_type *type(void) {
    return rp_plugin()->listeners[0];
}

void wire_init(struct wire *wire) {
    *wire = (struct wire){.options = {.address = "127.0.0.1:0",
                                      .head = 4096,
                                      .fields = 30,
                                      .body = 65536,
                                      .connections = 100,
                                      .output = 8 << 20,
                                      .header_ms = 60000,
                                      .body_rate = 1024,
                                      .body_grace_ms = 60000,
                                      .idle_ms = 60000,
                                      .write_ms = 60000}};
    worker_group_init(&wire->group, 1);
    wire->worker = wire->group.workers[0];
    wire->listener.element =
        (struct rp_element){.type = &type()->type, .name = "web", .options = &wire->options, .local = wire->locals};
    assert_int_equal(type()->type.open(&wire->listener.element, NULL), 0);
}

void wire_route(struct wire *wire, const char *method, const char *path,
                void (*on_request)(void *, struct rp_http_exchange *, const struct rp_http_request *), void *arg) {
    const struct rp_http_route route = {method, path, on_request, arg};
    assert_int_equal(rp_http(&wire->listener)->route(&wire->listener, &route, NULL), 0);
}

void wire_open(struct wire *wire) {
    struct rp_element *element = &wire->listener.element;
    struct httpd *httpd = element->state;
    httpd->limits = (struct request_limits){.head = (size_t)wire->options.head,
                                            .body = (size_t)wire->options.body,
                                            .fields = (unsigned)wire->options.fields};
    assert_int_equal(type()->bind(&wire->listener, 1, NULL), 0);
    assert_int_equal(type()->type.attach(element, wire->worker, &wire->locals[0], NULL), 0);
    type()->start(&wire->listener, wire->worker);
    wire->port = atoi(strrchr(rp_sockets_address(httpd->sockets), ':') + 1);
    assert_int_not_equal(wire->port, 0);
}

static struct wire *draining;

static void on_drained(struct rp_worker *worker) {
    (void)worker;
    draining->drained = true;
}

void wire_drain(struct wire *wire) {
    draining = wire;
    worker_drain(wire->worker, 60000, on_drained);
    type()->drain(&wire->listener, wire->worker);
}

void wire_close(struct wire *wire) {
    type()->type.detach(&wire->listener.element, wire->worker, wire->locals[0]);
    type()->type.close(&wire->listener.element);
    worker_group_finish(&wire->group);
}

void wire_spin(struct wire *wire, unsigned passes) {
    for (unsigned i = 0; i < passes; i++) worker_turn_loop(wire->worker);
}

int wire_connect(struct wire *wire) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)wire->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    wire_spin(wire, 3);
    return fd;
}

void wire_send(struct wire *wire, int fd, const char *data, size_t len) {
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(fd, data + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return; /* the server has enough of it */
        if (sent > 0) at += (size_t)sent;
        wire_spin(wire, 2);
    }
}

void wire_say(struct wire *wire, int fd, const char *text) {
    wire_send(wire, fd, text, strlen(text));
}

static unsigned count(const char *text, const char *needle) {
    unsigned found = 0;
    for (const char *at = text; needle && (at = strstr(at, needle)); at += strlen(needle)) found++;
    return found;
}

const char *wire_read(struct wire *wire, int fd, const char *needle, unsigned times) {
    size_t len = 0;
    int64_t until = rp_now_ns() + 10 * (int64_t)1000000000;
    ended = was_reset = false;
    received[0] = '\0';
    while (!ended && (!needle || count(received, needle) < times)) {
        if (rp_now_ns() > until) fail_msg("nothing like it came; this did: %s", received);
        wire_spin(wire, 1);
        ssize_t got = recv(fd, received + len, sizeof(received) - 1 - len, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            usleep(200);
            continue;
        }
        ended = got <= 0;
        was_reset = got < 0 && errno == ECONNRESET;
        if (got > 0) len += (size_t)got;
        received[len] = '\0';
    }
    return received;
}

bool wire_ended(void) {
    return ended;
}

bool wire_was_reset(void) {
    return was_reset;
}
