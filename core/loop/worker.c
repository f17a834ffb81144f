/* Workers: the loop's life, messages between threads, holding and draining. Tasks and timers have files of their own. */
#include <assert.h>
#include <stdlib.h>

#include <repartee/log.h>

#include "core/base/clock.h"
#include "core/http_client/client.h"
#include "core/loop/worker.h"

struct post {
    struct post *next;
    void (*fn)(struct rp_worker *worker, void *arg);
    void *arg;
};

static _Thread_local struct rp_worker *current;

struct rp_worker *rp_worker_current(void) {
    return current;
}

unsigned rp_worker_index(const struct rp_worker *worker) {
    return worker->index;
}

bool rp_worker_serves(const struct rp_worker *worker) {
    return worker->group && worker->group->serves;
}

unsigned rp_worker_count(const struct rp_worker *worker) {
    return worker->group->count;
}

struct rp_worker *rp_worker_at(const struct rp_worker *any, unsigned index) {
    return index < any->group->count ? any->group->workers[index] : NULL;
}

uv_loop_t *rp_worker_loop(struct rp_worker *worker) {
    return &worker->loop;
}

int64_t rp_worker_now_ms(struct rp_worker *worker) {
    return clock_worker_ms((int64_t)uv_now(&worker->loop));
}

bool rp_worker_draining(const struct rp_worker *worker) {
    return worker->draining;
}

bool rp_ready(const struct rp_worker *worker) {
    return atomic_load(&worker->group->ready);
}

void rp_stop(struct rp_worker *worker, int exit_code) {
    atomic_store(&worker->group->ready, false);
    if (worker->group->on_stop) worker->group->on_stop(worker->group, exit_code);
}

struct http_client *worker_http(struct rp_worker *worker) {
    if (!worker->http) worker->http = http_client_create(worker);
    return worker->http;
}

/* ---- messages between threads ------------------------------------------------------------------------------------ */

void rp_worker_post(struct rp_worker *to, void (*fn)(struct rp_worker *worker, void *arg), void *arg) {
    struct post *post = rp_alloc(sizeof(*post));
    *post = (struct post){.fn = fn, .arg = arg};
    uv_mutex_lock(&to->post_lock);
    bool closed = to->post_closed;
    if (!closed) {
        *to->post_last = post;
        to->post_last = &post->next;
        uv_async_send(&to->wake); /* under the lock: the handle is not closed before post_closed is set */
    }
    uv_mutex_unlock(&to->post_lock);
    if (closed) {
        free(post);
        fn(NULL, arg);
    }
}

static struct post *posts_take(struct rp_worker *worker, bool close) {
    uv_mutex_lock(&worker->post_lock);
    struct post *first = worker->post_first;
    worker->post_first = NULL;
    worker->post_last = &worker->post_first;
    if (close) worker->post_closed = true;
    uv_mutex_unlock(&worker->post_lock);
    return first;
}

static void posts_deliver(struct post *post, struct rp_worker *worker) {
    while (post) {
        struct post *next = post->next;
        post->fn(worker, post->arg);
        free(post);
        post = next;
    }
}

static void on_wake(uv_async_t *wake) {
    struct rp_worker *worker = wake->data;
    posts_deliver(posts_take(worker, false), worker);
}

/* ---- holding and draining ---------------------------------------------------------------------------------------- */

static void drained(struct rp_worker *worker) {
    if (worker->drained) return;
    worker->drained = true;
    rp_timer_stop(worker, &worker->drain_deadline);
    rp_task_cancel(worker, &worker->drain_task);
    worker->on_drained(worker);
}

static void on_drain_task(struct rp_task *task) {
    struct rp_worker *worker = (struct rp_worker *)((char *)task - offsetof(struct rp_worker, drain_task));
    if (worker->holds == 0) drained(worker);
}

static void on_drain_deadline(struct rp_timer *timer) {
    struct rp_worker *worker = (struct rp_worker *)((char *)timer - offsetof(struct rp_worker, drain_deadline));
    rp_log(RP_LOG_WARN, "worker", "the drain deadline has passed with %u turns or connections left", worker->holds);
    drained(worker);
}

void rp_worker_hold(struct rp_worker *worker) {
    worker->holds++;
}

void rp_worker_release(struct rp_worker *worker) {
    assert(worker->holds > 0);
    worker->holds--;
    if (worker->draining && worker->holds == 0) rp_task_schedule(worker, &worker->drain_task);
}

void worker_drain(struct rp_worker *worker, int64_t ms, void (*on_drained)(struct rp_worker *worker)) {
    if (worker->draining) return;
    worker->draining = true;
    worker->on_drained = on_drained;
    worker->drain_deadline.run = on_drain_deadline;
    worker->drain_task.run = on_drain_task;
    rp_timer_start(worker, &worker->drain_deadline, ms);
    rp_task_schedule(worker, &worker->drain_task);
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static struct rp_worker *worker_create(struct worker_group *group, unsigned index) {
    struct rp_worker *worker = rp_calloc(1, sizeof(*worker));
    worker->index = index;
    worker->group = group;
    worker->post_last = &worker->post_first;
    uv_mutex_init(&worker->post_lock);
    uv_loop_init(&worker->loop);
    worker->loop.data = worker;
    task_list_init(worker);
    timer_heap_init(worker);
    uv_async_init(&worker->loop, &worker->wake, on_wake);
    worker->wake.data = worker;
    return worker;
}

void worker_run(struct rp_worker *worker) {
    current = worker;
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    current = NULL;
}

void worker_turn_loop(struct rp_worker *worker) {
    current = worker;
    uv_run(&worker->loop, UV_RUN_NOWAIT);
    current = NULL;
}

void worker_wait_loop(struct rp_worker *worker) {
    current = worker;
    uv_run(&worker->loop, UV_RUN_ONCE);
    current = NULL;
}

bool worker_run_ready(struct rp_worker *worker) {
    current = worker;
    bool more = task_list_run(worker);
    current = NULL;
    return more;
}

static void thread_main(void *arg) {
    worker_run(arg);
}

void worker_start(struct rp_worker *worker) {
    worker->threaded = uv_thread_create(&worker->thread, thread_main, worker) == 0;
    if (!worker->threaded) {
        rp_log(RP_LOG_ERROR, "worker", "cannot start a thread");
        abort();
    }
}

void worker_join(struct rp_worker *worker) {
    if (worker->threaded) uv_thread_join(&worker->thread);
    worker->threaded = false;
}

void worker_end(struct rp_worker *worker) {
    if (worker->ended) return;
    worker->ended = true;
    http_client_destroy(worker->http);
    worker->http = NULL;
    struct post *left = posts_take(worker, true);
    posts_deliver(left, NULL);
    task_list_run(worker);
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_close((uv_handle_t *)&worker->timers.clock, NULL);
    task_list_close(worker);
}

static void report_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle))
        rp_log(RP_LOG_ERROR, "worker", "a %s handle was left open", uv_handle_type_name(handle->type));
}

static void worker_destroy(struct rp_worker *worker) {
    worker_end(worker);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&worker->loop) != 0) uv_walk(&worker->loop, report_handle, NULL);
    timer_heap_finish(worker);
    uv_mutex_destroy(&worker->post_lock);
    free(worker);
}

void worker_group_init(struct worker_group *group, unsigned count) {
    group->count = count;
    group->workers = rp_calloc(count, sizeof(*group->workers));
    atomic_store(&group->ready, false);
    for (unsigned i = 0; i < count; i++) group->workers[i] = worker_create(group, i);
}

void worker_group_finish(struct worker_group *group) {
    for (unsigned i = 0; i < group->count; i++) worker_destroy(group->workers[i]);
    free(group->workers);
    *group = (struct worker_group){0};
}
