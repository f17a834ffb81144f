/* Opens the allowed libraries, replaces what is not safe as it is, and makes the environments. */
#include "globals.h"

#include <lauxlib.h>
#include <lualib.h>

#include "bounded.h"
#include "freeze.h"
#include "lpattern.h"
#include "meter.h"
#include "moment.h"
#include "repeatable.h"

static const char shared_key, roots_key, sealed_key;

/* ---- pcall, xpcall: an error of the budget is passed on ---------------------------------------------------------- */

static int finish_pcall(lua_State *L, int status, lua_KContext extra) {
    struct account *account = meter_of(L)->account;
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)extra;
    if (account && status == LUA_ERRMEM && account->over == METER_FINE) account->over = METER_MEMORY;
    if (account && account->over != METER_FINE) return lua_error(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int protected_call(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
    return finish_pcall(L, status, 0);
}

/* In front of the script's own message handler: after an error in the hook, Lua calls handlers without any hook. */
static int handle(lua_State *L) {
    struct account *account = meter_of(L)->account;
    if (account && account->over != METER_FINE) return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int protected_call_handled(lua_State *L) {
    int args = lua_gettop(L) - 2;
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    int status = lua_pcallk(L, args, LUA_MULTRET, 2, 2, finish_pcall);
    return finish_pcall(L, status, 2);
}

/* Finalizers would run in somebody else's turn, or in nobody's. */
static int set_metatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (freeze_is_protected(L, 1)) return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    if (lua_istable(L, 2)) {
        freeze_contents(L, 2);
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, -2) != LUA_TNIL) return luaL_error(L, "rules cannot have finalizers (__gc)");
        lua_settop(L, 2);
        freeze_push_metatable(L, 2);
        lua_replace(L, 2);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static const luaL_Reg own_functions[] = {{"next", freeze_next},           {"pairs", freeze_pairs},
                                         {"pcall", protected_call},       {"xpcall", protected_call_handled},
                                         {"setmetatable", set_metatable}, {"time", moment_time},
                                         {"date", moment_date},           {"tostring", repeatable_tostring},
                                         {NULL, NULL}};

/* ---- the shared globals ------------------------------------------------------------------------------------------ */

static void open_base(lua_State *L, int shared) {
    static const char *const names[] = {"assert", "error",    "getmetatable", "ipairs", "rawequal", "rawlen",
                                        "select", "tonumber", "type",         "_VERSION"};
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        lua_getfield(L, -1, names[i]);
        lua_setfield(L, shared, names[i]);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, shared);
    luaL_setfuncs(L, own_functions, 0);
    bounded_by_length(L, "tonumber");
    lua_pop(L, 1);
}

static void remove_field(lua_State *L, const char *name) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

static void finish_string(lua_State *L) {
    remove_field(L, "dump");
    luaL_setfuncs(L, lpattern_functions, 0);
    bounded_string(L);
}

static void finish_math(lua_State *L) {
    remove_field(L, "randomseed"); /* one generator serves all turns of the worker */
    repeatable_math(L);
}

static void open_library(lua_State *L, int shared, const char *name, lua_CFunction open, void (*finish)(lua_State *)) {
    luaL_requiref(L, name, open, 0);
    finish(L);
    freeze(L, -1);
    lua_setfield(L, shared, name);
}

/* ("x"):upper() goes straight to the contents of `string`. */
static void protect_strings(lua_State *L, int shared) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_getfield(L, shared, LUA_STRLIBNAME);
    freeze_contents(L, -1);
    lua_setfield(L, -3, "__index");
    lua_pop(L, 1);
    lua_pushliteral(L, "read-only");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

void globals_open(lua_State *L) {
    lua_newtable(L);
    int shared = lua_gettop(L);
    freeze_open(L);
    open_base(L, shared);
    open_library(L, shared, LUA_STRLIBNAME, luaopen_string, finish_string);
    open_library(L, shared, LUA_TABLIBNAME, luaopen_table, bounded_table);
    open_library(L, shared, LUA_MATHLIBNAME, luaopen_math, finish_math);
    open_library(L, shared, LUA_UTF8LIBNAME, luaopen_utf8, bounded_utf8);
    protect_strings(L, shared);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shared_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &roots_key);
}

void globals_push_shared(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shared_key);
}

/* ---- environments ------------------------------------------------------------------------------------------------ */

bool globals_sealed(lua_State *L) {
    bool sealed = lua_rawgetp(L, LUA_REGISTRYINDEX, &sealed_key) != LUA_TNIL;
    lua_pop(L, 1);
    return sealed;
}

static int set_global(lua_State *L) {
    if (globals_sealed(L)) {
        const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
        return luaL_error(L, "rules cannot write globals ('%s'); use local, or t.session", name);
    }
    lua_rawset(L, lua_upvalueindex(1));
    return 0;
}

void globals_keep(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &roots_key);
    lua_insert(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

/* The contents are kept unfrozen as such: only their proxy is ever seen, and freezing goes through their copy. */
void globals_push_environment(lua_State *L) {
    lua_newtable(L); /* the proxy */
    lua_newtable(L); /* the contents */
    lua_createtable(L, 0, 1);
    globals_push_shared(L);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_createtable(L, 0, 4); /* the proxy's metatable */
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, set_global, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "read-only");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -3);
    lua_pushvalue(L, -2);
    globals_keep(L);
    freeze_proxy(L, -2);
}

/* Replaces each environment among the roots by a copy of its contents, which the walk then empties. */
static void copy_environments(lua_State *L, int roots) {
    for (lua_Integer i = 1, count = (lua_Integer)lua_rawlen(L, roots); i <= count; i++) {
        lua_rawgeti(L, roots, i);
        if (lua_istable(L, -1)) {
            lua_newtable(L);
            freeze_contents(L, -2);
            lua_pushnil(L);
            while (lua_next(L, -2)) {
                lua_pushvalue(L, -2);
                lua_insert(L, -2);
                lua_rawset(L, -5);
            }
            lua_pop(L, 1);
            lua_rawseti(L, roots, i);
        }
        lua_pop(L, 1);
    }
}

void globals_seal(lua_State *L, void (*visit)(lua_State *L)) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &roots_key);
    copy_environments(L, lua_gettop(L));
    freeze_visiting(L, -1, visit);
    lua_pop(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &roots_key);
    lua_pushboolean(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sealed_key);
}
