/* Sessions that are to be woken: the event "timeout" for a session that nobody writes in.
 *
 * A wake time is part of the session's bytes; beside it the store has a key "timer/NAME", by which a new process finds
 * the sessions that wait. In memory there is one timer for each wake that was asked for; it only starts a turn, which
 * looks at the session whether the time has come. So a timer too many does no harm, and none is ever lost. */
#ifndef CORE_TURN_SESSION_TIMER_H
#define CORE_TURN_SESSION_TIMER_H

#include "core/turn/turn.h"

#define SESSION_TIMER_PREFIX "timer/"

struct session_timers;

void session_timers_destroy(struct session_timers *timers); /* takes NULL */
/* On its worker: a look at this session at `at_ms` of rp_wall_ms(). */
void session_timer_arm(struct rp_worker *worker, struct rp_str session, int64_t at_ms);
/* On one worker, when the process has started or sessions are in another store: looks at all sessions that wait. */
void session_timers_find(struct rp_worker *worker);
/* Runs the event in a session that `turn` holds, before the turn itself goes on with then(). */
void session_timer_run_first(struct turn *turn, void (*then)(struct turn *turn));

#endif
