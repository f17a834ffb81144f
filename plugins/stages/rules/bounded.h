/* Lua's own library functions, with their work charged to the meter where an argument decides how much it is. */
#ifndef RULES_BOUNDED_H
#define RULES_BOUNDED_H

#include <lua.h>

/* Each replaces functions of the library table on the top of the stack. */
void bounded_string(lua_State *L);
void bounded_table(lua_State *L);
void bounded_utf8(lua_State *L);
/* The same for one function of the table on the top of the stack: its first argument's length counts. */
void bounded_by_length(lua_State *L, const char *name);

#endif
