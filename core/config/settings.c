/* The core's own sections, as option tables like those of any plugin. */
#include "core/config/settings.h"

#include "core/config/bot.h"

static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};
static const char *const prompts[] = {"none", "redacted", NULL};

const struct rp_option settings_bot_options[] = {
    {.name = "name", .type = RP_OPTION_STRING, .offset = offsetof(struct settings_bot, name), .text = "bot", .min = 1, .max = 128,
     .help = "what the bot is called in logs"},
    {.name = "language", .type = RP_OPTION_STRING, .offset = offsetof(struct settings_bot, language), .text = "en", .min = 2,
     .max = 35, .help = "language tag such as \"en\" or \"zh-CN\""},
    {.name = "sessions", .type = RP_OPTION_STORE, .offset = offsetof(struct settings_bot, sessions),
     .help = "store that keeps the sessions; without it the first one"},
    {0},
};

const struct rp_option settings_plugins_options[] = {
    {.name = "path", .type = RP_OPTION_LIST, .offset = offsetof(struct settings_plugins, path), .flags = RP_OPTION_POSITIONAL,
     .help = "folders to look for plugins in, before all others"},
    {.name = "trust", .type = RP_OPTION_STRING, .offset = offsetof(struct settings_plugins, trust),
     .help = "Ed25519 public key, or a file with one: then only plugins that it signed are loaded"},
    {0},
};

const struct rp_option settings_log_options[] = {
    {.name = "level", .type = RP_OPTION_CHOICE, .offset = offsetof(struct bot_log, level), .choices = levels, .text = "info",
     .help = "what is logged"},
    {.name = "file", .type = RP_OPTION_FILE, .offset = offsetof(struct bot_log, file), .help = "file to append to; without it stderr"},
    {.name = "prompts", .type = RP_OPTION_CHOICE, .offset = offsetof(struct bot_log, prompts), .choices = prompts,
     .text = "redacted", .help = "whether messages of users are logged"},
    {0},
};

#define LIMIT(field) .offset = offsetof(struct bot_limits, field)

const struct rp_option settings_limits_options[] = {
    {.name = "turns", .type = RP_OPTION_INT, LIMIT(turns), .text = "4096", .min = 1, .max = 1e6, .help = "turns in flight"},
    {.name = "turn", .type = RP_OPTION_DURATION, LIMIT(turn_ms), .text = "60s", .min = 1, .max = 86400e3,
     .help = "time that one turn may take"},
    {.name = "message", .type = RP_OPTION_SIZE, LIMIT(message), .text = "32KiB", .min = 1, .max = 64 << 20,
     .help = "size of a message"},
    {.name = "reply", .type = RP_OPTION_SIZE, LIMIT(reply), .text = "1MiB", .min = 1, .max = 1 << 30, .help = "size of a reply"},
    {.name = "history", .type = RP_OPTION_INT, LIMIT(history), .text = "40", .min = 0, .max = 10000,
     .help = "messages kept in a session"},
    {.name = "session", .type = RP_OPTION_SIZE, LIMIT(session), .text = "256KiB", .min = 1024, .max = 64 << 20,
     .help = "size of a session in the store"},
    {.name = "session_ttl", .type = RP_OPTION_DURATION, LIMIT(session_ttl_ms), .text = "1h", .min = 1000, .max = 3650 * 86400e3,
     .help = "time after which a session is forgotten"},
    {.name = "session_queue", .type = RP_OPTION_INT, LIMIT(session_queue), .text = "16", .min = 1, .max = 10000,
     .help = "turns that wait for one session"},
    {.name = "drain", .type = RP_OPTION_DURATION, LIMIT(drain_ms), .text = "20s", .min = 0, .max = 86400e3,
     .help = "time to finish turns after SIGTERM"},
    {0},
};
