/* Capital and small letters made alike, character by character, as (?i) sees them: what PCRE2 takes for the same letter
 * folds to the same character. For finding literals only: it may fold more than PCRE2 does. */
#ifndef RULES_FOLD_H
#define RULES_FOLD_H

#include <repartee/base.h>

int32_t fold_beyond_ascii(int32_t character);

static inline int32_t fold_character(int32_t character) {
    if (character < 0x80) return character >= 'A' && character <= 'Z' ? character + 32 : character;
    return fold_beyond_ascii(character);
}

/* Scripts without capitals, and emoji, by their blocks: they fold to themselves. */
static inline bool fold_plain(int32_t c) {
    return (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* Is it sure which characters (?i) takes for this one, whatever version of Unicode PCRE2 knows? Not so for letters that
 * may get a capital one day, and for rarer scripts. */
bool fold_sure(int32_t character);

#endif
