/* `repartee batch`: every message of a file is a turn, every reply a line of another file. */
#ifndef CORE_BATCH_RUN_H
#define CORE_BATCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BATCH_CONCURRENCY = 8,
    BATCH_CONCURRENCY_MAX = 10000, /* and the default of a bulk run: all of its items wait together */
    BATCH_LINE_MAX = 1 << 20,      /* bytes of a line of the input, unless said otherwise */
};

struct batch_options {
    const char *bot, *pipeline; /* pipeline NULL: the first */
    const char *in, *out;       /* "-": stdin, stdout */
    size_t concurrency;         /* turns at a time */
    int64_t wait_ms;            /* an item that is refused for now is tried again for so long; with `bulk` a turn's time */
    size_t line_max;            /* bytes */
    bool bulk;                  /* turns are patient: see rp_turn_start */
    bool quiet;
};

int batch_run(const struct batch_options *options); /* the exit code */

#endif
