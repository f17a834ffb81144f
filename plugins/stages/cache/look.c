/* A look on the shelf. The store may take longer than the answer is worth: then it is taken for a failure, and what comes
 * later is dropped. */
#include <stdlib.h>

#include "cache.h"

struct look {
    struct rp_store_op op;
    struct rp_timer timer;
    struct rp_worker *worker;
    struct cache *cache;
    struct key key;
    void (*found)(void *arg, struct answer *answer);
    void *arg;
    struct look **slot; /* where the one who waits has this; NULL: nobody waits any more */
};

void look_forget(struct look **slot) {
    struct look *look = *slot;
    *slot = NULL;
    if (!look) return;
    look->slot = NULL;
    rp_timer_stop(look->worker, &look->timer);
}

static void tell(struct look *look, struct answer *answer) {
    if (!look->slot) return;
    look_forget(look->slot);
    look->found(look->arg, answer);
}

static struct answer *take(struct look *look, struct rp_str value) {
    struct answer *answer = answer_decode(&look->key, value);
    if (answer && answer_alive(look->cache, answer)) {
        front_put(look->cache->front, answer);
        return answer;
    }
    answer_unref(answer);
    return NULL;
}

static void on_answer(struct rp_store_op *op, int code, struct rp_str value) {
    struct look *look = (struct look *)op;
    struct answer *answer = code == 0 ? take(look, value) : NULL;
    if (code != 0 && code != -RP_ENOTFOUND && code != -RP_EDRAINING) shelf_failed(look->cache);
    tell(look, answer);
    answer_unref(answer);
    free(look);
}

static void on_late(struct rp_timer *timer) {
    struct look *look = (struct look *)((char *)timer - offsetof(struct look, timer));
    shelf_failed(look->cache);
    tell(look, NULL);
}

void look_start(struct cache *cache, struct rp_worker *worker, const struct key *key, struct look **slot,
                void (*found)(void *arg, struct answer *answer), void *arg) {
    struct rp_store *store = cache->options->store;
    char space[SHELF_KEY_SIZE];
    *slot = NULL;
    if (!shelf_usable(cache)) {
        found(arg, NULL);
        return;
    }
    struct look *look = rp_calloc(1, sizeof *look);
    *look = (struct look){.op = {on_answer}, .timer = {.run = on_late}, .worker = worker, .cache = cache, .key = *key,
                          .found = found, .arg = arg, .slot = slot};
    *slot = look;
    rp_timer_start(worker, &look->timer, cache->options->patience);
    const struct rp_store_type *type = (const struct rp_store_type *)(const void *)store->element.type;
    type->get(store, worker, shelf_key(key, space), &look->op);
}
