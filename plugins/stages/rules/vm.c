/* Makes and ends a state, and lends its coroutines. loader.c fills it. */
#include "vm.h"

#include <repartee/log.h>
#include <stdlib.h>

#include "loader.h"

#define LOAD_STEPS 2000000000
#define LOAD_NS 60000000000 /* a minute; only a loop without end needs it */

static int panic(lua_State *L) {
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    rp_log(RP_LOG_ERROR, "rules", "a Lua error was not caught: %s", text);
    return 0; /* Lua aborts */
}

static struct account load_account(size_t memory) {
    return (struct account){.max_steps = LOAD_STEPS,
                            .max_growth = (int64_t)memory,
                            .max_cpu_ns = LOAD_NS,
                            .wall_end_ns = rp_now_ns() + LOAD_NS};
}

static void load(struct vm *vm, const struct vm_options *options) {
    struct account account = load_account(options->memory);
    meter_begin(&vm->meter, &account);
    meter_watch(vm->L);
    loader_run(vm, options->config);
    lua_sethook(vm->L, NULL, 0, 0);
    meter_end(&vm->meter);
}

struct vm *vm_create(const struct vm_options *options, struct sources *sources, struct mistakes *mistakes) {
    struct vm *vm = rp_calloc(1, sizeof(*vm));
    vm->meter.cap = options->memory;
    vm->L = meter_state(&vm->meter);
    if (!vm->L) {
        mistakes_add(mistakes, "rules", 0, "the option 'memory' is too small for any rule");
        free(vm);
        return NULL;
    }
    lua_atpanic(vm->L, panic);
    vm->sources = sources;
    vm->element = options->element;
    vm->mistakes = mistakes;
    vm->set = ruleset_create();
    load(vm, options);
    vm->mistakes = NULL;
    return vm;
}

void vm_destroy(struct vm *vm) {
    if (!vm) return;
    lua_close(vm->L);
    ruleset_destroy(vm->set);
    free(vm);
}

/* ---- coroutines -------------------------------------------------------------------------------------------------- */

lua_State *vm_take(lua_State *L, int *out_ref) {
    struct vm *vm = vm_of(L);
    if (vm->idle_count > 0) {
        struct idle *last = &vm->idle[--vm->idle_count];
        *out_ref = last->ref;
        meter_watch(last->co);
        return last->co;
    }
    lua_State *co = lua_newthread(L);
    meter_watch(co);
    *out_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return co;
}

void vm_give(struct vm *vm, lua_State *co, int ref, bool clean) {
    if (clean && vm->idle_count < VM_IDLE) {
        lua_settop(co, 0);
        vm->idle[vm->idle_count++] = (struct idle){co, ref};
        return;
    }
    luaL_unref(vm->L, LUA_REGISTRYINDEX, ref);
}
