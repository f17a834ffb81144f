/* t:form{ … }: several values, asked for one by one, and found in whatever the user writes. */
#ifndef RULES_SLOTS_H
#define RULES_SLOTS_H

#include <lauxlib.h>

extern const luaL_Reg slots_functions[];

#endif
