/* A model asked by a function: its coroutine waits until the reply stands. One at a time in a run. */
#ifndef RULES_ASKING_H
#define RULES_ASKING_H

#include <lua.h>
#include <repartee/talk.h>

struct form;
struct run;
struct shape;

struct asking {
    struct run *run;
    struct rp_sink sink;
    struct rp_task task;
    struct rp_source *source;
    struct rp_buf text;    /* what was said, when it is over */
    struct rp_fault fault; /* code 0: nothing went wrong */
};

/* A form over the table at `index` of the stack, or over an empty one where there is none; it stays on the stack. */
struct form asking_form(lua_State *L, struct run *run, int index, const char *kind);
void asking_check_form(const struct form *form); /* raises the first mistake, if there is one */

/* The model that is meant; raises where there is none. */
struct rp_model *asking_model(lua_State *L, struct run *run, const struct shape *shape);
/* What this model is asked: the shape with this system text, and a message. `history`: earlier messages that go along. */
struct rp_call *asking_call(struct run *run, struct rp_model *model, const struct shape *shape, struct rp_str system,
                            size_t history, struct rp_str message);
/* Asks, and yields: one wait. The function goes on in `next`, with its run as context and run->asking filled. */
/* A continuation: the text is JSON, checked, and becomes a value; or nil and an error. */
int generate_after_json(lua_State *L, int status, lua_KContext context);
int asking_start(lua_State *L, struct run *run, struct rp_model *model, const struct rp_call *call, lua_KFunction next);
/* Pushes { code, message }. */
void asking_push_error(lua_State *L, const struct rp_fault *fault);
void asking_drop(struct run *run); /* ends it, also after it is over */

#endif
