/* A guard's patterns on the arguments of a tool call, value by value, so that no escape hides anything and what is
 * replaced stays JSON. Arguments that do not parse are looked at as text. */
#ifndef RULES_GUARD_TOOL_H
#define RULES_GUARD_TOOL_H

#include "guard_text.h"

/* Looks, and for the action replace replaces: *out_arguments, `arguments` itself where nothing was. 0, or an error of
 * guard_look and guard_replace. */
int guard_tool(const struct guard_use *use, struct rp_str arguments, struct guard_found *out,
               struct rp_str *out_arguments);

#endif
