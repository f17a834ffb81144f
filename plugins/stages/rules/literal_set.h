/* Sets of texts while a pattern is read: all that a part of it can be. For literal.c. */
#ifndef RULES_LITERAL_SET_H
#define RULES_LITERAL_SET_H

#include "literal.h"

#define TEXTS_MAX 16 /* all that a part can be; more are too many to follow */

struct literal_set set_of_nothing(void); /* just the empty text */
bool set_has_empty(const struct literal_set *set);
/* Each text of `a` with each of `b` behind it. False: too many, or too long. */
bool set_product(struct rp_arena *arena, const struct literal_set *a, const struct literal_set *b,
                 struct literal_set *out);
/* False: more than `most`. */
bool set_union(struct rp_arena *arena, const struct literal_set *a, const struct literal_set *b, size_t most,
               struct literal_set *out);
/* What a message must contain to contain one of the texts: without those of which another is a part. */
struct literal_set set_reduce(struct rp_arena *arena, const struct literal_set *set);
/* Does a message that contains one of `a` always contain one of `b`? */
bool set_implies(const struct literal_set *a, const struct literal_set *b);
double set_chance(const struct literal_set *set); /* that a message contains one of them */

#endif
