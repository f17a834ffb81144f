/* sqlite: a store in a file, for what must survive the process: sessions, dialogs, timers. */
#include "sqlite.h"

#define MIB 1048576.0

static const char *const synchronous_choices[] = {"full", "normal", NULL};

static const struct rp_option table[] = {
    {.name = "path",
     .type = RP_OPTION_FILE,
     .offset = offsetof(struct options, path),
     .flags = RP_OPTION_REQUIRED,
     .help = "the database file; made when it is not there, with the folder it lies in"},
    {.name = "synchronous",
     .type = RP_OPTION_CHOICE,
     .offset = offsetof(struct options, synchronous),
     .text = "full",
     .choices = synchronous_choices,
     .help = "'full': what was acknowledged survives a power cut; 'normal': only the end of the process, "
             "for less work of the disk"},
    {.name = "max",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct options, max),
     .text = "1GiB",
     .min = MIB,
     .max = MIB * MIB,
     .help = "how large the file may grow; a full store refuses what is new"},
    {.name = "queue",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct options, queue),
     .text = "16MiB",
     .min = MIB / 16,
     .max = 4096 * MIB,
     .help = "calls that may wait for the disk, in bytes; more are refused as busy. A single value may take a quarter"},
    {.name = "patience",
     .type = RP_OPTION_DURATION,
     .offset = offsetof(struct options, patience),
     .text = "5s",
     .min = 0,
     .max = 60000,
     .help = "how long to wait for another process that has locked the file"},
    {0},
};

static const struct rp_store_type sqlite_store = {
    .type = {.name = "sqlite",
             .summary = "keeps sessions and other state in a file that survives restarts and crashes",
             .options_size = sizeof(struct options),
             .options = table,
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

RP_PLUGIN(.name = "sqlite", .version = "1.0.0", .summary = "A store in an SQLite file, durable and expiring",
          .stores = RP_LIST(&sqlite_store));
