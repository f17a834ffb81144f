/* Wrappers that charge first and then run the original. string.rep is written anew: Lua's own loops for ever over
 * an empty string. */
#include "bounded.h"

#include <lauxlib.h>
#include <repartee/base.h>

#include "meter.h"
#include "repeatable.h"

#define STEPS_MAX ((int64_t)1 << 50) /* more than any budget, and far from overflow */

static int call_original(lua_State *L) {
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static void charge_range(lua_State *L, lua_Integer first, lua_Integer last) {
    if (last < first) return;
    uint64_t count = (uint64_t)last - (uint64_t)first;
    meter_charge(L, count < (uint64_t)STEPS_MAX ? (int64_t)count : STEPS_MAX);
}

static int by_length(lua_State *L) {
    if (lua_type(L, 1) == LUA_TSTRING) meter_charge(L, (int64_t)lua_rawlen(L, 1) / 8);
    return call_original(L);
}

/* Comparisons of long texts run inside of one call. */
static void charge_texts(lua_State *L, lua_Integer len, int64_t each) {
    for (lua_Integer i = 1; i <= len; i++) {
        if (lua_rawgeti(L, 1, i) == LUA_TSTRING) meter_charge(L, (int64_t)lua_rawlen(L, -1) / 2 * each);
        lua_pop(L, 1);
    }
}

static int sort(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer len = luaL_len(L, 1);
    int64_t each = 1;
    for (lua_Integer n = len; n > 1; n /= 2) each++;
    charge_range(L, 0, len > STEPS_MAX / 64 ? STEPS_MAX : len * each);
    if (lua_isnoneornil(L, 2)) charge_texts(L, len, each);
    return repeatable_journal(L) ? repeatable_sort(L) : call_original(L);
}

static int format(lua_State *L) {
    repeatable_format(L);
    return by_length(L);
}

/* insert and remove move what stands behind the place. */
static int shift(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_isinteger(L, 2) && lua_gettop(L) >= (int)lua_tointeger(L, lua_upvalueindex(2))) {
        charge_range(L, lua_tointeger(L, 2), luaL_len(L, 1));
    }
    return call_original(L);
}

static int by_range(lua_State *L) {
    int arg = (int)lua_tointeger(L, lua_upvalueindex(2));
    lua_Integer first = luaL_optinteger(L, arg, 1);
    charge_range(L, first, lua_isnoneornil(L, arg + 1) ? luaL_len(L, 1) : luaL_checkinteger(L, arg + 1));
    return call_original(L);
}

static int repeat(lua_State *L) {
    size_t len, between;
    const char *text = luaL_checklstring(L, 1, &len), *separator = luaL_optlstring(L, 3, "", &between);
    lua_Integer count = luaL_checkinteger(L, 2);
    if (count <= 0 || len + between == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((uint64_t)count > ((uint64_t)INT32_MAX) / (len + between)) return luaL_error(L, "resulting string too large");
    luaL_Buffer out;
    meter_charge(L, count / 4);
    luaL_buffinitsize(L, &out, (len + between) * (size_t)count);
    for (; count > 1; count--) {
        luaL_addlstring(&out, text, len);
        luaL_addlstring(&out, separator, between);
    }
    luaL_addlstring(&out, text, len);
    luaL_pushresult(&out);
    return 1;
}

static void wrap(lua_State *L, const char *name, lua_CFunction wrapper, int arg) {
    lua_getfield(L, -1, name);
    lua_pushinteger(L, arg);
    lua_pushcclosure(L, wrapper, 2);
    lua_setfield(L, -2, name);
}

void bounded_by_length(lua_State *L, const char *name) {
    wrap(L, name, by_length, 0);
}

void bounded_string(lua_State *L) {
    static const char *const names[] = {"byte", "pack", "packsize", "unpack"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) bounded_by_length(L, names[i]);
    wrap(L, "format", format, 0);
    lua_pushcfunction(L, repeat);
    lua_setfield(L, -2, "rep");
}

void bounded_table(lua_State *L) {
    wrap(L, "sort", sort, 0);
    wrap(L, "insert", shift, 3);
    wrap(L, "remove", shift, 2);
    wrap(L, "move", by_range, 2);
    wrap(L, "unpack", by_range, 2);
    wrap(L, "concat", by_range, 3);
}

void bounded_utf8(lua_State *L) {
    static const char *const names[] = {"codepoint", "len", "offset"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) bounded_by_length(L, names[i]);
}
