/* A model that says what it was told to say: for tests, demonstrations, and work without a network. */
#include <stddef.h>

#include "scripted.h"

#define FIELD(field) .offset = offsetof(struct scripted_options, field)

static const struct rp_option options[] = {
    {.name = "replies",
     .type = RP_OPTION_LIST,
     FIELD(replies),
     .flags = RP_OPTION_REQUIRED | RP_OPTION_POSITIONAL,
     .help = "taken in turn; | cuts, a piece !upstream_error fails, !call NAME {…} calls a tool, {message} {system} "
             "{history} are filled in"},
    {.name = "cycle",
     .type = RP_OPTION_BOOL,
     FIELD(cycle),
     .text = "true",
     .help = "begin again behind the last reply; false: repeat the last"},
    {.name = "first",
     .type = RP_OPTION_DURATION,
     FIELD(first),
     .text = "0",
     .min = 0,
     .max = 36e5,
     .help = "the wait before the first chunk"},
    {.name = "delay",
     .type = RP_OPTION_DURATION,
     FIELD(delay),
     .text = "0",
     .min = 0,
     .max = 36e5,
     .help = "the wait before each further chunk"},
    {.name = "takes",
     .type = RP_OPTION_LIST,
     FIELD(takes),
     .text = "tools, schema, grammar",
     .help = "what it passes for: tools, schema, grammar"},
    {0},
};

static const struct rp_model_type scripted = {
    .type = {.name = "scripted",
             .summary = "replies from a list, cut where told: for tests and demonstrations",
             .options_size = sizeof(struct scripted_options),
             .options = options,
             .check = scripted_check,
             .open = scripted_open,
             .close = scripted_close},
    .ask = scripted_ask,
    .takes = scripted_takes,
};

RP_PLUGIN(.name = "scripted", .version = "0.1.0", .summary = "Replies from a list", .models = RP_LIST(&scripted));
