/* Asks a guard's own functions: `when`, and then `check`. Each asking is a run of its own, with its own account, so that
 * it can happen before the rules, between them and the reply, and on the reply's way out. */
#ifndef RULES_GUARD_ASK_H
#define RULES_GUARD_ASK_H

#include "run.h"

enum guard_answer {
    GUARD_CLEAR,  /* `when` said no, or `check` lets the text pass */
    GUARD_ACTS,   /* `when` agrees and there is no `check`, or that refuses the text */
    GUARD_FAILED, /* an error, or over its budget; logged */
    GUARD_WAITS,  /* the answer comes later, through `then` */
};
struct guard_asking { /* in the turn's arena, filled by the caller */
    const struct run *run; /* whose turn it is */
    const struct guard *guard;
    struct rp_str text; /* what `check` gets */
    void (*then)(struct guard_asking *asking, enum guard_answer answer);
    struct rp_str reason; /* what `check` said besides; empty: nothing */
    int code;             /* with GUARD_FAILED, RP_E… */
    struct run *own;
};

static inline bool guard_has_functions(const struct guard *guard) {
    return guard->when_ref != LUA_NOREF || guard->check_ref != LUA_NOREF;
}
enum guard_answer guard_ask(struct guard_asking *asking);
void guard_ask_drop(struct guard_asking *asking); /* the turn has ended; also when nothing is under way */
/* In a protected call: run.c's part. */
void guard_ask_prepare(lua_State *L, struct run *run);

#endif
