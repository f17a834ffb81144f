/* The fields of `t` in a dialog: what its function sees of the turn must be the same on every replay. */
#ifndef RULES_OBSERVED_H
#define RULES_OBSERVED_H

#include <lua.h>

struct run;

/* Pushes what the function is to see of the field `name`, which `push` pushes for rules. */
void observed_push(lua_State *L, struct run *run, const char *name, void (*push)(lua_State *L, struct run *run));

#endif
