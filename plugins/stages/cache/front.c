/* The front: shards by the upper bits of the key; the table in a shard uses the lower ones. */
#include "front.h"

#include <stdlib.h>

#include "shard.h"

#define SHARD_BYTES ((size_t)4 << 20) /* a shard below that decides badly */
#define SHARDS_MAX 16

struct front {
    atomic_uint refs;
    unsigned count;
    struct shard shards[];
};

struct front *front_create(size_t max) {
    unsigned count = 1;
    while (count < SHARDS_MAX && max / count > SHARD_BYTES) count *= 2;
    struct front *front = rp_calloc(1, sizeof *front + count * sizeof front->shards[0]);
    atomic_init(&front->refs, 1);
    front->count = count;
    for (unsigned i = 0; i < count; i++) shard_init(&front->shards[i], max / count);
    return front;
}

struct front *front_ref(struct front *front) {
    atomic_fetch_add(&front->refs, 1);
    return front;
}

void front_unref(struct front *front) {
    if (atomic_fetch_sub(&front->refs, 1) != 1) return;
    for (unsigned i = 0; i < front->count; i++) shard_finish(&front->shards[i]);
    free(front);
}

void front_resize(struct front *front, size_t max) {
    for (unsigned i = 0; i < front->count; i++) shard_resize(&front->shards[i], max / front->count);
}

static struct shard *shard_of(struct front *front, const struct key *key) {
    return &front->shards[(key_hash(key) >> 60) & (front->count - 1)];
}

struct answer *front_get(struct front *front, const struct key *key) {
    return shard_get(shard_of(front, key), key, true);
}

struct answer *front_peek(struct front *front, const struct key *key) {
    return shard_get(shard_of(front, key), key, false);
}

void front_put(struct front *front, struct answer *answer) {
    shard_put(shard_of(front, &answer->key), answer);
}

void front_del(struct front *front, const struct key *key) {
    shard_del(shard_of(front, key), key);
}

size_t front_bytes(struct front *front) {
    size_t bytes = 0;
    for (unsigned i = 0; i < front->count; i++) bytes += shard_bytes(&front->shards[i]);
    return bytes;
}
