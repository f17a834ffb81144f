/* The routes of the transport; what a chat is, is in chat.c. */
#include "http.h"

static const struct rp_http_ops *ops_of(void *transport) {
    return rp_http(((const struct options *)((struct rp_transport *)transport)->element.options)->on);
}

static void health_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    (void)request;
    ops_of(arg)->respond(exchange, 200, "application/json", NULL, RP_STR("{\"status\":\"ok\"}"));
}

static void ready_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    if (rp_ready(request->worker)) {
        ops_of(arg)->respond(exchange, 200, "application/json", NULL, RP_STR("{\"status\":\"ready\"}"));
    } else {
        ops_of(arg)->respond(exchange, 503, "application/json", "Retry-After: 1\r\n",
                             RP_STR("{\"status\":\"not ready\"}"));
    }
}

int transport_open(struct rp_element *element, struct rp_error *error) {
    const struct options *options = element->options;
    const struct rp_http_ops *http = rp_http(options->on);
    const struct rp_http_route routes[] = {
        {"POST", "/v1/chat", chat_request, element},
        {"POST", "/v1/batch", batch_request, element},
        {"GET", "/v1/trace/", trace_request, element},
        {"POST", "/v1/events", event_request, element},
        {"GET", "/healthz", health_request, element},
        {"GET", "/readyz", ready_request, element},
    };
    if (!http) {
        return rp_error_set(error, RP_ECONFIG, "listener '%s' is no HTTP server", options->on->element.name);
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (routes[i].on_request == batch_request && options->batch_items == 0) continue;
        int status = http->route(options->on, &routes[i], error);
        if (status) return status;
    }
    return 0;
}
