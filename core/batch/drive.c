/* The loop of a batch run: items from the input, results to the writer, signals, and a look at the progress. */
#include "core/batch/drive.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/turn/event_post.h"

#define SKIP_AT_ONCE 4096 /* lines that are done already, before signals are looked at */
#define HANDLES 6

static struct rp_worker *worker_of(const struct run *run) {
    return alone_worker(&run->alone);
}

/* ---- the input --------------------------------------------------------------------------------------------------- */

static void on_arrival(uv_poll_t *handle, int status, int events) {
    struct run *run = handle->data;
    (void)status; /* a pipe that broke is noticed when it is read */
    (void)events;
    uv_poll_stop(handle);
    if (!run->over) rp_batch_go(run->batch);
}

static enum rp_batch_next wait_for_input(struct run *run) {
    uv_poll_start(&run->arrival, UV_READABLE | UV_DISCONNECT, on_arrival);
    return RP_BATCH_WAIT;
}

static enum rp_batch_next give(const struct run *run, struct rp_batch_item *item, uint32_t hash) {
    item->number = input_line(&run->input);
    ledger_head(item->head, sizeof(item->head), item->number, hash);
    return RP_BATCH_ITEM;
}

static enum rp_batch_next give_long(const struct run *run, struct rp_batch_item *item) {
    item->fault = (struct rp_fault){.code = RP_ETOOLARGE, .message = "the line is longer than --line allows"};
    return give(run, item, 0);
}

static enum rp_batch_next give_up(struct run *run, int code) {
    run->trouble.code = -code;
    return RP_BATCH_END;
}

static enum rp_batch_next next(void *arg, struct rp_batch_item *item) {
    struct run *run = arg;
    for (int skipped = 0; skipped < SKIP_AT_ONCE; skipped++) {
        enum input_kind kind = input_next(&run->input, &item->text);
        if (kind == INPUT_WAIT) return wait_for_input(run);
        if (kind == INPUT_BUSY) break;
        if (kind == INPUT_END) return RP_BATCH_END;
        if (kind == INPUT_FAILED)
            return give_up(
                run, rp_error_set(&run->trouble, RP_EIO, "cannot read '%s': %s", run->input.name, strerror(errno)));
        int64_t line = input_line(&run->input);
        uint32_t known = ledger_find(&run->output.ledger, line);
        if (kind == INPUT_LONG && !known) return give_long(run, item);
        uint32_t hash = kind == INPUT_LONG ? 0 : input_hash(item->text);
        if (!known) return give(run, item, hash);
        if (hash != known) return give_up(run, run_changed(run, line, &run->trouble));
    }
    uv_async_send(&run->wake);
    return RP_BATCH_WAIT;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

/* More events are on their way than half of what the bot's queue for them takes: a batch must not be what loses some. */
static bool desk_is_behind(const struct run *run) {
    const struct bot_events *events = run->alone.runtime.events;
    return events && event_posts_count(worker_of(run)->event_posts) > events->queue / 2;
}

static void result(void *arg, const struct rp_batch_result *given) {
    struct run *run = arg;
    if (given->code == 0)
        run->succeeded++;
    else
        run->failed++;
    if (given->code > 0 && given->code < RUN_CODES) run->by_code[given->code]++;
    bool full = writer_add(&run->writer, given->line);
    run->behind = desk_is_behind(run);
    if (full || run->behind) rp_batch_pause(run->batch);
}

static void done(void *arg) {
    ((struct run *)arg)->over = true;
}

static void wake(void *arg) {
    uv_async_send(&((struct run *)arg)->wake);
}

static void on_wake(uv_async_t *handle) {
    struct run *run = handle->data;
    if (run->over) return;
    if (writer_error(&run->writer))
        rp_batch_cancel(run->batch);
    else
        rp_batch_go(run->batch);
}

/* ---- signals and time -------------------------------------------------------------------------------------------- */

static void on_drain(uv_timer_t *timer) {
    struct run *run = timer->data;
    if (!run->over) rp_batch_cancel(run->batch);
}

/* What may take hours is not waited for: the provider goes on with it, and the next run gets it. */
static int64_t drain_ms(const struct run *run) {
    return run->options->bulk ? 0 : run->bot->limits.drain_ms;
}

static void on_signal(uv_signal_t *handle, int number) {
    struct run *run = handle->data;
    if (run->interrupted || run->over) _exit(128 + number); /* whoever asks twice does not want to wait */
    run->interrupted = true;
    rp_batch_stop(run->batch);
    uv_timer_start(&run->drain, on_drain, (uint64_t)drain_ms(run), 0);
    fputs(run->progress.drawn ? "\r\x1b[K" : "", stderr);
    if (run->options->bulk)
        fputs("repartee batch: stopping: what providers are working on is left to the next run\n", stderr);
    else
        fprintf(stderr,
                "repartee batch: stopping: %zu under way are finished, for %llds at most; once more ends at once\n",
                rp_batch_running(run->batch), (long long)drain_ms(run) / 1000);
}

static struct progress_counts counts_of(const struct run *run) {
    return (struct progress_counts){
        .done = run->output.ledger.count + run->succeeded + run->failed, .failed = run->failed, .total = run->total};
}

static void on_tick(uv_timer_t *timer) {
    struct run *run = timer->data;
    if (run->over) return;
    if (run->behind && !desk_is_behind(run)) {
        run->behind = false;
        rp_batch_go(run->batch);
    }
    const struct progress_counts counts = counts_of(run);
    progress_look(&run->progress, rp_worker_now_ms(worker_of(run)), &counts);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void open_handles(struct run *run) {
    uv_loop_t *loop = rp_worker_loop(worker_of(run));
    uv_signal_init(loop, &run->interrupt);
    uv_signal_init(loop, &run->terminate);
    uv_timer_init(loop, &run->tick);
    uv_timer_init(loop, &run->drain);
    uv_async_init(loop, &run->wake, on_wake);
    run->interrupt.data = run->terminate.data = run->tick.data = run->drain.data = run->wake.data = run;
    uv_signal_start(&run->interrupt, on_signal, SIGINT);
    uv_signal_start(&run->terminate, on_signal, SIGTERM);
    uv_timer_start(&run->tick, on_tick, PROGRESS_DRAW_MS, PROGRESS_DRAW_MS);
    run->polls = !run->input.regular && uv_poll_init(loop, &run->arrival, run->input.fd) == 0;
    run->arrival.data = run;
}

static void on_closed(uv_handle_t *handle) {
    handle->data = NULL;
}

/* From here on a signal ends the process as it does by default. */
static void close_handles(struct run *run) {
    uv_handle_t *handles[HANDLES] = {(uv_handle_t *)&run->interrupt, (uv_handle_t *)&run->terminate,
                                     (uv_handle_t *)&run->tick,      (uv_handle_t *)&run->drain,
                                     (uv_handle_t *)&run->wake,      (uv_handle_t *)&run->arrival};
    int count = run->polls ? HANDLES : HANDLES - 1;
    for (int i = 0; i < count; i++) uv_close(handles[i], on_closed);
    for (int i = 0; i < count; i++)
        while (handles[i]->data) worker_turn_loop(worker_of(run));
}

static void make_batch(struct run *run) {
    static const struct rp_batch_ops ops = {.next = next, .result = result, .done = done};
    const struct rp_batch_options options = {
        .ops = &ops,
        .arg = run,
        .transport = &run->alone.transport,
        .worker = worker_of(run),
        .concurrency = run->options->concurrency,
        .wait_ms = run->options->wait_ms,
        .time_ms = run->options->bulk ? run->options->wait_ms : 0,
        .patient = run->options->bulk,
        .may_explain = true,
        .address = RP_STR("local"),
    };
    run->batch = rp_batch_create(&options);
}

static void on_late(uv_timer_t *timer) {
    ((struct run *)timer->data)->late = true;
}

/* Events of turns may still be on their way to the bot's desk. */
static void let_events_go(struct run *run) {
    uv_timer_start(&run->drain, on_late, (uint64_t)run->bot->limits.drain_ms, 0);
    while (event_posts_count(worker_of(run)->event_posts) > 0 && !run->late) worker_wait_loop(worker_of(run));
}

static void end_writing(struct run *run) {
    int error = writer_finish(&run->writer, &run->written);
    if (error) rp_error_set(&run->trouble, RP_EIO, "cannot write to '%s': %s", run->output.name, strerror(error));
}

void run_drive(struct run *run) {
    make_batch(run);
    open_handles(run);
    writer_start(&run->writer, run->output.fd, run->output.path != NULL, wake, run);
    uv_update_time(rp_worker_loop(worker_of(run)));
    run->started_ms = rp_worker_now_ms(worker_of(run));
    progress_start(&run->progress, !run->options->quiet, run->started_ms, run->output.ledger.count);
    rp_batch_go(run->batch);
    while (!run->over) worker_wait_loop(worker_of(run));
    run->ms = rp_worker_now_ms(worker_of(run)) - run->started_ms;
    progress_finish(&run->progress);
    rp_batch_destroy(run->batch);
    let_events_go(run);
    close_handles(run);
    end_writing(run);
}
