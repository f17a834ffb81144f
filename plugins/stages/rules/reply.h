/* Reply templates of functions: {name} stands for a value of the returned table, else for a capture. */
#ifndef RULES_REPLY_H
#define RULES_REPLY_H

#include <lua.h>
#include <repartee/base.h>

#define REPLY_BYTES ((size_t)1 << 20) /* of one reply; more is the rule's mistake */

struct run;
/* The text at `index`, copied into the turn's arena; raises when it is too long or not valid UTF-8. */
struct rp_str reply_text(lua_State *L, struct run *run, int index);
/* The template at `index` with the values of the table at `values`. */
struct rp_str reply_fill(lua_State *L, struct run *run, int index, int values);

#endif
