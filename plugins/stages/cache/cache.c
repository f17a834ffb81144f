/* cache, the stage: what happens to a turn, step by step. */
#include "cache.h"

#include <stdlib.h>

#define RENEWAL_MS 5000 /* between two tries to renew one answer */

struct visit { /* the stage's memory of a turn */
    struct cache *cache;
    struct rp_turn *turn;
    struct key key;
    struct look *look;
};

/* ---- how old is it? ------------------------------------------------------------------------------------------------ */

/* From a machine whose clock is ahead: made just now. */
static int64_t age_of(const struct answer *answer) {
    int64_t age = rp_wall_ms() - answer->created_ms;
    return age > 0 ? age : 0;
}

bool answer_alive(const struct cache *cache, const struct answer *answer) {
    return age_of(answer) < cache->options->ttl + cache->options->stale;
}

bool answer_stale(const struct cache *cache, const struct answer *answer) {
    return age_of(answer) >= cache->options->ttl;
}

void cache_keep(struct cache *cache, struct rp_worker *worker, struct answer *answer) {
    if (answer->text_len > (size_t)cache->options->max_reply) return;
    front_put(cache->front, answer);
    shelf_put(cache, worker, answer);
    rp_metric_add(cache->counts.stored, 1);
    rp_metric_set(cache->counts.bytes, (int64_t)front_bytes(cache->front));
}

/* ---- telling ------------------------------------------------------------------------------------------------------- */

static void note(const struct cache *cache, struct rp_turn *turn, const char *what, json_t *detail) {
    rp_turn_note(turn, cache->element, what, detail);
}

static void note_hit(const struct cache *cache, struct rp_turn *turn, const struct answer *answer, const char *from) {
    if (!rp_turn_explained(turn)) return;
    note(cache, turn, "hit",
         json_pack("{s:s, s:I, s:s%, s:b}", "from", from, "age_ms", (json_int_t)age_of(answer), "by", answer->bytes,
                   answer->by_len, "stale", answer_stale(cache, answer)));
}

/* ---- an answer is there -------------------------------------------------------------------------------------------- */

static void renew_stale(struct cache *cache, struct rp_turn *turn, struct answer *answer) {
    int64_t now = rp_wall_ms(), due = atomic_load(&answer->renewal_ms);
    const struct rp_prompt *prompt = rp_turn_prompt(turn);
    rp_metric_add(cache->counts.stale, 1);
    if (prompt->runner || prompt->fits || now < due) return;
    if (atomic_compare_exchange_strong(&answer->renewal_ms, &due, now + RENEWAL_MS)) renew(cache, turn, &answer->key);
}

static void reply(struct cache *cache, struct rp_turn *turn, struct answer *answer, const char *from) {
    note_hit(cache, turn, answer, from);
    if (answer_stale(cache, answer)) renew_stale(cache, turn, answer);
    rp_turn_set_by(turn, "cache");
    rp_turn_reply(turn, replay(turn, answer));
}

/* ---- there is none ------------------------------------------------------------------------------------------------- */

/* Rules that run tools, forms that replies must fit, and explanations belong to their turn: others cannot share them. Nor
 * do conversations that go on share: stages behind may put something into the session, such as a summary of it. */
static bool asks_alone(const struct cache *cache, struct rp_turn *turn) {
    const struct rp_prompt *prompt = rp_turn_prompt(turn);
    return !cache->options->share || rp_turn_explained(turn) || prompt->runner || prompt->fits ||
           (cache->options->history == HISTORY_KEY && key_goes_on(turn));
}

static void on_found(void *arg, struct answer *answer) {
    struct visit *visit = arg;
    struct cache *cache = visit->cache;
    if (answer) {
        rp_metric_add(cache->counts.hits_store, 1);
        reply(cache, visit->turn, answer, "store");
        return;
    }
    rp_metric_add(cache->counts.misses, 1);
    note(cache, visit->turn, "miss", NULL);
    keep_reply(cache, visit->turn, &visit->key);
    rp_turn_resume(visit->turn);
}

static void ask(struct visit *visit) {
    struct answer *kept = NULL;
    struct rp_source *source = ride(visit->cache, visit->turn, &visit->key, &kept);
    if (source)
        rp_turn_reply(visit->turn, source);
    else
        reply(visit->cache, visit->turn, kept, "memory");
    answer_unref(kept);
}

/* The turn comes again because somebody further out did not like the answer. It is asked for anew, and nobody else gets
 * the old one either. */
static enum rp_outcome forget(struct visit *visit) {
    front_del(visit->cache->front, &visit->key);
    shelf_del(visit->cache, visit->turn->worker, &visit->key);
    note(visit->cache, visit->turn, "forgets", NULL);
    return RP_PASS;
}

/* ---- the turn ------------------------------------------------------------------------------------------------------ */

static enum rp_outcome pass(const struct cache *cache, struct rp_turn *turn, const char *why) {
    rp_metric_add(cache->counts.passed, 1);
    if (rp_turn_explained(turn)) note(cache, turn, "passes", json_pack("{s:s}", "why", why));
    return RP_PASS;
}

enum rp_outcome cache_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    struct cache *cache = stage->element.state;
    void **slot = rp_turn_slot(turn, stage);
    struct key key;
    if (*slot) return forget(*slot);
    const char *why = key_of(cache, turn, &key);
    if (why) return pass(cache, turn, why);
    struct visit *visit = *slot = rp_arena_zalloc(turn->arena, sizeof *visit);
    *visit = (struct visit){.cache = cache, .turn = turn, .key = key};
    struct answer *answer = front_get(cache->front, &key);
    if (answer && answer_alive(cache, answer)) {
        rp_metric_add(cache->counts.hits_memory, 1);
        reply(cache, turn, answer, "memory");
    } else if (asks_alone(cache, turn)) {
        look_start(cache, turn->worker, &key, &visit->look, on_found, visit);
    } else {
        ask(visit);
    }
    answer_unref(answer);
    return RP_KEEP;
}

void cache_cancel(struct rp_stage *stage, struct rp_turn *turn) {
    struct visit *visit = *rp_turn_slot(turn, stage);
    look_forget(&visit->look);
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static struct rp_metric *count(const struct rp_element *element, const char *name, const char *help) {
    return rp_metric(RP_COUNTER, name, help, "stage", element->name, NULL);
}

static struct rp_metric *count_hits(const struct rp_element *element, const char *from) {
    return rp_metric(RP_COUNTER, "repartee_cache_hits_total", "Answers that were found", "stage", element->name, "from",
                     from, NULL);
}

static void make_counts(struct counts *counts, const struct rp_element *element) {
    counts->hits_memory = count_hits(element, "memory");
    counts->hits_store = count_hits(element, "store");
    counts->stale = count(element, "repartee_cache_stale_total", "Answers given although they were stale");
    counts->misses = count(element, "repartee_cache_misses_total", "Answers that had to be asked for");
    counts->joined = count(element, "repartee_cache_joined_total", "Turns that joined the call of another one");
    counts->passed = count(element, "repartee_cache_passed_total", "Turns whose answer cannot be kept");
    counts->stored = count(element, "repartee_cache_stored_total", "Answers that were kept");
    counts->store_errors = count(element, "repartee_cache_store_errors_total", "Failures of the store behind");
    counts->bytes = rp_metric(RP_GAUGE, "repartee_cache_bytes", "Memory of the answers", "stage", element->name, NULL);
}

/* What a reload replaces has answers in memory: they are as good as before, since all that shapes them is in the key. */
static struct front *front_of(const struct rp_element *element, size_t max) {
    const struct cache *before = element->before ? element->before->state : NULL;
    if (!before) return front_create(max);
    front_resize(before->front, max);
    return front_ref(before->front);
}

int cache_open(struct rp_element *element, struct rp_error *error) {
    const struct options *options = element->options;
    struct cache *cache = rp_calloc(1, sizeof *cache);
    (void)error;
    cache->element = element;
    cache->options = options;
    cache->front = front_of(element, (size_t)options->max);
    cache->registry = registry_create();
    make_counts(&cache->counts, element);
    element->state = cache;
    return 0;
}

void cache_close(struct rp_element *element) {
    struct cache *cache = element->state;
    front_unref(cache->front);
    registry_destroy(cache->registry);
    free(cache);
    element->state = NULL;
}

/* What a worker has is the fingerprint, as no element has told everything before all are open. */
int cache_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    unsigned char *fingerprint = rp_alloc(RP_FINGERPRINT_SIZE);
    (void)worker, (void)error;
    rp_element_fingerprint(element, fingerprint);
    *out_local = fingerprint;
    return 0;
}

void cache_detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)element, (void)worker;
    free(local);
}
