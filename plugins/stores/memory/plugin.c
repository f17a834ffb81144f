/* memory: a store that keeps everything in the process. Nothing survives a restart. */
#include "memory.h"

#define MIB 1048576.0

static const struct rp_option table[] = {
    {.name = "max",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct options, max),
     .text = "64MiB",
     .min = MIB,
     .max = MIB * MIB,
     .help = "memory it may use; beyond that it forgets what was not used for the longest time. "
             "A single value may take a sixteenth"},
    {0},
};

static const struct rp_store_type memory_store = {
    .type = {.name = "memory",
             .summary = "keeps sessions and other state in memory, until the process ends",
             .options_size = sizeof(struct options),
             .options = table,
             .open = store_open,
             .close = store_close,
             .adopt = store_adopt},
    .get = store_get,
    .put = store_put,
    .del = store_del,
    .add = store_add,
};

RP_PLUGIN(.name = "memory", .version = "1.0.0", .summary = "A store in memory, with a ceiling and expiry",
          .stores = RP_LIST(&memory_store));
