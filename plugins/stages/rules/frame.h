/* Puts texts in front of and behind a reply that comes from somewhere else: a rule that has interrupted a dialog, a model. */
#ifndef RULES_FRAME_H
#define RULES_FRAME_H

#include <repartee/turn.h>

/* On lines of their own; empty: nothing. The texts live as long as the turn. While the stage has the turn. */
void frame_reply(struct rp_turn *turn, struct rp_str before, struct rp_str behind);

#endif
