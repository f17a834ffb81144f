/* Which patterns can be matched piece by piece. */
#ifndef REPARTEE_CORE_TEXT_SIEVE_LINT_H
#define REPARTEE_CORE_TEXT_SIEVE_LINT_H

#include <stddef.h>

/* NULL, or what is in the pattern that depends on more than the text around the match. `*out_lookbehinds`: how many
 * look-behinds it has, and so how deep they can be nested at most. */
const char *sieve_lint(const char *pattern, size_t *out_lookbehinds);

#endif
