/* The HTTP transport: POST /v1/chat, whole or as an event stream, POST /v1/batch, POST /v1/events, GET /v1/trace/ID,
 * GET /healthz, GET /readyz. */
#include "http.h"

#include <stdlib.h>

static const struct rp_option options[] = {
    {.name = "on", .type = RP_OPTION_LISTENER, .offset = offsetof(struct options, on), .flags = RP_OPTION_REQUIRED,
     .help = "the listener to serve on"},
    RP_EXPLAIN_OPTIONS(struct options, explain),
    {.name = "event_token", .type = RP_OPTION_SECRET, .offset = offsetof(struct options, event_token),
     .help = "who has it as a bearer token may send events to sessions: POST /v1/events; without it nobody may"},
    {.name = "batch_items", .type = RP_OPTION_INT, .offset = offsetof(struct options, batch_items), .text = "1000",
     .min = 0, .max = 1e6, .help = "items of one POST /v1/batch; 0: there are no batches"},
    {.name = "batches", .type = RP_OPTION_INT, .offset = offsetof(struct options, batches), .text = "64", .min = 1,
     .max = 1e5, .help = "POST /v1/batch that one worker has under way at the same time; more are refused as overloaded"},
    {.name = "batch_concurrency", .type = RP_OPTION_INT, .offset = offsetof(struct options, batch_concurrency),
     .text = "8", .min = 1, .max = 10000, .help = "items of one batch that are under way at the same time"},
    {.name = "batch_wait", .type = RP_OPTION_DURATION, .offset = offsetof(struct options, batch_wait_ms), .text = "30s",
     .min = 0, .max = 3.6e6,
     .help = "how long an item of a batch is tried again that is refused for now, by a limit or a busy model"},
    {.name = "batch_bulk", .type = RP_OPTION_DURATION, .offset = offsetof(struct options, batch_bulk_ms), .text = "0s",
     .min = 0, .max = 6.048e8,
     .help = "how long an item of POST /v1/batch?bulk may take: models may use their provider's batch endpoint for it; 0: "
             "there is no such thing"},
    {.name = "batch_bulk_concurrency", .type = RP_OPTION_INT, .offset = offsetof(struct options, batch_bulk_concurrency),
     .text = "500", .min = 1, .max = 10000, .help = "items of one such batch that wait at the same time"},
    {0},
};

static int attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    (void)element;
    (void)worker;
    (void)error;
    struct local *local = rp_calloc(1, sizeof(*local));
    rp_buf_init(&local->out, OUT_MAX);
    *out_local = local;
    return 0;
}

static void detach(struct rp_element *element, struct rp_worker *worker, void *state) {
    struct local *local = state;
    (void)element;
    (void)worker;
    chat_free_spare(local);
    rp_buf_finish(&local->out);
    free(local);
}

static const struct rp_transport_type http_transport = {
    .type = {.name = "http",
             .summary = "JSON over HTTP: POST /v1/chat, streamed on request; POST /v1/batch",
             .options_size = sizeof(struct options),
             .options = options,
             .open = transport_open,
             .attach = attach,
             .detach = detach},
    .drain = batch_drain,
};

RP_PLUGIN(.name = "http", .version = "1.0.0", .summary = "Chat over HTTP, health checks",
          .transports = RP_LIST(&http_transport));
