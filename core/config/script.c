/* The bot file as it was written: runs it in the sandbox, and leaves what was recorded in the arena. */
#include "core/config/script.h"

#include <lauxlib.h>
#include <stdio.h>

#include "core/config/sandbox.h"
#include "core/config/script_lua.h"

struct script *script_of(lua_State *lua) {
    return *(struct script **)lua_getextraspace(lua);
}

void script_mistake(struct script *script, struct place place, const char *format, ...) {
    char text[sizeof((struct rp_error *)0)->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_add(script->report, RP_ECONFIG, place.source ? place.source->name : NULL, place.line, "%s", text);
}

struct place script_place(lua_State *lua) {
    struct script *script = script_of(lua);
    lua_Debug where;
    for (int level = 1; lua_getstack(lua, level, &where); level++) {
        lua_getinfo(lua, "Sl", &where);
        const struct source *source = source_at(script, where.source);
        if (source && where.currentline > 0) return (struct place){source, where.currentline};
    }
    return (struct place){script->sources, 0};
}

/* Runs protected, with the main source and the sandbox as arguments. */
static int run_protected(lua_State *lua) {
    struct source *source = lua_touserdata(lua, 1);
    sandbox_open(lua_touserdata(lua, 2));
    script_words(lua);
    lua_settop(lua, 0);
    if (source_run(lua, source) != LUA_OK) return lua_error(lua);
    return 0;
}

static void run(struct script *script, struct source *source) {
    struct sandbox sandbox;
    if (sandbox_init(&sandbox)) {
        script_mistake(script, (struct place){source, 0}, "not enough memory to read it");
        return;
    }
    lua_State *lua = sandbox.lua;
    *(struct script **)lua_getextraspace(lua) = script;
    lua_pushcfunction(lua, run_protected);
    lua_pushlightuserdata(lua, source);
    lua_pushlightuserdata(lua, &sandbox);
    int status = lua_pcall(lua, 2, 0, 0);
    if (status == LUA_ERRMEM) {
        script_mistake(script, (struct place){source, 0}, "the script needs more than %u MiB", SANDBOX_MEMORY >> 20);
        script->failed = true;
    } else if (status != LUA_OK) {
        script_report_error(lua, source);
    }
    sandbox_finish(&sandbox);
}

void script_run(struct script *script, const char *file, const char *path, const char *folder, struct rp_arena *arena,
                struct report *report) {
    memset(script, 0, sizeof *script);
    script->arena = arena;
    script->report = report;
    script->folder = folder;
    script->last_source = &script->sources;
    script->last_element = &script->elements;
    script->last_part = &script->parts;
    const char *why = NULL;
    struct source *source = source_open(script, file, path, &why);
    if (source) {
        run(script, source);
        return;
    }
    script->failed = true;
    report_add(report, RP_ECONFIG, file, 0, "cannot be read: %s", why);
}
