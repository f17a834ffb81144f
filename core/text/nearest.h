/* The name that somebody most likely meant: for "did you mean …?". */
#ifndef CORE_TEXT_NEAREST_H
#define CORE_TEXT_NEAREST_H

#include <stddef.h>

/* The name with the fewest edits (insert, delete, replace, swap neighbours) away from `wanted`, the first of equals;
 * NULL when even that takes more than max(1, length / 3) edits. Capitals count as small letters. */
const char *nearest_name(const char *wanted, const char *const *names, size_t count);

#endif
