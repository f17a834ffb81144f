/* Waiting for the user: the one thing that all questions are built on. */
#ifndef RULES_LISTEN_H
#define RULES_LISTEN_H

#include <lua.h>

#include "dialog.h"

enum heard {
    HEARD_TEXT,    /* dialogs->text is the message */
    HEARD_NOTHING, /* the time is over */
    HEARD_LATER,   /* return lua_yield(L, 0): the turn ends here, and the function with it */
};
/* Says `question` and gives what comes. `again` is said once more after an interruption. timeout_ms: 0: the dialog's own,
 * which is then over as listen_timed_out does it. Raises. */
enum heard listen_for(lua_State *L, struct run *run, struct rp_str question, struct rp_str again, int64_t timeout_ms);
/* The time that the dialog itself gives is over: it ends as declared. Raises, or returns what is to be returned. */
int listen_timed_out(lua_State *L, struct run *run);
/* The option "timeout" of the table at `index`: "5m", or seconds. 0: not there. Raises. */
int64_t listen_timeout(lua_State *L, int index, const char *what);
/* The `t` at index 1, with a dialog that runs. Raises: t:NAME works only in dialogs. */
struct run *listen_run(lua_State *L, const char *name);

#endif
