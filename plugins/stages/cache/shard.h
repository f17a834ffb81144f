/* A part of the front: one lock, one table, one sketch, three lists in the order of use. */
#ifndef CACHE_SHARD_H
#define CACHE_SHARD_H

#include <uv.h>

#include "answer.h"
#include "sketch.h"

enum part { PART_WINDOW, PART_PROBATION, PART_PROTECTED, PARTS };

struct entry {
    struct entry *chain;         /* the next in its bucket */
    struct entry *newer, *older; /* in its part */
    enum part part;
    struct answer *answer;
};
struct part_list {
    struct entry *newest, *oldest;
    size_t bytes;
};
struct shard {
    uv_mutex_t lock;
    struct entry **buckets;
    size_t mask, count;
    size_t max; /* bytes of all parts */
    struct part_list parts[PARTS];
    struct sketch sketch;
};

void shard_init(struct shard *shard, size_t max);
void shard_finish(struct shard *shard);
struct answer *shard_get(struct shard *shard, const struct key *key, bool use); /* a reference, or NULL */
void shard_put(struct shard *shard, struct answer *answer);
void shard_del(struct shard *shard, const struct key *key);
size_t shard_bytes(struct shard *shard);
void shard_resize(struct shard *shard, size_t max);

#endif
