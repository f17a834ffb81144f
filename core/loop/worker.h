/* A worker from the inside: what the turn machinery and the program need of it beyond <repartee/worker.h>.
 *
 * worker_create and worker_destroy belong to the thread that owns the group; worker_start runs the worker on a thread of
 * its own, worker_run on the caller's (tests). Everything else runs on the worker. */
#ifndef CORE_LOOP_WORKER_H
#define CORE_LOOP_WORKER_H

#include <stdatomic.h>

#include <repartee/worker.h>

struct http_client;
struct turn_table;
struct turn_runtime;
struct generation_part;

struct timer_heap {
    struct rp_timer **timers;
    size_t count, cap;
    int64_t armed; /* when the loop's timer fires; INT64_MAX: not armed */
    uv_timer_t clock;
};

struct post;

struct rp_worker {
    uv_loop_t loop;
    unsigned index;
    struct worker_group *group;

    struct rp_task ready; /* head of the ring of scheduled tasks */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* runs while tasks are left over, so that the loop does not sleep on them */
    struct timer_heap timers;

    uv_async_t wake;
    uv_mutex_t post_lock;
    struct post *post_first, **post_last;
    bool post_closed;

    unsigned holds;
    bool draining, drained, ended;
    struct rp_timer drain_deadline;
    struct rp_task drain_task;
    void (*on_drained)(struct rp_worker *worker);

    struct turn_table *turns;     /* core/turn's */
    struct turn_runtime *runtime; /* core/turn's: for new turns, shared by all workers of its generation */
    struct generation_part *generations; /* core/turn's: attached ones */
    struct session_timers *session_timers; /* core/turn's; NULL: none yet */
    struct event_posts *event_posts;       /* core/turn's; NULL: none yet */
    struct http_client *http;     /* made at the first fetch */
    uv_thread_t thread;
    bool threaded;
};

struct worker_group {
    unsigned count;
    struct rp_worker **workers;
    atomic_bool ready;
    bool serves; /* set before anything is attached */
    atomic_int turns; /* in flight, all workers together */
    unsigned host_connections; /* of a worker's HTTP client to one host; 0: the client's own number */
    void (*on_stop)(struct worker_group *group, int exit_code); /* any thread */
};

void worker_group_init(struct worker_group *group, unsigned count); /* creates the workers, starts none */
void worker_group_finish(struct worker_group *group);              /* all have ended and been joined */

void worker_start(struct rp_worker *worker); /* the loop runs on a new thread until worker_end */
void worker_join(struct rp_worker *worker);
void worker_run(struct rp_worker *worker);           /* the same on this thread */
void worker_turn_loop(struct rp_worker *worker);     /* one pass that does not wait */
void worker_wait_loop(struct rp_worker *worker);     /* one pass that waits until there is something to do */
bool worker_run_ready(struct rp_worker *worker);     /* only the scheduled tasks, without a look at the loop */
void worker_end(struct rp_worker *worker);           /* closes the worker's own handles; the loop ends with the last */
/* Calls on_drained once: when nothing holds the worker any more, or after `ms`. */
void worker_drain(struct rp_worker *worker, int64_t ms, void (*on_drained)(struct rp_worker *worker));
struct http_client *worker_http(struct rp_worker *worker);

/* timer.c */
void timer_heap_init(struct rp_worker *worker);
void timer_heap_finish(struct rp_worker *worker);
void timer_heap_poke(struct rp_worker *worker); /* the clock has been moved: looks at it now */

/* task.c */
void task_list_init(struct rp_worker *worker);
void task_list_close(struct rp_worker *worker);
bool task_list_run(struct rp_worker *worker); /* true: some are left */

#endif
