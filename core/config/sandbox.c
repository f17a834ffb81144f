/* A Lua state for bot files: allow-listed globals, a budget of instructions and of memory.
 *
 * A script can catch the error that ends it, so an exhausted budget fails every further instruction. What the words of
 * a bot file mean is for script_words.c. */
#include "core/config/sandbox.h"

#include <lauxlib.h>
#include <lualib.h>
#include <repartee/error.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_BETWEEN_LOOKS 1000

static void *allocate(void *arg, void *old, size_t old_size, size_t size) {
    struct sandbox *sandbox = arg;
    size_t before = old ? old_size : 0;
    if (size == 0) {
        free(old);
        sandbox->memory -= before;
        return NULL;
    }
    if (size > before && size - before > SANDBOX_MEMORY - sandbox->memory) return NULL;
    void *block = realloc(old, size);
    if (block) sandbox->memory += size - before;
    return block;
}

static void count_steps(lua_State *lua, lua_Debug *where) {
    (void)where;
    void *arg;
    lua_getallocf(lua, &arg);
    struct sandbox *sandbox = arg;
    sandbox->steps += STEPS_BETWEEN_LOOKS;
    if (!sandbox->spent && sandbox->steps < SANDBOX_STEPS) return;
    sandbox->spent = true;
    lua_sethook(lua, count_steps, LUA_MASKCOUNT, 1);
    luaL_where(lua, 0);
    lua_pushliteral(lua, "the script does not come to an end: it has used up its instructions");
    lua_concat(lua, 2);
    lua_error(lua);
}

bool sandbox_spent(lua_State *lua) {
    void *sandbox;
    lua_getallocf(lua, &sandbox);
    return ((struct sandbox *)sandbox)->spent;
}

int sandbox_init(struct sandbox *sandbox) {
    memset(sandbox, 0, sizeof *sandbox);
    sandbox->lua = lua_newstate(allocate, sandbox);
    if (!sandbox->lua) return -RP_ENOMEM;
    lua_sethook(sandbox->lua, count_steps, LUA_MASKCOUNT, STEPS_BETWEEN_LOOKS);
    return 0;
}

void sandbox_finish(struct sandbox *sandbox) {
    if (sandbox->lua) lua_close(sandbox->lua);
    sandbox->lua = NULL;
}

static void copy_globals(lua_State *lua) {
    static const char *const allowed[] = {"assert", "error",    "ipairs",   "next",   "pairs", "pcall", "select",
                                          "string", "tonumber", "tostring", "table", "type",  "math",  "utf8"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        lua_getglobal(lua, allowed[i]);
        lua_setfield(lua, -2, allowed[i]);
    }
}

void sandbox_open(struct sandbox *sandbox) {
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},         {LUA_STRLIBNAME, luaopen_string}, {LUA_TABLIBNAME, luaopen_table},
        {LUA_MATHLIBNAME, luaopen_math},   {LUA_UTF8LIBNAME, luaopen_utf8},
    };
    lua_State *lua = sandbox->lua;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
        lua_pop(lua, 1);
    }
    lua_newtable(lua);
    copy_globals(lua);
    lua_getfield(lua, -1, "string");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "dump");
    lua_pop(lua, 1);
    sandbox_guard(lua, lua_gettop(lua));
    lua_pushvalue(lua, -1);
    lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
