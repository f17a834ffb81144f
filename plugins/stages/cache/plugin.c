/* cache: what the plugin declares. */
#include "cache.h"

#define MIB 1048576.0
#define SECOND 1000.0
#define DAY (86400 * SECOND)

static const char *const pers[] = {"bot", "user", NULL};
static const char *const histories[] = {"skip", "key", "ignore", NULL};

static const struct rp_option table[] = {
    {.name = "ttl",
     .type = RP_OPTION_DURATION,
     .offset = offsetof(struct options, ttl),
     .text = "10m",
     .min = SECOND,
     .max = 366 * DAY,
     .help = "how long an answer is good"},
    {.name = "stale_while_revalidate",
     .type = RP_OPTION_DURATION,
     .offset = offsetof(struct options, stale),
     .text = "0s",
     .min = 0,
     .max = 366 * DAY,
     .help = "how long after that it is still given, while a new one is asked for"},
    {.name = "max",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct options, max),
     .text = "64MiB",
     .min = MIB,
     .max = MIB * MIB,
     .help = "memory for answers; what is asked for most often stays"},
    {.name = "max_reply",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct options, max_reply),
     .text = "64KiB",
     .min = 1,
     .max = 16 * MIB,
     .help = "answers that are longer are not kept"},
    {.name = "store",
     .type = RP_OPTION_STORE,
     .offset = offsetof(struct options, store),
     .help = "a name in stores { }: answers are kept there as well, for other machines and after a restart"},
    {.name = "patience",
     .type = RP_OPTION_DURATION,
     .offset = offsetof(struct options, patience),
     .text = "100ms",
     .min = 1,
     .max = 60 * SECOND,
     .help = "how long to wait for the store before the model is asked"},
    {.name = "per",
     .type = RP_OPTION_CHOICE,
     .offset = offsetof(struct options, per),
     .text = "bot",
     .choices = pers,
     .help = "who shares an answer: everybody who asks the bot the same, or only the same user"},
    {.name = "history",
     .type = RP_OPTION_CHOICE,
     .offset = offsetof(struct options, history),
     .text = "skip",
     .choices = histories,
     .help = "when a conversation has begun before: 'skip' asks anew, 'key' finds answers to the same user's same "
             "conversation, 'ignore' is for models that do not get to see it"},
    {.name = "vary",
     .type = RP_OPTION_LIST,
     .offset = offsetof(struct options, vary),
     .max = 32,
     .help = "fields of the metadata that clients send along which make it another question: \"tenant\""},
    {.name = "exact",
     .type = RP_OPTION_BOOL,
     .offset = offsetof(struct options, exact),
     .text = "false",
     .help = "capitals, widths and white space count; otherwise they make no difference"},
    {.name = "share",
     .type = RP_OPTION_BOOL,
     .offset = offsetof(struct options, share),
     .text = "true",
     .help = "turns that ask the same at the same time share one call"},
    {0},
};

static const struct rp_stage_type cache_stage = {
    .type = {.name = "cache",
             .summary = "answers questions again that were asked before",
             .options_size = sizeof(struct options),
             .options = table,
             .open = cache_open,
             .close = cache_close},
    .on_turn = cache_on_turn,
    .cancel = cache_cancel,
};

RP_PLUGIN(.name = "cache", .version = "1.0.0", .summary = "Answers questions again, and asks for several turns at once",
          .stages = RP_LIST(&cache_stage));
