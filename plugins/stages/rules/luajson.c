/* Converts values both ways and offers json.encode and json.decode. Depth, number of values and steps are bounded. */
#include "luajson.h"

#include <math.h>
#include <stdlib.h>

#include "freeze.h"
#include "meter.h"

#define BOX "repartee.json" /* a userdata that owns a reference, for the time of a conversion that may raise */

struct reader {
    lua_State *L;
    int depth, nodes;
    size_t bytes; /* of all texts: one that is long may occur many times, and is copied each time */
    const char *why;
};

static json_t *read_value(struct reader *reader, int index);

/* ---- from Lua ---------------------------------------------------------------------------------------------------- */

static json_t *refuse(struct reader *reader, const char *why) {
    reader->why = why;
    return NULL;
}

static json_t *read_number(struct reader *reader, int index) {
    lua_State *L = reader->L;
    if (lua_isinteger(L, index)) return json_integer(lua_tointeger(L, index));
    lua_Number number = lua_tonumber(L, index);
    return isfinite(number) ? json_real(number) : refuse(reader, "a number that is infinite or none cannot be JSON");
}

static json_t *read_string(struct reader *reader, int index) {
    size_t len;
    const char *text = lua_tolstring(reader->L, index, &len);
    if ((reader->bytes += len) > LUAJSON_BYTES) return refuse(reader, "a table with too much text cannot be JSON");
    json_t *value = json_stringn(text, len);
    return value ? value : refuse(reader, "a string that is not valid UTF-8 cannot be JSON");
}

static json_t *read_list(struct reader *reader, int table, lua_Integer len) {
    json_t *list = json_array();
    for (lua_Integer i = 1; i <= len; i++) {
        lua_rawgeti(reader->L, table, i);
        json_t *item = read_value(reader, lua_gettop(reader->L));
        lua_pop(reader->L, 1);
        if (!item || json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *read_object(struct reader *reader, int table) {
    lua_State *L = reader->L;
    json_t *object = json_object();
    lua_pushnil(L);
    while (lua_next(L, table)) {
        json_t *item = NULL;
        if (lua_type(L, -2) != LUA_TSTRING) {
            refuse(reader, "a table with keys that are not strings, nor 1 to n, cannot be JSON");
        } else {
            item = read_value(reader, lua_gettop(L));
        }
        if (item && json_object_set_new(object, lua_tostring(L, -2), item) != 0) {
            item = refuse(reader, "a key that is not valid UTF-8 cannot be JSON");
        }
        lua_pop(L, item ? 1 : 2);
        if (!item) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *read_table(struct reader *reader, int index) {
    lua_State *L = reader->L;
    if (++reader->depth > RP_JSON_DEPTH)
        return refuse(reader, "a table that is nested too deep, or in itself, cannot be JSON");
    freeze_contents(L, index);
    int table = lua_gettop(L);
    lua_Integer len = (lua_Integer)lua_rawlen(L, table), count = 0;
    lua_pushnil(L);
    while (len > 0 && count <= len && lua_next(L, table)) {
        lua_pop(L, 1);
        count++;
    }
    lua_settop(L, table);
    json_t *value = len > 0 && count == len ? read_list(reader, table, len) : read_object(reader, table);
    lua_settop(L, table - 1);
    reader->depth--;
    return value;
}

static json_t *read_value(struct reader *reader, int index) {
    lua_State *L = reader->L;
    if (++reader->nodes > LUAJSON_NODES) return refuse(reader, "a table with too many values cannot be JSON");
    if (!lua_checkstack(L, 8)) return refuse(reader, "out of stack");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return json_null();
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return read_number(reader, index);
    case LUA_TSTRING:
        return read_string(reader, index);
    case LUA_TTABLE:
        return read_table(reader, index);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == NULL) return json_null();
    /* fall through */
    default:
        return refuse(reader, "only strings, numbers, booleans and tables can be JSON");
    }
}

int luajson_read(lua_State *L, int index, json_t **out_value, const char **out_why) {
    struct reader reader = {.L = L};
    int top = lua_gettop(L);
    json_t *value = read_value(&reader, lua_absindex(L, index));
    lua_settop(L, top);
    meter_note(L, reader.nodes);
    if (!value) {
        *out_why = reader.why ? reader.why : "out of memory";
        return -RP_EJSON;
    }
    *out_value = value;
    return 0;
}

/* ---- to Lua ------------------------------------------------------------------------------------------------------ */

static void push_object(lua_State *L, const json_t *object) {
    const char *key;
    size_t len;
    json_t *item, *open = (json_t *)(uintptr_t)object; /* jansson's iterators want it so; nothing is changed */
    lua_createtable(L, 0, (int)json_object_size(object));
    json_object_keylen_foreach(open, key, len, item) {
        if (json_is_null(item)) continue;
        lua_pushlstring(L, key, len);
        luajson_push(L, item);
        lua_rawset(L, -3);
    }
}

static void push_list(lua_State *L, const json_t *list) {
    size_t len = json_array_size(list);
    lua_createtable(L, (int)len, 0);
    for (size_t i = 0; i < len; i++) {
        luajson_push(L, json_array_get(list, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

void luajson_push(lua_State *L, const json_t *value) {
    luaL_checkstack(L, 4, "JSON nested too deep");
    meter_charge(L, 4);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        push_object(L, value);
        break;
    case JSON_ARRAY:
        push_list(L, value);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    default:
        lua_pushboolean(L, json_is_true(value));
    }
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static int box_free(lua_State *L) {
    json_t **box = lua_touserdata(L, 1);
    json_decref(*box);
    *box = NULL;
    return 0;
}

void luajson_open(lua_State *L) {
    luaL_newmetatable(L, BOX);
    lua_pushcfunction(L, box_free);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

static json_t **push_box(lua_State *L) {
    json_t **box = lua_newuserdatauv(L, sizeof(*box), 0);
    *box = NULL;
    luaL_setmetatable(L, BOX);
    return box;
}

int luajson_parse(lua_State *L, struct rp_str text, struct rp_error *error) {
    json_t **box = push_box(L);
    meter_charge(L, (int64_t)text.len / 16);
    int rc = rp_json_parse(text.data, text.len, box, error);
    if (rc != 0) {
        lua_pop(L, 1);
        return rc;
    }
    luajson_push(L, *box);
    lua_remove(L, -2);
    return 0;
}

void luajson_dump(lua_State *L, int index) {
    index = lua_absindex(L, index);
    json_t **box = push_box(L);
    const char *why;
    if (luajson_read(L, index, box, &why) != 0) luaL_error(L, "%s", why);
    char *text = json_dumps(*box, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS); /* each time the same */
    size_t len = text ? strlen(text) : 0;
    json_decref(*box);
    *box = text ? json_stringn_nocheck(text, len) : NULL; /* owned by the box while pushing may raise */
    free(text);
    if (!*box) luaL_error(L, "out of memory");
    meter_charge(L, (int64_t)len / 16);
    lua_pushlstring(L, json_string_value(*box), len);
    lua_remove(L, -2);
}

static int encode(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    luajson_dump(L, 1);
    return 1;
}

/* nil and a sentence for text that is not JSON: it mostly comes from elsewhere. */
static int decode(lua_State *L) {
    struct rp_error error;
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (luajson_parse(L, rp_str_n(text, len), &error) == 0) return 1;
    lua_pushnil(L);
    lua_pushstring(L, error.text);
    return 2;
}

const luaL_Reg luajson_functions[] = {{"encode", encode}, {"decode", decode}, {NULL, NULL}};
