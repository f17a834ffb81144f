/* A question's key: a hash over all that shapes its answer. What the bot is made of comes as its fingerprint; of the turn
 * it is the message and what rules and stages in front have put into the prompt, the conversation so far where it is sent
 * along, with its tools and its summary, the images, and who asks where the answer is personal. Each part has its length
 * in front, so that none can pass for two. */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#include "cache.h"

#define MESSAGE_MAX 2048 /* longer questions do not come twice */

_Static_assert(KEY_SIZE == crypto_generichash_BYTES, "one hash is one key");

struct mix {
    crypto_generichash_state state;
};

static void add_number(struct mix *mix, uint64_t number) {
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = number >> 8 * i & 255;
    crypto_generichash_update(&mix->state, bytes, sizeof bytes);
}

static void add(struct mix *mix, const void *data, size_t len) {
    add_number(mix, len);
    if (len) crypto_generichash_update(&mix->state, data, len);
}

static void add_str(struct mix *mix, struct rp_str text) {
    add(mix, text.data, text.len);
}

/* There are many NANs, all of which mean that nothing is set. */
static void add_real(struct mix *mix, double number) {
    uint64_t bits = UINT64_MAX;
    if (!isnan(number)) memcpy(&bits, &number, sizeof bits);
    add_number(mix, bits);
}

static void add_json(struct mix *mix, const json_t *value) {
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    add_str(mix, rp_str(text));
    free(text);
}

static void add_calls(struct mix *mix, const struct rp_message *message) {
    add_number(mix, message->call_count);
    for (size_t i = 0; i < message->call_count; i++) {
        add_str(mix, message->calls[i].name);
        add_str(mix, message->calls[i].arguments);
    }
}

static void add_messages(struct mix *mix, const struct rp_message *messages, size_t count) {
    add_number(mix, count);
    for (size_t i = 0; i < count; i++) {
        add_number(mix, (uint64_t)messages[i].role);
        add_str(mix, messages[i].text);
        add_calls(mix, &messages[i]);
    }
}

static void add_list(struct mix *mix, const char *const *texts) {
    size_t count = 0;
    while (texts && texts[count]) count++;
    add_number(mix, count);
    for (size_t i = 0; i < count; i++) add_str(mix, rp_str(texts[i]));
}

static void add_prompt(struct mix *mix, const struct rp_prompt *prompt) {
    add_str(mix, prompt->system);
    add_messages(mix, prompt->examples, prompt->example_count);
    add_real(mix, prompt->temperature);
    add_real(mix, prompt->top_p);
    add_number(mix, (uint64_t)prompt->max_tokens);
    add_list(mix, prompt->stop);
    add_json(mix, prompt->tools);
    add_json(mix, prompt->schema);
    add_str(mix, rp_str(prompt->grammar));
    add_str(mix, prompt->note);
    add_str(mix, rp_str(prompt->model ? prompt->model->element.name : NULL));
}

static void add_conversation(struct mix *mix, struct rp_turn *turn) {
    const struct rp_message *messages;
    struct rp_str summary;
    size_t count = rp_session_messages(turn, &messages);
    add_number(mix, rp_session_summary(turn, &summary));
    add_str(mix, summary);
    add_messages(mix, messages, count);
}

static void add_metadata(struct mix *mix, const struct cache *cache, const json_t *metadata) {
    add_json(mix, json_object_get(metadata, "images"));
    for (size_t i = 0; i < cache->options->vary.count; i++)
        add_json(mix, json_object_get(metadata, cache->options->vary.items[i]));
}

/* Tools may look at who is asking, and so may what the history has been about. */
static bool personal(const struct cache *cache, const struct rp_prompt *prompt, bool history) {
    return cache->options->per == PER_USER || prompt->tools || prompt->runner || history;
}

bool key_goes_on(struct rp_turn *turn) {
    const struct rp_message *history;
    return rp_session_history(turn, 1, &history) > 0;
}

const char *key_of(const struct cache *cache, struct rp_turn *turn, struct key *out_key) {
    const struct options *options = cache->options;
    bool goes_on = options->history != HISTORY_IGNORE && key_goes_on(turn);
    if (goes_on && options->history == HISTORY_SKIP) return "the conversation has begun before";
    if (turn->message.len > MESSAGE_MAX) return "the message is long";
    const struct rp_prompt *prompt = rp_turn_prompt(turn);
    struct mix mix;
    crypto_generichash_init(&mix.state, NULL, 0, KEY_SIZE);
    add(&mix, rp_local(cache->element, turn->worker), RP_FINGERPRINT_SIZE);
    add_str(&mix, options->exact ? turn->message : fold(turn, turn->message));
    add_prompt(&mix, prompt);
    if (goes_on) add_conversation(&mix, turn);
    add_metadata(&mix, cache, turn->metadata);
    bool own = personal(cache, prompt, goes_on);
    add_str(&mix, own ? turn->user : RP_STR(""));
    add_str(&mix, own && turn->user.len == 0 ? turn->session : RP_STR(""));
    crypto_generichash_final(&mix.state, out_key->bytes, KEY_SIZE);
    return NULL;
}
