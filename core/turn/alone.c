/* Makes the worker and its runtime, and turns its loop. Which turns there are, and when time passes, is for the caller. */
#include "core/turn/alone.h"

#include "core/turn/event_post.h"
#include "core/turn/session_timer.h"

static void make_worker(struct alone *alone) {
    struct turn_runtime *runtime = &alone->runtime;
    struct bot *bot = alone->bot;
    *runtime = (struct turn_runtime){.limits = bot->limits,
                                     .store = bot->sessions,
                                     .pipelines = bot->pipelines,
                                     .pipeline_count = bot->pipeline_count,
                                     .log_prompts = bot->log.prompts != 0};
    runtime->hub = session_hub_create((size_t)bot->limits.session_queue);
    worker_group_init(&alone->group, 1);
    alone_worker(alone)->turns = turn_table_create();
    alone_worker(alone)->runtime = runtime;
    alone->transport.pipeline = bot->pipelines[0];
}

static void forget_worker(struct alone *alone) {
    turn_table_destroy(alone_worker(alone)->turns);
    worker_group_finish(&alone->group);
    session_hub_destroy(alone->runtime.hub);
}

static int attach(struct alone *alone, struct report *report) {
    int code = bot_attach(alone->bot, alone_worker(alone), report);
    if (code != 0) bot_close(alone->bot);
    return code;
}

int alone_open(struct alone *alone, struct bot *bot, struct report *report) {
    *alone = (struct alone){.bot = bot};
    make_worker(alone);
    int code = bot_open(bot, 1, report);
    if (code == 0) code = attach(alone, report);
    if (code != 0) forget_worker(alone);
    return code;
}

static void drop_timers(struct rp_worker *worker) {
    session_timers_destroy(worker->session_timers);
    worker->session_timers = NULL;
    event_posts_destroy(worker->event_posts);
    worker->event_posts = NULL;
}

void alone_close(struct alone *alone) {
    struct rp_worker *worker = alone_worker(alone);
    turn_table_break_all(worker, RP_EDRAINING);
    while (task_list_run(worker)) {
    }
    drop_timers(worker);
    bot_detach(alone->bot, worker);
    bot_close(alone->bot);
    forget_worker(alone);
}

int alone_renew(struct alone *alone, struct report *report) {
    drop_timers(alone_worker(alone));
    return bot_renew(alone->bot, alone_worker(alone), report);
}

struct rp_pipeline *alone_pipeline(const struct alone *alone, struct rp_str name) {
    const struct bot *bot = alone->bot;
    if (name.len == 0) return bot->pipelines[0];
    for (size_t i = 0; i < bot->pipeline_count; i++)
        if (rp_str_equal(rp_str(bot->pipelines[i]->name), name)) return bot->pipelines[i];
    return NULL;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static bool ready(const struct rp_worker *worker) {
    return worker->ready.next != &worker->ready;
}

bool alone_step(struct alone *alone) {
    struct rp_worker *worker = alone_worker(alone);
    if (ready(worker)) {
        worker_run_ready(worker); /* saves the loop's system calls */
        return true;
    }
    worker_turn_loop(worker);
    return ready(worker);
}

static void on_time(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

static void on_closed(uv_handle_t *handle) {
    handle->data = NULL;
}

bool alone_wait(struct alone *alone, int64_t ms) {
    struct rp_worker *worker = alone_worker(alone);
    bool late = false;
    int in_flight = atomic_load(&alone->group.turns);
    uv_timer_t timer = {.data = &late};
    uv_timer_init(&worker->loop, &timer);
    uv_update_time(&worker->loop);
    uv_timer_start(&timer, on_time, (uint64_t)ms, 0);
    while (!late && !ready(worker) && atomic_load(&alone->group.turns) == in_flight) worker_wait_loop(worker);
    bool something = ready(worker) || atomic_load(&alone->group.turns) != in_flight;
    uv_close((uv_handle_t *)&timer, on_closed);
    while (timer.data) worker_turn_loop(worker);
    return something;
}
