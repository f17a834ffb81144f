/* The clocks, and what lets a test move them. Any thread. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <repartee/base.h>

/* Time stands still at `wall_ms` from here on; only clock_advance moves it. Timers of workers go by it too. */
void clock_freeze(int64_t wall_ms);
void clock_hold(void); /* the monotonic clock of timers and limits stands still too, and only clock_advance moves it */
void clock_advance(int64_t ms); /* of a frozen clock; see timer_heap_poke */
/* The monotonic clock that timers go by: `real_ms`, or where it is held, and what it has been advanced by. */
int64_t clock_worker_ms(int64_t real_ms);

#endif
