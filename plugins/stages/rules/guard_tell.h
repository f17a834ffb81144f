/* Who hears of what a guard did: the explanation of the turn, the metrics, and the world outside. */
#ifndef RULES_GUARD_TELL_H
#define RULES_GUARD_TELL_H

#include "guard.h"

struct run;

/* A verdict that was acted on: note, counter, and for block, flag and handoff the event "guard". `reason` is what `check`
 * said besides; `outcome` NULL, or what became of it where that is not the action's name alone. */
void guard_tell(const struct run *run, const struct guard *guard, struct rp_str matched, struct rp_str reason,
                const char *outcome);
/* Only a note: the guard looked, or did not, and nothing came of it. */
void guard_tell_clear(const struct run *run, const struct guard *guard, const char *why);

/* A pattern hit a limit, or a text grew too long: to the log. */
void guard_tell_limit(const struct run *run, const struct guard *guard, int code);

#endif
