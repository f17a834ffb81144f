/* The memory store: what its files share. Keys are spread over shards, each a hash table behind its own lock. */
#ifndef MEMORY_H
#define MEMORY_H

#include <repartee/plugin.h>
#include <stdatomic.h>

#define SHARDS 16

struct options {
    int64_t max; /* bytes of everything: keys, values, and what keeping them costs */
};

/* One key with its value. Immutable once it is in a shard: an overwrite is a new entry, so that a reader goes on with
 * the old one without a lock or a copy. */
struct entry {
    struct entry *chain;         /* the next in its bucket; free lists use it as well */
    struct entry *newer, *older; /* by last use, among its kind */
    bool is_sum;                 /* made by add */
    atomic_uint refs;
    uint64_t hash;
    int64_t expires_ms; /* 0: never */
    size_t key_len, value_len;
    char bytes[]; /* key, then value */
};

struct entry *entry_create(struct rp_str key, struct rp_str value, uint64_t hash, int64_t expires_ms);
void entry_ref(struct entry *entry);
void entry_unref(struct entry *entry); /* takes NULL */
void entry_unref_chain(struct entry *entry);
size_t entry_cost(struct rp_str key, struct rp_str value); /* SIZE_MAX: cannot be counted */

static inline struct rp_str entry_key(const struct entry *entry) {
    return rp_str_n(entry->bytes, entry->key_len);
}
static inline struct rp_str entry_value(const struct entry *entry) {
    return rp_str_n(entry->bytes + entry->key_len, entry->value_len);
}

struct use_list {
    struct entry *newest, *oldest;
    size_t cost;
};

/* Calls come from any thread. What leaves a shard is unreferenced only after its lock is released. `now_ms` is the
 * caller's clock, the same one that expires_ms is in. */
struct shard {
    uv_mutex_t lock;
    struct entry **buckets; /* `size` of them in use; grows by splitting one at a time, see split_bucket */
    size_t size, room, mask;
    size_t sweep; /* the bucket that is looked at next for expired entries */
    size_t count, cost, max;
    struct use_list values, sums; /* sums go last: what is counted must not be forgotten for what anybody can put in */
};

int shard_init(struct shard *shard, size_t max);
void shard_finish(struct shard *shard);
struct entry *shard_get(struct shard *shard, struct rp_str key, uint64_t hash,
                        int64_t now_ms); /* a reference, or NULL */
/* Takes the reference. The number of entries that had to go before their time to make room. */
size_t shard_put(struct shard *shard, struct entry *entry, int64_t now_ms);
/* The number under the key, with `delta` added, becomes `entry`'s value, which has room for NUMBER_SIZE bytes and a NUL; takes the
 * reference, which must be the only one, and gives the sum. 0, or -RP_EINVALID. */
#define NUMBER_SIZE 20
int shard_add(struct shard *shard, struct entry *entry, int64_t delta, int64_t now_ms, int64_t *out_sum,
              size_t *out_evicted);
void shard_del(struct shard *shard, struct rp_str key, uint64_t hash, int64_t now_ms);

void shard_set_max(struct shard *shard, size_t max);

int store_open(struct rp_element *element, struct rp_error *error);
void store_adopt(struct rp_element *element, struct rp_worker *worker);
void store_close(struct rp_element *element);
void store_get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
void store_put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value, int64_t ttl_ms,
               struct rp_store_op *op);
void store_del(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
void store_add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
               struct rp_store_op *op);

#endif
