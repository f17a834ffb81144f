/* Workers: a thread with a libuv loop. A turn lives its whole life on one worker, so nothing of it is locked.
 *
 * Everything here is called on the worker's own thread, except rp_worker_post and rp_stop, which any thread may
 * call. Nothing here may block. */
#ifndef REPARTEE_WORKER_H
#define REPARTEE_WORKER_H

#include <repartee/base.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_worker;
struct rp_turn;

RP_EXPORT struct rp_worker *rp_worker_current(void); /* NULL on threads that are no worker */
RP_EXPORT unsigned rp_worker_index(const struct rp_worker *worker); /* from 0 */
RP_EXPORT unsigned rp_worker_count(const struct rp_worker *worker);
/* Whether it takes in turns from outside, now or soon. False where a bot is only checked or tested: then an element does
 * nothing on its own account, such as looking at other servers. From attach on. */
RP_EXPORT bool rp_worker_serves(const struct rp_worker *worker);
RP_EXPORT uv_loop_t *rp_worker_loop(struct rp_worker *worker); /* for sockets of one's own */
RP_EXPORT int64_t rp_worker_now_ms(struct rp_worker *worker);  /* monotonic, as of the loop's last look at the clock */

/* ---- tasks: run soon, on this worker, from the top of the stack -------------------------------------------------- */

/* Lives in the caller's struct; zero it (but for `run`) before the first use. */
struct rp_task {
    void (*run)(struct rp_task *task);
    struct rp_task *next, *prev; /* the core's */
};
RP_EXPORT void rp_task_schedule(struct rp_worker *worker, struct rp_task *task); /* again while queued: no effect */
RP_EXPORT void rp_task_cancel(struct rp_worker *worker, struct rp_task *task);   /* not queued: no effect */

/* ---- timers ------------------------------------------------------------------------------------------------------ */

/* Lives in the caller's struct; zero it (but for `run`) before the first use. Stop it before its memory goes. */
struct rp_timer {
    void (*run)(struct rp_timer *timer);
    int64_t due; /* the core's: worker time in ms, and the place in its heap, 0 when not started */
    size_t place;
};
/* Once, `ms` from now, replacing what was started before. Starting and stopping cost no system call. */
RP_EXPORT void rp_timer_start(struct rp_worker *worker, struct rp_timer *timer, int64_t ms);
RP_EXPORT void rp_timer_stop(struct rp_worker *worker, struct rp_timer *timer); /* not started: no effect */
static inline bool rp_timer_started(const struct rp_timer *timer) {
    return timer->place != 0;
}

/* ---- between threads --------------------------------------------------------------------------------------------- */

/* Names a turn without pointing to it. */
struct rp_ticket {
    uint32_t worker, slot, generation;
};
/* Runs fn(worker, arg) on worker `index`. Messages from one thread arrive in order. The receiver owns `arg`: when the
 * worker is gone already, fn is called with worker NULL on the posting thread and only frees `arg`. */
RP_EXPORT void rp_worker_post(struct rp_worker *to, void (*fn)(struct rp_worker *worker, void *arg), void *arg);
RP_EXPORT struct rp_worker *rp_worker_at(const struct rp_worker *any, unsigned index);
RP_EXPORT struct rp_ticket rp_turn_ticket(const struct rp_turn *turn);
/* The turn that a ticket names, or NULL when it has ended: only on the ticket's own worker. */
RP_EXPORT struct rp_turn *rp_turn_find(struct rp_worker *worker, struct rp_ticket ticket);

/* ---- life of the process ------------------------------------------------------------------------------------------ */

/* A worker that is draining ends when nothing holds it any more or the drain deadline has passed. Turns hold it by
 * themselves; a listener holds it for each connection that still has bytes to send. */
RP_EXPORT void rp_worker_hold(struct rp_worker *worker);
RP_EXPORT void rp_worker_release(struct rp_worker *worker);
RP_EXPORT bool rp_worker_draining(const struct rp_worker *worker);
RP_EXPORT bool rp_ready(const struct rp_worker *worker); /* every worker has started and none is draining */
RP_EXPORT void rp_stop(struct rp_worker *worker, int exit_code); /* drain and end the process; any thread; first wins */

#ifdef __cplusplus
}
#endif
#endif
