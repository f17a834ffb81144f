/* A dialog's part in the order of a turn: it takes the message, and a slice of its function comes to something. */
#ifndef RULES_DIALOG_TURN_H
#define RULES_DIALOG_TURN_H

#include "run.h"

/* Each gives true with *out_state, or false: the rules may try, from the first when the dialog was there before. */
bool dialog_take_message(struct run *run, enum run_state *out_state);
bool dialog_take_timeout(struct run *run, enum run_state *out_state);
/* A slice of run->rule's function is over, run->journal being there. `failed` as for run_attempt_failed. */
bool dialog_settle(struct run *run, int status, lua_State *failed, enum run_state *out_state);

#endif
