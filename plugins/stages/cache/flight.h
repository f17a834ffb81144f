/* Flights: calls of the stages behind, each for all the turns that ask the same at the same time.
 *
 * A flight belongs to the worker of the turn that began it; there a branch of that turn runs the stages behind. What
 * comes is written down in blocks that never change; riders read them, each at its own pace, on whatever worker they are,
 * and are woken when there is another one. The branch is asked for more at once, however slow the riders are: all of the
 * reply is wanted, to be kept; its size is bounded like any reply's. */
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include "cache.h"

struct block {
    struct block *next;
    enum rp_flow flow;
    struct rp_chunk chunk; /* its texts lie in `bytes` */
    char bytes[];
};

struct flight;
struct rider;

struct lane { /* the riders of one worker */
    struct flight *flight;
    struct rider *first; /* the worker's own */
    unsigned count;      /* under the flight's lock */
    bool woken;          /* the same: a message or a task is on its way */
    struct rp_task task; /* of the flight's own worker */
};

struct flight {
    atomic_uint refs;
    struct cache *cache;
    struct key key;
    /* under the registry's lock */
    struct flight *chain;
    unsigned riders;
    bool listed, renewal;
    /* the own worker's */
    struct rp_worker *worker;
    struct rp_sink sink;
    struct rp_turn *branch; /* NULL: it has ended */
    struct look *look;
    bool tools;
    /* under the lock */
    uv_mutex_t lock;
    struct block *first, *last;
    char by[128];
    bool from_store;
    unsigned lane_count;
    struct lane lanes[];
};

struct registry {
    uv_mutex_t lock;
    struct flight *buckets[1024];
};

/* Finds or begins one, and takes a seat in it. NULL: *out_kept has the answer already. */
struct flight *flight_board(struct cache *cache, struct rp_turn *turn, const struct key *key, bool *out_began,
                            struct answer **out_kept);
/* Gives the seat back, on the rider's worker. The last one out ends the call. */
void flight_leave(struct flight *flight, const struct rp_worker *worker);
void flight_ref(struct flight *flight);
void flight_unref(struct flight *flight);
void lane_run(struct lane *lane); /* rider.c: gives everybody what there is */

#endif
