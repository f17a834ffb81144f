/* Reads the binary form of a function, as lua_dump writes it, for the one instruction that assigns to an upvalue. The
 * form is the same for all of Lua 5.4; assignment_works tries it on a function whose answer is known. */
#include "assignment.h"

#include <lauxlib.h>
#include <string.h>

#define HEADER_SIZE 31 /* signature, version, format, data, three sizes, an integer and a number to compare */
#define NESTING 200    /* of functions in functions, as in Lua's own parser */
#define OP_SETUPVAL 10

enum { CONSTANT_INTEGER = 0x03, CONSTANT_FLOAT = 0x13, CONSTANT_SHORT = 0x04, CONSTANT_LONG = 0x14 };

struct reader {
    const unsigned char *at, *end;
    bool broken;
    int depth;
};

static const unsigned char *take(struct reader *reader, size_t len) {
    const unsigned char *start = reader->at;
    if (len > (size_t)(reader->end - reader->at)) {
        reader->broken = true;
        return NULL;
    }
    reader->at += len;
    return start;
}

static unsigned take_byte(struct reader *reader) {
    const unsigned char *byte = take(reader, 1);
    return byte ? *byte : 0;
}

/* Seven bits a byte, the highest first; the last byte has its eighth bit set. */
static size_t take_size(struct reader *reader) {
    size_t size = 0;
    unsigned byte;
    do {
        byte = take_byte(reader);
        if (size > SIZE_MAX >> 7) reader->broken = true;
        size = size << 7 | (byte & 0x7F);
    } while (!(byte & 0x80) && !reader->broken);
    return reader->broken ? 0 : size;
}

static void skip_items(struct reader *reader, size_t size) {
    size_t count = take_size(reader);
    if (count > SIZE_MAX / size) reader->broken = true;
    if (!reader->broken) take(reader, count * size);
}

static void skip_string(struct reader *reader) {
    size_t size = take_size(reader);
    if (size > 1) take(reader, size - 1);
}

static void skip_constants(struct reader *reader) {
    for (size_t left = take_size(reader); left > 0 && !reader->broken; left--) {
        unsigned type = take_byte(reader);
        if (type == CONSTANT_INTEGER) take(reader, sizeof(lua_Integer));
        if (type == CONSTANT_FLOAT) take(reader, sizeof(lua_Number));
        if (type == CONSTANT_SHORT || type == CONSTANT_LONG) skip_string(reader);
    }
}

static void skip_debug(struct reader *reader) {
    skip_items(reader, 1);
    for (size_t left = take_size(reader); left > 0 && !reader->broken; left--) {
        take_size(reader);
        take_size(reader);
    }
    for (size_t left = take_size(reader); left > 0 && !reader->broken; left--) {
        skip_string(reader);
        take_size(reader);
        take_size(reader);
    }
    for (size_t left = take_size(reader); left > 0 && !reader->broken; left--) skip_string(reader);
}

static void read_code(struct reader *reader, bool assigned[ASSIGNMENT_UPVALUES]) {
    for (size_t left = take_size(reader); left > 0 && !reader->broken; left--) {
        const unsigned char *bytes = take(reader, 4);
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

static void read_function(struct reader *reader, struct upvalues *out);

/* What an inner function assigns to and has from its parent's upvalues, the parent assigns to. */
static void read_inner(struct reader *reader, struct upvalues *parent) {
    struct upvalues inner;
    read_function(reader, &inner);
    for (size_t i = 0; i < inner.count; i++) {
        bool is_local = inner.items[3 * i] != 0;
        if (inner.assigned[i] && !is_local) parent->assigned[inner.items[3 * i + 1]] = true;
    }
}

static void read_upvalues(struct reader *reader, struct upvalues *out) {
    size_t count = take_size(reader);
    if (count >= ASSIGNMENT_UPVALUES) reader->broken = true;
    out->items = reader->broken ? NULL : take(reader, count * 3);
    out->count = out->items ? count : 0;
}

static void read_function(struct reader *reader, struct upvalues *out) {
    *out = (struct upvalues){0};
    if (++reader->depth > NESTING) reader->broken = true;
    skip_string(reader); /* the source */
    take_size(reader);   /* first line */
    take_size(reader);   /* last line */
    take(reader, 3);     /* parameters, vararg, stack */
    read_code(reader, out->assigned);
    skip_constants(reader);
    read_upvalues(reader, out);
    for (size_t left = take_size(reader); left > 0 && !reader->broken; left--) read_inner(reader, out);
    skip_debug(reader);
    reader->depth--;
}

static int write_piece(lua_State *L, const void *data, size_t len, void *buffer) {
    (void)L;
    luaL_addlstring(buffer, data, len);
    return 0;
}

bool assignment_find(lua_State *L, int index, bool out_assigned[ASSIGNMENT_UPVALUES]) {
    luaL_Buffer buffer;
    struct upvalues upvalues;
    int top = lua_gettop(L);
    lua_pushvalue(L, index);
    /* lua_dump wants the function on the top of the stack, where the buffer may put its own value. */
    lua_State *side = lua_newthread(L);
    lua_insert(L, -2);
    lua_xmove(L, side, 1);
    luaL_buffinit(L, &buffer);
    lua_dump(side, write_piece, &buffer, 1);
    luaL_pushresult(&buffer);
    size_t len;
    const char *code = lua_tolstring(L, -1, &len);
    struct reader reader = {.at = (const unsigned char *)code, .end = (const unsigned char *)code + len};
    take(&reader, HEADER_SIZE + 1);
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
