/* Reloading: from one generation to the next, step by step, on the main thread.
 *
 *     load, open, bind     at once, while the workers go on serving
 *     attach               worker by worker, so that only one of them is busy with it at a time
 *     enter                the switch, on all workers; from here on nothing can fail any more
 *
 * A mistake before the switch undoes the new generation, and nothing has changed. One reload at a time: whoever asks
 * meanwhile gets another one, right behind it, since the files may have changed. */
#ifndef CORE_TURN_RELOAD_H
#define CORE_TURN_RELOAD_H

#include "core/config/bot.h"

struct engine;
struct generation;

enum reload_phase { RELOAD_IDLE, RELOAD_ATTACHING, RELOAD_ENTERING, RELOAD_UNDOING };

struct reload_result {
    bool ok;
    unsigned generation; /* that serves now */
    int64_t at_ms;       /* rp_wall_ms() of the end; 0: there has been none */
    double ms;           /* how long it took */
    struct report report;
};

/* Somebody who wants to know how it ends; lives in the caller's struct. */
struct reload_waiter {
    void (*done)(struct reload_waiter *waiter, const struct reload_result *result); /* once */
    struct reload_waiter *next; /* the reload's */
};

struct reload {
    enum reload_phase phase;
    struct generation *generation; /* the new one, until the end */
    struct generation *before;     /* during the switch: the one that it replaces */
    struct reload_waiter *waiters; /* for the one that runs */
    struct reload_waiter *behind;  /* for the next one */
    bool again;                    /* there is to be a next one */
    unsigned posted;               /* workers that have been told to attach */
    int64_t started_ns;
    struct reload_result last;
};

/* `waiter` may be NULL: a signal. */
void reload_ask(struct engine *engine, struct reload_waiter *waiter);
void reload_forget(struct engine *engine, struct reload_waiter *waiter); /* it does not want to know any more */
/* A worker has gone a step with a generation: goes on, and closes generations that have left all workers. */
void reload_step(struct engine *engine);
void reload_watch(struct engine *engine, struct generation *generation); /* its steps are told to reload_step */
void reload_end(struct engine *engine); /* the process ends: tells those who wait, frees the result */

#endif
