/* A generation: a bot that is open, on its way through the workers: attached to each, entered (the switch: new turns are
 * its own), left when another has entered and its last turn there has ended, detached. The main thread makes and
 * ends it and follows its way by three counts; everything else happens on the worker. */
#ifndef CORE_TURN_GENERATION_H
#define CORE_TURN_GENERATION_H

#include "core/turn/turn.h"

struct generation_part { /* one worker's */
    struct generation *generation;
    struct generation_part *next; /* in the worker's list of those that are attached */
    struct rp_worker *worker;
    atomic_uint holds; /* turns, requests, connections that go by this generation; read by others */
    bool attached, entered, left;
    unsigned passes; /* of the loop since the detaching */
    struct rp_task task;
    struct report report; /* of the attaching; the main thread's as soon as that is counted */
};

struct generation {
    struct turn_runtime runtime; /* first */
    struct bot *bot;
    unsigned number; /* from 1 */
    struct generation *next; /* main thread: in the engine's list */
    const char *only;        /* see bot_begin */
    atomic_uint attached, refused, entered, detached; /* workers that have done so; refused: attaching has failed */
    atomic_uint swept; /* workers that have looked at all messages since the last worker has detached */
    void (*on_step)(void *arg); /* one of the counts has changed; any worker */
    void *arg;
    unsigned workers;
    bool sweeping; /* main thread: the workers have been asked to */
    struct generation_part parts[]; /* by worker */
};

/* Takes the bot. */
struct generation *generation_create(struct bot *bot, unsigned number, unsigned workers, struct session_hub *hub);
void generation_destroy(struct generation *generation); /* and frees the bot, which must be closed */
unsigned generation_holds(const struct generation *generation); /* right now */
void generation_report(const struct generation *generation, struct report *report); /* adds what attaching has told */

/* On the worker: */
void generation_attach(struct generation *generation, struct rp_worker *worker);
void generation_enter(struct generation *generation, struct rp_worker *worker);
void generation_detach(struct generation *generation, struct rp_worker *worker); /* not attached: no effect */
void generation_sweep(struct generation *generation, struct rp_worker *worker);
/* At the end of the worker, all generations at once: take in no more; be gone. */
void generation_drain_all(struct rp_worker *worker);
void generation_detach_all(struct rp_worker *worker);

/* One hold more or less; NULL: no effect (tests). */
void generation_hold(struct generation *generation, struct rp_worker *worker);
void generation_release(struct generation *generation, struct rp_worker *worker);

#endif
