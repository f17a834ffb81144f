/* Guards around library functions that can run for hours on one call, where the instruction count cannot stop them:
 * patterns that backtrack, and loops over a count that the script makes up. They look at the arguments, refuse what is
 * out of all proportion for a bot file, and leave the work to the original. */
#include "core/config/sandbox.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>

#define PATTERN_WORK 1e9 /* steps of the matcher at worst: a few seconds */
#define REPEAT_MAX 1000000

/* Calls the original, upvalue 1, with all arguments. Its errors know no line: they get the caller's. */
static int call_original(lua_State *lua) {
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    if (lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0) == LUA_OK) return lua_gettop(lua);
    if (lua_type(lua, -1) == LUA_TSTRING) {
        luaL_where(lua, 1);
        lua_insert(lua, -2);
        lua_concat(lua, 2);
    }
    return lua_error(lua);
}

static const char *skip_set(const char *at, const char *end) {
    if (at < end && *at == '^') at++;
    if (at < end && *at == ']') at++;
    while (at < end && *at != ']') at += *at == '%' ? 2 : 1;
    return at;
}

/* How often the matcher may have to choose how far to go. */
static unsigned pattern_choices(const char *pattern, size_t len) {
    unsigned choices = 0;
    const char *end = pattern + len;
    for (const char *at = pattern; at < end; at++) {
        if (*at == '%') at++;
        else if (*at == '[') at = skip_set(at + 1, end);
        else if (*at == '*' || *at == '+' || *at == '-' || *at == '?') choices++;
    }
    return choices;
}

static int guarded_pattern(lua_State *lua) {
    size_t subject_len, pattern_len;
    luaL_checklstring(lua, 1, &subject_len);
    const char *pattern = luaL_checklstring(lua, 2, &pattern_len);
    unsigned choices = pattern_choices(pattern, pattern_len) + (*pattern != '^');
    if (pow((double)subject_len + 1, choices) > PATTERN_WORK)
        return luaL_error(lua, "this pattern could take for ever on a text of %d bytes", (int)subject_len);
    return call_original(lua);
}

static int guarded_find(lua_State *lua) {
    return lua_toboolean(lua, 4) ? call_original(lua) : guarded_pattern(lua);
}

static int guarded_rep(lua_State *lua) {
    if (luaL_checkinteger(lua, 2) > REPEAT_MAX) return luaL_error(lua, "string.rep: more than %d times", REPEAT_MAX);
    return call_original(lua);
}

static int guarded_move(lua_State *lua) {
    lua_Integer from = luaL_checkinteger(lua, 2), to = luaL_checkinteger(lua, 3);
    if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from > REPEAT_MAX)
        return luaL_error(lua, "table.move: more than %d values", REPEAT_MAX);
    return call_original(lua);
}

void sandbox_guard(lua_State *lua, int globals) {
    static const struct {
        const char *library, *name;
        lua_CFunction guard;
    } guards[] = {
        {"string", "find", guarded_find},      {"string", "match", guarded_pattern}, {"string", "rep", guarded_rep},
        {"string", "gmatch", guarded_pattern}, {"string", "gsub", guarded_pattern},  {"table", "move", guarded_move},
    };
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++) {
        lua_getfield(lua, globals, guards[i].library);
        lua_getfield(lua, -1, guards[i].name);
        lua_pushcclosure(lua, guards[i].guard, 1);
        lua_setfield(lua, -2, guards[i].name);
        lua_pop(lua, 1);
    }
}
