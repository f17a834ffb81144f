/* What normalising needs to know of a character, as utf8proc has it. Any thread. */
#ifndef REPARTEE_UNICODE_H
#define REPARTEE_UNICODE_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RP_UNICODE_EXPANSION 32 /* more characters than any single one comes apart into (18) */

/* The character at `at`, which valid UTF-8 starts with. */
static inline int32_t rp_unicode_read(const char *at, size_t *out_len) {
    const unsigned char *byte = (const unsigned char *)at;
    if (byte[0] < 0x80) {
        *out_len = 1;
        return byte[0];
    }
    if (byte[0] < 0xE0) {
        *out_len = 2;
        return (byte[0] & 0x1F) << 6 | (byte[1] & 0x3F);
    }
    if (byte[0] < 0xF0) {
        *out_len = 3;
        return (byte[0] & 0x0F) << 12 | (byte[1] & 0x3F) << 6 | (byte[2] & 0x3F);
    }
    *out_len = 4;
    return (byte[0] & 0x07) << 18 | (byte[1] & 0x3F) << 12 | (byte[2] & 0x3F) << 6 | (byte[3] & 0x3F);
}

RP_EXPORT size_t rp_unicode_write(int32_t character, char out[4]); /* UTF-8; the number of bytes */

enum rp_unicode_class {
    RP_UNICODE_JOINS,  /* marks and their kin, which can change the character in front; and what is left out */
    RP_UNICODE_STARTS, /* a normalised text comes apart in front of it into two that are normalised each by itself */
    RP_UNICODE_STABLE, /* the same, and it is normalised as it stands, unless something follows that joins it */
};
#define RP_UNICODE_TABLE 0x20000 /* beyond it lie rare ideographs, tags and private characters */

RP_EXPORT const uint8_t *rp_unicode_table(void); /* classes, four a byte; made when it is first asked for */
RP_EXPORT enum rp_unicode_class rp_unicode_look_up(int32_t character);

static inline enum rp_unicode_class rp_unicode_class(const uint8_t *table, int32_t character) {
    if (character < 0x80) return RP_UNICODE_STABLE;
    if (character >= RP_UNICODE_TABLE) return rp_unicode_look_up(character);
    return (enum rp_unicode_class)(table[character / 4] >> character % 4 * 2 & 3);
}

RP_EXPORT bool rp_unicode_is_mark(int32_t character);
/* NFKC's decomposition, with or without case folding: the number of characters, 0 for one that is left out. */
RP_EXPORT size_t rp_unicode_decompose(int32_t character, bool fold, int32_t out[RP_UNICODE_EXPANSION]);
RP_EXPORT int rp_unicode_combining_class(int32_t character); /* 0: not moved by reordering */
/* Composes a decomposed and ordered text in place: the new number of characters. */
RP_EXPORT size_t rp_unicode_compose(int32_t *characters, size_t count);

#ifdef __cplusplus
}
#endif
#endif
