/* The guards on replies: a tap that the stage hangs into the reply of a turn, whoever makes it. */
#ifndef RULES_GUARD_REPLY_H
#define RULES_GUARD_REPLY_H

#include "run.h"

/* Before a turn goes on to the model (RUN_PASSES) or is answered: finds out which guards apply, and hangs them in. The
 * state to go on with; RUN_WAITS: stage_guarded_reply comes later with it. */
enum run_state guard_reply(struct run *run, enum run_state state);
void stage_guarded_reply(struct run *run, enum run_state state); /* stage.c */

#endif
