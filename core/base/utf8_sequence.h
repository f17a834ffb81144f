/* One UTF-8 character, inline for the loops that look at every byte. */
#ifndef CORE_BASE_UTF8_SEQUENCE_H
#define CORE_BASE_UTF8_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UTF8_ONES UINT64_C(0x0101010101010101)
#define UTF8_HIGH UINT64_C(0x8080808080808080)

static inline uint64_t utf8_load(const char *data) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* Eight bytes at once. Those behind a byte that is found may be found too by mistake: 0 is certain, anything else wants
 * a closer look. */
static inline uint64_t eight_below_blank(uint64_t word) {
    return (word - UTF8_ONES * 0x20) & ~word & UTF8_HIGH;
}
static inline uint64_t eight_equal(uint64_t word, char byte) {
    uint64_t zeros = word ^ UTF8_ONES * (unsigned char)byte;
    return (zeros - UTF8_ONES) & ~zeros & UTF8_HIGH;
}

/* Whether a second byte may follow this lead byte: no overlong forms, no surrogates, nothing above U+10FFFF. */
static inline int utf8_second_fits(unsigned char lead, unsigned char second) {
    if ((second & 0xc0) != 0x80) return 0;
    switch (lead) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return 1;
    }
}

/* The length that a lead byte promises; 0 for a byte that leads nothing. */
static inline size_t utf8_promise(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;
    if (lead < 0xe0) return 2;
    if (lead < 0xf0) return 3;
    return lead < 0xf5 ? 4 : 0;
}

/* The length of the character at `data` (len > 0); 0 when it is not valid or not whole. */
static inline size_t utf8_sequence(const char *data, size_t len) {
    const unsigned char *bytes = (const unsigned char *)data;
    size_t promise = utf8_promise(bytes[0]);

    if (promise < 2) return promise;
    if (len < promise || !utf8_second_fits(bytes[0], bytes[1])) return 0;
    if (promise > 2 && (bytes[2] & 0xc0) != 0x80) return 0;
    if (promise > 3 && (bytes[3] & 0xc0) != 0x80) return 0;
    return promise;
}

#endif
