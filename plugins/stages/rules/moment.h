/* time() and date(): the clock for scripts. */
#ifndef RULES_MOMENT_H
#define RULES_MOMENT_H

#include <lua.h>

int moment_time(lua_State *L); /* time(): seconds since 1970 */
int moment_date(lua_State *L); /* date([format [, seconds]]): as os.date, "!" for UTC, "*t" for a table */

#endif
