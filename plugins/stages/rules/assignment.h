/* Finds functions that assign to variables which all turns share: the locals of a file, seen from inside a function.
 *
 * Tables that turns share are frozen (freeze.h), globals are sealed (globals.h); a local that a function of the file
 * assigns to would still carry what one user said into another user's turn. Lua has no hook for that, so the functions
 * are looked through when the rules are loaded. */
#ifndef RULES_ASSIGNMENT_H
#define RULES_ASSIGNMENT_H

#include <lua.h>
#include <stdbool.h>

#define ASSIGNMENT_UPVALUES 256 /* as many as a Lua function can have, and one */

/* Which upvalues the Lua function at `index`, or a function inside it, assigns to. False: its code cannot be read.
 * Leaves the stack as it was; may raise when memory is out. */
bool assignment_find(lua_State *L, int index, bool out_assigned[ASSIGNMENT_UPVALUES]);
/* Can this Lua's code be read at all? Once a state. */
bool assignment_works(lua_State *L);

#endif
