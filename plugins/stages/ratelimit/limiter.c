/* The table: sixteen shards, each with its lock and its own buckets that double in number as they fill. A key may stand
 * in either of two buckets and goes into the emptier one, so that a table is three quarters full before anybody has to be
 * forgotten. A look-up reads both buckets, four cache lines, and an entry is freed by time alone. */
#include "limiter.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SHARDS 16 /* a power of two */
#define SLOTS 8   /* of a bucket: two cache lines */
#define FIRST_BUCKETS 2
#define KINDS 4
#define HORIZON (INT64_MAX / 4) /* 73 years: sums of two times do not overflow */

struct entry {
    uint64_t key;
    int64_t empty_ns; /* GCRA's theoretical arrival time; free as soon as it has passed */
};
struct bucket {
    struct entry slots[SLOTS];
};
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    int64_t now_ns; /* the latest that was asked for: whoever waited for the lock must not turn the clock back */
    struct bucket *buckets;
    size_t count;
};
struct limiter {
    unsigned users;
    atomic_flag inherited;
    int64_t interval_ns; /* one message */
    int64_t burst_ns;    /* as many intervals as messages may come at once */
    size_t buckets_max;  /* of a shard */
    unsigned char secrets[KINDS][crypto_shorthash_KEYBYTES];
    struct shard shards[SHARDS];
};

static int64_t bounded(double ns) {
    if (ns < 1) return 1;
    return ns < (double)HORIZON ? (int64_t)ns : HORIZON;
}

struct limiter *limiter_create(double rate, int64_t burst, size_t entries) {
    struct limiter *limiter = aligned_alloc(_Alignof(struct limiter), sizeof(*limiter));
    if (!limiter) abort();
    memset(limiter, 0, sizeof(*limiter));
    limiter->users = 1;
    atomic_flag_clear(&limiter->inherited);
    limiter->interval_ns = bounded(1e9 / rate);
    limiter->burst_ns = bounded((double)limiter->interval_ns * (double)burst);
    limiter->buckets_max = (entries + SHARDS * SLOTS - 1) / (SHARDS * SLOTS);
    if (limiter->buckets_max < FIRST_BUCKETS) limiter->buckets_max = FIRST_BUCKETS;
    rp_random(limiter->secrets, sizeof(limiter->secrets));
    for (size_t i = 0; i < SHARDS; i++) {
        if (pthread_mutex_init(&limiter->shards[i].lock, NULL)) abort();
        limiter->shards[i].count = FIRST_BUCKETS;
        limiter->shards[i].buckets = rp_calloc(FIRST_BUCKETS, sizeof(struct bucket));
    }
    return limiter;
}

void limiter_destroy(struct limiter *limiter) {
    if (!limiter || --limiter->users > 0) return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&limiter->shards[i].lock);
        free(limiter->shards[i].buckets);
    }
    free(limiter);
}

static struct bucket *bucket_of(struct shard *shard, uint64_t key, int side) {
    uint64_t bits = (side ? key >> 28 : key) & UINT32_MAX;
    return &shard->buckets[bits * shard->count >> 32];
}

/* The key's own entry, else the one to use for it: of the emptier bucket the entry that is free soonest. */
static struct entry *find(struct shard *shard, uint64_t key) {
    struct entry *place = NULL;
    int most_free = -1;
    for (int side = 0; side < 2; side++) {
        struct entry *slots = bucket_of(shard, key, side)->slots, *soonest = slots;
        int free_slots = 0;
        for (int i = 0; i < SLOTS; i++) {
            if (slots[i].key == key) return &slots[i];
            free_slots += slots[i].empty_ns <= shard->now_ns;
            if (slots[i].empty_ns < soonest->empty_ns) soonest = &slots[i];
        }
        if (free_slots < most_free || (free_slots == most_free && soonest->empty_ns >= place->empty_ns)) continue;
        place = soonest;
        most_free = free_slots;
    }
    return place;
}

/* Moves what is still needed into the shard's buckets. False: two full buckets would have to forget somebody. */
static bool move(struct shard *shard, const struct bucket *from, size_t count) {
    bool kept_all = true;
    for (size_t i = 0; i < count * SLOTS; i++) {
        const struct entry *entry = &from[i / SLOTS].slots[i % SLOTS];
        if (entry->empty_ns <= shard->now_ns) continue;
        struct entry *place = find(shard, entry->key);
        kept_all = kept_all && place->empty_ns <= shard->now_ns;
        if (place->empty_ns < entry->empty_ns) *place = *entry;
    }
    return kept_all;
}

/* Doubles the buckets, once more where the keys happen to crowd: nobody is forgotten while the table may grow. */
static void grow(struct shard *shard, size_t most) {
    struct bucket *old = shard->buckets;
    size_t count = shard->count;
    shard->buckets = NULL;
    do {
        free(shard->buckets);
        shard->count = shard->count * 2 < most ? shard->count * 2 : most;
        shard->buckets = rp_calloc(shard->count, sizeof(*old));
    } while (!move(shard, old, count) && shard->count < most);
    free(old);
}

static struct entry *place_for(struct shard *shard, uint64_t key, size_t buckets_max) {
    struct entry *entry = find(shard, key);
    while (entry->key != key && entry->empty_ns > shard->now_ns && shard->count < buckets_max) {
        grow(shard, buckets_max);
        entry = find(shard, key);
    }
    if (entry->key != key) *entry = (struct entry){.key = key};
    return entry;
}

static uint64_t hash(const struct limiter *limiter, unsigned kind, struct rp_str key) {
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t value;
    crypto_shorthash(bytes, (const unsigned char *)(key.data ? key.data : ""), key.len, limiter->secrets[kind % KINDS]);
    memcpy(&value, bytes, sizeof(value));
    return value;
}

int64_t limiter_take(struct limiter *limiter, unsigned kind, struct rp_str key, int64_t now_ns) {
    uint64_t value = hash(limiter, kind, key);
    struct shard *shard = &limiter->shards[value >> 60 & (SHARDS - 1)];
    pthread_mutex_lock(&shard->lock);
    if (now_ns > shard->now_ns) shard->now_ns = now_ns;
    now_ns = shard->now_ns;
    struct entry *entry = place_for(shard, value, limiter->buckets_max);
    int64_t from = entry->empty_ns > now_ns ? entry->empty_ns : now_ns;
    int64_t wait = from + limiter->interval_ns - now_ns - limiter->burst_ns;
    if (wait <= 0) entry->empty_ns = from + limiter->interval_ns;
    pthread_mutex_unlock(&shard->lock);
    return wait > 0 ? wait : 0;
}

/* ---- following ------------------------------------------------------------------------------------------------------ */

static bool same_numbers(const struct limiter *a, const struct limiter *b) {
    return a->interval_ns == b->interval_ns && a->burst_ns == b->burst_ns && a->buckets_max == b->buckets_max;
}

struct limiter *limiter_follow(struct limiter *before, double rate, int64_t burst, size_t entries) {
    struct limiter *limiter = limiter_create(rate, burst, entries);
    if (!same_numbers(limiter, before)) {
        memcpy(limiter->secrets, before->secrets, sizeof(limiter->secrets)); /* keys keep their hashes */
        return limiter;
    }
    limiter_destroy(limiter);
    before->users++;
    return before;
}

/* The messages that count against a key go on counting, each for as long as one does now. */
static void inherit_entry(struct limiter *limiter, struct shard *shard, const struct entry *old, double factor) {
    struct entry *entry = place_for(shard, old->key, limiter->buckets_max);
    double left = (double)(old->empty_ns - shard->now_ns) * factor;
    int64_t from = entry->empty_ns > shard->now_ns ? entry->empty_ns : shard->now_ns;
    int64_t full = shard->now_ns + limiter->burst_ns;
    entry->empty_ns = left < (double)(full - from) ? from + (int64_t)left : full;
}

static void inherit_shard(struct limiter *limiter, struct shard *shard, const struct shard *old, int64_t now_ns,
                          double factor) {
    shard->now_ns = now_ns > old->now_ns ? now_ns : old->now_ns;
    for (size_t i = 0; i < old->count * SLOTS; i++) {
        const struct entry *entry = &old->buckets[i / SLOTS].slots[i % SLOTS];
        if (entry->empty_ns > shard->now_ns) inherit_entry(limiter, shard, entry, factor);
    }
}

void limiter_inherit(struct limiter *limiter, struct limiter *before, int64_t now_ns) {
    if (limiter == before || atomic_flag_test_and_set(&limiter->inherited)) return;
    double factor = (double)limiter->interval_ns / (double)before->interval_ns;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&before->shards[i].lock);
        pthread_mutex_lock(&limiter->shards[i].lock);
        inherit_shard(limiter, &limiter->shards[i], &before->shards[i], now_ns, factor);
        pthread_mutex_unlock(&limiter->shards[i].lock);
        pthread_mutex_unlock(&before->shards[i].lock);
    }
}

size_t limiter_capacity(struct limiter *limiter) {
    size_t capacity = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&limiter->shards[i].lock);
        capacity += limiter->shards[i].count * SLOTS;
        pthread_mutex_unlock(&limiter->shards[i].lock);
    }
    return capacity;
}
