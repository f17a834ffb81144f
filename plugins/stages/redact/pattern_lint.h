/* Which own patterns can be matched piece by piece. */
#ifndef REDACT_PATTERN_LINT_H
#define REDACT_PATTERN_LINT_H

#include <repartee/base.h>

/* NULL, or what is in the pattern that depends on more than the text around the match. `*out_lookbehinds`: how many
 * look-behinds it has, and so how deep they can be nested at most. */
const char *pattern_lint(const char *pattern, size_t *out_lookbehinds);

#endif
