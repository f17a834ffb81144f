/* Reads the line of every instruction out of the functions' binary form. */
#include "lines.h"

#include <lauxlib.h>

#include "undump.h"

#define ABSOLUTE (-0x80) /* the line of this instruction stands in the second list */

struct function {
    int first, last;
    bool vararg;
};

static void read_function(struct undump *undump, const struct lines_visitor *visitor);

static void read_inner(struct undump *undump, const struct lines_visitor *visitor) {
    for (size_t left = undump_size(undump); left > 0 && !undump->broken; left--) read_function(undump, visitor);
}

/* The last instruction is the return that every function ends with, reached or not; the first of a vararg function is
 * only there to take its arguments. */
static void read_lines(struct undump *undump, const struct function *function, const struct lines_visitor *visitor) {
    size_t count = undump_size(undump);
    const signed char *steps = (const signed char *)undump_take(undump, count);
    size_t absolute = undump_size(undump);
    int line = function->first;
    for (size_t i = 0; steps && i < count && !undump->broken; i++) {
        if (steps[i] == ABSOLUTE && absolute > 0) {
            undump_size(undump); /* the instruction */
            line = (int)undump_size(undump);
            absolute--;
        } else {
            line += steps[i];
        }
        if (i + 1 < count && !(i == 0 && function->vararg) && undump->depth > 1) visitor->line(visitor->arg, line);
    }
    for (; absolute > 0 && !undump->broken; absolute--) {
        undump_size(undump);
        undump_size(undump);
    }
}

/* The outermost function is the file itself: what stands there runs while it is loaded. */
static void read_function(struct undump *undump, const struct lines_visitor *visitor) {
    struct function function;
    if (!undump_enter(undump)) return;
    undump_skip_string(undump);
    function.first = (int)undump_size(undump);
    function.last = (int)undump_size(undump);
    undump_byte(undump); /* parameters */
    function.vararg = undump_byte(undump) != 0;
    undump_byte(undump); /* stack */
    if (undump->depth == 2 && !undump->broken) visitor->function(visitor->arg, function.first, function.last);
    undump_skip_items(undump, 4);
    undump_skip_constants(undump);
    undump_skip_items(undump, 3);
    read_inner(undump, visitor);
    read_lines(undump, &function, visitor);
    undump_skip_names(undump);
    undump_leave(undump);
}

bool lines_find(lua_State *L, struct rp_str text, const struct lines_visitor *visitor) {
    struct undump undump;
    int top = lua_gettop(L);
    bool whole = false;
    if (luaL_loadbufferx(L, text.data, text.len, "=lines", "t") == LUA_OK) {
        undump_push(L, -1, false, &undump);
        if (!undump.broken) read_function(&undump, visitor);
        whole = !undump.broken && undump.at == undump.end;
    }
    lua_settop(L, top);
    return whole;
}
