/* A guess at how often a text occurs: the product of how often its characters do. */
#include "literal.h"
#include <repartee/unicode.h>

#define PLACES 100 /* characters of a message */

/* In a thousand characters of English, without its spaces; a to z. */
static const unsigned char letters[26] = {82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24,
                                          67, 75, 19, 1,  60,  63, 91, 28, 10, 24, 2, 20, 1};

static double character_chance(int32_t c) {
    if (c >= 'a' && c <= 'z') return 0.0008 * letters[c - 'a'];
    if (c >= '0' && c <= '9') return 0.01;
    if (c == ' ') return 0.16;
    if (c < 0x80) return 0.005;
    return c < 0x2E80 ? 0.03 : 0.003; /* letters of other alphabets; ideographs, kana, emoji */
}

double literal_chance(struct rp_str literal) {
    double chance = PLACES;
    size_t len;
    for (size_t at = 0; at < literal.len; at += len) chance *= character_chance(rp_unicode_read(literal.data + at, &len));
    return chance < 1 ? chance : 1;
}
