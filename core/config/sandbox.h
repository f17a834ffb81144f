/* A Lua state for bot files: allow-listed globals, a budget of instructions and of memory. */
#ifndef CORE_CONFIG_SANDBOX_H
#define CORE_CONFIG_SANDBOX_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANDBOX_MEMORY (64u << 20)
#define SANDBOX_STEPS 50000000

struct sandbox {
    lua_State *lua;
    size_t memory; /* bytes in use */
    int64_t steps; /* instructions run */
    bool spent;    /* out of steps: every further instruction fails */
};

/* 0, or -RP_ENOMEM. Nothing is open yet. */
int sandbox_init(struct sandbox *sandbox);
void sandbox_finish(struct sandbox *sandbox);
bool sandbox_spent(lua_State *lua);
/* Inside a protected call: opens the libraries, makes the allow-listed globals, and leaves their table on the stack. */
void sandbox_open(struct sandbox *sandbox);
/* Replaces the functions of the string and table libraries that could run for hours inside C, where no instruction is
 * counted. `globals` is the table's place on the stack. */
void sandbox_guard(lua_State *lua, int globals);

#endif
