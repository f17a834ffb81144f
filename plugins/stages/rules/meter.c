/* The allocator with its ceiling, the instruction hook, and the accounts. How large the budgets are, options say. */
#include "meter.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <time.h>

#define HOOK_STEPS 1000
#define STEP_BYTES 64 /* bytes handed out that count as one step */
#define REFUSALS_MAX 8
#define HOOK_BYTES ((size_t)4 << 20) /* that instructions may go through between two looks at the clock, if one text is long */

static int64_t cpu_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool spend(struct account *account, int64_t steps) {
    account->steps += steps;
    if (account->over == METER_FINE && account->steps > account->max_steps) account->over = METER_STEPS;
    return account->over == METER_FINE;
}

/* Refusing makes Lua collect its garbage and ask once more, so the limit is one of live memory. */
static bool grant(struct meter *meter, size_t old, size_t size) {
    struct account *account = meter->account;
    if (account && !spend(account, (int64_t)(size / STEP_BYTES)) && size > 4096) return false;
    if (meter->used - old + size <= meter->limit) return true;
    if (account && ++account->refusals > REFUSALS_MAX && account->over == METER_FINE) account->over = METER_MEMORY;
    return false;
}

struct meter *meter_of(lua_State *L) {
    return *(struct meter **)lua_getextraspace(L);
}

static void hook(lua_State *L, lua_Debug *debug);

static int hook_steps(const struct account *account) {
    return account && account->hook_steps ? account->hook_steps : HOOK_STEPS;
}

static void set_hook(lua_State *L) {
    const struct meter *meter = meter_of(L);
    int mask = meter->on_line ? LUA_MASKCOUNT | LUA_MASKLINE : LUA_MASKCOUNT;
    lua_sethook(L, hook, mask, hook_steps(meter->account));
}

/* One instruction on a long text, such as a comparison, takes as long as thousands of others: the hook has to come
 * sooner. Lua allows setting it at any moment. */
static void mind_text(struct meter *meter, size_t size) {
    struct account *account = meter->account;
    int steps = size < HOOK_BYTES ? (int)(HOOK_BYTES / size) : 1;
    if (!account || !meter->running || steps >= hook_steps(account)) return;
    account->hook_steps = steps;
    set_hook(meter->running);
}

static void *allocate(void *arg, void *block, size_t old, size_t size) {
    struct meter *meter = arg;
    bool text = !block && old == LUA_TSTRING; /* without a block, Lua passes the kind of object */
    if (!block) old = 0;
    if (size > old && !grant(meter, old, size)) return NULL;
    meter->used += size - old;
    if (text && size > 0) mind_text(meter, size);
    if (size == 0) {
        free(block);
        return NULL;
    }
    return rp_realloc(block, size);
}

lua_State *meter_state(struct meter *meter) {
    meter->limit = meter->cap;
    lua_State *L = lua_newstate(allocate, meter);
    if (L) *(struct meter **)lua_getextraspace(L) = meter;
    return L;
}

void meter_begin(struct meter *meter, struct account *account) {
    size_t left = account->growth < account->max_growth ? (size_t)(account->max_growth - account->growth) : 0;
    meter->account = account;
    meter->used_before = meter->used;
    meter->limit = meter->used + left < meter->cap ? meter->used + left : meter->cap;
    meter->cpu_before = 0;
    meter->running = NULL;
}

void meter_end(struct meter *meter) {
    struct account *account = meter->account;
    account->growth += (int64_t)meter->used - (int64_t)meter->used_before;
    if (account->growth < 0) account->growth = 0;
    if (meter->cpu_before) account->cpu_ns += cpu_now() - meter->cpu_before;
    meter->account = NULL;
    meter->running = NULL;
    meter->limit = meter->cap;
}

/* The clock is a system call, which a short slice should not pay for: it starts with the first call of the hook. */
static void check_time(struct meter *meter, struct account *account) {
    if (!meter->cpu_before) meter->cpu_before = cpu_now();
    if (account->cpu_ns + cpu_now() - meter->cpu_before > account->max_cpu_ns) account->over = METER_CPU;
    if (rp_now_ns() > account->wall_end_ns) account->over = METER_WALL;
}

static void hook(lua_State *L, lua_Debug *debug) {
    struct meter *meter = meter_of(L);
    if (debug->event == LUA_HOOKLINE) {
        meter->on_line(L, debug);
        return;
    }
    struct account *account = meter->account;
    if (!account) {
        luaL_error(L, "this turn has ended");
        return;
    }
    if (spend(account, hook_steps(account))) check_time(meter, account);
    if (account->over != METER_FINE) meter_raise(L);
}

void meter_watch(lua_State *L) {
    meter_of(L)->running = L;
    set_hook(L);
}

void meter_note(lua_State *L, int64_t steps) {
    struct account *account = meter_of(L)->account;
    if (account) spend(account, steps);
}

void meter_charge(lua_State *L, int64_t steps) {
    struct account *account = meter_of(L)->account;
    if (account && !spend(account, steps)) meter_raise(L);
}

const char *meter_reason(enum meter_over over) {
    static const char *const reasons[] = {
        [METER_FINE] = "nothing is wrong",
        [METER_STEPS] = "too many instructions: the rule is over its budget",
        [METER_MEMORY] = "too much memory: the rule is over its budget",
        [METER_CPU] = "too much processor time: the rule is over its budget",
        [METER_WALL] = "too much time: the rule is over its budget",
        [METER_WAITS] = "too many waits: the rule is over its budget",
        [METER_JOURNAL] = "too much to remember: the dialog's journal is over its budget",
        [METER_SESSION] = "the session has no room for what the dialog sets",
        [METER_ENDED] = "this turn has ended",
        [METER_LEFT] = "the dialog has ended",
        [METER_CHANGED] = "the dialog does not fit its journal",
    };
    return reasons[over];
}

int meter_raise(lua_State *L) {
    struct account *account = meter_of(L)->account;
    return luaL_error(L, "%s", meter_reason(account ? account->over : METER_ENDED));
}
