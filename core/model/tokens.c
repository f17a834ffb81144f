/* How many tokens a text has. Without the model's own tokenizer it is estimated from what vocabularies in use have in
 * common: they hold frequent words and word parts of the Latin alphabet, about four letters a token, hardly more than one
 * sign of Chinese, Japanese or Korean, and two or three letters of other alphabets; digits go three to a token, other
 * signs one by one. */
#include <repartee/plugin.h>

static const struct rp_model_type *type_of(const struct rp_model *model) {
    return (const struct rp_model_type *)(const void *)model->element.type;
}

enum { TWELFTHS = 12 }; /* of a token, so that sums stay whole */

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

static int64_t estimate(struct rp_str text) {
    int64_t sum = TWELFTHS - 1;
    for (size_t i = 0; i < text.len;) {
        unsigned char first = (unsigned char)text.data[i];
        size_t bytes = bytes_of(first);
        sum += twelfths_of(first, bytes);
        i += bytes;
    }
    return sum / TWELFTHS;
}

int64_t rp_model_tokens(const struct rp_model *model, struct rp_str text) {
    return type_of(model)->tokens ? type_of(model)->tokens(model, text) : estimate(text);
}

int64_t rp_model_context(const struct rp_model *model) {
    return type_of(model)->context ? type_of(model)->context(model) : 0;
}
