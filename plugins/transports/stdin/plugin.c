/* The `stdin` transport: the bot in a terminal, or on a pipe. */
#include "stdin.h"

#define OPTION(field) .offset = offsetof(struct options, field)

static const struct rp_option table[] = {
    {.name = "line", .type = RP_OPTION_SIZE, OPTION(line), .text = "1MiB", .min = 128, .max = 64 << 20,
     .help = "longest line that is read from a pipe"},
    {.name = "message", .type = RP_OPTION_STRING, OPTION(message), .flags = RP_OPTION_HIDDEN,
     .help = "the only message; nothing is read"},
    {.name = "json", .type = RP_OPTION_BOOL, OPTION(json), .flags = RP_OPTION_HIDDEN,
     .help = "print each reply as one line of JSON"},
    {.name = "session", .type = RP_OPTION_STRING, OPTION(session), .flags = RP_OPTION_HIDDEN,
     .help = "the session of all messages; without it a new one"},
    {.name = "user", .type = RP_OPTION_STRING, OPTION(user), .flags = RP_OPTION_HIDDEN,
     .help = "the user; without it $USER"},
    {.name = "force", .type = RP_OPTION_BOOL, OPTION(force), .flags = RP_OPTION_HIDDEN,
     .help = "read messages even where there is no terminal"},
    {0},
};

static const struct rp_transport_type stdin_transport = {
    .type = {.name = "stdin",
             .summary = "chat in the terminal, or one message a line on a pipe",
             .options_size = sizeof(struct options),
             .options = table,
             .attach = stdin_attach,
             .detach = stdin_detach,
             .adopt = stdin_adopt},
    .start = stdin_start,
    .drain = stdin_drain,
};

RP_PLUGIN(.name = "stdin", .version = "1.0.0", .summary = "Chat in the terminal",
          .transports = RP_LIST(&stdin_transport));
