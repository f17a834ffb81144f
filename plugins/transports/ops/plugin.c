/* The transport `ops`: GET /metrics for those who watch over the server. It starts no turns. Who may read it is decided
 * by the listener it is on: give it one of its own, on an address that only they reach. */
#include <repartee/http_server.h>
#include <repartee/metrics.h>

#define TEXT_MAX ((size_t)16 << 20)

struct options {
    struct rp_listener *on;
};

static const struct rp_option options[] = {
    {.name = "on", .type = RP_OPTION_LISTENER, .offset = offsetof(struct options, on), .flags = RP_OPTION_REQUIRED,
     .help = "the listener to serve on"},
    {0},
};

static const struct rp_http_ops *ops_of(const struct rp_element *element) {
    return rp_http(((const struct options *)element->options)->on);
}

static void metrics_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    const struct rp_http_ops *http = ops_of(arg);
    struct rp_buf text;
    (void)request;
    rp_buf_init(&text, TEXT_MAX);
    if (rp_metrics_text(&text) == 0)
        http->respond(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, rp_buf_str(&text));
    else
        http->respond(exchange, 500, "text/plain", NULL, RP_STR("there are too many metrics\n"));
    rp_buf_finish(&text);
}

static int transport_open(struct rp_element *element, struct rp_error *error) {
    const struct options *chosen = element->options;
    const struct rp_http_route route = {"GET", "/metrics", metrics_request, element};
    if (!rp_http(chosen->on))
        return rp_error_set(error, RP_ECONFIG, "listener '%s' is no HTTP server", chosen->on->element.name);
    return rp_http(chosen->on)->route(chosen->on, &route, error);
}

static const struct rp_transport_type ops_transport = {
    .type = {.name = "ops",
             .summary = "Metrics for Prometheus: GET /metrics",
             .options_size = sizeof(struct options),
             .options = options,
             .open = transport_open},
};

RP_PLUGIN(.name = "ops", .version = "1.0.0", .summary = "Metrics over HTTP", .transports = RP_LIST(&ops_transport));
