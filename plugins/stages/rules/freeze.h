/* Read-only tables: what all turns share must not carry anything from one user's turn to another's.
 *
 * Freezing is done in place: the table's contents move to a shadow that scripts cannot reach, so that every reference
 * to the table, in locals and closures too, becomes read-only. Fields whose name starts with "__" also stay where they
 * are, since Lua looks for metamethods without asking metatables. */
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
int freeze_next(lua_State *L);  /* the script's next */
int freeze_pairs(lua_State *L); /* the script's pairs */

#endif
