/* Whole numbers in decimal, for those to whom printf is too slow. */
#ifndef CORE_BASE_DIGITS_H
#define CORE_BASE_DIGITS_H

#include <stdint.h>

enum { DIGITS_MAX = 24 }; /* bytes that any number needs, with its sign and a NUL */

/* Writes the digits in front of `end`, at least `least` of them; the first one. */
static inline char *digits_before(char *end, uint64_t value, int least) {
    for (; value || least > 0; value /= 10, least--) *--end = (char)('0' + value % 10);
    return end;
}

#endif
