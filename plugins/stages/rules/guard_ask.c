/* The coroutine that calls a guard's functions, and what they return. `check` returns true to let the text pass; all else
 * is a refusal, so that a forgotten return does not open the gate. */
#include "guard_ask.h"

#include "attempt.h"
#include "object.h"
#include "reply.h"

enum { OBJECT = 1, WHEN, CHECK, TEXT, RESULT }; /* places on the coroutine's stack */

static int after_check(lua_State *L, int status, lua_KContext context) {
    struct run *run = (struct run *)context;
    (void)status;
    lua_settop(L, RESULT + 1);
    int type = lua_type(L, RESULT);
    if (type != LUA_TBOOLEAN && type != LUA_TNIL)
        return luaL_error(L, "check returned a %s: true lets the text pass, false or nil does not", luaL_typename(L, RESULT));
    run->verdict = lua_toboolean(L, RESULT) ? VERDICT_DECLINED : VERDICT_FIXED;
    if (lua_type(L, RESULT + 1) == LUA_TSTRING) run->reply = reply_text(L, run, RESULT + 1);
    return 0;
}

static int call_check(lua_State *L, struct run *run) {
    run->verdict = VERDICT_FIXED;
    lua_settop(L, TEXT);
    if (lua_isnil(L, CHECK)) return 0;
    lua_pushvalue(L, CHECK);
    lua_pushvalue(L, OBJECT);
    lua_pushvalue(L, TEXT);
    lua_callk(L, 2, LUA_MULTRET, (lua_KContext)run, after_check);
    return after_check(L, LUA_OK, (lua_KContext)run);
}

static int after_when(lua_State *L, int status, lua_KContext context) {
    struct run *run = (struct run *)context;
    (void)status;
    if (lua_toboolean(L, -1)) return call_check(L, run);
    run->verdict = VERDICT_DECLINED;
    return 0;
}

static int body(lua_State *L) {
    struct run *run = object_run(L, OBJECT);
    if (lua_isnil(L, WHEN)) return call_check(L, run);
    lua_pushvalue(L, WHEN);
    lua_pushvalue(L, OBJECT);
    lua_callk(L, 1, 1, (lua_KContext)run, after_when);
    return after_when(L, LUA_OK, (lua_KContext)run);
}

void guard_ask_prepare(lua_State *L, struct run *run) {
    const struct guard_asking *asking = run->then_arg;
    attempt_open(L, run, body);
    lua_rawgeti(run->co, LUA_REGISTRYINDEX, run->guard->when_ref);
    lua_rawgeti(run->co, LUA_REGISTRYINDEX, run->guard->check_ref);
    lua_pushlstring(L, asking->text.data ? asking->text.data : "", asking->text.len);
    lua_xmove(L, run->co, 1);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static enum guard_answer answer_of(struct guard_asking *asking, enum run_state state) {
    const struct run *own = asking->own;
    if (state == RUN_WAITS) return GUARD_WAITS;
    asking->own = NULL;
    asking->reason = own->reply;
    asking->code = own->fault.code;
    if (state == RUN_FAILS) return GUARD_FAILED;
    return own->verdict == VERDICT_FIXED ? GUARD_ACTS : GUARD_CLEAR;
}

static void on_state(struct run *run, enum run_state state) {
    struct guard_asking *asking = run->then_arg;
    enum guard_answer answer = answer_of(asking, state);
    if (answer != GUARD_WAITS) asking->then(asking, answer);
}

enum guard_answer guard_ask(struct guard_asking *asking) {
    const struct run *run = asking->run;
    struct run *own = run_create(run->stage, run->turn, run->vm);
    own->text = run->text;
    own->with_person = run->with_person;
    own->guard = asking->guard;
    own->then = on_state;
    own->then_arg = asking;
    asking->own = own;
    return answer_of(asking, run_own(own));
}

void guard_ask_drop(struct guard_asking *asking) {
    if (asking->own) run_drop(asking->own);
    asking->own = NULL;
}
