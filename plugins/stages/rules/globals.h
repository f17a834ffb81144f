/* What rule files can name: an allow-list of Lua's own functions, made safe, and an environment for each file.
 *
 * There is no io, os, debug, load or coroutine; require is the loader's. Globals that a file sets while it loads are its own; once the
 * state is sealed, setting one is an error and all that can be reached from them is read-only (freeze.h). */
#ifndef RULES_GLOBALS_H
#define RULES_GLOBALS_H

#include <lua.h>
#include <stdbool.h>

/* Once a state, in a protected call: opens the libraries and leaves the table of shared globals in the registry. */
void globals_open(lua_State *L);
void globals_push_shared(lua_State *L);      /* for more names, before any file is loaded */
void globals_push_environment(lua_State *L); /* pushes the environment for one file */
/* Freezes what the files have set, once all are loaded; `visit` as in freeze_visiting. */
void globals_seal(lua_State *L, void (*visit)(lua_State *L));
bool globals_sealed(lua_State *L); /* turns run now */
void globals_keep(lua_State *L);             /* pops a value that sealing shall freeze too */

#endif
