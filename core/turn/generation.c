/* A generation's way through one worker. What a detached element has left to close (handles whose callbacks are in the
 * plugin's code) is closed in the loop passes that follow; only then is the detaching counted, since after that the
 * plugin may be unloaded. */
#include "core/turn/generation.h"

#include <stdlib.h>

#include "core/ops/trace.h"

#define PASSES 3 /* a closed handle may close another one in its callback */

static void on_task(struct rp_task *task);

struct generation *generation_create(struct bot *bot, unsigned number, unsigned workers, struct session_hub *hub) {
    struct generation *generation = rp_calloc(1, sizeof(*generation) + workers * sizeof(generation->parts[0]));
    generation->bot = bot;
    generation->number = number;
    generation->workers = workers;
    generation->runtime = (struct turn_runtime){
        .generation = generation,
        .limits = bot->limits,
        .store = bot->sessions,
        .hub = hub,
        .pipelines = bot->pipelines,
        .pipeline_count = bot->pipeline_count,
        .currency = bot->currency,
        .log_prompts = bot->log.prompts != 0,
        .trace = bot->trace.keep > 0,
        .events = bot->events.url && bot->use != BOT_OFFLINE ? &bot->events : NULL,
    };
    for (size_t i = 0; i < bot->pipeline_count; i++) bot->pipelines[i]->runtime = &generation->runtime;
    for (unsigned i = 0; i < workers; i++)
        generation->parts[i] = (struct generation_part){.generation = generation, .task = {.run = on_task}};
    bot->generation = generation;
    return generation;
}

void generation_destroy(struct generation *generation) {
    if (!generation) return;
    for (unsigned i = 0; i < generation->workers; i++) report_finish(&generation->parts[i].report);
    bot_free(generation->bot);
    free(generation);
}

/* The first worker that has something to say; the others say the same. */
void generation_report(const struct generation *generation, struct report *report) {
    const struct generation_part *part = generation->parts, *end = part + generation->workers;
    while (part < end && part->report.errors == 0) part++;
    if (part == end) part = generation->parts;
    report_merge(report, &part->report);
}

unsigned generation_holds(const struct generation *generation) {
    unsigned holds = 0;
    for (unsigned i = 0; i < generation->workers; i++)
        holds += atomic_load_explicit(&generation->parts[i].holds, memory_order_relaxed);
    return holds;
}

static void step(struct generation *generation, atomic_uint *count) {
    void (*on_step)(void *arg) = generation->on_step;
    void *arg = generation->arg;
    atomic_fetch_add(count, 1); /* from the last one on the main thread may free the generation */
    if (on_step) on_step(arg);
}

static struct generation_part *part_of(struct generation *generation, const struct rp_worker *worker) {
    return &generation->parts[worker->index];
}

/* Only the worker itself changes the number, so that no locked instruction is needed. */
static unsigned holds_of(const struct generation_part *part) {
    return atomic_load_explicit(&part->holds, memory_order_relaxed);
}

static void set_holds(struct generation_part *part, unsigned holds) {
    atomic_store_explicit(&part->holds, holds, memory_order_relaxed);
    if (holds == 0 && part->left && part->attached) rp_task_schedule(part->worker, &part->task);
}

/* ---- attaching and detaching --------------------------------------------------------------------------------------- */

void generation_attach(struct generation *generation, struct rp_worker *worker) {
    struct generation_part *part = part_of(generation, worker);
    part->worker = worker;
    part->attached = bot_attach(generation->bot, worker, &part->report) == 0;
    if (part->attached) {
        part->next = worker->generations;
        worker->generations = part;
    } else {
        atomic_fetch_add(&generation->refused, 1);
    }
    step(generation, &generation->attached);
}

/* Also when the worker has ended and this comes back: there is no handle left then. */
static void on_pass(struct rp_worker *worker, void *arg) {
    struct generation_part *part = arg;
    if (worker && --part->passes > 0)
        rp_worker_post(worker, on_pass, part);
    else
        step(part->generation, &part->generation->detached);
}

void generation_detach(struct generation *generation, struct rp_worker *worker) {
    struct generation_part *part = part_of(generation, worker), **at = &worker->generations;
    if (!part->attached) return;
    while (*at != part) at = &(*at)->next;
    *at = part->next;
    part->attached = false;
    rp_task_cancel(worker, &part->task);
    bot_detach(generation->bot, worker);
    part->passes = PASSES;
    rp_worker_post(worker, on_pass, part);
}

void generation_sweep(struct generation *generation, struct rp_worker *worker) {
    (void)worker; /* that this runs is all that is wanted: what was posted before has run */
    step(generation, &generation->swept);
}

static void on_task(struct rp_task *task) {
    struct generation_part *part = (struct generation_part *)((char *)task - offsetof(struct generation_part, task));
    if (holds_of(part) == 0) generation_detach(part->generation, part->worker);
}

/* ---- the switch ---------------------------------------------------------------------------------------------------- */

static void leave(struct generation_part *part) {
    part->left = true;
    set_holds(part, holds_of(part));
}

void generation_enter(struct generation *generation, struct rp_worker *worker) {
    struct generation *before = worker->runtime ? worker->runtime->generation : NULL;
    worker->runtime = &generation->runtime;
    if (worker->index == 0) trace_limit(generation->bot->trace.keep, generation->bot->trace.bytes);
    part_of(generation, worker)->entered = true;
    bot_begin(generation->bot, worker, generation->only);
    if (before) {
        bot_drain(before->bot, worker, generation->bot, generation->only);
        leave(part_of(before, worker));
    }
    step(generation, &generation->entered);
}

/* ---- holding ------------------------------------------------------------------------------------------------------- */

void generation_hold(struct generation *generation, struct rp_worker *worker) {
    if (!generation) return;
    struct generation_part *part = part_of(generation, worker);
    set_holds(part, holds_of(part) + 1);
}

void generation_release(struct generation *generation, struct rp_worker *worker) {
    if (!generation) return;
    struct generation_part *part = part_of(generation, worker);
    set_holds(part, holds_of(part) - 1);
}

void rp_element_hold(const struct rp_element *element, struct rp_worker *worker) {
    if (element->bot) generation_hold(element->bot->generation, worker);
}

void rp_element_release(const struct rp_element *element, struct rp_worker *worker) {
    if (element->bot) generation_release(element->bot->generation, worker);
}

/* ---- the end of the worker ------------------------------------------------------------------------------------------ */

void generation_drain_all(struct rp_worker *worker) {
    for (struct generation_part *part = worker->generations; part; part = part->next)
        if (part->entered) bot_drain(part->generation->bot, worker, NULL, part->generation->only);
}

void generation_detach_all(struct rp_worker *worker) {
    while (worker->generations) generation_detach(worker->generations->generation, worker);
}
