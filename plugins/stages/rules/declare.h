/* `rule`, `generate` and `guard`, as rule files call them. */
#ifndef RULES_DECLARE_H
#define RULES_DECLARE_H

#include <lauxlib.h>

extern const luaL_Reg declare_functions[]; /* ends in NULL */

#endif
