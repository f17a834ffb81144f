/* Runs rule files, and offers what they can call while they load besides declarations: include, require, json_file, log. */
#include "loader.h"

#include <repartee/log.h>
#include <stdio.h>

#include "assignment.h"
#include "declare.h"
#include "form.h"
#include "freeze.h"
#include "globals.h"
#include "guard.h"
#include "inventory.h"
#include "luajson.h"
#include "journal.h"
#include "object.h"
#include "repeatable.h"
#include "vm.h"

#define LOG_STEPS 10000 /* what a line in the log costs, so that a loop cannot flood it */

static const char loaded_key; /* the registry's table of files that were run, with what they returned */

/* ---- running a file ---------------------------------------------------------------------------------------------- */

/* "rules/a.lua:3: text" becomes file, line and text; an included file has a name of its own there. */
static void report(struct vm *vm, const char *file, const char *message) {
    int line = 0, used = 0;
    const char *colon = strchr(message, ':');
    if (!colon || sscanf(colon, ":%d: %n", &line, &used) != 1 || used == 0) {
        mistakes_add(vm->mistakes, file, 0, "%s", message);
        return;
    }
    char named[256];
    snprintf(named, sizeof(named), "%.*s", (int)(colon - message), message);
    mistakes_add(vm->mistakes, named, line, "%s", colon + used);
}

static const char *message_of(lua_State *L) {
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(the error is not a text)";
}

/* Leaves the one value that the file returned, or raises. Text only: bytecode could break the sandbox. */
static void run_file(lua_State *L, const struct source *source) {
    const char *chunk = lua_pushfstring(L, "=%s", source->name);
    inventory_add_file(vm_of(L), source);
    if (luaL_loadbufferx(L, source->text.data, source->text.len, chunk, "t") != LUA_OK) lua_error(L);
    lua_remove(L, -2);
    globals_push_environment(L);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
}

/* Runs a file once, however often it is asked for. */
static void run_once(lua_State *L, const struct source *source) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
    int loaded = lua_gettop(L);
    if (lua_getfield(L, loaded, source->name) == LUA_TNIL) {
        lua_pushboolean(L, 0);
        lua_setfield(L, loaded, source->name);
        run_file(L, source);
        if (lua_isnil(L, -1)) lua_pushboolean(L, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, loaded, source->name);
    } else if (lua_isboolean(L, -1) && !lua_toboolean(L, -1)) {
        luaL_error(L, "'%s' is being loaded already: files include each other", source->name);
    }
    lua_replace(L, loaded);
    lua_settop(L, loaded);
}

static int run_listed(lua_State *L) {
    struct vm *vm = vm_of(L);
    const char *why, *path = lua_touserdata(L, 1);
    const struct source *source = sources_rule(vm->sources, path, &why);
    if (!source) {
        mistakes_add(vm->mistakes, path, 0, "%s", why);
        return 0;
    }
    run_once(L, source);
    return 0;
}

static void load_file(struct vm *vm, const char *path) {
    lua_State *L = vm->L;
    const char *why;
    lua_pushcfunction(L, run_listed);
    lua_pushlightuserdata(L, (void *)(uintptr_t)path);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
    const struct source *source = sources_rule(vm->sources, path, &why);
    report(vm, source ? source->name : path, message_of(L));
    lua_pop(L, 1);
}

/* ---- what files can call ----------------------------------------------------------------------------------------- */

static struct vm *loading(lua_State *L, const char *what) {
    struct vm *vm = vm_of(L);
    if (!vm->mistakes) luaL_error(L, "%s works only while the rules are loaded", what);
    return vm;
}

static int include(lua_State *L) {
    const char *why, *path = luaL_checkstring(L, 1);
    const struct source *source = sources_rule(loading(L, "include")->sources, path, &why);
    if (!source) return luaL_error(L, "include '%s': %s", path, why);
    run_once(L, source);
    return 1;
}

static int require(lua_State *L) {
    const char *why, *name = luaL_checkstring(L, 1);
    const struct source *source = sources_module(loading(L, "require")->sources, name, &why);
    if (!source) return luaL_error(L, "require '%s': %s", name, why);
    run_once(L, source);
    return 1;
}

static int json_file(lua_State *L) {
    struct rp_error error;
    const char *why, *path = luaL_checkstring(L, 1);
    const struct source *source = sources_data(loading(L, "json_file")->sources, path, &why);
    if (!source) return luaL_error(L, "json_file '%s': %s", path, why);
    if (luajson_parse(L, source->text, &error) != 0)
        return luaL_error(L, "%s:%d: %s", source->name, error.line, error.text);
    freeze(L, -1);
    return 1;
}

static int write_log(lua_State *L) {
    size_t len;
    const struct journal *journal = repeatable_journal(L);
    if (journal && journal_settled(journal)) return 0; /* it was written in an earlier turn */
    const char *text = luaL_tolstring(L, 1, &len);
    meter_charge(L, LOG_STEPS);
    rp_log(RP_LOG_INFO, "rules", "%.*s", (int)(len < 4096 ? len : 4096), text);
    return 0;
}

static const luaL_Reg functions[] = {
    {"include", include}, {"require", require}, {"json_file", json_file}, {"log", write_log}, {NULL, NULL}};

static void set_config(lua_State *L, const json_t *config) {
    if (config) {
        luajson_push(L, config);
    } else {
        lua_newtable(L);
    }
    freeze(L, -1);
    lua_setfield(L, -2, "config");
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int prepare(lua_State *L) {
    if (!assignment_works(L)) return luaL_error(L, "this Lua's bytecode is not the one of Lua 5.4");
    globals_open(L);
    luajson_open(L);
    object_open(L);
    globals_push_shared(L);
    luaL_setfuncs(L, functions, 0);
    luaL_setfuncs(L, declare_functions, 0);
    lua_newtable(L);
    luaL_setfuncs(L, luajson_functions, 0);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    freeze(L, -1);
    lua_setfield(L, -2, "json");
    set_config(L, lua_touserdata(L, 1));
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
    return 0;
}

static void keep(lua_State *L, int ref) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    if (lua_isfunction(L, -1)) {
        globals_keep(L);
    } else {
        lua_pop(L, 1);
    }
}

/* What a function assigns to outside of itself would outlive the turn. */
static void check_assignments(lua_State *L) {
    bool assigned[ASSIGNMENT_UPVALUES];
    lua_Debug at;
    if (!assignment_find(L, -1, assigned)) luaL_error(L, "a function's code cannot be read");
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &at);
    for (int i = 0; i < ASSIGNMENT_UPVALUES; i++) {
        if (!assigned[i]) continue;
        const char *name = lua_getupvalue(L, -1, i + 1);
        lua_pop(L, name ? 1 : 0);
        mistakes_add(vm_of(L)->mistakes, at.source + 1, at.linedefined,
                     "a function assigns to '%s', which all users' turns share; keep what belongs to a user in t.session",
                     name ? name : "?");
    }
}

static int seal(lua_State *L) {
    struct ruleset *set = vm_of(L)->set;
    for (size_t i = 0; i < set->rule_count; i++) {
        keep(L, set->rules[i]->reply_ref);
        keep(L, set->rules[i]->when_ref);
        if (set->rules[i]->dialog) keep(L, set->rules[i]->dialog->timed_out_ref);
        if (set->rules[i]->shape) keep(L, set->rules[i]->shape->system_ref);
    }
    for (size_t i = 0; i < set->generate_count; i++) {
        keep(L, set->generates[i]->shape.system_ref);
        keep(L, set->generates[i]->when_ref);
    }
    for (size_t i = 0; i < set->guard_count; i++) {
        keep(L, set->guards[i]->check_ref);
        keep(L, set->guards[i]->when_ref);
    }
    for (size_t i = 0; i < set->tool_count; i++) keep(L, set->tools[i]->run_ref);
    globals_seal(L, check_assignments);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

/* What one declaration says of another. */
static void resolve(struct vm *vm) {
    struct form form = {.L = vm->L, .vm = vm, .arena = vm->set->arena, .mistakes = vm->mistakes};
    for (size_t i = 0; i < vm->set->rule_count; i++) {
        form.kind = "rule";
        form.origin = vm->set->rules[i]->origin;
        if (vm->set->rules[i]->shape) shape_resolve(&form, vm->set->rules[i]->shape);
    }
    for (size_t i = 0; i < vm->set->generate_count; i++) {
        form.kind = "generate";
        form.origin = vm->set->generates[i]->origin;
        shape_resolve(&form, &vm->set->generates[i]->shape);
    }
}

static bool protect(struct vm *vm, lua_CFunction function, const void *arg) {
    lua_State *L = vm->L;
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, (void *)(uintptr_t)arg);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return true;
    mistakes_add(vm->mistakes, "rules", 0, "the rules cannot be loaded: %s", message_of(L));
    lua_pop(L, 1);
    return false;
}

void loader_run(struct vm *vm, const json_t *config) {
    if (!protect(vm, prepare, config)) return;
    for (size_t i = 0; i < sources_count(vm->sources); i++) load_file(vm, sources_at(vm->sources, i));
    ruleset_order(vm->set, vm->mistakes);
    resolve(vm);
    protect(vm, seal, NULL);
}
