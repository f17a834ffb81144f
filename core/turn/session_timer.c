/* The timers in memory, and the turns that they start. Such a turn has no client: what it says waits in the session. */
#include <stdlib.h>

#include "core/turn/generation.h"
#include "core/turn/session_timer.h"

#define TIMERS_MAX 200000 /* of one worker; a session beyond it is woken by its next message */
#define SPREAD_MS 2       /* between two looks after a start */

struct session_timer {
    struct rp_timer timer;
    struct rp_worker *worker;
    struct session_timer *next, **at;
    size_t len;
    char session[];
};
struct session_timers {
    struct session_timer *first;
    size_t count;
};
struct event_sink { /* in the arena of its turn */
    struct rp_sink sink;
    struct rp_turn *turn;
    struct turn *parent; /* waits for it; NULL: none */
    void (*then)(struct turn *parent);
};

/* ---- the turn without a client ------------------------------------------------------------------------------------ */

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)chunk;
    if (flow == RP_MORE) rp_turn_more(((struct event_sink *)sink)->turn);
}

static void on_done(struct rp_sink *sink) {
    struct event_sink *event = (struct event_sink *)sink;
    if (event->parent) event->then(event->parent);
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

static struct turn *start(struct rp_worker *worker, struct rp_str session, struct turn *parent,
                          void (*then)(struct turn *turn)) {
    struct turn *turn = turn_start_timeout(worker, session, parent);
    struct event_sink *sink = rp_arena_zalloc(turn->pub.arena, sizeof(*sink));
    *sink = (struct event_sink){.sink = {&sink_ops}, .turn = &turn->pub, .parent = parent, .then = then};
    turn->sink = &sink->sink;
    return turn;
}

void session_timer_run_first(struct turn *turn, void (*then)(struct turn *turn)) {
    start(turn->pub.worker, turn->pub.session, turn, then);
}

/* ---- timers -------------------------------------------------------------------------------------------------------- */

static void unlink_timer(struct session_timers *timers, struct session_timer *timer) {
    *timer->at = timer->next;
    if (timer->next) timer->next->at = timer->at;
    timers->count--;
}

static void on_timer(struct rp_timer *base) {
    struct session_timer *timer = (struct session_timer *)(void *)base;
    struct rp_worker *worker = timer->worker;
    unlink_timer(worker->session_timers, timer);
    if (!worker->draining) start(worker, rp_str_n(timer->session, timer->len), NULL, NULL);
    free(timer);
}

static void arm_in(struct rp_worker *worker, struct rp_str session, int64_t ms) {
    if (!worker->session_timers) worker->session_timers = rp_calloc(1, sizeof(*worker->session_timers));
    struct session_timers *timers = worker->session_timers;
    if (timers->count >= TIMERS_MAX) return;
    struct session_timer *timer = rp_calloc(1, sizeof(*timer) + session.len);
    timer->worker = worker;
    timer->timer.run = on_timer;
    timer->len = session.len;
    memcpy(timer->session, session.data, session.len);
    timer->next = timers->first;
    timer->at = &timers->first;
    if (timers->first) timers->first->at = &timer->next;
    timers->first = timer;
    timers->count++;
    rp_timer_start(worker, &timer->timer, ms);
}

void session_timer_arm(struct rp_worker *worker, struct rp_str session, int64_t at_ms) {
    int64_t now = rp_wall_ms();
    arm_in(worker, session, at_ms > now ? at_ms - now : 0);
}

void session_timers_destroy(struct session_timers *timers) {
    while (timers && timers->first) {
        struct session_timer *timer = timers->first;
        unlink_timer(timers, timer);
        rp_timer_stop(timer->worker, &timer->timer);
        free(timer);
    }
    free(timers);
}

/* ---- after a start ------------------------------------------------------------------------------------------------- */

struct found {
    size_t len;
    int64_t wait_ms;
    char session[];
};
struct search {
    struct rp_store_op op;
    struct rp_worker *worker;
    struct generation *generation; /* whose store it is */
    size_t count;
};

static void on_found(struct rp_worker *worker, void *arg) {
    struct found *found = arg;
    if (worker) arm_in(worker, rp_str_n(found->session, found->len), found->wait_ms);
    free(found);
}

static void on_listed(struct rp_store_op *op, int code, struct rp_str key) {
    struct search *search = (struct search *)op;
    size_t prefix = sizeof(SESSION_TIMER_PREFIX) - 1;
    if (code != 0) {
        if (code != -RP_ENOTFOUND) rp_log(RP_LOG_ERROR, "session", "the sessions that wait cannot be listed");
        generation_release(search->generation, search->worker);
        free(search);
        return;
    }
    struct found *found = rp_calloc(1, sizeof(*found) + key.len);
    found->len = key.len - prefix;
    found->wait_ms = (int64_t)search->count * SPREAD_MS;
    memcpy(found->session, key.data + prefix, found->len);
    unsigned to = (unsigned)(search->count++ % rp_worker_count(search->worker));
    rp_worker_post(rp_worker_at(search->worker, to), on_found, found);
}

void session_timers_find(struct rp_worker *worker) {
    struct rp_store *store = worker->runtime->store;
    const struct rp_store_type *type = store ? (const struct rp_store_type *)(const void *)store->element.type : NULL;
    if (!type || !type->list) return;
    struct search *search = rp_calloc(1, sizeof(*search));
    search->op.done = on_listed;
    search->worker = worker;
    search->generation = worker->runtime->generation;
    generation_hold(search->generation, worker);
    type->list(store, worker, RP_STR(SESSION_TIMER_PREFIX), &search->op);
}
