/* What a backslash in a pattern means. For pattern.c and pattern_class.c. */
#ifndef RULES_PATTERN_ESCAPE_H
#define RULES_PATTERN_ESCAPE_H

#include "pattern.h"

/* *at is behind the backslash and moves behind what belongs to it. PATTERN_CHARACTER with *out_character, _ANY,
 * _NOTHING or _LOST. \Q and \E are the caller's. */
enum pattern_kind escape_read(const char **at, const char *end, int32_t *out_character);
/* Moves *at behind the next `last`; false: there is none. */
bool escape_skip_until(const char **at, const char *end, char last);

#endif
