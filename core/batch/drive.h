/* A batch run from the inside: run.c prepares it and tells how it went, drive.c turns the loop. Main thread. */
#ifndef CORE_BATCH_DRIVE_H
#define CORE_BATCH_DRIVE_H

#include <repartee/batch.h>

#include "core/batch/input.h"
#include "core/batch/output.h"
#include "core/batch/progress.h"
#include "core/batch/run.h"
#include "core/batch/writer.h"
#include "core/turn/alone.h"

#define RUN_CODES 64 /* above all of RP_E… */

struct run {
    const struct batch_options *options;
    struct bot *bot;
    struct alone alone;
    struct input input;
    struct output output;
    struct writer writer;
    struct progress progress;
    struct rp_batch *batch;

    int64_t total; /* items of the input; -1: nobody knows */
    int64_t met;   /* of those in the ledger: seen again in the input */
    int64_t succeeded, failed, by_code[RUN_CODES];
    int64_t started_ms, ms;
    int64_t written;              /* results that are in the output */
    bool interrupted, over, late; /* over: there is no batch any more; late: events have had their time */
    bool behind;                  /* nothing is begun until events have gone out */
    bool quiet_log;               /* the log goes to the terminal, between the pictures of the progress */
    struct rp_error trouble;      /* code not 0: why it ended early */

    uv_signal_t interrupt, terminate;
    uv_timer_t tick, drain;
    uv_poll_t arrival; /* of a pipe's next items */
    uv_async_t wake;   /* from the writer, and to go on after a pause for others */
    bool polls;        /* `arrival` is open */
};

/* Asks everything that is to be asked; everything is open. */
void run_drive(struct run *run);
/* The line is not what it was when its reply was written: fills the error. */
int run_changed(const struct run *run, int64_t line, struct rp_error *error);

#endif
