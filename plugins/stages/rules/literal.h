/* The literals that a pattern needs: a set of short texts of which every match must contain at least one.
 *
 * The reading of a pattern is conservative: what is not understood for sure yields no set at all, and such a pattern
 * is simply tried on every message. Literals are folded to lower case (ASCII only); see automaton.h for messages. */
#ifndef RULES_LITERAL_H
#define RULES_LITERAL_H

#include <repartee/base.h>

#define LITERAL_BYTES 24 /* of one literal; a longer one is cut, since a part of what is needed is needed too */
#define LITERAL_COUNT 48 /* of one set; a larger one is no help */

struct literal {
    uint8_t len;
    char text[LITERAL_BYTES];
};
struct literals {
    size_t count; /* 0: none known */
    struct literal items[LITERAL_COUNT];
};

/* `pattern` is one that PCRE2 takes (UTF and UCP on, no other option). */
void literals_find(struct rp_str pattern, struct literals *out);

/* ASCII letters to lower case, everything else as it is. */
static inline unsigned char literal_fold(unsigned char byte) {
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + 32) : byte;
}

/* Does this character stand only for itself under (?i)? Known for ideographs, kana, Hangul and emoji. */
bool literal_caseless(uint32_t character);

#endif
