/* Answers in memory, bounded by bytes. Which ones stay is decided by W-TinyLFU: what is new comes into a small window;
 * what falls out of that takes the place of what was not used for the longest time, if it is asked for more often. So a
 * flood of questions that nobody repeats does not wash out those that are asked every minute.
 *
 * Calls come from any thread. Shared by the generations of a reload, counted. */
#ifndef CACHE_FRONT_H
#define CACHE_FRONT_H

#include "answer.h"

struct front;

struct front *front_create(size_t max); /* bytes */
struct front *front_ref(struct front *front);
void front_unref(struct front *front);
void front_resize(struct front *front, size_t max);
/* A reference, or NULL. It counts as a use, and as a wish when there is none; a peek does not. */
struct answer *front_get(struct front *front, const struct key *key);
struct answer *front_peek(struct front *front, const struct key *key);
void front_put(struct front *front, struct answer *answer); /* takes a reference of its own */
void front_del(struct front *front, const struct key *key);
size_t front_bytes(struct front *front);

#endif
