/* Looks through the binary form of a function for the one instruction that assigns to an upvalue. assignment_works tries
 * it on a function whose answer is known. */
#include "assignment.h"

#include <lauxlib.h>
#include <string.h>

#include "undump.h"

#define OP_SETUPVAL 10

static void read_code(struct undump *reader, bool assigned[ASSIGNMENT_UPVALUES]) {
    for (size_t left = undump_size(reader); left > 0 && !reader->broken; left--) {
        const unsigned char *bytes = undump_take(reader, 4);
        uint32_t instruction;
        if (!bytes) return;
        memcpy(&instruction, bytes, sizeof(instruction));
        if ((instruction & 0x7F) == OP_SETUPVAL) assigned[instruction >> 16 & 0xFF] = true;
    }
}

struct upvalues {
    const unsigned char *items; /* three bytes each: is it a local of the parent, its number there, its kind */
    size_t count;
    bool assigned[ASSIGNMENT_UPVALUES];
};

static void read_function(struct undump *reader, struct upvalues *out);

/* What an inner function assigns to and has from its parent's upvalues, the parent assigns to. */
static void read_inner(struct undump *reader, struct upvalues *parent) {
    struct upvalues inner;
    read_function(reader, &inner);
    for (size_t i = 0; i < inner.count; i++) {
        bool is_local = inner.items[3 * i] != 0;
        if (inner.assigned[i] && !is_local) parent->assigned[inner.items[3 * i + 1]] = true;
    }
}

static void read_upvalues(struct undump *reader, struct upvalues *out) {
    size_t count = undump_size(reader);
    if (count >= ASSIGNMENT_UPVALUES) reader->broken = true;
    out->items = reader->broken ? NULL : undump_take(reader, count * 3);
    out->count = out->items ? count : 0;
}

static void read_function(struct undump *reader, struct upvalues *out) {
    *out = (struct upvalues){0};
    if (!undump_enter(reader)) return;
    undump_skip_string(reader); /* the source */
    undump_size(reader);        /* first line */
    undump_size(reader);        /* last line */
    undump_take(reader, 3);     /* parameters, vararg, stack */
    read_code(reader, out->assigned);
    undump_skip_constants(reader);
    read_upvalues(reader, out);
    for (size_t left = undump_size(reader); left > 0 && !reader->broken; left--) read_inner(reader, out);
    undump_skip_items(reader, 1); /* lines */
    for (size_t left = undump_size(reader); left > 0 && !reader->broken; left--) {
        undump_size(reader);
        undump_size(reader);
    }
    undump_skip_names(reader);
    undump_leave(reader);
}

bool assignment_find(lua_State *L, int index, bool out_assigned[ASSIGNMENT_UPVALUES]) {
    struct upvalues upvalues;
    struct undump reader;
    int top = lua_gettop(L);
    undump_push(L, index, true, &reader);
    if (!reader.broken) read_function(&reader, &upvalues);
    bool whole = !reader.broken && reader.at == reader.end;
    if (whole) memcpy(out_assigned, upvalues.assigned, sizeof(upvalues.assigned));
    lua_settop(L, top);
    return whole;
}

/* Of its three upvalues (_ENV is none of them) the function assigns to the second, and an inner one to the third. */
bool assignment_works(lua_State *L) {
    static const char sample[] = "local a, b, c = 1.5, 'x', 70000\n"
                                 "return function() local l = a b = l return function() l = 2 c = l end end";
    bool assigned[ASSIGNMENT_UPVALUES];
    int top = lua_gettop(L);
    bool works = luaL_loadbufferx(L, sample, sizeof(sample) - 1, "=sample", "t") == LUA_OK &&
                 lua_pcall(L, 0, 1, 0) == LUA_OK && assignment_find(L, -1, assigned) && !assigned[0] && assigned[1] &&
                 assigned[2];
    lua_settop(L, top);
    return works;
}
