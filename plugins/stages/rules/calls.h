/* The methods of `t` in a dialog: each runs live, or is answered by the journal, by its kind (journal.h). */
#ifndef RULES_CALLS_H
#define RULES_CALLS_H

#include <lua.h>

/* Pushes a table with a wrapper for each function of the one at `index`. A method that calls.c does not know is taken
 * for one whose results are kept. */
void calls_wrap(lua_State *L, int index);

#endif
