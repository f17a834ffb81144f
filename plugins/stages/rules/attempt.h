/* The functions of one rule, run in a coroutine of their own, and what they return. */
#ifndef RULES_ATTEMPT_H
#define RULES_ATTEMPT_H

#include <lua.h>

struct run;

extern const char attempt_pass_token, attempt_handoff_token; /* as light userdata: what t:pass(), t:handoff() return */

/* In a protected call: sets run->co with a function and its arguments on its stack, ready to be resumed. */
void attempt_prepare(lua_State *L, struct run *run);
/* The part of it that all attempts share: the coroutine with `body` and the `t` of the run on its stack, and room. */
void attempt_open(lua_State *L, struct run *run, lua_CFunction body);

#endif
