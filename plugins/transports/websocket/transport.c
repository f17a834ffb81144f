/* The transport as the core sees it: its route, and what each worker keeps of it. */
#include "websocket.h"

#include <stdlib.h>

int websocket_check(const void *arg, struct rp_error *error) {
    const struct options *options = arg;
    if (options->path[0] == '/') return 0;
    return rp_error_set(error, RP_ECONFIG, "'path' must begin with '/'");
}

int websocket_open(struct rp_element *element, struct rp_error *error) {
    const struct options *options = element->options;
    const struct rp_http_ops *http = rp_http(options->on);
    if (!http) {
        return rp_error_set(error, RP_ECONFIG, "the listener '%s' does not speak HTTP", options->on->element.name);
    }
    const struct rp_http_route route = {"GET", options->path, connection_on_request, element};
    return http->route(options->on, &route, error);
}

static struct local *local_create(struct rp_worker *worker) {
    struct local *local = rp_calloc(1, sizeof *local);
    local->worker = worker;
    rp_buf_init(&local->json, OUTPUT_MAX);
    rp_buf_init(&local->output, OUTPUT_MAX);
    return local;
}

int websocket_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    (void)error;
    struct local *local = element->before ? rp_local(element->before, worker) : local_create(worker);
    local->users++;
    *out_local = local;
    return 0;
}

void websocket_adopt(struct rp_element *element, struct rp_worker *worker) {
    struct local *local = rp_local(element, worker);
    for (struct connection *connection = local->connections; connection; connection = connection->next)
        connection_adopt(connection, (struct rp_transport *)(void *)element);
}

/* The transport is no longer in the bot file, or the process ends. */
void websocket_drain(struct rp_transport *transport, struct rp_worker *worker) {
    struct local *local = rp_local(&transport->element, worker);
    for (struct connection *connection = local->connections, *next; connection; connection = next) {
        next = connection->next;
        connection_drain(connection);
    }
}

void websocket_detach(struct rp_element *element, struct rp_worker *worker, void *arg) {
    (void)element, (void)worker;
    struct local *local = arg;
    if (--local->users > 0) return;
    while (local->connections) connection_abandon(local->connections);
    rp_buf_finish(&local->json);
    rp_buf_finish(&local->output);
    free(local);
}
