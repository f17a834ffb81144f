/* Who may send how often: GCRA over a table of bounded size, shared by all threads.
 *
 * For each key one number is kept, the time at which its bucket will be empty again. A key whose time has passed needs
 * no memory. Keys are kept as 64-bit keyed hashes, 16 bytes an entry, time included; two keys share a limit with a
 * probability of about 1 in 2^64 for each pair, and nobody outside can make them.
 *
 * When a place is needed and every entry that could hold the key is in use, the one that would be free soonest is
 * forgotten, which lets its key begin anew: a flood of new keys pushes out its own kind, not those over their limit. */
#ifndef RATELIMIT_LIMITER_H
#define RATELIMIT_LIMITER_H

#include <repartee/base.h>

struct limiter;

/* `rate` > 0 a second, `burst` ≥ 1 at once, `entries` ≥ 1 kept at most (rounded up to a few for each shard). */
struct limiter *limiter_create(double rate, int64_t burst, size_t entries);
void limiter_destroy(struct limiter *limiter); /* one user less; takes NULL */

/* For a reload: the limiter that takes the place of `before`. With the same numbers it is the same one, with one user more.
 * Otherwise it is a new one, to which limiter_inherit brings over who has written how much: the first call, on any
 * thread. Users come and go on one thread. */
struct limiter *limiter_follow(struct limiter *before, double rate, int64_t burst, size_t entries);
void limiter_inherit(struct limiter *limiter, struct limiter *before, int64_t now_ns);

/* `kind` keeps keys of different origin apart: a user may be called like an address. Returns 0 and counts the message,
 * or the nanoseconds after which it would be allowed, and does not count it. `now_ns` may go back a little, as clocks
 * read on several threads do. */
int64_t limiter_take(struct limiter *limiter, unsigned kind, struct rp_str key, int64_t now_ns);

size_t limiter_capacity(struct limiter *limiter); /* places that have memory now */

#endif
