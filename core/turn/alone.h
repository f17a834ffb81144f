/* A bot on the caller's own thread: one worker, no listener, no transport, no signal. For commands that start the turns
 * themselves and drive the loop by hand. The bot is loaded with BOT_INWARD or BOT_OFFLINE. */
#ifndef CORE_TURN_ALONE_H
#define CORE_TURN_ALONE_H

#include "core/config/bot.h"
#include "core/turn/turn.h"

struct alone {
    struct bot *bot;
    struct worker_group group;
    struct turn_runtime runtime;
    struct rp_transport transport; /* what turns start from; its pipeline is the caller's to choose */
};

/* Opens and attaches everything. 0, or -RP_ECONFIG with the report filled; then nothing is left open. */
int alone_open(struct alone *alone, struct bot *bot, struct report *report);
void alone_close(struct alone *alone); /* breaks what is still in flight */
/* The bot as it was right behind alone_open: see bot_renew. No turn may be in flight. */
int alone_renew(struct alone *alone, struct report *report);

static inline struct rp_worker *alone_worker(const struct alone *alone) {
    return alone->group.workers[0];
}
struct rp_pipeline *alone_pipeline(const struct alone *alone, struct rp_str name); /* empty: the first; NULL: none */

/* Runs what is ready, without waiting. True: something was, so that another look may find more. */
bool alone_step(struct alone *alone);
/* Waits until something from outside makes work, or ends a turn, `ms` at most. True: it did. */
bool alone_wait(struct alone *alone, int64_t ms);

#endif
