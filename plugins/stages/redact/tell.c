/* What the explanation of a turn says of masking: kinds and counts. */
#include "redact.h"

unsigned *tell_counts(const struct rp_stage *stage, struct rp_turn *turn) {
    const struct mask *mask = stage->element.state;
    if (!rp_turn_explained(turn)) return NULL;
    return rp_arena_zalloc(turn->arena, (mask->set.count + 1) * sizeof(unsigned));
}

void tell_masked(const struct rp_stage *stage, struct rp_turn *turn, const char *where, const unsigned *counts) {
    const struct mask *mask = stage->element.state;
    json_t *kinds = counts ? json_object() : NULL;
    for (size_t i = 0; counts && i < mask->set.count; i++)
        if (counts[i]) json_object_set_new(kinds, mask->rules[i].name, json_integer(counts[i]));
    if (json_object_size(kinds))
        rp_turn_note(turn, &stage->element, "masked", json_pack("{s:s, s:O}", "in", where, "kinds", kinds));
    json_decref(kinds);
}
