/* Patterns that a function gives at run time: compiled once a state, found again by their text. */
#ifndef RULES_PATTERNS_H
#define RULES_PATTERNS_H

#include <lua.h>
#include <repartee/regex.h>

/* The pattern at `index`. Raises where it is no pattern, "NAME: …". Good until the next call. */
const struct rp_regex *patterns_get(lua_State *L, int index, const char *name);
/* Searches; raises where a limit was hit. */
bool patterns_find(lua_State *L, const struct rp_regex *regex, struct rp_str text, struct rp_match *out_match);
void patterns_open(lua_State *L); /* once a state */

#endif
