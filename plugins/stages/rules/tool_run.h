/* Runs the tools that a model calls: each in a coroutine and on an account of its own. */
#ifndef RULES_TOOL_RUN_H
#define RULES_TOOL_RUN_H

#include <repartee/talk.h>

#include "run.h"

/* For a prompt that offers the tools of this shape; in the turn's arena. */
const struct rp_tool_runner *tool_runner(const struct run *run, const struct shape *shape);
/* In a protected call: sets run->co, as attempt_prepare does for rules. */
void tool_prepare(lua_State *L, struct run *run);

#endif
