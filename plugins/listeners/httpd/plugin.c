/* The HTTP/1.1 listener: options, type and descriptor. */
#include "httpd.h"

#include <stdlib.h>

#define AT(field) .offset = offsetof(struct options, field)

static const struct rp_option options[] = {
    {.name = "address", .type = RP_OPTION_ADDRESS, AT(address), .text = "127.0.0.1:8080",
     .help = "where to listen; port 0 takes any free port"},
    {.name = "head", .type = RP_OPTION_SIZE, AT(head), .text = "32KiB", .min = 1024, .max = 1 << 20,
     .help = "bytes of a request's head, and of a chunked body's extensions and trailers"},
    {.name = "fields", .type = RP_OPTION_INT, AT(fields), .text = "100", .min = 1, .max = 10000,
     .help = "header fields of a request"},
    {.name = "body", .type = RP_OPTION_SIZE, AT(body), .text = "1MiB", .min = 1, .max = 1 << 30,
     .help = "bytes of a request's body"},
    {.name = "connections", .type = RP_OPTION_INT, AT(connections), .text = "10000", .min = 1, .max = 1e7,
     .help = "connections at a time, all workers together; more get 503"},
    {.name = "output", .type = RP_OPTION_SIZE, AT(output), .text = "16MiB", .min = 64 << 10, .max = 1 << 30,
     .help = "bytes that may wait for a slow client before it is dropped"},
    {.name = "header_timeout", .type = RP_OPTION_DURATION, AT(header_ms), .text = "10s", .min = 100, .max = 3.6e6,
     .help = "from the first byte of a request to the end of its head"},
    {.name = "body_rate", .type = RP_OPTION_SIZE, AT(body_rate), .text = "1KiB", .min = 1, .max = 1 << 30,
     .help = "bytes a second that a body must come in with"},
    {.name = "body_grace", .type = RP_OPTION_DURATION, AT(body_grace_ms), .text = "5s", .min = 100, .max = 3.6e6,
     .help = "how far a body may fall behind that rate"},
    {.name = "idle_timeout", .type = RP_OPTION_DURATION, AT(idle_ms), .text = "75s", .min = 100, .max = 8.64e7,
     .help = "between two requests of a connection"},
    {.name = "write_timeout", .type = RP_OPTION_DURATION, AT(write_ms), .text = "30s", .min = 100, .max = 3.6e6,
     .help = "how long a client may take nothing of what waits for it"},
    {0},
};

static int open_httpd(struct rp_element *element, struct rp_error *error) {
    (void)error;
    const struct options *set = element->options;
    const struct httpd *before = element->before ? element->before->state : NULL;
    struct httpd *httpd = rp_calloc(1, sizeof(*httpd));
    httpd->crowd = before ? before->crowd : rp_calloc(1, sizeof(*httpd->crowd));
    httpd->crowd->listeners++;
    httpd->listener = (struct rp_listener *)element;
    httpd->options = set;
    httpd->limits = (struct request_limits){
        .head = (size_t)set->head, .body = (size_t)set->body, .fields = (unsigned)set->fields};
    element->state = httpd;
    return 0;
}

static void close_httpd(struct rp_element *element) {
    struct httpd *httpd = element->state;
    rp_sockets_close(httpd->sockets);
    routes_free(httpd);
    if (--httpd->crowd->listeners == 0) free(httpd->crowd);
    free(httpd);
}

static int attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    (void)error;
    struct home *home = element->before ? rp_local(element->before, worker) : NULL;
    if (!home) home = home_create(element->state, worker);
    home->users++;
    *out_local = home;
    return 0;
}

static void detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)element;
    (void)worker;
    home_leave(local);
}

static void adopt(struct rp_element *element, struct rp_worker *worker) {
    home_adopt(rp_local(element, worker), element->state);
}

static int bind_sockets(struct rp_listener *listener, unsigned workers, struct rp_error *error) {
    struct httpd *httpd = listener->element.state;
    return rp_sockets_open(&listener->element, httpd->options->address, workers, &httpd->sockets, error);
}

static void start(struct rp_listener *listener, struct rp_worker *worker) {
    home_listen(rp_local(&listener->element, worker));
}

static void drain(struct rp_listener *listener, struct rp_worker *worker) {
    home_drain(rp_local(&listener->element, worker));
}

static const struct rp_listener_type httpd_listener = {
    .type = {.name = "httpd",
             .summary = "HTTP/1.1 server",
             .options_size = sizeof(struct options),
             .options = options,
             .open = open_httpd,
             .attach = attach,
             .detach = detach,
             .close = close_httpd,
             .adopt = adopt},
    .http = &exchange_ops,
    .bind = bind_sockets,
    .start = start,
    .drain = drain,
};

RP_PLUGIN(.name = "httpd", .version = "1.0.0", .summary = "HTTP/1.1 server that transports attach to",
          .listeners = RP_LIST(&httpd_listener));
