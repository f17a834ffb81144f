/* The listener on a real socket and a worker that the test drives by hand, with clients in the same thread. */
#ifndef TESTS_HTTPD_WIRE_H
#define TESTS_HTTPD_WIRE_H

#include "core/loop/worker.h"
#include "httpd.h"

struct wire {
    struct worker_group group;
    struct rp_worker *worker;
    struct rp_listener listener;
    struct options options;
    void *locals[1];
    int port;
    bool drained;
};

/* Sets options to their defaults, small time limits among them; change them before wire_open. */
void wire_init(struct wire *wire);
void wire_route(struct wire *wire, const char *method, const char *path,
                void (*on_request)(void *, struct rp_http_exchange *, const struct rp_http_request *), void *arg);
void wire_open(struct wire *wire);
void wire_drain(struct wire *wire); /* as the program does at SIGTERM; `drained` tells the end */
void wire_close(struct wire *wire);

int wire_connect(struct wire *wire);
void wire_send(struct wire *wire, int fd, const char *data, size_t len); /* spins until all of it is sent */
void wire_say(struct wire *wire, int fd, const char *text);
void wire_spin(struct wire *wire, unsigned passes);
/* Spins until what `fd` has sent contains `needle` `times` times, or has ended; the text so far. Fails after ten
 * seconds. `needle` NULL: until the end. */
const char *wire_read(struct wire *wire, int fd, const char *needle, unsigned times);
bool wire_ended(void);  /* the last wire_read met the end of the connection, */
bool wire_was_reset(void); /* and it was a reset */

#endif
