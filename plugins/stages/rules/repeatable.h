/* What Lua itself would do differently each time, done the same way each time while a dialog's function runs: the order of
 * pairs(), random numbers, the clock. And for all scripts: texts that would show where a value lies in memory. */
#ifndef RULES_REPEATABLE_H
#define RULES_REPEATABLE_H

#include <lua.h>
#include <repartee/base.h>

struct journal *repeatable_journal(lua_State *L); /* of the dialog whose function runs; NULL: none */
int64_t repeatable_now_ms(lua_State *L);          /* rp_wall_ms(), or a dialog's idea of it */
/* The key behind the one on the top of the stack (nil: the first) in the order of keys, and its value, for the table at
 * index 1: as lua_next. Raises for keys that have no order. */
int repeatable_next(lua_State *L);
/* pairs: pushes an iterator over the table at index 1 in the order of its keys. */
int repeatable_pairs(lua_State *L);
void repeatable_keys(lua_State *L, int table); /* pushes the list of its keys in their order */
int repeatable_sort(lua_State *L); /* table.sort */
void repeatable_math(lua_State *L);   /* for the table `math` on the top of the stack */
int repeatable_tostring(lua_State *L);
/* Replaces the arguments of string.format that have no text of their own; raises for %p. */
void repeatable_format(lua_State *L);

#endif
