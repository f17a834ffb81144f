/* The `t` that rule functions get: what is known of the turn, and what a rule can do. */
#ifndef RULES_OBJECT_H
#define RULES_OBJECT_H

#include <lauxlib.h>

struct run;

void object_open(lua_State *L); /* once a state */
#define OBJECT_NAMES_MAX 64
/* What `t` has: its fields and methods, which are in the table at `methods`. The number of names. */
size_t object_names(lua_State *L, int methods, const char *names[OBJECT_NAMES_MAX]);
/* Pushes a `t` for an attempt; the returned pointer is to be set to NULL at its end. */
struct run **object_push(lua_State *L, struct run *run);
void object_forget(lua_State *L, int index); /* the fields that the `t` at `index` has kept */
/* The run of the `t` at `index`; raises when it is something else, or its turn has ended. */
struct run *object_run(lua_State *L, int index);

#define OBJECT_LANG "@lang" /* the session variable that t.lang = … sets */
const char *object_lang(const struct run *run); /* t.lang */

/* session.c: pushes t.session for the `t` at `index`. */
void session_open(lua_State *L);
void session_push(lua_State *L, int index);
/* generate.c: t:generate; judge.c: t:classify, t:extract; pass.c: t:pass */
extern const luaL_Reg generate_functions[], judge_functions[], pass_functions[];
/* event.c: t:event */
extern const luaL_Reg event_functions[];
/* waits.c: t:get, t:post, t:sleep; and what the run needs of them. */
extern const luaL_Reg waits_functions[];
void waits_count(lua_State *L, struct run *run); /* one wait more; raises when that is too many, or cannot be here */
void waits_drop(struct run *run); /* ends what is waited for; also after it has come */

#endif
