/* What a rule may use: instructions, memory, processor time, wall time, waits.
 *
 * A meter belongs to a Lua state and is its allocator; an account belongs to a rule's turn and is charged while that
 * runs. A Lua script can catch errors, so an account that is over its budget stays over: the hook raises again and
 * again, and the script's pcall (globals.c) passes the error on, until the turn ends.
 *
 * One step is one Lua instruction. What runs in C, where the hook does not fire, charges steps for its own loops, and
 * the allocator charges them for the bytes it hands out. */
#ifndef RULES_METER_H
#define RULES_METER_H

#include <lua.h>
#include <repartee/base.h>

enum meter_over {
    METER_FINE,
    METER_STEPS,
    METER_MEMORY,
    METER_CPU,
    METER_WALL,
    METER_WAITS,
    METER_JOURNAL,
    METER_SESSION,
    METER_ENDED,
    METER_LEFT,    /* no budget, but as final: the dialog has ended in the middle of its function */
    METER_CHANGED, /* the function does not fit its journal */
};

struct account {
    int64_t steps, max_steps;
    int64_t growth, max_growth; /* bytes by which the state grew */
    int64_t cpu_ns, max_cpu_ns;
    int64_t wall_end_ns; /* rp_now_ns() */
    int hook_steps;      /* instructions between two looks at the clock; 0: the usual number */
    unsigned refusals;   /* of memory; each makes Lua collect all garbage, so they are counted too */
    enum meter_over over;
};

struct meter { /* zero-initialise; `cap` is the caller's to set */
    size_t used, cap, limit;
    struct account *account; /* NULL while no rule runs */
    lua_State *running;      /* whose hook comes sooner once it has made a long text; NULL: not known yet */
    size_t used_before;
    int64_t cpu_before; /* 0: not looked at in this slice */
    void (*on_line)(lua_State *L, lua_Debug *debug); /* for coverage: set before anything runs; NULL: none */
};

/* Makes a state whose memory the meter gives. The state's extra space points to the meter. NULL: over the cap. */
lua_State *meter_state(struct meter *meter);
struct meter *meter_of(lua_State *L);

void meter_begin(struct meter *meter, struct account *account); /* a slice: what runs now is charged to the account */
void meter_end(struct meter *meter);
void meter_watch(lua_State *L); /* sets the hook: on every coroutine before it runs */
/* For C functions that cannot raise at this moment: the next charge does. */
void meter_note(lua_State *L, int64_t steps);
/* For C functions that loop: raises a Lua error when the budget is used up. */
void meter_charge(lua_State *L, int64_t steps);
int meter_raise(lua_State *L);                  /* the Lua error for an account that is over */
const char *meter_reason(enum meter_over over); /* one clause for the log */

#endif
