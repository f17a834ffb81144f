/* The `websocket` transport: GET /v1/ws on an HTTP listener. */
#include "websocket.h"

#define OPTION(field) .offset = offsetof(struct options, field)

static const struct rp_option table[] = {
    {.name = "on", .type = RP_OPTION_LISTENER, OPTION(on), .flags = RP_OPTION_REQUIRED,
     .help = "the HTTP listener that takes the connections"},
    {.name = "path", .type = RP_OPTION_STRING, OPTION(path), .text = "/v1/ws", .help = "the path of its route"},
    {.name = "origins", .type = RP_OPTION_LIST, OPTION(origins),
     .help = "origins of the web pages that may connect, like https://shop.example; without it, all"},
    {.name = "message", .type = RP_OPTION_SIZE, OPTION(message), .text = "64KiB", .min = 128, .max = 16 << 20,
     .help = "longest frame from a client, all fragments together"},
    {.name = "queue", .type = RP_OPTION_INT, OPTION(queue), .text = "8", .max = 1024,
     .help = "messages of one connection that may wait behind the running turn"},
    {.name = "ping", .type = RP_OPTION_DURATION, OPTION(ping_ms), .text = "30s", .max = 86400000,
     .help = "ping a client that was silent for so long; 0: never"},
    {.name = "pong", .type = RP_OPTION_DURATION, OPTION(pong_ms), .text = "20s", .min = 1, .max = 86400000,
     .help = "drop a client that does not answer a ping within this time"},
    {.name = "idle", .type = RP_OPTION_DURATION, OPTION(idle_ms), .text = "10m", .min = 1, .max = 2592000000.0,
     .help = "close a connection on which no message came for so long"},
    {.name = "close", .type = RP_OPTION_DURATION, OPTION(close_ms), .text = "5s", .min = 1, .max = 60000,
     .help = "how long to wait for the client's close frame"},
    RP_EXPLAIN_OPTIONS(struct options, explain),
    {0},
};

static const struct rp_transport_type websocket = {
    .type = {.name = "websocket",
             .summary = "chat over WebSocket with JSON frames",
             .options_size = sizeof(struct options),
             .options = table,
             .check = websocket_check,
             .open = websocket_open,
             .attach = websocket_attach,
             .detach = websocket_detach,
             .adopt = websocket_adopt},
    .drain = websocket_drain,
};

RP_PLUGIN(.name = "websocket", .version = "1.0.0", .summary = "Chat over WebSocket",
          .transports = RP_LIST(&websocket));
