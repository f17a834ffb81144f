/* How many tokens a text has. Without the model's own tokenizer it is estimated from what vocabularies in use have in
 * common: they hold frequent words and word parts of the Latin alphabet, about four letters a token, hardly more than one
 * sign of Chinese, Japanese or Korean, and two or three letters of other alphabets; digits go three to a token, other
 * signs one by one. */
#include "core/model/tokens.h"

#include <stdlib.h>

#include "core/model/terms.h"

static const struct rp_model_type *type_of(const struct rp_model *model) {
    return (const struct rp_model_type *)(const void *)model->element.type;
}

enum { TWELFTHS = TOKEN_PARTS }; /* of a token, so that sums stay whole */

static int twelfths_of(unsigned char first, size_t bytes) {
    if (bytes >= 3) return first >= 0xE2 ? TWELFTHS : TWELFTHS / 2; /* CJK, emoji; the scripts of India and South Asia */
    if (bytes == 2) return TWELFTHS / 2;                            /* Cyrillic, Greek, Arabic, Hebrew, accents */
    if ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')) return TWELFTHS / 4;
    if (first == ' ') return 1; /* mostly part of the word behind it */
    if (first >= '0' && first <= '9') return TWELFTHS / 3;
    return TWELFTHS;
}

static size_t bytes_of(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

int64_t tokens_parts(struct rp_str text) {
    int64_t sum = 0;
    for (size_t i = 0; i < text.len;) {
        unsigned char first = (unsigned char)text.data[i];
        size_t bytes = bytes_of(first);
        sum += twelfths_of(first, bytes);
        i += bytes;
    }
    return sum;
}

static int64_t estimate(struct rp_str text) {
    return tokens_from_parts(tokens_parts(text));
}

int64_t rp_model_tokens(const struct rp_model *model, struct rp_str text) {
    return model && type_of(model)->tokens ? type_of(model)->tokens(model, text) : estimate(text);
}

int64_t rp_model_context(const struct rp_model *model) {
    return type_of(model)->context ? type_of(model)->context(model) : 0;
}

int64_t rp_model_reply(const struct rp_model *model) {
    if (type_of(model)->reply) return type_of(model)->reply(model);
    return model->terms ? model->terms->max_tokens : 0;
}

/* ---- a call ------------------------------------------------------------------------------------------------------ */

#define MESSAGE_TOKENS 4   /* what stands around a message */
#define IMAGE_TOKENS 1600 /* of a large one, with those who count by its size */

static int64_t tokens_of_json(const struct rp_model *model, const json_t *value) {
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int64_t tokens = text ? rp_model_tokens(model, rp_str(text)) : 0;
    free(text);
    return tokens;
}

static int64_t tokens_of_message(const struct rp_model *model, const struct rp_message *message) {
    int64_t tokens = MESSAGE_TOKENS + rp_model_tokens(model, message->text);
    for (size_t i = 0; message->role == RP_ROLE_ASSISTANT && i < message->call_count; i++)
        tokens += MESSAGE_TOKENS + rp_model_tokens(model, message->calls[i].name) +
                  rp_model_tokens(model, message->calls[i].arguments);
    return tokens + IMAGE_TOKENS * (int64_t)message->image_count;
}

int64_t tokens_of_call(const struct rp_model *model, const struct rp_call *call) {
    const char *own = model->terms ? model->terms->system : NULL;
    bool has_system = call->message_count && call->messages[0].role == RP_ROLE_SYSTEM;
    int64_t tokens = rp_model_tokens(model, call->prefix);
    if (own && !has_system) tokens += MESSAGE_TOKENS + rp_model_tokens(model, rp_str(own));
    for (size_t i = 0; i < call->message_count; i++) tokens += tokens_of_message(model, &call->messages[i]);
    return tokens + tokens_of_json(model, call->prompt->tools) + tokens_of_json(model, call->prompt->schema);
}
