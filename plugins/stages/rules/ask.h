/* Methods of `t` for dialogs: t:say, t:ask, t:confirm, t:call, t:cancel. */
#ifndef RULES_ASK_H
#define RULES_ASK_H

#include <lauxlib.h>
#include <stdbool.h>

struct run;

extern const luaL_Reg ask_functions[];

/* What questions and forms share. Each raises, naming `what`, where an option is wrong. */
/* Replaces the table of options at `index` by its contents; nil by an empty one. All names must be in `known`. */
void ask_options(lua_State *L, int index, const char *const *known, const char *what);
int ask_tries(lua_State *L, int options, const char *what);
/* Pushes the field `check` of the table at `options`, and the value at `value` behind it: ready for lua_callk with two
 * results. False: there is no such field, and nothing is pushed. */
bool ask_push_check(lua_State *L, int options, int value, const char *what);
/* The two results of `check` on the top of the stack. True: they are replaced by the answer, which is the value at `value`
 * where check said just true; false: they are replaced by a text to say, or nil. */
bool ask_checked(lua_State *L, int value, const char *what);
/* Pushes the choices true and false, with the patterns of the table at `options` or the common words. */
void ask_push_yes_no(lua_State *L, int options);

#endif
