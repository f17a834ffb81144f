/* Rules that can never answer, since one in front of them always does: mistakes, and found when the rules are loaded.
 *
 * A rule is told of only if that is sure: the rule in front has a fixed reply and no `when`, and matches whatever this one
 * matches: the same pattern, one for everything (.*), or a plain text that this one needs as well. */
#ifndef RULES_UNREACHABLE_H
#define RULES_UNREACHABLE_H

#include "ruleset.h"

/* After ruleset_order, for rules whose patterns have compiled. */
void unreachable_find(const struct ruleset *set, struct mistakes *mistakes);

#endif
