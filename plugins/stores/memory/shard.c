/* One shard: a hash table, the order of use for eviction, and the clearing away of what has expired.
 *
 * No operation takes long under the lock: the table grows by splitting one bucket per new entry, each call looks for
 * expired entries in a few buckets only, and memory is given back after the lock is released. */
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64
#define SWEEP_BUCKETS 1 /* a call; a turn reads and writes, and adds one entry at most: the sweep is the faster of the two */

int shard_init(struct shard *shard, size_t max) {
    *shard = (struct shard){.size = FIRST_BUCKETS, .room = FIRST_BUCKETS, .mask = FIRST_BUCKETS - 1, .max = max};
    shard->buckets = rp_calloc(FIRST_BUCKETS, sizeof *shard->buckets);
    int status = uv_mutex_init(&shard->lock);
    if (status) free(shard->buckets);
    return status;
}

void shard_finish(struct shard *shard) {
    for (size_t i = 0; i < shard->size; i++) entry_unref_chain(shard->buckets[i]);
    free(shard->buckets);
    uv_mutex_destroy(&shard->lock);
}

/* ---- the order of use ------------------------------------------------------------------------------------------- */

static struct use_list *list_of(struct shard *shard, const struct entry *entry) {
    return entry->is_sum ? &shard->sums : &shard->values;
}

static size_t cost_of(const struct entry *entry) {
    return entry_cost(entry_key(entry), entry_value(entry));
}

static void unlink_use(struct shard *shard, struct entry *entry) {
    struct use_list *list = list_of(shard, entry);
    *(entry->newer ? &entry->newer->older : &list->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &list->oldest) = entry->newer;
    list->cost -= cost_of(entry);
}

static void link_newest(struct shard *shard, struct entry *entry) {
    struct use_list *list = list_of(shard, entry);
    entry->newer = NULL;
    entry->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = entry;
    list->newest = entry;
    list->cost += cost_of(entry);
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* Buckets beyond `size` are not split off yet: their entries are still where half the mask leads. */
static size_t bucket_of(const struct shard *shard, uint64_t hash) {
    size_t bucket = (size_t)hash & shard->mask;
    return bucket < shard->size ? bucket : bucket & (shard->mask >> 1);
}

static struct entry **find(struct shard *shard, struct rp_str key, uint64_t hash) {
    struct entry **place = &shard->buckets[bucket_of(shard, hash)];

    while (*place && ((*place)->hash != hash || !rp_str_equal(entry_key(*place), key))) place = &(*place)->chain;
    return place;
}

/* Takes the entry out and puts it in front of `gone`. */
static void take_out(struct shard *shard, struct entry **place, struct entry **gone) {
    struct entry *entry = *place;

    *place = entry->chain;
    unlink_use(shard, entry);
    shard->count--;
    shard->cost -= cost_of(entry);
    entry->chain = *gone;
    *gone = entry;
}

/* false: there is no memory for more buckets. Chains get longer, nothing else. */
static bool make_room(struct shard *shard) {
    if (shard->size < shard->room) return true;
    struct entry **buckets = realloc(shard->buckets, 2 * shard->room * sizeof *buckets);
    if (!buckets) return false;
    shard->buckets = buckets;
    shard->room *= 2;
    return true;
}

/* Linear hashing: one more bucket, which gets its share of the entries of one older bucket. */
static void split_bucket(struct shard *shard) {
    if (!make_room(shard)) return;
    size_t added = shard->size++;
    if (added > shard->mask) shard->mask = 2 * shard->mask + 1;
    struct entry **from = &shard->buckets[added & (shard->mask >> 1)];
    struct entry **to = &shard->buckets[added];
    while (*from) {
        struct entry *entry = *from;
        if (bucket_of(shard, entry->hash) != added) {
            from = &entry->chain;
            continue;
        }
        *from = entry->chain;
        *to = entry;
        to = &entry->chain;
    }
    *to = NULL;
}

/* ---- expiry and eviction ---------------------------------------------------------------------------------------- */

static bool expired(const struct entry *entry, int64_t now_ms) {
    return entry->expires_ms && entry->expires_ms <= now_ms;
}

static void sweep(struct shard *shard, int64_t now_ms, struct entry **gone) {
    for (int i = 0; i < SWEEP_BUCKETS; i++) {
        if (shard->sweep >= shard->size) shard->sweep = 0;
        struct entry **place = &shard->buckets[shard->sweep++];
        while (*place) {
            if (expired(*place, now_ms)) {
                take_out(shard, place, gone);
            } else {
                place = &(*place)->chain;
            }
        }
    }
}

/* A value, unless there is none, or the sums have more than half of the room. */
static struct entry *oldest_of(const struct shard *shard) {
    bool sums = !shard->values.oldest || shard->sums.cost > shard->max / 2;
    return sums ? shard->sums.oldest : shard->values.oldest;
}

/* Makes room for `more`; what had expired anyway does not count. */
static size_t evict(struct shard *shard, size_t more, int64_t now_ms, struct entry **gone) {
    size_t evicted = 0;

    for (struct entry *oldest; shard->cost + more > shard->max && (oldest = oldest_of(shard));) {
        if (!expired(oldest, now_ms)) evicted++;
        take_out(shard, find(shard, entry_key(oldest), oldest->hash), gone);
    }
    return evicted;
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

struct entry *shard_get(struct shard *shard, struct rp_str key, uint64_t hash, int64_t now_ms) {
    struct entry *gone = NULL;

    uv_mutex_lock(&shard->lock);
    sweep(shard, now_ms, &gone);
    struct entry **place = find(shard, key, hash);
    struct entry *found = *place;
    if (found && expired(found, now_ms)) {
        take_out(shard, place, &gone);
        found = NULL;
    } else if (found) {
        entry_ref(found);
        unlink_use(shard, found);
        link_newest(shard, found);
    }
    uv_mutex_unlock(&shard->lock);
    entry_unref_chain(gone);
    return found;
}

/* Instead of the entry at `place`, if there is one. How many others had to go. */
static size_t put_in(struct shard *shard, struct entry **place, struct entry *entry, int64_t now_ms,
                     struct entry **gone) {
    size_t cost = cost_of(entry);
    if (*place) take_out(shard, place, gone);
    size_t evicted = evict(shard, cost, now_ms, gone);
    if (shard->count >= shard->size) split_bucket(shard);
    place = &shard->buckets[bucket_of(shard, entry->hash)];
    entry->chain = *place;
    *place = entry;
    link_newest(shard, entry);
    shard->count++;
    shard->cost += cost;
    return evicted;
}

size_t shard_put(struct shard *shard, struct entry *entry, int64_t now_ms) {
    struct entry *gone = NULL;

    uv_mutex_lock(&shard->lock);
    sweep(shard, now_ms, &gone);
    size_t evicted = put_in(shard, find(shard, entry_key(entry), entry->hash), entry, now_ms, &gone);
    uv_mutex_unlock(&shard->lock);
    entry_unref_chain(gone);
    return evicted;
}

static int sum_of(const struct entry *found, int64_t delta, int64_t *out_sum) {
    int64_t number = 0;
    int code = found ? rp_str_int64(entry_value(found), &number) : 0;
    if (code == 0 && __builtin_add_overflow(number, delta, out_sum)) code = -RP_EINVALID;
    return code;
}

int shard_add(struct shard *shard, struct entry *entry, int64_t delta, int64_t now_ms, int64_t *out_sum,
              size_t *out_evicted) {
    struct entry *gone = NULL;

    uv_mutex_lock(&shard->lock);
    sweep(shard, now_ms, &gone);
    struct entry **place = find(shard, entry_key(entry), entry->hash);
    if (*place && expired(*place, now_ms)) {
        take_out(shard, place, &gone);
        place = find(shard, entry_key(entry), entry->hash);
    }
    int code = sum_of(*place, delta, out_sum);
    if (code == 0) {
        if (*place) entry->expires_ms = (*place)->expires_ms;
        entry->is_sum = true;
        entry->value_len = (size_t)snprintf(entry->bytes + entry->key_len, NUMBER_SIZE + 1, "%" PRId64, *out_sum);
        *out_evicted = put_in(shard, place, entry, now_ms, &gone);
    }
    uv_mutex_unlock(&shard->lock);
    entry_unref_chain(gone);
    if (code != 0) entry_unref(entry);
    return code;
}

void shard_set_max(struct shard *shard, size_t max) {
    uv_mutex_lock(&shard->lock);
    shard->max = max; /* the next put makes the room */
    uv_mutex_unlock(&shard->lock);
}

void shard_del(struct shard *shard, struct rp_str key, uint64_t hash, int64_t now_ms) {
    struct entry *gone = NULL;

    uv_mutex_lock(&shard->lock);
    sweep(shard, now_ms, &gone);
    struct entry **place = find(shard, key, hash);
    if (*place) take_out(shard, place, &gone);
    uv_mutex_unlock(&shard->lock);
    entry_unref_chain(gone);
}
