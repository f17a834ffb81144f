/* Packs, unpacks and hashes values. Depth, number of values and bytes are bounded; steps are charged. */
#include "packed.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "freeze.h"
#include "luajson.h"
#include "meter.h"

#define DEPTH 48
#define NUL_CHARACTER 0x100
#define VALUE_BYTES 4 /* about what a value takes besides its text */

struct packer {
    lua_State *L;
    int depth;
    size_t left, values;
    int code;
    const char *why;
};

static json_t *pack(struct packer *packer, int index);

/* ---- from Lua ---------------------------------------------------------------------------------------------------- */

static json_t *refuse(struct packer *packer, int code, const char *why) {
    packer->code = code;
    packer->why = why;
    return NULL;
}

static bool spend(struct packer *packer, size_t bytes) {
    if (bytes > packer->left) {
        refuse(packer, -RP_ETOOLARGE, "it is too large");
        return false;
    }
    packer->left -= bytes;
    return true;
}

static json_t *tagged(const char *tag) {
    json_t *list = json_array();
    json_array_append_new(list, json_string(tag));
    return list;
}

static json_t *pack_bytes(struct packer *packer, const char *bytes, size_t len) {
    if (!spend(packer, len)) return NULL; /* at most twice as much again */
    char *text = rp_alloc(2 * len + 1), *at = text;
    for (size_t i = 0; i < len; i++) {
        unsigned c = (unsigned char)bytes[i];
        if (c == 0) c = NUL_CHARACTER;
        if (c >= 0x80) *at++ = (char)(0xC0 | c >> 6);
        *at++ = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    }
    json_t *list = tagged("s");
    json_array_append_new(list, json_stringn(text, (size_t)(at - text)));
    free(text);
    return list;
}

static bool is_plain(const char *text, size_t len) {
    return rp_utf8_valid(text, len) && (len == 0 || !memchr(text, 0, len)); /* a session's JSON has no NUL */
}

static json_t *pack_string(struct packer *packer, int index) {
    size_t len;
    const char *text = lua_tolstring(packer->L, index, &len);
    if (!spend(packer, len)) return NULL;
    return is_plain(text, len) ? json_stringn(text, len) : pack_bytes(packer, text, len);
}

static json_t *pack_number(struct packer *packer, int index) {
    lua_State *L = packer->L;
    if (lua_isinteger(L, index)) return json_integer(lua_tointeger(L, index));
    lua_Number number = lua_tonumber(L, index);
    if (isfinite(number)) return json_real(number);
    json_t *list = tagged("n");
    json_array_append_new(list, json_string(isnan(number) ? "nan" : number > 0 ? "inf" : "-inf"));
    return list;
}

/* Adds the value on the top of the stack and pops it. */
static bool append(struct packer *packer, json_t *list) {
    json_t *item = pack(packer, lua_gettop(packer->L));
    lua_pop(packer->L, 1);
    return item && json_array_append_new(list, item) == 0;
}

static json_t *pack_list(struct packer *packer, int table, lua_Integer len) {
    json_t *list = tagged("l");
    for (lua_Integer i = 1; i <= len; i++) {
        lua_rawgeti(packer->L, table, i);
        if (append(packer, list)) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *pack_map(struct packer *packer, int table) {
    lua_State *L = packer->L;
    json_t *list = tagged("m");
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pushvalue(L, -2);
        if (append(packer, list) && append(packer, list)) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *pack_object(struct packer *packer, int table) {
    lua_State *L = packer->L;
    json_t *object = json_object();
    lua_pushnil(L);
    while (lua_next(L, table)) {
        size_t len;
        const char *key = lua_tolstring(L, -2, &len); /* a string: see shape_of */
        json_t *item = spend(packer, len) ? pack(packer, lua_gettop(L)) : NULL;
        lua_pop(L, 1);
        if (item && json_object_setn_new(object, key, len, item) == 0) continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

enum shape { SHAPE_LIST, SHAPE_OBJECT, SHAPE_MAP };

static enum shape shape_of(lua_State *L, int table) {
    lua_Integer len = (lua_Integer)lua_rawlen(L, table), count = 0;
    bool texts = true;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        size_t key_len;
        lua_pop(L, 1);
        const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &key_len) : NULL;
        if (!key || !is_plain(key, key_len)) texts = false;
        count++;
    }
    if (texts) return SHAPE_OBJECT;
    return count == len ? SHAPE_LIST : SHAPE_MAP;
}

static json_t *pack_table(struct packer *packer, int index) {
    lua_State *L = packer->L;
    if (packer->depth == DEPTH) return refuse(packer, -RP_EJSON, "a table is nested too deep, or in itself");
    packer->depth++;
    freeze_contents(L, index);
    int table = lua_gettop(L);
    enum shape shape = shape_of(L, table);
    json_t *value = shape == SHAPE_OBJECT ? pack_object(packer, table)
                    : shape == SHAPE_LIST ? pack_list(packer, table, (lua_Integer)lua_rawlen(L, table))
                                          : pack_map(packer, table);
    lua_settop(L, table - 1);
    packer->depth--;
    return value;
}

static json_t *pack(struct packer *packer, int index) {
    lua_State *L = packer->L;
    packer->values++;
    if (!spend(packer, VALUE_BYTES)) return NULL;
    if (!lua_checkstack(L, 8)) return refuse(packer, -RP_ETOOLARGE, "out of stack");
    switch (lua_type(L, index)) {
    case LUA_TNIL: return json_null();
    case LUA_TBOOLEAN: return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER: return pack_number(packer, index);
    case LUA_TSTRING: return pack_string(packer, index);
    case LUA_TTABLE: return pack_table(packer, index);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == NULL) return tagged("0");
        break;
    default: break;
    }
    return refuse(packer, -RP_EJSON, "only strings, numbers, booleans and tables can be kept");
}

int packed_read(lua_State *L, int index, size_t max, json_t **out_value, const char **out_why) {
    struct packer packer = {.L = L, .left = max, .code = -RP_EJSON, .why = "out of memory"};
    int top = lua_gettop(L);
    json_t *value = pack(&packer, lua_absindex(L, index));
    lua_settop(L, top);
    meter_note(L, (int64_t)packer.values);
    if (!value) {
        *out_why = packer.why;
        return packer.code;
    }
    *out_value = value;
    return 0;
}

/* ---- to Lua ------------------------------------------------------------------------------------------------------ */

static int broken(lua_State *L) {
    return luaL_error(L, "a journal is broken");
}

static void push_bytes(lua_State *L, const json_t *text) {
    luaL_Buffer out;
    const unsigned char *at = (const unsigned char *)json_string_value(text);
    size_t left = json_string_length(text);
    if (!at) broken(L);
    luaL_buffinit(L, &out);
    while (left > 0) {
        unsigned c = *at++;
        left--;
        if (c >= 0x80 && left > 0) {
            c = (c & 0x1F) << 6 | (*at++ & 0x3F);
            left--;
        }
        luaL_addchar(&out, (char)(c == NUL_CHARACTER ? 0 : c));
    }
    luaL_pushresult(&out);
}

static void push_number(lua_State *L, const json_t *name) {
    const char *text = json_string_value(name);
    if (!text) broken(L);
    lua_pushnumber(L, strcmp(text, "nan") == 0 ? (lua_Number)NAN : strcmp(text, "inf") == 0 ? HUGE_VAL : -HUGE_VAL);
}

static void push_map(lua_State *L, const json_t *list) {
    size_t count = json_array_size(list);
    lua_createtable(L, 0, (int)(count / 2));
    for (size_t i = 1; i + 1 < count; i += 2) {
        packed_push(L, json_array_get(list, i));
        packed_push(L, json_array_get(list, i + 1));
        lua_rawset(L, -3);
    }
}

static void push_list(lua_State *L, const json_t *list) {
    size_t count = json_array_size(list);
    lua_createtable(L, (int)count - 1, 0);
    for (size_t i = 1; i < count; i++) {
        packed_push(L, json_array_get(list, i));
        lua_rawseti(L, -2, (lua_Integer)i);
    }
}

static void push_tagged(lua_State *L, const json_t *list) {
    const char *tag = json_string_value(json_array_get(list, 0));
    switch (tag ? *tag : 0) {
    case 's': push_bytes(L, json_array_get(list, 1)); break;
    case 'n': push_number(L, json_array_get(list, 1)); break;
    case '0': lua_pushlightuserdata(L, NULL); break;
    case 'l': push_list(L, list); break;
    case 'm': push_map(L, list); break;
    default: broken(L);
    }
}

static void push_object(lua_State *L, const json_t *object) {
    const char *key;
    size_t len;
    json_t *item, *open = (json_t *)(uintptr_t)object; /* jansson's iterators want it so; nothing is changed */
    lua_createtable(L, 0, (int)json_object_size(object));
    json_object_keylen_foreach(open, key, len, item) {
        lua_pushlstring(L, key, len);
        packed_push(L, item);
        lua_rawset(L, -3);
    }
}

void packed_push(lua_State *L, const json_t *value) {
    luaL_checkstack(L, 4, "a value is nested too deep");
    meter_charge(L, 4);
    if (json_is_array(value)) {
        push_tagged(L, value);
    } else if (json_is_object(value)) {
        push_object(L, value);
    } else if (json_is_null(value)) {
        lua_pushnil(L);
    } else {
        luajson_push(L, value);
    }
}

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

static uint32_t mix(uint32_t hash, const void *data, size_t len) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * UINT32_C(0x01000193);
    return hash;
}

static uint32_t mix_byte(uint32_t hash, char byte) {
    return mix(hash, &byte, 1);
}

static uint32_t mix_number(uint32_t hash, uint32_t number) {
    for (int i = 0; i < 4; i++) hash = mix_byte(hash, (char)(number >> 8 * i & 255)); /* the same on every machine */
    return hash;
}

uint32_t packed_hash_text(uint32_t hash, struct rp_str text) {
    return mix(mix_number(hash, (uint32_t)text.len), text.data, text.len);
}

static uint32_t hash_value(lua_State *L, int index, uint32_t hash, int depth);

static uint32_t hash_number(lua_State *L, int index, uint32_t hash) {
    char text[64];
    if (lua_isinteger(L, index)) {
        snprintf(text, sizeof(text), "%lld", (long long)lua_tointeger(L, index));
    } else {
        lua_Number number = lua_tonumber(L, index);
        snprintf(text, sizeof(text), "%a", isnan(number) ? (double)NAN : number); /* there are many of these */
    }
    return packed_hash_text(hash, rp_str(text));
}

/* The pairs' hashes are added up: the sum does not know their order. */
static uint32_t hash_table(lua_State *L, int index, uint32_t hash, int depth) {
    uint32_t sum = 0;
    freeze_contents(L, index);
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        uint32_t pair = hash_value(L, table + 1, PACKED_HASH_START, depth);
        sum += hash_value(L, table + 2, pair, depth) * UINT32_C(0x9E3779B1);
        lua_settop(L, table + 1);
    }
    lua_settop(L, table - 1);
    return mix_number(hash, sum);
}

static uint32_t hash_value(lua_State *L, int index, uint32_t hash, int depth) {
    int type = lua_type(L, index);
    meter_charge(L, 2);
    luaL_checkstack(L, 8, "a value is nested too deep");
    hash = mix_byte(hash, (char)type);
    switch (type) {
    case LUA_TBOOLEAN: return mix_byte(hash, (char)lua_toboolean(L, index));
    case LUA_TNUMBER: return hash_number(L, index, hash);
    case LUA_TSTRING: {
        size_t len;
        const char *text = lua_tolstring(L, index, &len);
        meter_charge(L, (int64_t)len / 8);
        return packed_hash_text(hash, rp_str_n(text, len));
    }
    case LUA_TTABLE: return depth < DEPTH ? hash_table(L, index, hash, depth + 1) : hash;
    default: return hash;
    }
}

uint32_t packed_hash(lua_State *L, int index, uint32_t hash) {
    return hash_value(L, lua_absindex(L, index), hash, 0);
}
