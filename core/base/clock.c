/* The two clocks. A test can freeze the wall clock: then it stands still but for what it is advanced by, and timers go on
 * with the real time and what was added to it, unless they are held as well. */
#include "core/base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t frozen_ms, held_ns, advanced_ms; /* frozen_ms, held_ns 0: the clock runs */

int64_t rp_now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t rp_steady_ns(void) {
    int64_t held = atomic_load_explicit(&held_ns, memory_order_relaxed);

    return (held ? held : rp_now_ns()) + 1000000 * atomic_load_explicit(&advanced_ms, memory_order_relaxed);
}

int64_t rp_wall_ms(void) {
    struct timespec now;
    int64_t frozen = atomic_load_explicit(&frozen_ms, memory_order_relaxed);

    if (frozen) return frozen + atomic_load_explicit(&advanced_ms, memory_order_relaxed);
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_freeze(int64_t wall_ms) {
    atomic_store(&frozen_ms, wall_ms - atomic_load(&advanced_ms));
}

void clock_hold(void) {
    if (!atomic_load(&held_ns)) atomic_store(&held_ns, rp_now_ns());
}

void clock_advance(int64_t ms) {
    atomic_fetch_add(&advanced_ms, ms);
}

int64_t clock_worker_ms(int64_t real_ms) {
    int64_t held = atomic_load_explicit(&held_ns, memory_order_relaxed);

    return (held ? held / 1000000 : real_ms) + atomic_load_explicit(&advanced_ms, memory_order_relaxed);
}
