/* The store's calls: which shard a key belongs to, and the answer, always before the call returns. What it keeps outlives
 * a reload: the store of the new generation has the same memory.
 *
 * A key's shard and bucket come from SipHash with a random key, so that no client can choose keys that collide. */
#include "memory.h"

#include <inttypes.h>
#include <repartee/log.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define QUIET_NS INT64_C(60000000000) /* between two warnings about evictions */

struct memory {
    unsigned users; /* generations that have it open */
    unsigned char key[crypto_shorthash_KEYBYTES];
    _Atomic size_t share; /* bytes of one shard */
    _Atomic int64_t warned_ns;
    struct shard shards[SHARDS];
};

_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "one hash is one number");

static uint64_t hash_of(const struct memory *memory, struct rp_str key) {
    uint64_t hash;

    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)(key.data ? key.data : ""), key.len, memory->key);
    return hash;
}

/* The upper bits: the table inside uses the lower ones. */
static struct shard *shard_of(struct memory *memory, uint64_t hash) {
    return &memory->shards[hash >> 60 & (SHARDS - 1)];
}

static int64_t now_of(struct rp_worker *worker) {
    return worker ? rp_worker_now_ms(worker) : rp_steady_ns() / 1000000;
}

static int64_t expiry(int64_t now_ms, int64_t ttl_ms) {
    if (ttl_ms <= 0) return 0;
    return ttl_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + ttl_ms;
}

static size_t share_of(const struct rp_element *element) {
    return (size_t)((const struct options *)element->options)->max / SHARDS;
}

/* NULL: there is no lock to be had. */
static struct memory *memory_create(size_t share) {
    struct memory *memory = rp_calloc(1, sizeof *memory);
    unsigned made = 0;

    rp_random(memory->key, sizeof memory->key);
    memory->share = share;
    while (made < SHARDS && shard_init(&memory->shards[made], share) == 0) made++;
    if (made == SHARDS) return memory;
    while (made > 0) shard_finish(&memory->shards[--made]);
    free(memory);
    return NULL;
}

int store_open(struct rp_element *element, struct rp_error *error) {
    struct memory *memory = element->before ? element->before->state : memory_create(share_of(element));

    if (!memory) return rp_error_set(error, RP_ENOMEM, "cannot make a lock");
    memory->users++;
    element->state = memory;
    return 0;
}

/* The limit may have changed: it is not before the switch that it counts. */
void store_adopt(struct rp_element *element, struct rp_worker *worker) {
    struct memory *memory = element->state;

    (void)worker;
    if (memory->share == share_of(element)) return;
    memory->share = share_of(element);
    for (unsigned i = 0; i < SHARDS; i++) shard_set_max(&memory->shards[i], memory->share);
}

void store_close(struct rp_element *element) {
    struct memory *memory = element->state;

    element->state = NULL;
    if (--memory->users > 0) return;
    for (unsigned i = 0; i < SHARDS; i++) shard_finish(&memory->shards[i]);
    free(memory);
}

void store_get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    struct memory *memory = store->element.state;
    uint64_t hash = hash_of(memory, key);
    struct entry *entry = shard_get(shard_of(memory, hash), key, hash, now_of(worker));

    if (!entry) {
        op->done(op, -RP_ENOTFOUND, rp_str_n(NULL, 0));
        return;
    }
    op->done(op, 0, entry_value(entry));
    entry_unref(entry);
}

/* Once a minute at most: at its ceiling the store evicts with nearly every call. */
static void warn_evicted(struct rp_store *store, struct memory *memory) {
    int64_t now = rp_now_ns(), last = atomic_load_explicit(&memory->warned_ns, memory_order_relaxed);

    if (last && now - last < QUIET_NS) return;
    if (!atomic_compare_exchange_strong(&memory->warned_ns, &last, now)) return;
    rp_log(RP_LOG_WARN, "memory",
           "the store '%s' is full and forgets what was not used for the longest time: raise 'max'",
           store->element.name);
}

void store_put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value, int64_t ttl_ms,
               struct rp_store_op *op) {
    struct memory *memory = store->element.state;
    struct rp_str nothing = {NULL, 0};

    if (entry_cost(key, value) > memory->share) {
        op->done(op, -RP_ETOOLARGE, nothing);
        return;
    }
    uint64_t hash = hash_of(memory, key);
    int64_t now_ms = now_of(worker);
    struct entry *entry = entry_create(key, value, hash, expiry(now_ms, ttl_ms));
    if (!entry) {
        op->done(op, -RP_ENOMEM, nothing);
        return;
    }
    if (shard_put(shard_of(memory, hash), entry, now_ms) > 0) warn_evicted(store, memory);
    op->done(op, 0, nothing);
}

void store_del(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    struct memory *memory = store->element.state;
    uint64_t hash = hash_of(memory, key);

    shard_del(shard_of(memory, hash), key, hash, now_of(worker));
    op->done(op, 0, rp_str_n(NULL, 0));
}

void store_add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
               struct rp_store_op *op) {
    static const char room[NUMBER_SIZE + 1];
    struct memory *memory = store->element.state;
    uint64_t hash = hash_of(memory, key);
    int64_t now_ms = now_of(worker), sum;
    size_t evicted = 0;
    char text[NUMBER_SIZE + 1];
    bool fits = entry_cost(key, rp_str_n(room, sizeof room)) <= memory->share;
    struct entry *entry = fits ? entry_create(key, rp_str_n(room, sizeof room), hash, expiry(now_ms, ttl_ms)) : NULL;
    if (!entry) {
        op->done(op, fits ? -RP_ENOMEM : -RP_ETOOLARGE, rp_str_n(NULL, 0));
        return;
    }
    int code = shard_add(shard_of(memory, hash), entry, delta, now_ms, &sum, &evicted);
    if (evicted > 0) warn_evicted(store, memory);
    int len = code == 0 ? snprintf(text, sizeof text, "%" PRId64, sum) : 0;
    op->done(op, code, rp_str_n(text, (size_t)len));
}
