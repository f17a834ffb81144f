/* t.session: the variables of the conversation. Reading gives read-only values; assigning a whole one keeps it. */
#include "object.h"

#include "dialog.h"
#include "freeze.h"
#include "luajson.h"
#include "meter.h"
#include "run.h"

#define TYPE "session"
#define NAME_MAX_LEN 128
#define SET_STEPS 2000 /* the core measures the session each time */

static struct run *run_of(lua_State *L) {
    luaL_checkudata(L, 1, TYPE);
    lua_getiuservalue(L, 1, 1);
    struct run *run = object_run(L, -1);
    lua_pop(L, 1);
    return run;
}

static const char *check_name(lua_State *L) {
    size_t len;
    luaL_checktype(L, 2, LUA_TSTRING);
    const char *name = lua_tolstring(L, 2, &len);
    if (len == 0 || len > NAME_MAX_LEN || strlen(name) != len || !rp_utf8_valid(name, len)) {
        luaL_error(L, "a session variable's name has 1 to %d bytes of UTF-8", NAME_MAX_LEN);
    }
    if (name[0] == '@') luaL_error(L, "session variables that begin with '@' are not for rules");
    return name;
}

static int on_index(lua_State *L) {
    struct run *run = run_of(L);
    const char *name = check_name(L);
    const json_t *value = rp_session_get(run->turn, name);
    if (run->journal) value = dialog_read(L, run, name, value);
    if (!value || json_is_null(value)) return 0;
    luajson_push(L, value);
    freeze(L, -1);
    return 1;
}

static int on_newindex(lua_State *L) {
    struct run *run = run_of(L);
    const char *name = check_name(L), *why;
    json_t *value;
    if (luajson_read(L, 3, &value, &why) != 0) return luaL_error(L, "t.session.%s: %s", name, why);
    int rc = dialog_writes(L, run, name, 3, value) ? rp_session_set(run->turn, name, value) : 0;
    json_decref(value);
    meter_charge(L, SET_STEPS);
    if (rc == 0) return 0;
    if (run->journal) return dialog_crowded(L, run);
    return luaL_error(L, "t.session.%s: %s", name,
                      rc == -RP_ETOOLARGE ? "the session would grow too large" : rp_error_text(rc));
}

static int next_variable(lua_State *L) {
    lua_settop(L, 2);
    return freeze_next(L);
}

static void decref(void *arg) {
    json_decref(arg);
}

/* Those that are for rules, as an object that lives as long as the turn. */
static json_t *visible(struct rp_turn *turn) {
    const char *name;
    json_t *value, *all = (json_t *)(uintptr_t)rp_session_vars(turn), *copy = json_object();
    json_object_foreach(all, name, value) {
        if (name[0] != '@' && !json_is_null(value)) json_object_set(copy, name, value);
    }
    rp_arena_defer(turn->arena, decref, copy);
    return copy;
}

/* Over a copy, so that the loop may set variables. */
static int on_pairs(lua_State *L) {
    struct run *run = run_of(L);
    const char *name;
    json_t *value, *all = visible(run->turn);
    if (run->journal) all = (json_t *)(uintptr_t)dialog_read(L, run, "@*", all);
    lua_pushcfunction(L, next_variable);
    lua_newtable(L);
    json_object_foreach(all, name, value) {
        luajson_push(L, value);
        freeze(L, -1);
        lua_setfield(L, -2, name);
    }
    return 2;
}

static const luaL_Reg metamethods[] = {
    {"__index", on_index}, {"__newindex", on_newindex}, {"__pairs", on_pairs}, {NULL, NULL}};

void session_open(lua_State *L) {
    luaL_newmetatable(L, TYPE);
    luaL_setfuncs(L, metamethods, 0);
    lua_pushliteral(L, "session");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void session_push(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_newuserdatauv(L, 0, 1);
    luaL_setmetatable(L, TYPE);
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, 1);
}
