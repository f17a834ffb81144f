/* Time in a conversation test. It stands still: only the file moves it, and a turn that waits for a timer is helped over
 * the wait at once. */
#ifndef CORE_TESTING_PASS_TIME_H
#define CORE_TESTING_PASS_TIME_H

#include "core/turn/alone.h"

void time_start(int64_t wall_ms); /* the clocks stand there */
/* Runs until `*done`. False: it does not come, since something outside does not answer. */
bool time_run_until(struct alone *alone, const bool *done);
/* Moves the clocks; what is due on the way runs when it is due. False as above. */
bool time_move(struct alone *alone, int64_t ms);
bool time_settle(struct alone *alone); /* runs until no turn is in flight. False as above */

#endif
