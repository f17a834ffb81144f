/* One shard: a hash table, and who has to go when there is no more room. */
#include "shard.h"

#include <repartee/base.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64
#define WINDOW_PART 100   /* of max: the window has a hundredth */
#define PROTECTED_PART 80 /* per cent of the rest, for what was used again */
#define TYPICAL_BYTES 512 /* of an answer: how many keys the sketch is made for */

void shard_init(struct shard *shard, size_t max) {
    *shard = (struct shard){.max = max, .mask = FIRST_BUCKETS - 1};
    if (uv_mutex_init(&shard->lock) != 0) abort();
    shard->buckets = rp_calloc(FIRST_BUCKETS, sizeof *shard->buckets);
    sketch_init(&shard->sketch, max / TYPICAL_BYTES);
}

/* ---- the parts ----------------------------------------------------------------------------------------------------- */

static size_t window_max(const struct shard *shard) {
    return shard->max / WINDOW_PART;
}

static size_t main_max(const struct shard *shard) {
    return shard->max - window_max(shard);
}

static size_t main_bytes(const struct shard *shard) {
    return shard->parts[PART_PROBATION].bytes + shard->parts[PART_PROTECTED].bytes;
}

static void leave(struct shard *shard, struct entry *entry) {
    struct part_list *list = &shard->parts[entry->part];
    *(entry->newer ? &entry->newer->older : &list->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &list->oldest) = entry->newer;
    list->bytes -= answer_cost(entry->answer);
}

static void enter(struct shard *shard, struct entry *entry, enum part part) {
    struct part_list *list = &shard->parts[part];
    entry->part = part;
    entry->newer = NULL;
    entry->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = entry;
    list->newest = entry;
    list->bytes += answer_cost(entry->answer);
}

static void move(struct shard *shard, struct entry *entry, enum part part) {
    leave(shard, entry);
    enter(shard, entry, part);
}

/* What is used while on probation is protected from then on; for that the longest unused goes back. */
static void use(struct shard *shard, struct entry *entry) {
    move(shard, entry, entry->part == PART_WINDOW ? PART_WINDOW : PART_PROTECTED);
    struct part_list *protected = &shard->parts[PART_PROTECTED];
    while (protected->bytes > main_max(shard) / 100 * PROTECTED_PART && protected->oldest != protected->newest)
        move(shard, protected->oldest, PART_PROBATION);
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

static struct entry **find(struct shard *shard, const struct key *key) {
    struct entry **at = &shard->buckets[key_hash(key) & shard->mask];
    while (*at && !key_equal(&(*at)->answer->key, key)) at = &(*at)->chain;
    return at;
}

static void grow(struct shard *shard) {
    size_t size = 2 * (shard->mask + 1);
    struct entry **buckets = calloc(size, sizeof *buckets);
    if (!buckets) return; /* chains get longer, nothing else */
    for (size_t i = 0; i <= shard->mask; i++) {
        struct entry *next;
        for (struct entry *entry = shard->buckets[i]; entry; entry = next) {
            struct entry **at = &buckets[key_hash(&entry->answer->key) & (size - 1)];
            next = entry->chain;
            entry->chain = *at;
            *at = entry;
        }
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->mask = size - 1;
}

static void drop(struct shard *shard, struct entry **at) {
    struct entry *entry = *at;
    *at = entry->chain;
    leave(shard, entry);
    shard->count--;
    answer_unref(entry->answer);
    free(entry);
}

static void throw_out(struct shard *shard, const struct entry *entry) {
    drop(shard, find(shard, &entry->answer->key));
}

/* ---- who goes ------------------------------------------------------------------------------------------------------ */

static unsigned wishes(const struct shard *shard, const struct entry *entry) {
    return sketch_count(&shard->sketch, key_hash(&entry->answer->key));
}

/* The candidate has left the window: it stays if nobody has to go for it who is asked for as often. */
static void admit(struct shard *shard, struct entry *candidate) {
    move(shard, candidate, PART_PROBATION);
    while (main_bytes(shard) > main_max(shard)) {
        struct entry *victim = shard->parts[PART_PROBATION].oldest;
        if (victim == candidate) victim = shard->parts[PART_PROTECTED].oldest;
        if (!victim || wishes(shard, candidate) <= wishes(shard, victim)) {
            throw_out(shard, candidate);
            return;
        }
        throw_out(shard, victim);
    }
}

static void make_room(struct shard *shard) {
    while (shard->parts[PART_WINDOW].bytes > window_max(shard)) admit(shard, shard->parts[PART_WINDOW].oldest);
}

/* For what has grown, or a shard that has become smaller. */
static void shrink(struct shard *shard) {
    while (main_bytes(shard) > main_max(shard)) {
        struct entry *oldest = shard->parts[PART_PROBATION].oldest;
        throw_out(shard, oldest ? oldest : shard->parts[PART_PROTECTED].oldest);
    }
}

/* ---- the calls ----------------------------------------------------------------------------------------------------- */

void shard_finish(struct shard *shard) {
    for (size_t i = 0; i <= shard->mask; i++)
        while (shard->buckets[i]) drop(shard, &shard->buckets[i]);
    free(shard->buckets);
    sketch_finish(&shard->sketch);
    uv_mutex_destroy(&shard->lock);
}

struct answer *shard_get(struct shard *shard, const struct key *key, bool used) {
    uv_mutex_lock(&shard->lock);
    if (used) sketch_add(&shard->sketch, key_hash(key));
    struct entry *entry = *find(shard, key);
    struct answer *answer = entry ? answer_ref(entry->answer) : NULL;
    if (entry && used) use(shard, entry);
    uv_mutex_unlock(&shard->lock);
    return answer;
}

static void replace(struct shard *shard, struct entry *entry, struct answer *answer) {
    enum part part = entry->part;
    leave(shard, entry);
    answer_unref(entry->answer);
    entry->answer = answer_ref(answer);
    enter(shard, entry, part);
    shrink(shard);
}

static void add(struct shard *shard, struct answer *answer) {
    struct entry *entry = calloc(1, sizeof *entry), **at;
    if (!entry) return;
    if (shard->count > shard->mask) grow(shard);
    entry->answer = answer_ref(answer);
    at = &shard->buckets[key_hash(&answer->key) & shard->mask];
    entry->chain = *at;
    *at = entry;
    shard->count++;
    enter(shard, entry, PART_WINDOW);
}

static void put(struct shard *shard, struct answer *answer) {
    struct entry *entry = *find(shard, &answer->key);
    if (entry)
        replace(shard, entry, answer);
    else
        add(shard, answer);
    make_room(shard);
}

void shard_put(struct shard *shard, struct answer *answer) {
    uv_mutex_lock(&shard->lock);
    if (answer_cost(answer) <= shard->max / 2) put(shard, answer);
    uv_mutex_unlock(&shard->lock);
}

void shard_del(struct shard *shard, const struct key *key) {
    uv_mutex_lock(&shard->lock);
    struct entry **at = find(shard, key);
    if (*at) drop(shard, at);
    uv_mutex_unlock(&shard->lock);
}

size_t shard_bytes(struct shard *shard) {
    uv_mutex_lock(&shard->lock);
    size_t bytes = shard->parts[PART_WINDOW].bytes + main_bytes(shard);
    uv_mutex_unlock(&shard->lock);
    return bytes;
}

void shard_resize(struct shard *shard, size_t max) {
    uv_mutex_lock(&shard->lock);
    shard->max = max;
    make_room(shard);
    shrink(shard);
    uv_mutex_unlock(&shard->lock);
}
