/* Which sessions have an item under way, and who waits for them: a hash table of first-in, first-out lines. */
#ifndef CORE_BATCH_QUEUES_H
#define CORE_BATCH_QUEUES_H

#include <sodium.h>

#include <repartee/base.h>

struct queued { /* first in what waits */
    struct queued *next;
};
struct queue { /* of one session, as long as it has an item under way */
    struct queue *next;
    struct queued *first, **last;
    size_t len;
    char key[];
};
struct queues {
    struct queue **buckets;
    size_t count; /* a power of two */
    unsigned char secret[crypto_shorthash_KEYBYTES];
};

void queues_init(struct queues *queues, size_t sessions); /* how many are expected at most */
void queues_finish(struct queues *queues);                /* none is left, or nobody waits in those that are */
/* The session's queue; `*out_free`: it is new, whoever asks need not wait. */
struct queue *queues_enter(struct queues *queues, struct rp_str session, bool *out_free);
void queue_add(struct queue *queue, struct queued *queued);
/* The item under way has ended: who is next, or NULL; then the queue is gone. */
struct queued *queues_leave(struct queues *queues, struct queue *queue);
/* Somebody who waits, in whichever queue; NULL: nobody does. Takes one walk for all of them. */
struct queued *queues_drop(struct queues *queues, size_t *bucket);

#endif
