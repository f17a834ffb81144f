/* From a message to the patterns that may match it. Of the sets that a pattern needs the rarest one makes it a
 * candidate; where many patterns share that one, the others are looked at too. For matcher.c. */
#ifndef RULES_MATCHER_INDEX_H
#define RULES_MATCHER_INDEX_H

#include "literal.h"

struct matcher_index { /* zero-initialise */
    struct automaton *automaton;
    uint32_t *first;    /* for each literal its first place in `patterns`, and one more: where the last one ends */
    uint32_t *patterns; /* that the literal makes candidates */
    uint32_t *rest;     /* for each pattern its place in `sets`; 0: nothing else is to be looked at */
    uint32_t *sets;     /* number of sets; for each the number of its literals, and these */
    uint32_t *bare;     /* patterns that need no literal */
    size_t literal_count, pattern_count, posting_count, set_count, set_cap, bare_count;
};

/* Once. `literals` are those of the patterns, in their order. */
void matcher_index_build(struct matcher_index *index, const struct literals *literals, size_t count);
void matcher_index_finish(struct matcher_index *index);
/* The candidates among patterns with literals, in their order, in the arena. */
size_t matcher_index_find(const struct matcher_index *index, struct rp_str text, struct rp_arena *arena,
                          const uint32_t **out_candidates);
size_t matcher_index_bytes(const struct matcher_index *index);

#endif
