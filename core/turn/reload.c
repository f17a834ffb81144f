#include "core/turn/reload.h"

#include <repartee/metrics.h>
#include <stdlib.h>

#include "core/config/report.h"
#include "core/turn/engine_state.h"
#include "core/turn/session_timer.h"

#define GENERATIONS_MAX 16 /* that may be there at the same time: old ones wait for their turns */

static void begin(struct engine *engine);

/* ---- the result ---------------------------------------------------------------------------------------------------- */

static void tell_log(void *arg, bool warning, const char *line) {
    (void)arg;
    rp_log(warning ? RP_LOG_WARN : RP_LOG_ERROR, "reload", "%s", line);
}

static void log_result(const struct reload_result *result) {
    report_tell(&result->report, tell_log, NULL);
    if (result->ok)
        rp_log(RP_LOG_INFO, "reload", "generation %u serves, loaded in %.0f ms", result->generation, result->ms);
    else
        rp_log(RP_LOG_ERROR, "reload", "nothing has changed: generation %u goes on serving", result->generation);
}

static void count_result(bool ok) {
    rp_metric_add(rp_metric(RP_COUNTER, "repartee_reloads_total", "Reloads of the bot file", "result",
                            ok ? "done" : "refused", NULL), 1);
}

static void tell_waiters(struct reload_waiter **list, const struct reload_result *result) {
    while (*list) {
        struct reload_waiter *waiter = *list;
        *list = waiter->next;
        waiter->done(waiter, result);
    }
}

static void finish(struct engine *engine, bool ok) {
    struct reload *reload = &engine->reload;
    reload->phase = RELOAD_IDLE;
    reload->generation = NULL;
    reload->last.ok = ok;
    reload->last.generation = engine->current->number;
    reload->last.at_ms = rp_wall_ms();
    reload->last.ms = (double)(rp_now_ns() - reload->started_ns) / 1e6;
    log_result(&reload->last);
    count_result(ok);
    tell_waiters(&reload->waiters, &reload->last);
    if (reload->again) uv_async_send(&engine->generation_stepped);
}

/* ---- the list of generations --------------------------------------------------------------------------------------- */

static unsigned count_generations(const struct engine *engine) {
    unsigned count = 0;
    for (const struct generation *generation = engine->generations; generation; generation = generation->next) count++;
    return count;
}

static void remove_generation(struct engine *engine, struct generation *generation) {
    struct generation **at = &engine->generations;
    while (*at != generation) at = &(*at)->next;
    *at = generation->next;
    bot_close(generation->bot);
    generation_destroy(generation);
}

static unsigned count_attached(const struct generation *generation) {
    return atomic_load(&generation->attached) - atomic_load(&generation->refused);
}

static void on_sweep(struct rp_worker *worker, void *arg) {
    if (worker) generation_sweep(arg, worker);
}

/* It has left all workers, and no message from one to another is on its way any more that would call its plugins. */
static bool has_ended(struct engine *engine, struct generation *generation) {
    if (atomic_load(&generation->detached) < count_attached(generation)) return false;
    if (!generation->sweeping) engine_post_all(engine, on_sweep, generation);
    generation->sweeping = true;
    return atomic_load(&generation->swept) == engine->group.count;
}

static void close_old(struct engine *engine) {
    if (engine->reload.phase == RELOAD_ENTERING) return; /* what is new still looks at what was before it */
    for (struct generation *generation = engine->generations, *next; generation; generation = next) {
        next = generation->next;
        if (generation == engine->current || generation == engine->reload.generation) continue;
        if (!has_ended(engine, generation)) continue;
        rp_log(RP_LOG_INFO, "reload", "generation %u has ended", generation->number);
        remove_generation(engine, generation);
    }
}

/* ---- the steps ------------------------------------------------------------------------------------------------------ */

static void on_step(void *arg) {
    struct engine *engine = arg;
    uv_async_send(&engine->generation_stepped);
}

void reload_watch(struct engine *engine, struct generation *generation) {
    generation->on_step = on_step;
    generation->arg = engine;
}

/* 0 and a bot that is open, bound, and knows what it follows. */
static int open_bot(struct engine *engine, struct bot **out_bot) {
    const struct bot *before = engine->current->bot;
    struct report *report = &engine->reload.last.report;
    struct bot *bot = NULL;
    if (bot_load(engine->options->file, NULL, &bot, report) != 0) return -RP_ECONFIG;
    bot_follow(bot, before);
    bot_warn_of_losses(bot, before, report);
    if (bot_open(bot, engine->group.count, report) == 0) {
        if (bot_bind(bot, report) == 0) {
            *out_bot = bot;
            return 0;
        }
        bot_close(bot);
    }
    bot_free(bot);
    return -RP_ECONFIG;
}

static void attach_next(struct engine *engine) {
    struct reload *reload = &engine->reload;
    reload->phase = RELOAD_ATTACHING;
    engine_post(engine, reload->posted++, engine_attach, reload->generation);
}

static void begin(struct engine *engine) {
    struct reload *reload = &engine->reload;
    struct bot *bot;
    reload->again = false;
    reload->waiters = reload->behind;
    reload->behind = NULL;
    reload->started_ns = rp_now_ns();
    reload->posted = 0;
    report_finish(&reload->last.report);
    if (count_generations(engine) >= GENERATIONS_MAX)
        report_add(&reload->last.report, RP_EBUSY, NULL, 0,
                   "%d generations are still at work with their turns: try again when one of them has ended",
                   GENERATIONS_MAX);
    else if (open_bot(engine, &bot) == 0)
        reload->generation = generation_create(bot, engine->current->number + 1, engine->group.count, engine->hub);
    if (!reload->generation) {
        finish(engine, false);
        return;
    }
    reload_watch(engine, reload->generation);
    reload->generation->next = engine->generations;
    engine->generations = reload->generation;
    attach_next(engine);
}

static void on_detach(struct rp_worker *worker, void *arg) {
    if (worker) generation_detach(arg, worker);
}

/* They were told one after the other: the last one is the only one that can have refused. */
static void undo(struct engine *engine) {
    engine->reload.phase = RELOAD_UNDOING;
    unsigned count = count_attached(engine->reload.generation);
    for (unsigned i = 0; i < count; i++) engine_post(engine, i, on_detach, engine->reload.generation);
    reload_step(engine); /* perhaps it was the first worker that refused: then none has to detach */
}

/* From here on it must succeed. */
static void enter(struct engine *engine) {
    struct generation *generation = engine->reload.generation;
    engine->reload.phase = RELOAD_ENTERING;
    engine->reload.before = engine->current;
    engine->current = generation;
    session_hub_limit(engine->hub, (size_t)generation->runtime.limits.session_queue);
    engine_post_all(engine, engine_enter, generation);
}

static void on_find_timers(struct rp_worker *worker, void *arg) {
    (void)arg;
    if (worker) session_timers_find(worker);
}

static void entered(struct engine *engine) {
    struct generation *generation = engine->reload.generation;
    bool kept = bot_keeps_sessions(generation->bot, engine->reload.before->bot);
    bot_follow(generation->bot, NULL);
    if (!kept) engine_post(engine, 0, on_find_timers, NULL);
    finish(engine, true);
}

static void attached(struct engine *engine) {
    struct reload *reload = &engine->reload;
    if (atomic_load(&reload->generation->attached) < reload->posted) return;
    bool refused = atomic_load(&reload->generation->refused) > 0;
    if (!refused && reload->posted < engine->group.count) {
        attach_next(engine);
        return;
    }
    generation_report(reload->generation, &reload->last.report);
    if (refused || engine_open_log(engine, reload->generation->bot, &reload->last.report) != 0)
        undo(engine);
    else
        enter(engine);
}

static void undone(struct engine *engine) {
    struct generation *generation = engine->reload.generation;
    if (!has_ended(engine, generation)) return;
    remove_generation(engine, generation);
    finish(engine, false);
}

void reload_step(struct engine *engine) {
    struct reload *reload = &engine->reload;
    if (engine->stopping) return;
    switch (reload->phase) {
    case RELOAD_IDLE:
        if (reload->again) begin(engine);
        break;
    case RELOAD_ATTACHING: attached(engine); break;
    case RELOAD_ENTERING:
        if (atomic_load(&reload->generation->entered) == engine->group.count) entered(engine);
        break;
    case RELOAD_UNDOING: undone(engine); break;
    }
    close_old(engine);
}

void reload_ask(struct engine *engine, struct reload_waiter *waiter) {
    struct reload *reload = &engine->reload;
    if (waiter) {
        waiter->next = reload->behind;
        reload->behind = waiter;
    }
    reload->again = true;
    if (reload->phase == RELOAD_IDLE) uv_async_send(&engine->generation_stepped);
}

static void forget_in(struct reload_waiter **list, const struct reload_waiter *waiter) {
    while (*list && *list != waiter) list = &(*list)->next;
    if (*list) *list = waiter->next;
}

void reload_forget(struct engine *engine, struct reload_waiter *waiter) {
    forget_in(&engine->reload.waiters, waiter);
    forget_in(&engine->reload.behind, waiter);
}

void reload_end(struct engine *engine) {
    struct reload *reload = &engine->reload;
    report_finish(&reload->last.report);
    reload->last.ok = false;
    report_add(&reload->last.report, RP_EDRAINING, NULL, 0, "the server is shutting down");
    tell_waiters(&reload->waiters, &reload->last);
    tell_waiters(&reload->behind, &reload->last);
    report_finish(&reload->last.report);
}
