/* One Lua state with a bot's rules in it: one for each worker, and a throwaway one when the bot is opened.
 *
 * Everything that can raise a Lua error runs in a protected call: a state never takes the process down. */
#ifndef RULES_VM_H
#define RULES_VM_H

#include <lauxlib.h>

#include "meter.h"
#include "ruleset.h"
#include "sources.h"

#define VM_IDLE 8 /* coroutines kept for the next turn */

struct vm {
    struct meter meter; /* first: meter_of(L) is the vm */
    lua_State *L;
    struct ruleset *set;
    struct sources *sources;
    const struct rp_element *element; /* the stage's; NULL: tests */
    struct mistakes *mistakes;        /* while loading */
    struct run *run;                  /* whose function runs in this slice; NULL: none */
    struct idle {
        lua_State *co;
        int ref;
    } idle[VM_IDLE];
    size_t idle_count;
    struct inventory *inventory; /* inventory.c's; NULL: nothing was declared */
};

struct vm_options {
    size_t memory;        /* bytes */
    const json_t *config; /* an object, or NULL */
    const struct rp_element *element; /* knows the bot's models */
};

/* Loads all listed files. NULL with mistakes; mistakes may be there with a vm too. */
struct vm *vm_create(const struct vm_options *options, struct sources *sources, struct mistakes *mistakes);
void vm_destroy(struct vm *vm); /* takes NULL */
static inline struct vm *vm_of(lua_State *L) {
    return (struct vm *)(void *)meter_of(L);
}

/* A coroutine, watched by the meter and with an empty stack, and the reference that keeps it; in a protected call. */
lua_State *vm_take(lua_State *L, int *out_ref);
/* Gives it back: `clean` when its function has returned. Otherwise it is left to the garbage collector, which does not
 * run the __close handlers that still stand in it: after an error in the hook, no hook would watch them. */
void vm_give(struct vm *vm, lua_State *co, int ref, bool clean);

#endif
