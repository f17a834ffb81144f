/* The functions of one rule, run in a coroutine of their own, and what they return. */
#ifndef RULES_ATTEMPT_H
#define RULES_ATTEMPT_H

#include <lua.h>

struct run;

extern const char attempt_pass_token, attempt_handoff_token; /* as light userdata: what t:pass(), t:handoff() return */

/* In a protected call: sets run->co with everything on its stack, so that lua_resume(co, L, 3) starts the attempt. */
void attempt_prepare(lua_State *L, struct run *run);

#endif
