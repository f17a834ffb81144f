/* Many patterns on one message: those that can match at all, in their order, by way of their literals.
 *
 * The result is the same as trying every pattern one after the other. Immutable once built; usable by all threads. */
#ifndef RULES_MATCHER_H
#define RULES_MATCHER_H

#include <repartee/regex.h>

struct matcher;

struct matcher *matcher_create(void);
void matcher_destroy(struct matcher *matcher); /* takes NULL */
/* Patterns are tried in the order in which they are added. They are normalised (pattern_text.h), as texts have to be.
 * 0, or what rp_regex_compile says. */
int matcher_add(struct matcher *matcher, struct rp_str pattern, struct rp_error *error);
void matcher_build(struct matcher *matcher); /* once, after the last pattern */

size_t matcher_count(const struct matcher *matcher);
const struct rp_regex *matcher_regex(const struct matcher *matcher, size_t pattern);
/* Patterns without a usable literal, which every message has to try: how many, and the number of each. */
size_t matcher_bare_count(const struct matcher *matcher);
size_t matcher_bare(const struct matcher *matcher, size_t index);
size_t matcher_bytes(const struct matcher *matcher); /* memory held, without that of the compiled patterns */

struct matcher_cursor {
    const struct matcher *matcher;
    struct rp_str text; /* valid UTF-8, normalised, borrowed */
    struct rp_regex_budget *budget;
    const uint32_t *candidates; /* in their order */
    size_t count, next, next_bare;
};
/* `budget` is what all matches of this cursor may take together; NULL: no more than each may by itself. */
void matcher_start(const struct matcher *matcher, struct rp_str text, struct rp_arena *arena,
                   struct rp_regex_budget *budget, struct matcher_cursor *out);
/* The next pattern that matches: RP_MATCH_FOUND, RP_MATCH_NONE, or -RP_EREGEX or -RP_EBUDGET with the pattern that hit
 * a limit. */
int matcher_next(struct matcher_cursor *cursor, size_t *out_pattern, struct rp_match *out_match);
/* Could one of `count` patterns from number `first` on match at all? */
bool matcher_may_match(const struct matcher_cursor *cursor, size_t first, size_t count);

#endif
