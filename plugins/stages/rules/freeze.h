/* Read-only tables: what all turns share must not carry anything from one user's turn to another's.
 *
 * Freezing is done in place: the table's contents move to a shadow that scripts cannot reach, so that every reference
 * to the table, in locals and closures too, becomes read-only. */
#ifndef RULES_FREEZE_H
#define RULES_FREEZE_H

#include <lua.h>
#include <stdbool.h>

void freeze_open(lua_State *L); /* once a state */
/* The value at `index`, when it is a table or a function, with all that can be reached from it. */
void freeze(lua_State *L, int index);
/* The same; `visit` sees each Lua function on the way, on the top of the stack, which it leaves as it is. */
void freeze_visiting(lua_State *L, int index, void (*visit)(lua_State *L));
/* Pushes the table that holds the contents of the one at `index`: its shadow, or itself. Allocates nothing. */
void freeze_contents(lua_State *L, int index);
/* Makes `proxy` pass for a frozen table with the contents of the table on the top of the stack, which is popped. */
void freeze_proxy(lua_State *L, int proxy);
/* Pushes what is to be set as the metatable when a script asks for the table at `index`: for a frozen one with
 * metamethods a table that has them and that getmetatable shows as the frozen one. */
void freeze_push_metatable(lua_State *L, int index);
/* Does the table at `index` have a metatable that scripts may not take away? */
bool freeze_is_protected(lua_State *L, int index);
int freeze_next(lua_State *L);  /* the script's next */
int freeze_pairs(lua_State *L); /* the script's pairs */

#endif
