/* ratelimit: what the plugin declares. */
#include "ratelimit.h"

static const char *const per_choices[] = {"user", "session", "address", NULL};

const struct rp_option ratelimit_table[] = {
    {.name = "rate",
     .type = RP_OPTION_RATE,
     .offset = offsetof(struct ratelimit_options, rate),
     .flags = RP_OPTION_REQUIRED,
     .min = 1.0 / 86400,
     .max = 1e6,
     .help = "messages that may come in the long run: \"5/s\", \"100/h\""},
    {.name = "burst",
     .type = RP_OPTION_INT,
     .offset = offsetof(struct ratelimit_options, burst),
     .text = "0",
     .min = 0,
     .max = 1e6,
     .help = "messages that may come at once; 0: as many as the rate allows in a second, at least one"},
    {.name = "per",
     .type = RP_OPTION_CHOICE,
     .offset = offsetof(struct ratelimit_options, per),
     .text = "user",
     .choices = per_choices,
     .help = "who has a limit of their own; without a user the address counts; new sessions cost a client nothing"},
    {.name = "entries",
     .type = RP_OPTION_INT,
     .offset = offsetof(struct ratelimit_options, entries),
     .text = "100000",
     .min = 256,
     .max = 1e8,
     .help = "how many of them are remembered at once, 16 bytes each; beyond that the least active are forgotten"},
    {0},
};

RP_PLUGIN(.name = "ratelimit", .version = "1.0.0", .summary = "Limits how often users may write",
          .stages = RP_LIST(&ratelimit_stage));
