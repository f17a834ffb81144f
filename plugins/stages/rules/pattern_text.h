/* Patterns as they must be written to meet normalised messages (normalise.h): what an author types as "订单１００？" or with
 * an accent as a character of its own matches what a user types in whatever form. Only literal text changes, never what
 * is syntax: a full-width question mark becomes \? and repeats nothing. */
#ifndef RULES_PATTERN_TEXT_H
#define RULES_PATTERN_TEXT_H

#include <repartee/regex.h>

/* *out is the pattern itself when nothing is to be changed, else another one in the arena. The pattern is one that
 * rp_regex_compile takes. False: it would become too long. */
bool pattern_normalise(struct rp_arena *arena, struct rp_str pattern, struct rp_str *out);
/* rp_regex_compile for a pattern that will be matched on normalised text; *pattern becomes what was compiled. */
int pattern_compile(struct rp_arena *arena, struct rp_str *pattern, unsigned flags, struct rp_regex **out,
                    struct rp_error *error);

#endif
