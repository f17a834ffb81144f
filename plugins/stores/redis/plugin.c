/* redis: a store in a Redis server, which several machines can share. */
#include "redis.h"

#define MIB 1048576.0

static const struct rp_option table[] = {
    {.name = "url",
     .type = RP_OPTION_SECRET,
     .offset = offsetof(struct options, url),
     .flags = RP_OPTION_REQUIRED,
     .help = "redis://[user:password@]host[:port][/database], or redis+unix:///path/to/socket[?db=database]"},
    {.name = "prefix",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct options, prefix),
     .text = "repartee:",
     .max = 128,
     .help = "stands in front of every key; bots that share a server without sharing sessions need different ones"},
    {.name = "timeout",
     .type = RP_OPTION_DURATION,
     .offset = offsetof(struct options, timeout),
     .text = "1s",
     .min = 10,
     .max = 60000,
     .help = "how long a call may take"},
    {.name = "connect_timeout",
     .type = RP_OPTION_DURATION,
     .offset = offsetof(struct options, connect_timeout),
     .text = "1s",
     .min = 10,
     .max = 60000,
     .help = "how long connecting and logging in may take; meanwhile calls wait"},
    {.name = "queue",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct options, queue),
     .text = "16MiB",
     .min = MIB / 16,
     .max = 4096 * MIB,
     .help = "calls that one worker may have under way, in bytes; more are refused as busy. "
             "A single value may take a quarter"},
    {0},
};

static const struct rp_store_type redis_store = {
    .type = {.name = "redis",
             .summary = "keeps sessions and other state in a Redis server, for several machines",
             .options_size = sizeof(struct options),
             .options = table,
             .check = store_check,
             .open = store_open,
             .attach = store_attach,
             .detach = store_detach,
             .close = store_close},
    .get = store_get,
    .put = store_put,
    .del = store_del,
    .list = store_list,
    .add = store_add,
};

RP_PLUGIN(.name = "redis", .version = "1.0.0", .summary = "A store in a Redis server", .stores = RP_LIST(&redis_store));
