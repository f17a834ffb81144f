/* Methods of `t` for dialogs: t:say, t:ask, t:confirm, t:call, t:cancel. */
#ifndef RULES_ASK_H
#define RULES_ASK_H

#include <lauxlib.h>
#include <stdbool.h>

extern const luaL_Reg ask_functions[];

/* What becomes of an answer that was found good by its pattern: the field `check` of the table at `options` is called with
 * the value on the top of the stack (popped), and may wait. Goes on with `k`, which calls ask_checked. */
int ask_check(lua_State *L, int options, lua_KContext context, lua_KFunction k);
/* The two results of `check` on the top of the stack: true: they are replaced by the value, taken from `value` where check
 * said just true; false: they are replaced by a text to say, or nil. */
bool ask_checked(lua_State *L, int value);

#endif
