/* The engine: a bot with its workers, from the first look at the file to the last connection closed. Main thread only. */
#ifndef CORE_TURN_ENGINE_H
#define CORE_TURN_ENGINE_H

#include "core/config/bot.h"

struct engine_options {
    const char *file;
    unsigned workers;             /* 0: one for each core */
    const struct bot_wish *wish;  /* a transport the command needs; NULL: none */
    bool only_wish;               /* start nothing but that transport: no listener, no other transport */
    const char *control;          /* where the control socket is; NULL: the bot's usual place */
    bool controlled;              /* there is a control socket, and SIGHUP reloads */
};

/* Serves until a signal or rp_stop, drains, and returns the exit code. */
int engine_run(const struct engine_options *options);

/* Opens and attaches everything on one worker, and undoes it. 0, or -RP_ECONFIG with the report filled. */
int engine_check(struct bot *bot, struct report *report);

#endif
