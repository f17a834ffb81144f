/* Calls `when` and then the reply function, each of which may wait, and turns what they return into a verdict. All of
 * it runs inside the coroutine, so that every error has its traceback and every byte its account. */
#include "attempt.h"

#include <lauxlib.h>

#include "dialog.h"
#include "object.h"
#include "reply.h"
#include "run.h"

const char attempt_pass_token, attempt_handoff_token;

enum { OBJECT = 1, WHEN, FUNCTION, RESULT }; /* places on the coroutine's stack */

static void conclude_text(lua_State *L, struct run *run) {
    bool template = lua_gettop(L) > RESULT && !lua_isnil(L, RESULT + 1);
    if (template) luaL_argexpected(L, lua_istable(L, RESULT + 1), 2, "table");
    run->reply = template ? reply_fill(L, run, RESULT, RESULT + 1) : reply_text(L, run, RESULT);
    run->verdict = VERDICT_REPLY;
}

static int conclude(lua_State *L, struct run *run) {
    const void *token = lua_touserdata(L, RESULT);
    int type = lua_type(L, RESULT);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        conclude_text(L, run);
    } else if (type == LUA_TLIGHTUSERDATA && token == &attempt_pass_token) {
        run->verdict = VERDICT_PASS;
    } else if (run->handed_off) {
        run->reply = rp_arena_str(run->turn->arena, rp_str(run->rules->options->handoff));
        run->verdict = VERDICT_REPLY;
    } else if (type == LUA_TNIL || (type == LUA_TBOOLEAN && !lua_toboolean(L, RESULT))) {
        run->verdict = VERDICT_DECLINED;
    } else {
        return luaL_error(L, "a reply function returned a %s, not a text, nil or false", luaL_typename(L, RESULT));
    }
    return 0;
}

static int after_function(lua_State *L, int status, lua_KContext context) {
    (void)status;
    if (lua_gettop(L) < RESULT) lua_pushnil(L);
    return conclude(L, (struct run *)context);
}

static int call_function(lua_State *L, struct run *run) {
    lua_settop(L, FUNCTION);
    if (lua_isnil(L, FUNCTION)) {
        run->verdict = VERDICT_FIXED;
        return 0;
    }
    if (run->rule && run->rule->dialog && !run->journal) dialog_begin(L, run);
    lua_pushvalue(L, FUNCTION);
    lua_pushvalue(L, OBJECT);
    lua_callk(L, 1, LUA_MULTRET, (lua_KContext)run, after_function);
    return after_function(L, LUA_OK, (lua_KContext)run);
}

static int after_when(lua_State *L, int status, lua_KContext context) {
    struct run *run = (struct run *)context;
    (void)status;
    if (lua_toboolean(L, -1)) return call_function(L, run);
    run->verdict = VERDICT_UNWILLING;
    return 0;
}

static int attempt(lua_State *L) {
    struct run *run = object_run(L, OBJECT);
    if (lua_isnil(L, WHEN)) return call_function(L, run);
    lua_pushvalue(L, WHEN);
    lua_pushvalue(L, OBJECT);
    lua_callk(L, 1, 1, (lua_KContext)run, after_when);
    return after_when(L, LUA_OK, (lua_KContext)run);
}

void attempt_open(lua_State *L, struct run *run, lua_CFunction body) {
    run->co = vm_take(L, &run->co_ref);
    struct run **object = object_push(L, run);
    lua_pushvalue(L, -1);
    run->object_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    run->object = object; /* only now, when the registry keeps it alive */
    if (!lua_checkstack(run->co, 8)) luaL_error(L, "out of stack");
    lua_pushcfunction(run->co, body);
    lua_xmove(L, run->co, 1);
}

/* A generate's function, or that of a rule's `generate`, says the system text. */
static int function_of(const struct run *run) {
    if (!run->rule) return run->generate->shape.system_ref;
    return run->rule->shape ? run->rule->shape->system_ref : run->rule->reply_ref;
}

void attempt_prepare(lua_State *L, struct run *run) {
    int when = run->rule ? run->rule->when_ref : run->generate->when_ref;
    if (run->journal) when = LUA_NOREF; /* a dialog that goes on */
    attempt_open(L, run, attempt);
    lua_rawgeti(run->co, LUA_REGISTRYINDEX, when);
    lua_rawgeti(run->co, LUA_REGISTRYINDEX, function_of(run));
}
