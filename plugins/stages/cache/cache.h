/* The cache stage: what its files share.
 *
 * A question becomes a key (key.c). An answer is looked for in memory (front.c), then on a shelf, the store that several
 * machines share (look.c, shelf.c), and is played back (replay.c). Else the stages behind are asked: once for all turns
 * that ask the same at the same time (flight.c, rider.c); or, where a turn has something of its own in its prompt, for
 * it alone, with a tap that keeps what comes (keep.c). */
#ifndef CACHE_H
#define CACHE_H

#include <repartee/metrics.h>
#include <repartee/plugin.h>

#include "answer.h"
#include "front.h"

struct options {
    int64_t ttl, stale; /* ms */
    int64_t max, max_reply;
    struct rp_store *store; /* NULL: none */
    int64_t patience;       /* ms */
    int per, history;       /* enum per, enum history */
    struct rp_option_list vary;
    bool exact, share;
};
enum per { PER_BOT, PER_USER };
enum history { HISTORY_SKIP, HISTORY_KEY, HISTORY_IGNORE };

struct counts {
    struct rp_metric *hits_memory, *hits_store, *stale, *misses, *joined, *passed, *stored, *store_errors, *bytes;
};

struct registry; /* flights under way, by key */

struct cache { /* an element's state */
    const struct rp_element *element;
    const struct options *options;
    struct front *front;
    struct registry *registry;
    struct counts counts;
    _Atomic int64_t away_ns;   /* rp_steady_ns() until which the store is not asked, as it has just failed; 0: never yet */
    _Atomic int64_t warned_ns; /* rp_now_ns() */
};

/* ---- key.c ------------------------------------------------------------------------------------------------------- */

/* NULL and the key; or why the turn's answer cannot be found again: "history". */
const char *key_of(const struct cache *cache, struct rp_turn *turn, struct key *out_key);
bool key_goes_on(struct rp_turn *turn); /* a conversation that has begun before */
/* The message as it is compared; in the turn's arena. */
struct rp_str fold(struct rp_turn *turn, struct rp_str message);

/* ---- shelf.c: the store behind ----------------------------------------------------------------------------------- */

bool shelf_usable(struct cache *cache); /* there is a store, and it has not just failed */
void shelf_failed(struct cache *cache);
void shelf_put(struct cache *cache, struct rp_worker *worker, const struct answer *answer);
void shelf_del(struct cache *cache, struct rp_worker *worker, const struct key *key);
#define SHELF_KEY_SIZE (sizeof "cache/" + 2 * KEY_SIZE)
struct rp_str shelf_key(const struct key *key, char space[SHELF_KEY_SIZE]);

/* An answer that may be given now, fresh or stale. */
bool answer_alive(const struct cache *cache, const struct answer *answer);
bool answer_stale(const struct cache *cache, const struct answer *answer);
/* To memory and to the shelf, when it is worth it. Takes over nothing. */
void cache_keep(struct cache *cache, struct rp_worker *worker, struct answer *answer);

/* ---- look.c: a look on the shelf ---------------------------------------------------------------------------------- */

struct look;
/* Calls found(arg, answer) once on this worker, perhaps before it returns: the answer is borrowed, and is in the front
 * already; NULL: there is none, or the store fails, or takes too long. `slot` is the caller's, and NULL again as soon as
 * nothing is awaited. */
void look_start(struct cache *cache, struct rp_worker *worker, const struct key *key, struct look **slot,
                void (*found)(void *arg, struct answer *answer), void *arg);
void look_forget(struct look **slot); /* found will not be called any more */

/* ---- flight.c, rider.c: one call for many turns -------------------------------------------------------------------- */

struct registry *registry_create(void);
void registry_destroy(struct registry *registry);
/* A source that gives what the stages behind say, shared with all turns that have the same key: joins what is under way,
 * or begins it. Or what has been kept in the meantime: then *out_kept is that answer, a reference, and NULL is returned. */
struct rp_source *ride(struct cache *cache, struct rp_turn *turn, const struct key *key, struct answer **out_kept);
/* Gets a new answer for a stale one, with nobody waiting. */
void renew(struct cache *cache, struct rp_turn *turn, const struct key *key);

/* ---- replay.c, keep.c ----------------------------------------------------------------------------------------------- */

struct rp_source *replay(struct rp_turn *turn, struct answer *answer);
void keep_reply(struct cache *cache, struct rp_turn *turn, const struct key *key); /* hangs a tap into the turn */

/* ---- cache.c: the stage -------------------------------------------------------------------------------------------- */

int cache_open(struct rp_element *element, struct rp_error *error);
void cache_close(struct rp_element *element);
int cache_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void cache_detach(struct rp_element *element, struct rp_worker *worker, void *local);
enum rp_outcome cache_on_turn(struct rp_stage *stage, struct rp_turn *turn);
void cache_cancel(struct rp_stage *stage, struct rp_turn *turn);

#endif
