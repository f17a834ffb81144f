/* What a question takes for an answer: the fields `match`, `choices` of t:ask and of a form's slots. */
#ifndef RULES_ANSWER_H
#define RULES_ANSWER_H

#include <lua.h>
#include <repartee/regex.h>

#include <repartee/normalise.h>

/* Whether the text is an answer by the table at `options`. Pushes the answer and the captures (a table, or nil) when it
 * is; pushes nothing otherwise. `what` is for errors: "ask". */
bool answer_take(lua_State *L, int options, const struct rp_normalised *text, const char *what);
/* The first of the patterns at `patterns` (one, or a list) that matches: pushes the group `value`, or all of the match, and
 * the captures, as the user wrote them. */
bool answer_find(lua_State *L, int patterns, const struct rp_normalised *text, const char *what, struct rp_match *out_match);
/* The choices at `choices` that the text names: pushes the one and only. */
bool answer_choose(lua_State *L, int choices, const struct rp_normalised *text, const char *what, struct rp_match *out_match);
struct rp_str answer_trim(struct rp_str text);

#endif
