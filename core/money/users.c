/* A table of the users that have series, for as long as the process lives. */
#include "core/money/users.h"

#include <repartee/metrics.h>
#include <sodium.h>
#include <stdlib.h>
#include <uv.h>

#define BUCKETS 1024

struct entry {
    struct entry *next;
    char *bot, *user;
    struct rp_metric *input, *output, *cost;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock; /* for all that follows */
static struct entry *buckets[BUCKETS];
static int64_t count;
static unsigned char hash_key[crypto_shorthash_KEYBYTES];

static void init(void) {
    uv_mutex_init(&lock);
    rp_random(hash_key, sizeof(hash_key));
}

static struct entry **bucket_of(struct rp_str user) {
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)(user.data ? user.data : ""), user.len, hash_key);
    return &buckets[hash % BUCKETS];
}

static struct entry *find(const char *bot, struct rp_str user) {
    struct entry *entry = *bucket_of(user);
    while (entry && (strcmp(entry->bot, bot) != 0 || !rp_str_equal(rp_str(entry->user), user))) entry = entry->next;
    return entry;
}

static struct rp_metric *tokens(const struct entry *entry, const char *direction) {
    return rp_metric(RP_COUNTER, "repartee_user_tokens_total", "Tokens that models have read and written for a user",
                     "bot", entry->bot, "user", entry->user, "direction", direction, NULL);
}

static struct entry *make(const char *bot, struct rp_str user) {
    struct entry *entry = rp_calloc(1, sizeof(*entry)), **bucket = bucket_of(user);
    entry->bot = rp_strdup(bot);
    entry->user = strndup(user.len ? user.data : "", user.len);
    if (!entry->user) abort();
    entry->input = tokens(entry, "input");
    entry->output = tokens(entry, "output");
    entry->cost = rp_metric(RP_COUNTER, "repartee_user_cost_total",
                            "What calls of models have cost for a user, in billionths of the currency", "bot",
                            entry->bot, "user", entry->user, NULL);
    entry->next = *bucket;
    *bucket = entry;
    return entry;
}

static struct entry *take(const char *bot, struct rp_str user, int64_t most) {
    struct entry *entry = find(bot, user);
    if (entry) return entry;
    if (count < most) {
        count++;
        return make(bot, user);
    }
    entry = find(bot, RP_STR("other"));
    return entry ? entry : make(bot, RP_STR("other"));
}

void users_count(const char *bot, struct rp_str user, int64_t most, const struct rp_usage *usage, int64_t cost) {
    uv_once(&once, init);
    uv_mutex_lock(&lock);
    const struct entry *entry = take(bot, user, most);
    uv_mutex_unlock(&lock);
    rp_metric_add(entry->input, usage->input_tokens);
    rp_metric_add(entry->output, usage->output_tokens);
    rp_metric_add(entry->cost, cost);
}
