/* Starting and ending: the main thread opens the bot and binds the listeners, each worker attaches by itself, then all
 * start to take in work. On a signal the same happens backwards: stop taking in, finish the turns, detach, close. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/base/log_sink.h"
#include "core/cli/command.h"
#include "core/turn/engine_state.h"
#include "core/turn/event_post.h"
#include "core/turn/session_timer.h"

static struct engine *engine_of(struct rp_worker *worker) {
    return (struct engine *)worker->group;
}

/* ---- workers ------------------------------------------------------------------------------------------------------------ */

static void prepare_workers(struct engine *engine, unsigned count, const struct bot *bot) {
    engine->hub = session_hub_create((size_t)bot->limits.session_queue);
    worker_group_init(&engine->group, count);
    engine->group.host_connections = (unsigned)bot->limits.host_connections;
    for (unsigned i = 0; i < count; i++) engine->group.workers[i]->turns = turn_table_create();
    uv_sem_init(&engine->step, 0);
}

static void forget_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) turn_table_destroy(engine->group.workers[i]->turns);
    worker_group_finish(&engine->group);
    session_hub_destroy(engine->hub);
    uv_sem_destroy(&engine->step);
}

static void join_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) worker_join(engine->group.workers[i]);
}

void engine_post(struct engine *engine, unsigned worker, void (*fn)(struct rp_worker *worker, void *arg), void *arg) {
    rp_worker_post(engine->group.workers[worker], fn, arg);
}

void engine_post_all(struct engine *engine, void (*fn)(struct rp_worker *worker, void *arg), void *arg) {
    for (unsigned i = 0; i < engine->group.count; i++) engine_post(engine, i, fn, arg);
}

void engine_attach(struct rp_worker *worker, void *generation) {
    if (worker) generation_attach(generation, worker);
}

void engine_enter(struct rp_worker *worker, void *generation) {
    if (worker) generation_enter(generation, worker);
}

static void on_end(struct rp_worker *worker, void *arg) {
    (void)arg;
    generation_detach_all(worker);
    worker_end(worker);
}

/* ---- the first generation ----------------------------------------------------------------------------------------------- */

static void on_step(void *arg) {
    uv_sem_post(&((struct engine *)arg)->step);
}

static void wait_for_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) uv_sem_wait(&engine->step);
}

static void make_generation(struct engine *engine, struct bot *bot) {
    struct generation *generation = generation_create(bot, 1, engine->group.count, engine->hub);
    generation->on_step = on_step;
    generation->arg = engine;
    if (engine->options->only_wish) generation->only = engine->options->wish->transport;
    engine->generations = engine->current = generation;
}

/* All workers attached: 0. Otherwise they have been ended again. */
static int attach_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) worker_start(engine->group.workers[i]);
    engine_post_all(engine, engine_attach, engine->current);
    wait_for_workers(engine);
    generation_report(engine->current, &engine->report);
    if (atomic_load(&engine->current->refused) == 0) return 0;
    engine_post_all(engine, on_end, NULL);
    return -RP_ECONFIG;
}

static void on_find_timers(struct rp_worker *worker, void *arg) {
    (void)arg;
    if (worker) session_timers_find(worker);
}

/* ---- the end of the workers ---------------------------------------------------------------------------------------------- */

static void on_drained(struct rp_worker *worker) {
    struct engine *engine = engine_of(worker);
    turn_table_break_all(worker, RP_EDRAINING);
    while (task_list_run(worker)) {
    }
    session_timers_destroy(worker->session_timers);
    worker->session_timers = NULL;
    event_posts_destroy(worker->event_posts);
    worker->event_posts = NULL;
    generation_detach_all(worker);
    worker_end(worker);
    atomic_fetch_add(&engine->ended, 1);
    uv_async_send(&engine->worker_ended);
}

static void on_drain(struct rp_worker *worker, void *arg) {
    (void)arg;
    if (!worker) return;
    worker_drain(worker, worker->runtime->limits.drain_ms, on_drained);
    generation_drain_all(worker);
}

/* ---- the main thread's loop ------------------------------------------------------------------------------------------------ */

void engine_stop(struct engine *engine) {
    if (engine->stopping) return;
    engine->stopping = true;
    atomic_store(&engine->group.ready, false);
    rp_log(RP_LOG_INFO, "engine", "stopping: finishing the turns in flight");
    engine_post_all(engine, on_drain, NULL);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct engine *engine = handle->data;
    if (engine->stopping) { /* whoever asks twice does not want to wait */
        log_close();
        _exit(128 + number);
    }
    engine_stop(engine);
}

static bool is_on_terminal(void) {
    return isatty(STDIN_FILENO) || isatty(STDERR_FILENO);
}

/* The signal has two senders: somebody who wants a reload, and a terminal that is gone. */
static void on_hangup(uv_signal_t *handle, int number) {
    struct engine *engine = handle->data;
    (void)number;
    if (engine->on_terminal && !is_on_terminal())
        engine_stop(engine);
    else
        reload_ask(engine, NULL);
}

static void on_stop_wanted(uv_async_t *handle) {
    engine_stop(handle->data);
}

static void on_stop(struct worker_group *group, int exit_code) {
    struct engine *engine = (struct engine *)group;
    if (atomic_exchange(&engine->stop_asked, true)) return;
    atomic_store(&engine->exit_code, exit_code);
    uv_async_send(&engine->stop_wanted);
}

static void on_generation_stepped(uv_async_t *handle) {
    reload_step(handle->data);
}

static void on_worker_ended(uv_async_t *handle) {
    struct engine *engine = handle->data;
    if (atomic_load(&engine->ended) < (int)engine->group.count) return;
    join_workers(engine); /* they send no more */
    reload_end(engine);
    engine_control_close(engine);
    uv_close((uv_handle_t *)&engine->interrupt, NULL);
    uv_close((uv_handle_t *)&engine->terminate, NULL);
    uv_close((uv_handle_t *)&engine->hangup, NULL);
    uv_close((uv_handle_t *)&engine->stop_wanted, NULL);
    uv_close((uv_handle_t *)&engine->worker_ended, NULL);
    uv_close((uv_handle_t *)&engine->generation_stepped, NULL);
}

static void watch_signal(struct engine *engine, uv_signal_t *handle, uv_signal_cb on_it, int number) {
    uv_signal_init(&engine->loop, handle);
    handle->data = engine;
    if (on_it) uv_signal_start(handle, on_it, number);
}

static void watch_workers(struct engine *engine, uv_async_t *handle, uv_async_cb on_it) {
    uv_async_init(&engine->loop, handle, on_it);
    handle->data = engine;
}

static void open_main_loop(struct engine *engine) {
    watch_signal(engine, &engine->interrupt, on_signal, SIGINT);
    watch_signal(engine, &engine->terminate, on_signal, SIGTERM);
    watch_signal(engine, &engine->hangup, engine->options->controlled ? on_hangup : NULL, SIGHUP);
    watch_workers(engine, &engine->stop_wanted, on_stop_wanted);
    watch_workers(engine, &engine->worker_ended, on_worker_ended);
    watch_workers(engine, &engine->generation_stepped, on_generation_stepped);
    engine->group.on_stop = on_stop;
}

/* Reports what is no reason not to serve, while there is somebody to read it. */
static void print_warnings(struct engine *engine) {
    report_print(&engine->report, stderr);
    report_finish(&engine->report);
}

static void serve(struct engine *engine) {
    print_warnings(engine);
    open_main_loop(engine);
    engine_post_all(engine, engine_enter, engine->current);
    wait_for_workers(engine);
    reload_watch(engine, engine->current);
    engine_post(engine, 0, on_find_timers, NULL);
    if (!atomic_load(&engine->stop_asked)) atomic_store(&engine->group.ready, true);
    rp_log(RP_LOG_INFO, "engine", "%s is ready with %u %s", engine->current->bot->name, engine->group.count,
           engine->group.count == 1 ? "worker" : "workers");
    uv_run(&engine->loop, UV_RUN_DEFAULT);
}

/* ---- the two ways in -------------------------------------------------------------------------------------------------------- */

/* A chat on the terminal is not to be interrupted by a line for every turn. */
static bool prompts(const struct engine *engine, const struct bot *bot) {
    if (engine->options->only_wish) return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO)) return false;
    for (size_t i = 0; i < bot->transport_count; i++)
        if (strcmp(bot->transports[i]->element.type->name, "stdin") == 0) return true;
    return false;
}

int engine_open_log(const struct engine *engine, const struct bot *bot, struct report *report) {
    enum rp_log_level level = (enum rp_log_level)bot->log.level;
    if (!bot->log.file && level == RP_LOG_INFO && prompts(engine, bot)) level = RP_LOG_WARN;
    struct rp_error error = {0};
    if (log_open(level, bot->log.file, &error) == 0) return 0;
    report_add_error(report, &error);
    return -RP_ECONFIG;
}

static int open_control(struct engine *engine) {
    struct rp_error error = {0};
    if (!engine->options->controlled || engine_control_open(engine, &error) == 0) return 0;
    report_add_error(&engine->report, &error);
    return -RP_ECONFIG;
}

/* What is served: behind the open bot, before the workers. */
static int prepare_serving(struct engine *engine) {
    if (open_control(engine) != 0) return -RP_ECONFIG;
    return engine->options->only_wish ? 0 : bot_bind(engine->current->bot, &engine->report);
}

static void close_generations(struct engine *engine) {
    for (struct generation *generation = engine->generations; generation; generation = generation->next)
        bot_close(generation->bot);
}

static void free_generations(struct engine *engine) {
    while (engine->generations) {
        struct generation *generation = engine->generations;
        engine->generations = generation->next;
        generation_destroy(generation);
    }
}

/* Everything but serving; `serving` NULL for a check. */
static int with_workers(struct engine *engine, unsigned count, struct bot *bot,
                        void (*serving)(struct engine *engine)) {
    prepare_workers(engine, count, bot);
    make_generation(engine, bot);
    engine->group.serves = serving != NULL;
    if (bot_open(bot, count, &engine->report) == 0) {
        if ((!serving || prepare_serving(engine) == 0) && attach_workers(engine) == 0) {
            if (serving)
                serving(engine);
            else
                engine_post_all(engine, on_end, NULL);
        }
        join_workers(engine);
        close_generations(engine);
    }
    forget_workers(engine);
    return engine->report.errors ? -RP_ECONFIG : 0;
}

int engine_check(struct bot *bot, struct report *report) {
    struct engine_options options = {0};
    struct engine engine = {.options = &options, .report = *report};
    int result = with_workers(&engine, 1, bot, NULL);
    *report = engine.report;
    bot->generation = NULL;
    engine.current->bot = NULL; /* the caller's to free */
    free_generations(&engine);
    return result;
}

static unsigned worker_count(const struct engine_options *options) {
    if (options->workers) return options->workers;
    return options->only_wish ? 1 : uv_available_parallelism();
}

/* A busy worker frees and takes the same memory for each turn: the C library is not to give it back in between. */
static void keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    mallopt(M_TOP_PAD, 256 << 10);
#endif
}

static void close_main_loop(struct engine *engine) {
    engine_control_close(engine); /* nothing was served */
    uv_run(&engine->loop, UV_RUN_DEFAULT);
    uv_loop_close(&engine->loop);
}

int engine_run(const struct engine_options *options) {
    keep_memory();
    struct engine engine = {.options = options, .started_ms = rp_wall_ms(), .on_terminal = is_on_terminal()};
    struct bot *bot = NULL;
    uv_loop_init(&engine.loop);
    int result = bot_load(options->file, options->wish, &bot, &engine.report);
    if (result == 0) result = engine_open_log(&engine, bot, &engine.report);
    if (result == 0)
        result = with_workers(&engine, worker_count(options), bot, serve);
    else
        bot_free(bot);
    close_main_loop(&engine);
    report_print(&engine.report, stderr);
    report_finish(&engine.report);
    free_generations(&engine);
    log_close();
    return result == 0 ? atomic_load(&engine.exit_code) : EXIT_BOT;
}
