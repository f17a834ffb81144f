/* The fields and methods of `t`. Fields are made when they are first asked for, and kept for the attempt. */
#include "object.h"

#include <repartee/log.h>

#include "ask.h"
#include "calls.h"
#include "dialog.h"
#include "freeze.h"
#include "globals.h"
#include "handoff.h"
#include "lang.h"
#include "luajson.h"
#include "observed.h"
#include "patterns.h"
#include "run.h"
#include "slots.h"

#define TYPE "turn" /* as error messages call it */
#define HISTORY_MAX 100
#define CACHE 3 /* place on the stack of on_index */

struct run *object_run(lua_State *L, int index) {
    struct run **object = luaL_checkudata(L, index, TYPE);
    if (!*object) luaL_error(L, "this turn has ended");
    return *object;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static void push_str(lua_State *L, struct rp_str text) {
    lua_pushlstring(L, text.data ? text.data : "", text.len);
}

static void push_text(lua_State *L, struct run *run) {
    push_str(L, run->text.original);
}

static void push_user(lua_State *L, struct run *run) {
    if (run->turn->user.len) {
        push_str(L, run->turn->user);
    } else {
        lua_pushnil(L);
    }
}

static void push_id(lua_State *L, struct run *run) {
    lua_pushstring(L, run->turn->id);
}

static void push_now(lua_State *L, struct run *run) {
    (void)run;
    lua_pushinteger(L, rp_wall_ms() / 1000);
}

static void push_config(lua_State *L, struct run *run) {
    (void)run;
    globals_push_shared(L);
    lua_getfield(L, -1, "config");
    lua_remove(L, -2);
}

static void push_session(lua_State *L, struct run *run) {
    (void)run;
    session_push(L, 1);
}

/* What a rule has set, else what the message looks like, else the language of the bot. */
const char *object_lang(const struct run *run) {
    const json_t *set = rp_session_get(run->turn, OBJECT_LANG);
    const char *lang = json_is_string(set) ? json_string_value(set) : lang_guess(run->text.original);
    return lang ? lang : run->stage->element.language;
}

static void push_lang(lua_State *L, struct run *run) {
    lua_pushstring(L, object_lang(run));
}

static void push_metadata(lua_State *L, struct run *run) {
    if (run->turn->metadata) {
        luajson_push(L, run->turn->metadata);
    } else {
        lua_newtable(L);
    }
}

static void push_match(lua_State *L, struct run *run) {
    lua_newtable(L);
    if (!run->rule) return;
    struct captures captures = run_captures(run);
    for (size_t i = 0; i < run->match.count; i++) {
        struct rp_str text;
        if (!captures_group(&captures, i, &text)) continue;
        push_str(L, text);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    for (size_t i = 0; i < rp_regex_name_count(captures.regex); i++) {
        unsigned group;
        struct rp_str text;
        const char *name = rp_regex_name(captures.regex, i, &group);
        if (!captures_find(&captures, rp_str(name), &text)) continue;
        push_str(L, text);
        lua_setfield(L, -2, name);
    }
}

static void push_history(lua_State *L, struct run *run) {
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    const struct rp_message *messages;
    size_t count = rp_session_history(run->turn, HISTORY_MAX, &messages);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, roles[messages[i].role]);
        lua_setfield(L, -2, "role");
        push_str(L, messages[i].text);
        lua_setfield(L, -2, "text");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static const struct field {
    const char *name;
    void (*push)(lua_State *L, struct run *run);
} fields[] = {
    {"match", push_match}, {"text", push_text}, {"session", push_session}, {"config", push_config},
    {"user", push_user},   {"lang", push_lang}, {"history", push_history}, {"metadata", push_metadata},
    {"now", push_now},     {"id", push_id},
};

/* ---- the userdata ------------------------------------------------------------------------------------------------ */

size_t object_names(lua_State *L, int methods, const char *names[OBJECT_NAMES_MAX]) {
    size_t count = 0;
    for (; count < sizeof(fields) / sizeof(fields[0]); count++) names[count] = fields[count].name;
    methods = lua_absindex(L, methods);
    for (lua_pushnil(L); count < OBJECT_NAMES_MAX && lua_next(L, methods); lua_pop(L, 1))
        names[count++] = lua_tostring(L, -2);
    return count;
}

static int unknown_field(lua_State *L, const char *name) {
    const char *names[OBJECT_NAMES_MAX];
    size_t count = object_names(L, lua_upvalueindex(1), names);
    const char *near = rp_nearest_name(name, names, count);
    if (near) return luaL_error(L, "t has no field '%s' (did you mean '%s'?)", name, near);
    return luaL_error(L, "t has no field '%s'", name);
}

static int push_observed(lua_State *L, struct run *run, const char *name) {
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, name) != 0) continue;
        observed_push(L, run, name, fields[i].push);
        return 1;
    }
    return unknown_field(L, name);
}

static int on_index(lua_State *L) {
    struct run *run = object_run(L, 1);
    const char *name = luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(run->journal ? 2 : 1)) != LUA_TNIL) return 1;
    lua_settop(L, 2);
    if (run->journal) return push_observed(L, run, name);
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, CACHE) != LUA_TNIL) return 1;
    lua_settop(L, CACHE);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, name) != 0) continue;
        fields[i].push(L, run);
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, CACHE);
        return 1;
    }
    return unknown_field(L, name);
}

static int set_lang(lua_State *L) {
    struct run *run = object_run(L, 1);
    size_t len;
    const char *tag = luaL_optlstring(L, 3, NULL, &len);
    if (tag && !lang_valid(rp_str_n(tag, len))) return luaL_error(L, "t.lang takes a language tag such as \"en\"");
    json_t *value = tag ? json_stringn(tag, len) : NULL;
    int rc = dialog_writes(L, run, OBJECT_LANG, 3, value) ? rp_session_set(run->turn, OBJECT_LANG, value) : 0;
    json_decref(value);
    if (rc != 0) return run->journal ? dialog_crowded(L, run) : luaL_error(L, "the session is full");
    lua_getiuservalue(L, 1, 1);
    lua_pushnil(L);
    lua_setfield(L, -2, "lang"); /* is found out anew */
    return 0;
}

static int on_newindex(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "lang") == 0) return set_lang(L);
    return luaL_error(L, "t.%s cannot be set; keep values in t.session", luaL_tolstring(L, 2, NULL));
}

void object_open(lua_State *L) {
    luaL_newmetatable(L, TYPE);
    lua_newtable(L);
    luaL_setfuncs(L, pass_functions, 0);
    luaL_setfuncs(L, generate_functions, 0);
    luaL_setfuncs(L, judge_functions, 0);
    luaL_setfuncs(L, waits_functions, 0);
    luaL_setfuncs(L, handoff_functions, 0);
    luaL_setfuncs(L, event_functions, 0);
    luaL_setfuncs(L, ask_functions, 0);
    luaL_setfuncs(L, slots_functions, 0);
    calls_wrap(L, -1);
    lua_pushcclosure(L, on_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, on_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "turn");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    session_open(L);
    patterns_open(L);
}

void object_forget(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_newtable(L);
    lua_setiuservalue(L, index, 1);
}

struct run **object_push(lua_State *L, struct run *run) {
    struct run **object = lua_newuserdatauv(L, sizeof(struct run *), 1);
    *object = run;
    luaL_setmetatable(L, TYPE);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    return object;
}
