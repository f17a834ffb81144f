/* A table from text to compiled pattern, in the registry. A script that makes patterns out of what users write fills it:
 * it is emptied then. */
#include "patterns.h"

#include <lauxlib.h>

#include "meter.h"
#include "pattern_text.h"
#include "run.h"

#define KEPT 500
#define COMPILE_STEPS 20000
#define PATTERN_BYTES 4096
#define BOX "repartee.pattern"

static const char cache_key;

static int box_free(lua_State *L) {
    struct rp_regex **box = lua_touserdata(L, 1);
    rp_regex_free(*box);
    *box = NULL;
    return 0;
}

static void new_cache(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

void patterns_open(lua_State *L) {
    luaL_newmetatable(L, BOX);
    lua_pushcfunction(L, box_free);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    new_cache(L);
}

/* [0] counts. */
static void remember(lua_State *L, int index) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    lua_rawgeti(L, -1, 0);
    lua_Integer count = lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    if (count > KEPT) {
        new_cache(L);
        lua_pop(L, 1);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
        count = 1;
    }
    lua_pushinteger(L, count);
    lua_rawseti(L, -2, 0);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

static const struct rp_regex *compile(lua_State *L, int index, const char *name) {
    struct rp_error error = {0};
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    if (len > PATTERN_BYTES) luaL_error(L, "%s: a pattern has at most %d bytes", name, PATTERN_BYTES);
    meter_charge(L, COMPILE_STEPS);
    struct rp_regex **box = lua_newuserdatauv(L, sizeof(struct rp_regex *), 0);
    *box = NULL;
    luaL_setmetatable(L, BOX);
    struct rp_str pattern = rp_str_n(text, len);
    struct rp_arena *arena = rp_arena_create();
    int rc = pattern_compile(arena, &pattern, 0, box, &error);
    rp_arena_destroy(arena);
    if (rc != 0) luaL_error(L, "%s: %s", name, error.text);
    const struct rp_regex *regex = *box;
    remember(L, index);
    return regex;
}

const struct rp_regex *patterns_get(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "%s: a pattern is a text, not a %s", name, luaL_typename(L, index));
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    struct rp_regex **box = lua_touserdata(L, -1);
    const struct rp_regex *regex = box ? *box : NULL;
    lua_pop(L, 2);
    return regex ? regex : compile(L, index, name);
}

bool patterns_find(lua_State *L, const struct rp_regex *regex, struct rp_str text, struct rp_match *out_match) {
    meter_charge(L, (int64_t)text.len / 4 + 100);
    struct run *run = vm_of(L)->run;
    int found = run ? run_match(run, regex, text, out_match) : rp_regex_match(regex, text, 0, RP_MATCH_TRUSTED, out_match);
    if (found < 0) luaL_error(L, "a pattern is over its limits on this text");
    return found == RP_MATCH_FOUND;
}
