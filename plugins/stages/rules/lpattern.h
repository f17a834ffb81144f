/* string.find, match, gmatch and gsub on a bounded matcher.
 *
 * Lua's own run inside C, where the instruction hook never fires: a hundred characters can keep them busy for seconds.
 * These mean the same, errors included, and charge the meter for every step. */
#ifndef RULES_LPATTERN_H
#define RULES_LPATTERN_H

#include <lauxlib.h>

extern const luaL_Reg lpattern_functions[]; /* ends in NULL; to stand in the table `string` */

#endif
