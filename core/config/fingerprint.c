/* What a bot's replies come from, as a number: the same on every machine that has the same bot file and rule files, and
 * another one as soon as something differs that may show in a reply. Each step hashes its bytes with the number so far as
 * the key. */
#include "core/config/fingerprint.h"

#include <sodium.h>
#include <stdlib.h>

#include "core/config/load.h"

_Static_assert(RP_FINGERPRINT_SIZE == crypto_generichash_BYTES, "one hash is one fingerprint");

static void mix(unsigned char fingerprint[RP_FINGERPRINT_SIZE], const void *data, size_t len) {
    unsigned char key[RP_FINGERPRINT_SIZE];
    memcpy(key, fingerprint, sizeof key);
    crypto_generichash(fingerprint, RP_FINGERPRINT_SIZE, data, len, key, sizeof key);
}

static void mix_text(unsigned char fingerprint[RP_FINGERPRINT_SIZE], const char *text) {
    mix(fingerprint, text ? text : "", text ? strlen(text) : 0);
}

/* As the bot file gives them, secrets included: their hash tells nothing. What cannot be written down is like nothing
 * else. */
static void mix_options(unsigned char fingerprint[RP_FINGERPRINT_SIZE], const struct node *options) {
    const char *why;
    unsigned char unlike[RP_FINGERPRINT_SIZE];
    json_t *json = node_to_json(options, &why);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    rp_random(unlike, sizeof unlike);
    if (text)
        mix_text(fingerprint, text);
    else
        mix(fingerprint, unlike, sizeof unlike);
    free(text);
    json_decref(json);
}

void fingerprint_begin(struct bot *bot) {
    unsigned char *fingerprint = bot->private->fingerprint;
    memset(fingerprint, 0, RP_FINGERPRINT_SIZE);
    mix_text(fingerprint, REPARTEE_VERSION);
    mix_text(fingerprint, bot->name);
    mix_text(fingerprint, bot->language);
    for (size_t i = 0; i < bot->private->count; i++) {
        const struct item *item = bot->private->items[i];
        if (item->kind != KIND_MODEL && item->kind != KIND_STAGE) continue;
        mix_text(fingerprint, item->path);
        mix_text(fingerprint, item->name);
        mix_text(fingerprint, item->type->name);
        mix_options(fingerprint, &item->declared->options);
    }
}

void rp_element_shape(const struct rp_element *element, struct rp_str bytes) {
    if (element->bot) mix(element->bot->private->fingerprint, bytes.data ? bytes.data : "", bytes.len);
}

/* The same question means something else to another pipeline, and in another place of it. */
static void mix_place(unsigned char fingerprint[RP_FINGERPRINT_SIZE], const struct rp_element *element) {
    const struct bot_private *private = element->bot->private;
    for (size_t i = 0; i < private->count; i++) {
        if (private->items[i]->element != element) continue;
        mix_text(fingerprint, private->items[i]->pipeline);
        mix_text(fingerprint, private->items[i]->path);
    }
}

void rp_element_fingerprint(const struct rp_element *element, unsigned char out_fingerprint[RP_FINGERPRINT_SIZE]) {
    memset(out_fingerprint, 0, RP_FINGERPRINT_SIZE);
    if (!element->bot) return;
    memcpy(out_fingerprint, element->bot->private->fingerprint, RP_FINGERPRINT_SIZE);
    mix_place(out_fingerprint, element);
}
