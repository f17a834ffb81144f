/* The guards on messages: they look before dialogs and rules do. */
#ifndef RULES_GUARD_MESSAGE_H
#define RULES_GUARD_MESSAGE_H

#include "run.h"

/* RUN_PASSES: the message, changed perhaps, goes on to the rules. RUN_ANSWERS and RUN_FAILS as of the rules. RUN_WAITS:
 * stage_guarded comes later with one of the others. */
enum run_state guard_message(struct run *run);
void stage_guarded(struct run *run, enum run_state state); /* stage.c */

#endif
