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
#include "core/turn/engine.h"
#include "core/turn/session_timer.h"
#include "core/turn/turn.h"

struct engine {
    struct worker_group group; /* first: on_stop gets the group */
    struct turn_runtime runtime;
    struct bot *bot;
    const struct engine_options *options;
    struct report report;
    uv_mutex_t report_lock;
    uv_sem_t step; /* posted by each worker when it has attached, or has started */

    uv_loop_t loop; /* the main thread's, for signals */
    uv_signal_t interrupt, terminate;
    uv_async_t stop_wanted, worker_ended;
    atomic_int exit_code, ended;
    atomic_bool stop_asked;
    bool stopping;
};

static struct engine *engine_of(struct rp_worker *worker) {
    return (struct engine *)worker->group;
}

/* ---- workers ------------------------------------------------------------------------------------------------------------ */

static void prepare_workers(struct engine *engine, unsigned count) {
    struct bot *bot = engine->bot;
    engine->runtime.limits = bot->limits;
    engine->runtime.store = bot->sessions;
    engine->runtime.pipelines = bot->pipelines;
    engine->runtime.pipeline_count = bot->pipeline_count;
    engine->runtime.log_prompts = bot->log.prompts != 0;
    engine->runtime.hub = session_hub_create((size_t)bot->limits.session_queue);
    worker_group_init(&engine->group, count);
    for (unsigned i = 0; i < count; i++) {
        engine->group.workers[i]->turns = turn_table_create();
        engine->group.workers[i]->runtime = &engine->runtime;
    }
    uv_mutex_init(&engine->report_lock);
    uv_sem_init(&engine->step, 0);
}

static void forget_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) {
        worker_join(engine->group.workers[i]);
        turn_table_destroy(engine->group.workers[i]->turns);
    }
    worker_group_finish(&engine->group);
    session_hub_destroy(engine->runtime.hub);
    uv_mutex_destroy(&engine->report_lock);
    uv_sem_destroy(&engine->step);
}

static void on_attach(struct rp_worker *worker, void *arg) {
    struct engine *engine = arg;
    struct rp_error error = {0};
    if (bot_attach(engine->bot, worker, &error) != 0) {
        uv_mutex_lock(&engine->report_lock);
        if (worker->index == 0) report_add_error(&engine->report, &error); /* the others fail the same way */
        uv_mutex_unlock(&engine->report_lock);
    } else {
        worker->attached = true;
    }
    uv_sem_post(&engine->step);
}

static void on_end(struct rp_worker *worker, void *arg) {
    struct engine *engine = arg;
    if (worker->attached) bot_detach(engine->bot, worker);
    worker_end(worker);
}

static void wait_for_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) uv_sem_wait(&engine->step);
}

static void post_to_all(struct engine *engine, void (*fn)(struct rp_worker *worker, void *arg)) {
    for (unsigned i = 0; i < engine->group.count; i++) rp_worker_post(engine->group.workers[i], fn, engine);
}

/* All workers attached: 0. Otherwise they have been ended again. */
static int attach_workers(struct engine *engine) {
    for (unsigned i = 0; i < engine->group.count; i++) worker_start(engine->group.workers[i]);
    post_to_all(engine, on_attach);
    wait_for_workers(engine);
    if (engine->report.errors == 0) return 0;
    post_to_all(engine, on_end);
    return -RP_ECONFIG;
}

/* ---- taking in work, and ceasing to --------------------------------------------------------------------------------------- */

static bool wanted(const struct engine *engine, const struct rp_transport *transport) {
    return !engine->options->only_wish ||
           strcmp(transport->element.type->name, engine->options->wish->transport) == 0;
}

static const struct rp_listener_type *listener_type(const struct rp_listener *listener) {
    return (const struct rp_listener_type *)(const void *)listener->element.type;
}

static const struct rp_transport_type *transport_type(const struct rp_transport *transport) {
    return (const struct rp_transport_type *)(const void *)transport->element.type;
}

static int bind_listeners(struct engine *engine) {
    struct bot *bot = engine->bot;
    if (bot->transport_count == 0)
        report_add(&engine->report, RP_ECONFIG, engine->options->file, 0, "without a transport nobody can reach the bot");
    for (size_t i = 0; i < bot->listener_count && !engine->options->only_wish; i++) {
        struct rp_listener *listener = bot->listeners[i];
        struct rp_error error = {0};
        if (!listener_type(listener)->bind || listener_type(listener)->bind(listener, engine->group.count, &error) == 0)
            continue;
        report_add(&engine->report, error.code, listener->element.file, listener->element.line, "listener '%s': %s",
                   listener->element.name, error.text);
    }
    return engine->report.errors ? -RP_ECONFIG : 0;
}

static void on_start(struct rp_worker *worker, void *arg) {
    struct engine *engine = arg;
    struct bot *bot = engine->bot;
    for (size_t i = 0; i < bot->transport_count; i++)
        if (wanted(engine, bot->transports[i]) && transport_type(bot->transports[i])->start)
            transport_type(bot->transports[i])->start(bot->transports[i], worker);
    for (size_t i = 0; i < bot->listener_count && !engine->options->only_wish; i++)
        if (listener_type(bot->listeners[i])->start) listener_type(bot->listeners[i])->start(bot->listeners[i], worker);
    if (worker->index == 0) session_timers_find(worker);
    uv_sem_post(&engine->step);
}

static void on_drained(struct rp_worker *worker) {
    struct engine *engine = engine_of(worker);
    turn_table_break_all(worker, RP_EDRAINING);
    while (task_list_run(worker)) {
    }
    session_timers_destroy(worker->session_timers);
    worker->session_timers = NULL;
    bot_detach(engine->bot, worker);
    worker_end(worker);
    atomic_fetch_add(&engine->ended, 1);
    uv_async_send(&engine->worker_ended);
}

static void on_drain(struct rp_worker *worker, void *arg) {
    struct engine *engine = arg;
    struct bot *bot = engine->bot;
    if (!worker) return;
    for (size_t i = 0; i < bot->listener_count && !engine->options->only_wish; i++)
        if (listener_type(bot->listeners[i])->drain) listener_type(bot->listeners[i])->drain(bot->listeners[i], worker);
    for (size_t i = 0; i < bot->transport_count; i++)
        if (wanted(engine, bot->transports[i]) && transport_type(bot->transports[i])->drain)
            transport_type(bot->transports[i])->drain(bot->transports[i], worker);
    worker_drain(worker, bot->limits.drain_ms, on_drained);
}

/* ---- the main thread's loop ------------------------------------------------------------------------------------------------ */

static void begin_stop(struct engine *engine) {
    if (engine->stopping) return;
    engine->stopping = true;
    atomic_store(&engine->group.ready, false);
    rp_log(RP_LOG_INFO, "engine", "stopping: finishing the turns in flight");
    post_to_all(engine, on_drain);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct engine *engine = handle->data;
    if (engine->stopping) { /* whoever asks twice does not want to wait */
        log_close();
        _exit(128 + number);
    }
    begin_stop(engine);
}

static void on_stop_wanted(uv_async_t *handle) {
    begin_stop(handle->data);
}

static void on_stop(struct worker_group *group, int exit_code) {
    struct engine *engine = (struct engine *)group;
    if (atomic_exchange(&engine->stop_asked, true)) return;
    atomic_store(&engine->exit_code, exit_code);
    uv_async_send(&engine->stop_wanted);
}

static void on_worker_ended(uv_async_t *handle) {
    struct engine *engine = handle->data;
    if (atomic_load(&engine->ended) < (int)engine->group.count) return;
    for (unsigned i = 0; i < engine->group.count; i++) worker_join(engine->group.workers[i]); /* they send no more */
    uv_close((uv_handle_t *)&engine->interrupt, NULL);
    uv_close((uv_handle_t *)&engine->terminate, NULL);
    uv_close((uv_handle_t *)&engine->stop_wanted, NULL);
    uv_close((uv_handle_t *)&engine->worker_ended, NULL);
}

static void open_main_loop(struct engine *engine) {
    uv_loop_init(&engine->loop);
    uv_signal_init(&engine->loop, &engine->interrupt);
    uv_signal_init(&engine->loop, &engine->terminate);
    uv_async_init(&engine->loop, &engine->stop_wanted, on_stop_wanted);
    uv_async_init(&engine->loop, &engine->worker_ended, on_worker_ended);
    engine->interrupt.data = engine->terminate.data = engine;
    engine->stop_wanted.data = engine->worker_ended.data = engine;
    uv_signal_start(&engine->interrupt, on_signal, SIGINT);
    uv_signal_start(&engine->terminate, on_signal, SIGTERM);
    engine->group.on_stop = on_stop;
}

static void serve(struct engine *engine) {
    open_main_loop(engine);
    post_to_all(engine, on_start);
    wait_for_workers(engine);
    if (!atomic_load(&engine->stop_asked)) atomic_store(&engine->group.ready, true);
    rp_log(RP_LOG_INFO, "engine", "%s is ready with %u %s", engine->bot->name, engine->group.count,
           engine->group.count == 1 ? "worker" : "workers");
    uv_run(&engine->loop, UV_RUN_DEFAULT);
    uv_loop_close(&engine->loop);
}

/* ---- the two ways in -------------------------------------------------------------------------------------------------------- */

/* A chat on the terminal is not to be interrupted by a line for every turn. */
static bool prompts(const struct engine *engine) {
    if (engine->options->only_wish) return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO)) return false;
    for (size_t i = 0; i < engine->bot->transport_count; i++)
        if (strcmp(engine->bot->transports[i]->element.type->name, "stdin") == 0) return true;
    return false;
}

static int open_log(struct engine *engine) {
    struct bot *bot = engine->bot;
    enum rp_log_level level = (enum rp_log_level)bot->log.level;
    if (!bot->log.file && level == RP_LOG_INFO && prompts(engine)) level = RP_LOG_WARN;
    struct rp_error error = {0};
    if (log_open(level, bot->log.file, &error) == 0) return 0;
    report_add_error(&engine->report, &error);
    return -RP_ECONFIG;
}

/* Everything but serving; `serving` NULL for a check. */
static int with_workers(struct engine *engine, unsigned count, void (*serving)(struct engine *engine)) {
    prepare_workers(engine, count);
    if (bot_open(engine->bot, count, &engine->report) == 0) {
        if ((!serving || bind_listeners(engine) == 0) && attach_workers(engine) == 0) {
            if (serving)
                serving(engine);
            else
                post_to_all(engine, on_end);
        }
        for (unsigned i = 0; i < count; i++) worker_join(engine->group.workers[i]);
        bot_close(engine->bot);
    }
    forget_workers(engine);
    return engine->report.errors ? -RP_ECONFIG : 0;
}

int engine_check(struct bot *bot, struct report *report) {
    struct engine_options options = {0};
    struct engine engine = {.bot = bot, .options = &options, .report = *report};
    int result = with_workers(&engine, 1, NULL);
    *report = engine.report;
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

int engine_run(const struct engine_options *options) {
    keep_memory();
    struct engine engine = {.options = options};
    int result = bot_load(options->file, options->wish, &engine.bot, &engine.report);
    if (result == 0) result = open_log(&engine);
    if (result == 0) result = with_workers(&engine, worker_count(options), serve);
    report_print(&engine.report, stderr);
    report_finish(&engine.report);
    bot_free(engine.bot);
    log_close();
    return result == 0 ? atomic_load(&engine.exit_code) : EXIT_BOT;
}
