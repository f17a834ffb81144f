/* Who has which session: a hash table in shards, each under its own lock that is held for a few instructions. A turn that
 * has to wait is known by its ticket only, so it may end while it waits. */
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/turn/session.h"

#define SHARDS 64
#define BUCKETS 64 /* a shard's; sessions in use at the same time are few */

struct waiter {
    struct waiter *next;
    struct rp_ticket ticket;
    struct rp_worker *worker;
    void (*granted)(struct rp_turn *turn);
};

struct entry {
    struct entry *next;
    struct waiter *first, **last;
    size_t waiting;
    uint64_t hash;
    size_t len;
    char key[];
};

struct shard {
    uv_mutex_t lock;
    struct entry *buckets[BUCKETS];
};

struct session_hub {
    atomic_size_t max_waiting, waiting;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    struct shard shards[SHARDS];
};

struct session_hub *session_hub_create(size_t max_waiting) {
    struct session_hub *hub = rp_calloc(1, sizeof(*hub));
    session_hub_limit(hub, max_waiting);
    rp_random(hub->hash_key, sizeof(hub->hash_key));
    for (size_t i = 0; i < SHARDS; i++) uv_mutex_init(&hub->shards[i].lock);
    return hub;
}

void session_hub_limit(struct session_hub *hub, size_t max_waiting) {
    atomic_store_explicit(&hub->max_waiting, max_waiting, memory_order_relaxed);
}

size_t session_hub_waiting(const struct session_hub *hub) {
    return atomic_load_explicit(&hub->waiting, memory_order_relaxed);
}

static void count_waiting(struct session_hub *hub, struct entry *entry, int more) {
    entry->waiting += (size_t)more;
    atomic_fetch_add_explicit(&hub->waiting, (size_t)more, memory_order_relaxed);
}

static void entry_free(struct entry *entry) {
    while (entry->first) {
        struct waiter *waiter = entry->first;
        entry->first = waiter->next;
        free(waiter);
    }
    free(entry);
}

void session_hub_destroy(struct session_hub *hub) {
    if (!hub) return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (size_t b = 0; b < BUCKETS; b++) {
            while (hub->shards[i].buckets[b]) {
                struct entry *entry = hub->shards[i].buckets[b];
                hub->shards[i].buckets[b] = entry->next;
                entry_free(entry);
            }
        }
        uv_mutex_destroy(&hub->shards[i].lock);
    }
    free(hub);
}

static uint64_t hash_of(const struct session_hub *hub, struct rp_str key) {
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.data, key.len, hub->hash_key);
    return hash;
}

static struct shard *shard_of(struct session_hub *hub, uint64_t hash) {
    return &hub->shards[hash % SHARDS];
}

/* Where the entry is linked, or where a new one goes. */
static struct entry **find(struct shard *shard, uint64_t hash, struct rp_str key) {
    struct entry **at = &shard->buckets[hash / SHARDS % BUCKETS];
    while (*at && !((*at)->hash == hash && rp_str_equal(rp_str_n((*at)->key, (*at)->len), key))) at = &(*at)->next;
    return at;
}

static struct entry *entry_create(uint64_t hash, struct rp_str key) {
    struct entry *entry = rp_calloc(1, sizeof(*entry) + key.len);
    entry->last = &entry->first;
    entry->hash = hash;
    entry->len = key.len;
    memcpy(entry->key, key.data, key.len);
    return entry;
}

static int wait_in_line(struct session_hub *hub, struct entry *entry, struct rp_turn *turn,
                        void (*granted)(struct rp_turn *turn)) {
    if (entry->waiting >= atomic_load_explicit(&hub->max_waiting, memory_order_relaxed)) return -RP_EBUSY;
    struct waiter *waiter = rp_calloc(1, sizeof(*waiter));
    *waiter = (struct waiter){.ticket = rp_turn_ticket(turn), .worker = turn->worker, .granted = granted};
    *entry->last = waiter;
    entry->last = &waiter->next;
    count_waiting(hub, entry, 1);
    return SESSION_WAIT;
}

int session_hub_acquire(struct session_hub *hub, struct rp_turn *turn, void (*granted)(struct rp_turn *turn)) {
    uint64_t hash = hash_of(hub, turn->session);
    struct shard *shard = shard_of(hub, hash);
    int result = SESSION_GRANTED;
    uv_mutex_lock(&shard->lock);
    struct entry **at = find(shard, hash, turn->session);
    if (*at)
        result = wait_in_line(hub, *at, turn, granted);
    else
        *at = entry_create(hash, turn->session);
    uv_mutex_unlock(&shard->lock);
    return result;
}

/* ---- handing on ---------------------------------------------------------------------------------------------------- */

struct grant {
    struct session_hub *hub;
    struct waiter *waiter;
    size_t len;
    char key[];
};

static void hand_on(struct session_hub *hub, struct rp_str key);

/* On the worker of the turn that is next; when it has ended meanwhile, it is the turn of the one behind it. */
static void on_grant(struct rp_worker *worker, void *arg) {
    struct grant *grant = arg;
    struct rp_turn *turn = worker ? rp_turn_find(worker, grant->waiter->ticket) : NULL;
    if (turn)
        grant->waiter->granted(turn);
    else
        hand_on(grant->hub, rp_str_n(grant->key, grant->len));
    free(grant->waiter);
    free(grant);
}

static void hand_on(struct session_hub *hub, struct rp_str key) {
    uint64_t hash = hash_of(hub, key);
    struct shard *shard = shard_of(hub, hash);
    uv_mutex_lock(&shard->lock);
    struct entry **at = find(shard, hash, key);
    struct entry *entry = *at;
    struct waiter *next = entry->first;
    if (next) {
        entry->first = next->next;
        if (!entry->first) entry->last = &entry->first;
        count_waiting(hub, entry, -1);
    } else {
        *at = entry->next;
    }
    uv_mutex_unlock(&shard->lock);
    if (!next) {
        free(entry);
        return;
    }
    struct grant *grant = rp_alloc(sizeof(*grant) + key.len);
    *grant = (struct grant){.hub = hub, .waiter = next, .len = key.len};
    memcpy(grant->key, key.data, key.len);
    rp_worker_post(next->worker, on_grant, grant);
}

/* A turn that ends while it waits leaves the line. When it is not found there, its grant is on the way and will be
 * handed on by on_grant. */
static void leave_line(struct session_hub *hub, struct rp_turn *turn) {
    struct rp_ticket ticket = rp_turn_ticket(turn);
    uint64_t hash = hash_of(hub, turn->session);
    struct shard *shard = shard_of(hub, hash);
    struct waiter *found = NULL;
    uv_mutex_lock(&shard->lock);
    struct entry *entry = *find(shard, hash, turn->session);
    struct waiter **at = entry ? &entry->first : NULL;
    while (at && *at && memcmp(&(*at)->ticket, &ticket, sizeof(ticket)) != 0) at = &(*at)->next;
    if (at && *at) {
        found = *at;
        *at = found->next;
        if (entry->last == &found->next) entry->last = at;
        count_waiting(hub, entry, -1);
    }
    uv_mutex_unlock(&shard->lock);
    free(found);
}

void session_hub_release(struct session_hub *hub, struct rp_turn *turn, bool held) {
    if (held)
        hand_on(hub, turn->session);
    else
        leave_line(hub, turn);
}
