/* The engine from the inside: what engine.c (start and end), reload.c (from one generation to the next) and
 * engine_control.c (what the control socket asks for) share. Main thread. */
#ifndef CORE_TURN_ENGINE_STATE_H
#define CORE_TURN_ENGINE_STATE_H

#include "core/turn/engine.h"
#include "core/turn/generation.h"
#include "core/turn/reload.h"

struct engine {
    struct worker_group group; /* first: on_stop gets the group */
    const struct engine_options *options;
    struct session_hub *hub;
    struct generation *generations; /* all there are, the newest first */
    struct generation *current;     /* the one that serves */
    struct reload reload;
    struct report report; /* of the start */
    uv_sem_t step;        /* at the start: a worker has attached, or entered */
    int64_t started_ms;   /* rp_wall_ms() */
    bool on_terminal;     /* somebody sits in front of it */

    uv_loop_t loop; /* the main thread's, for signals, the control socket and what workers tell */
    uv_signal_t interrupt, terminate, hangup;
    uv_async_t stop_wanted, worker_ended, generation_stepped;
    struct control *control; /* NULL: none */
    struct asker *askers;    /* engine_control.c's */
    atomic_int exit_code, ended;
    atomic_bool stop_asked;
    bool stopping;
};

/* engine.c */
void engine_post(struct engine *engine, unsigned worker, void (*fn)(struct rp_worker *worker, void *arg), void *arg);
void engine_post_all(struct engine *engine, void (*fn)(struct rp_worker *worker, void *arg), void *arg);
void engine_attach(struct rp_worker *worker, void *generation); /* to be posted */
void engine_enter(struct rp_worker *worker, void *generation);
int engine_open_log(const struct engine *engine, const struct bot *bot, struct report *report);
void engine_stop(struct engine *engine);

/* engine_control.c */
int engine_control_open(struct engine *engine, struct rp_error *error);
void engine_control_close(struct engine *engine);

#endif
