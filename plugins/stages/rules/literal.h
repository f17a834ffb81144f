/* The texts that a pattern needs: sets of short literals, of each of which every match must contain at least one.
 *
 * The reading of a pattern is conservative: what is not understood for sure needs nothing. Literals are folded
 * (fold.h); a message that is searched for them has to be as well. */
#ifndef RULES_LITERAL_H
#define RULES_LITERAL_H

#include <repartee/base.h>

#define LITERAL_BYTES 24 /* of one literal; a longer one is cut, since a part of what is needed is needed too */
#define LITERAL_COUNT 48 /* of one set; a larger one is no help */
#define LITERAL_SETS 4   /* of one pattern; the best ones are kept */

struct literal_set {
    size_t count;
    const struct rp_str *items; /* none is empty, none is a part of another */
};
struct literals {
    size_t count; /* 0: nothing is needed for sure */
    struct literal_set sets[LITERAL_SETS]; /* the rarest first, as far as one can tell */
    bool exact; /* there is one set, and a message that contains one of its literals matches: that is all there is to it */
};

/* `pattern` is one that rp_regex_compile takes. Everything in *out lies in the arena. */
void literals_find(struct rp_str pattern, struct rp_arena *arena, struct literals *out);

/* How likely it is, very roughly, that a message contains this: 0 to 1. */
double literal_chance(struct rp_str literal);

#endif
