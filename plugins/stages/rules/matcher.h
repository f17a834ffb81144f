/* Many patterns on one message: those that can match at all, in their order, by way of their literals.
 *
 * The result is the same as trying every pattern one after the other. Immutable once built; usable by all threads. */
#ifndef RULES_MATCHER_H
#define RULES_MATCHER_H

#include <repartee/regex.h>

struct matcher;

struct matcher *matcher_create(void);
void matcher_destroy(struct matcher *matcher); /* takes NULL */
/* Patterns are tried in the order in which they are added. 0, or what rp_regex_compile says. */
int matcher_add(struct matcher *matcher, struct rp_str pattern, struct rp_error *error);
void matcher_build(struct matcher *matcher); /* once, after the last pattern */

size_t matcher_count(const struct matcher *matcher);
size_t matcher_unfiltered(const struct matcher *matcher); /* patterns without a usable literal */
const struct rp_regex *matcher_regex(const struct matcher *matcher, size_t pattern);

struct matcher_cursor {
    const struct matcher *matcher;
    struct rp_str text; /* valid UTF-8, borrowed */
    uint64_t *bits;     /* one for each pattern, the candidates not yet tried set; memory of the caller */
    size_t word;
};
size_t matcher_words(const struct matcher *matcher); /* of 64 bits, for `bits` */
void matcher_start(const struct matcher *matcher, struct rp_str text, uint64_t *bits, struct matcher_cursor *out);
/* The next pattern that matches: RP_MATCH_FOUND, RP_MATCH_NONE, or -RP_EREGEX with the pattern that hit a limit. */
int matcher_next(struct matcher_cursor *cursor, size_t *out_pattern, struct rp_match *out_match);
bool matcher_candidate(const struct matcher_cursor *cursor, size_t pattern);

#endif
