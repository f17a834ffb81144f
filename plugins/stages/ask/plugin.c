/* ask: what the plugin declares. */
#include "ask.h"

const struct rp_option ask_table[] = {
    {.name = "model",
     .type = RP_OPTION_MODEL,
     .offset = offsetof(struct ask_options, model),
     .flags = RP_OPTION_REQUIRED,
     .help = "the model that replies: a name in models { }"},
    {.name = "system",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct ask_options, system),
     .help = "system text, where no rule has set one for the turn"},
    {.name = "history",
     .type = RP_OPTION_INT,
     .offset = offsetof(struct ask_options, history),
     .text = "20",
     .min = 0,
     .max = 1000,
     .help = "earlier messages of the session that the model gets to see, at most"},
    {.name = "history_size",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct ask_options, history_size),
     .text = "16KiB",
     .min = 0,
     .max = 16 << 20,
     .help = "and how much text they may have together; the oldest are left out"},
    {.name = "images",
     .type = RP_OPTION_INT,
     .offset = offsetof(struct ask_options, images),
     .text = "0",
     .min = 0,
     .max = 100,
     .help = "images that a message may bring in metadata.images, for models that can see; no filter looks into them"},
    {0},
};

RP_PLUGIN(.name = "ask", .version = "1.0.0", .summary = "Asks a model for the reply", .stages = RP_LIST(&ask_stage));
