/* What the parts of the script runner share: the words of the bot file, values, sources. All of it runs inside the
 * protected call of script_run, so Lua errors may be thrown. */
#ifndef CORE_CONFIG_SCRIPT_LUA_H
#define CORE_CONFIG_SCRIPT_LUA_H

#include <lua.h>

#include "core/config/script.h"

#define ELEMENT_TYPE "element"
#define SECRET_TYPE "secret"

struct script *script_of(lua_State *lua);
struct place script_place(lua_State *lua); /* the line that runs */

/* script_value.c */
struct node script_value(lua_State *lua, int index);

/* script_words.c: fills the globals, a table on top of the stack, and the metatables of elements and secrets. */
void script_words(lua_State *lua);
int script_construct(lua_State *lua); /* what an unknown name stands for; upvalue 1 is the name */

/* script_source.c */
struct source *source_open(struct script *script, const char *name, const char *path, const char **out_why);
const struct source *source_at(const struct script *script, const char *chunk); /* by the name that Lua knows: "=#1" */
/* Compiles and runs; leaves what the file returned. A Lua status, with the error on the stack. */
int source_run(lua_State *lua, struct source *source);
int script_include(lua_State *lua); /* include "file.lua" */
/* Reports the error on top of the stack, which may tell its own file and line, and takes it off. */
void script_report_error(lua_State *lua, const struct source *source);

#endif
