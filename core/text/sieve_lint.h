/* Which patterns can be matched piece by piece. */
#ifndef REPARTEE_CORE_TEXT_SIEVE_LINT_H
#define REPARTEE_CORE_TEXT_SIEVE_LINT_H

#include <stdbool.h>
#include <stddef.h>

struct sieve_lint {
    size_t lookbehinds; /* how many it has, and so how deep they can be nested at most */
    bool lines;         /* ^ may stand for the beginning of a line, or there is \R */
};
/* NULL, or what is in the pattern that depends on more than the text around the match; *out is untouched then. */
const char *sieve_lint(const char *pattern, struct sieve_lint *out);

#endif
