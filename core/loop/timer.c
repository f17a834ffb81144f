/* Timers: a binary heap of deadlines over one timer of the loop. Starting and stopping touch only the heap, and a timer
 * needs no closing, so it can live in any struct. The loop's timer is never put back to a later time: it fires, finds
 * nothing due, and is set anew, which is cheaper than following every change. */
#include <stdlib.h>

#include "core/loop/worker.h"

static void place(struct timer_heap *heap, size_t at, struct rp_timer *timer) {
    heap->timers[at] = timer;
    timer->place = at + 1;
}

static void sift_up(struct timer_heap *heap, size_t at) {
    struct rp_timer *timer = heap->timers[at];
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (heap->timers[parent]->due <= timer->due) break;
        place(heap, at, heap->timers[parent]);
        at = parent;
    }
    place(heap, at, timer);
}

static void sift_down(struct timer_heap *heap, size_t at) {
    struct rp_timer *timer = heap->timers[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) break;
        if (child + 1 < heap->count && heap->timers[child + 1]->due < heap->timers[child]->due) child++;
        if (timer->due <= heap->timers[child]->due) break;
        place(heap, at, heap->timers[child]);
        at = child;
    }
    place(heap, at, timer);
}

static void take_out(struct timer_heap *heap, struct rp_timer *timer) {
    size_t at = timer->place - 1;
    timer->place = 0;
    struct rp_timer *last = heap->timers[--heap->count];
    if (last == timer) return;
    place(heap, at, last);
    sift_up(heap, at);
    sift_down(heap, last->place - 1);
}

static void arm(struct rp_worker *worker);

static void on_clock(uv_timer_t *clock) {
    struct rp_worker *worker = clock->data;
    struct timer_heap *heap = &worker->timers;
    heap->armed = INT64_MAX;
    int64_t now = rp_worker_now_ms(worker);
    while (heap->count > 0 && heap->timers[0]->due <= now) {
        struct rp_timer *timer = heap->timers[0];
        take_out(heap, timer);
        timer->run(timer);
    }
    arm(worker);
}

static void arm(struct rp_worker *worker) {
    struct timer_heap *heap = &worker->timers;
    if (heap->count == 0 || heap->timers[0]->due >= heap->armed || worker->ended) return;
    heap->armed = heap->timers[0]->due;
    int64_t wait = heap->armed - rp_worker_now_ms(worker);
    uv_timer_start(&heap->clock, on_clock, wait > 0 ? (uint64_t)wait : 0, 0);
}

void rp_timer_start(struct rp_worker *worker, struct rp_timer *timer, int64_t ms) {
    struct timer_heap *heap = &worker->timers;
    rp_timer_stop(worker, timer);
    if (heap->count == heap->cap) {
        heap->cap = heap->cap ? 2 * heap->cap : 64;
        heap->timers = rp_realloc(heap->timers, heap->cap * sizeof(heap->timers[0]));
    }
    /* Never in the current millisecond: a timer that starts itself again must let the loop go on. */
    timer->due = rp_worker_now_ms(worker) + (ms > 0 ? ms : 1);
    heap->timers[heap->count] = timer;
    sift_up(heap, heap->count++);
    arm(worker);
}

void rp_timer_stop(struct rp_worker *worker, struct rp_timer *timer) {
    if (timer->place) take_out(&worker->timers, timer);
}

void timer_heap_init(struct rp_worker *worker) {
    worker->timers.armed = INT64_MAX;
    uv_timer_init(&worker->loop, &worker->timers.clock);
    worker->timers.clock.data = worker;
    uv_unref((uv_handle_t *)&worker->timers.clock);
}

void timer_heap_poke(struct rp_worker *worker) {
    worker->timers.armed = INT64_MAX;
    arm(worker);
}

void timer_heap_finish(struct rp_worker *worker) {
    for (size_t i = 0; i < worker->timers.count; i++) worker->timers.timers[i]->place = 0;
    free(worker->timers.timers);
    worker->timers.timers = NULL;
    worker->timers.count = worker->timers.cap = 0;
}
