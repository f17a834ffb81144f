/* The shelf: the store behind the memory. While it fails it is left alone for a moment, so that it costs nobody's time, and
 * answers are kept in memory only. */
#include <repartee/log.h>
#include <stdlib.h>

#include "cache.h"

#define AWAY_NS INT64_C(1000000000)
#define QUIET_NS INT64_C(60000000000) /* between two lines in the log */

static const struct rp_store_type *type_of(const struct cache *cache) {
    return (const struct rp_store_type *)(const void *)cache->options->store->element.type;
}

bool shelf_usable(struct cache *cache) {
    return cache->options->store && rp_steady_ns() >= atomic_load(&cache->away_ns);
}

void shelf_failed(struct cache *cache) {
    int64_t now = rp_now_ns(), last = atomic_load(&cache->warned_ns);
    rp_metric_add(cache->counts.store_errors, 1);
    atomic_store(&cache->away_ns, rp_steady_ns() + AWAY_NS);
    if (last && now - last < QUIET_NS) return;
    if (!atomic_compare_exchange_strong(&cache->warned_ns, &last, now)) return;
    rp_log(RP_LOG_WARN, "cache", "the store '%s' fails: until it works again, answers are kept in memory only",
           cache->options->store->element.name);
}

struct rp_str shelf_key(const struct key *key, char space[SHELF_KEY_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    char *at = space + sizeof "cache/" - 1;
    memcpy(space, "cache/", sizeof "cache/" - 1);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        *at++ = digits[key->bytes[i] >> 4];
        *at++ = digits[key->bytes[i] & 15];
    }
    return rp_str_n(space, (size_t)(at - space));
}

/* ---- writing: nobody waits for it ---------------------------------------------------------------------------------- */

struct write {
    struct rp_store_op op;
    struct cache *cache;
};

static void on_written(struct rp_store_op *op, int code, struct rp_str value) {
    struct write *write = (struct write *)op;
    (void)value;
    if (code != 0 && code != -RP_EDRAINING) shelf_failed(write->cache);
    free(write);
}

static struct write *write_of(struct cache *cache) {
    struct write *write = rp_alloc(sizeof *write);
    *write = (struct write){.op = {on_written}, .cache = cache};
    return write;
}

void shelf_put(struct cache *cache, struct rp_worker *worker, const struct answer *answer) {
    const struct options *options = cache->options;
    char space[SHELF_KEY_SIZE];
    struct rp_buf bytes;
    int64_t left = answer->created_ms + options->ttl + options->stale - rp_wall_ms();
    if (!shelf_usable(cache) || left <= 0) return;
    rp_buf_init(&bytes, answer_cost(answer) + 64);
    if (answer_encode(answer, &bytes) == 0)
        type_of(cache)->put(options->store, worker, shelf_key(&answer->key, space), rp_buf_str(&bytes), left,
                            &write_of(cache)->op);
    rp_buf_finish(&bytes);
}

void shelf_del(struct cache *cache, struct rp_worker *worker, const struct key *key) {
    char space[SHELF_KEY_SIZE];
    if (shelf_usable(cache))
        type_of(cache)->del(cache->options->store, worker, shelf_key(key, space), &write_of(cache)->op);
}
