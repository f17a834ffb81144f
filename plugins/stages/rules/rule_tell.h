/* What is told of rules and generates in the explanation of a turn: which could have matched, and what became of each. */
#ifndef RULES_RULE_TELL_H
#define RULES_RULE_TELL_H

#include "run.h"

/* Before the first rule is tried: the message as patterns see it, and the candidates whose patterns do not match. */
void rule_tell_misses(const struct run *run);
/* What became of run->rule, or run->generate: "answered", "`when` said no". `detail` may be NULL. */
void rule_tell(const struct run *run, const char *outcome, const char *detail);
/* When a rule has answered: those behind it that match too. */
void rule_tell_rest(const struct run *run);

#endif
