/* Drives the loop of a test. The order of things to try: what is ready, what comes from outside within moments, and then
 * the next timer, to which the clocks are moved. */
#include "core/testing/pass_time.h"

#include "core/base/clock.h"

#define GRACE_MS 2           /* for what comes from a plugin's own thread, before time is moved */
#define HANGS_NS INT64_C(10000000000)
#define STEPS_MAX 100000     /* of one move: whoever runs a timer each millisecond is not followed further */

void time_start(int64_t wall_ms) {
    clock_hold();
    clock_freeze(wall_ms);
}

/* The time left to the next timer; INT64_MAX: there is none. */
static int64_t next_timer(const struct rp_worker *worker, bool *out_deadline) {
    const struct timer_heap *heap = &worker->timers;
    if (heap->count == 0) return INT64_MAX;
    *out_deadline = turn_is_deadline(heap->timers[0]);
    int64_t left = heap->timers[0]->due - rp_worker_now_ms((struct rp_worker *)(uintptr_t)worker);
    return left > 0 ? left : 0;
}

static void advance(struct alone *alone, int64_t ms) {
    clock_advance(ms);
    timer_heap_poke(alone_worker(alone));
    worker_turn_loop(alone_worker(alone));
}

static bool quiet(const struct alone *alone) {
    return atomic_load(&alone->group.turns) == 0;
}

/* Nothing is ready: waits for the world outside, or moves the time. False: neither leads anywhere. */
static bool go_on(struct alone *alone, int64_t *since_ns) {
    bool deadline = false;
    if (alone_wait(alone, GRACE_MS)) {
        *since_ns = rp_now_ns();
        return true;
    }
    int64_t left = next_timer(alone_worker(alone), &deadline);
    if (left == INT64_MAX || deadline) return rp_now_ns() - *since_ns < HANGS_NS;
    advance(alone, left);
    *since_ns = rp_now_ns();
    return true;
}

/* `done` NULL: until no turn is in flight. */
static bool run(struct alone *alone, const bool *done) {
    int64_t since_ns = rp_now_ns();
    for (;;) {
        if (alone_step(alone)) continue;
        if (done ? *done : quiet(alone)) return true;
        if (!go_on(alone, &since_ns)) return false;
    }
}

bool time_run_until(struct alone *alone, const bool *done) {
    return run(alone, done);
}

bool time_settle(struct alone *alone) {
    return run(alone, NULL);
}

bool time_move(struct alone *alone, int64_t ms) {
    bool deadline;
    int64_t end = rp_steady_ns() / 1000000 + ms;
    for (int i = 0; i < STEPS_MAX; i++) {
        int64_t left = next_timer(alone_worker(alone), &deadline);
        if (left > end - rp_steady_ns() / 1000000) break;
        advance(alone, left);
        if (!time_settle(alone)) return false;
    }
    int64_t rest = end - rp_steady_ns() / 1000000;
    if (rest > 0) advance(alone, rest);
    return time_settle(alone);
}
