/* The core's own sections: bot, log, limits, plugins, and the options that it adds to elements. */
#ifndef CORE_CONFIG_SETTINGS_H
#define CORE_CONFIG_SETTINGS_H

#include "core/config/bind.h"

struct settings_bot {
    const char *name, *language;
    struct rp_store *sessions;
};
struct settings_budgets {
    struct rp_option_list user, user_tokens, bot, bot_tokens;
    struct rp_store *store;
    int when_store_fails; /* choices refuse, allow */
    int64_t reply_tokens;
};
struct settings_plugins {
    struct rp_option_list path;
    const char *trust;
};

extern const struct rp_option settings_bot_options[];     /* struct settings_bot */
extern const struct rp_option settings_plugins_options[]; /* struct settings_plugins */
extern const struct rp_option settings_log_options[];     /* struct bot_log */
extern const struct rp_option settings_trace_options[];   /* struct bot_trace */
extern const struct rp_option settings_events_options[];  /* struct bot_events */
extern const struct rp_option settings_budgets_options[]; /* struct settings_budgets */
extern const struct rp_option settings_limits_options[];  /* struct bot_limits */

#endif
