/* The pieces of lua_dump's form, one reader for each. What they mean is for assignment.c and lines.c. */
#include "undump.h"

#include <lauxlib.h>

#define HEADER_SIZE 31 /* signature, version, format, data, three sizes, an integer and a number to compare */
#define NESTING 200    /* of functions in functions, as in Lua's own parser */

enum { CONSTANT_INTEGER = 0x03, CONSTANT_FLOAT = 0x13, CONSTANT_SHORT = 0x04, CONSTANT_LONG = 0x14 };

const unsigned char *undump_take(struct undump *undump, size_t len) {
    const unsigned char *start = undump->at;
    if (len > (size_t)(undump->end - undump->at)) {
        undump->broken = true;
        return NULL;
    }
    undump->at += len;
    return start;
}

unsigned undump_byte(struct undump *undump) {
    const unsigned char *byte = undump_take(undump, 1);
    return byte ? *byte : 0;
}

/* Seven bits a byte, the highest first; the last byte has its eighth bit set. */
size_t undump_size(struct undump *undump) {
    size_t size = 0;
    unsigned byte;
    do {
        byte = undump_byte(undump);
        if (size > SIZE_MAX >> 7) undump->broken = true;
        size = size << 7 | (byte & 0x7F);
    } while (!(byte & 0x80) && !undump->broken);
    return undump->broken ? 0 : size;
}

void undump_skip_items(struct undump *undump, size_t size) {
    size_t count = undump_size(undump);
    if (count > SIZE_MAX / size) undump->broken = true;
    if (!undump->broken) undump_take(undump, count * size);
}

void undump_skip_string(struct undump *undump) {
    size_t size = undump_size(undump);
    if (size > 1) undump_take(undump, size - 1);
}

void undump_skip_constants(struct undump *undump) {
    for (size_t left = undump_size(undump); left > 0 && !undump->broken; left--) {
        unsigned type = undump_byte(undump);
        if (type == CONSTANT_INTEGER) undump_take(undump, sizeof(lua_Integer));
        if (type == CONSTANT_FLOAT) undump_take(undump, sizeof(lua_Number));
        if (type == CONSTANT_SHORT || type == CONSTANT_LONG) undump_skip_string(undump);
    }
}

void undump_skip_names(struct undump *undump) {
    for (size_t left = undump_size(undump); left > 0 && !undump->broken; left--) {
        undump_skip_string(undump);
        undump_size(undump);
        undump_size(undump);
    }
    for (size_t left = undump_size(undump); left > 0 && !undump->broken; left--) undump_skip_string(undump);
}

bool undump_enter(struct undump *undump) {
    if (++undump->depth > NESTING) undump->broken = true;
    return !undump->broken;
}

void undump_leave(struct undump *undump) {
    undump->depth--;
}

static int write_piece(lua_State *L, const void *data, size_t len, void *buffer) {
    (void)L;
    luaL_addlstring(buffer, data, len);
    return 0;
}

void undump_push(lua_State *L, int index, bool strip, struct undump *out) {
    luaL_Buffer buffer;
    lua_pushvalue(L, index);
    /* lua_dump wants the function on the top of the stack, where the buffer may put its own value. */
    lua_State *side = lua_newthread(L);
    lua_insert(L, -2);
    lua_xmove(L, side, 1);
    luaL_buffinit(L, &buffer);
    lua_dump(side, write_piece, &buffer, strip);
    luaL_pushresult(&buffer);
    lua_remove(L, -2);
    size_t len;
    const char *code = lua_tolstring(L, -1, &len);
    *out = (struct undump){.at = (const unsigned char *)code, .end = (const unsigned char *)code + len};
    undump_take(out, HEADER_SIZE + 1);
}
