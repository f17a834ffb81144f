/* Copies Lua values into the bot's arena, with bounds on depth and number: a table may hold itself. */
#include <lauxlib.h>

#include "core/config/script_lua.h"

#define VALUES_MAX 200000
#define DEPTH_MAX 16

static struct node value_text(struct script *script, lua_State *lua, int index) {
    size_t len;
    const char *data = lua_tolstring(lua, index, &len);
    return (struct node){.type = NODE_STRING, .text = rp_arena_str(script->arena, rp_str_n(data, len))};
}

static struct node value_number(lua_State *lua, int index) {
    if (lua_isinteger(lua, index)) return (struct node){.type = NODE_INT, .integer = lua_tointeger(lua, index)};
    return (struct node){.type = NODE_NUMBER, .number = lua_tonumber(lua, index)};
}

static struct node value_object(lua_State *lua, int index) {
    struct declared **element = luaL_testudata(lua, index, ELEMENT_TYPE);
    if (element) return (struct node){.type = NODE_ELEMENT, .element = *element};
    struct node *const *secret = luaL_testudata(lua, index, SECRET_TYPE);
    return secret ? **secret : (struct node){.type = NODE_FUNCTION};
}

static struct node value_function(struct script *script, lua_State *lua, int index) {
    struct node node = {.type = NODE_FUNCTION};
    if (lua_tocfunction(lua, index) != script_construct || !lua_getupvalue(lua, index, 1)) return node;
    node = value_text(script, lua, -1);
    node.type = NODE_WORD;
    lua_pop(lua, 1);
    return node;
}

static size_t table_count(lua_State *lua, int index) {
    size_t count = 0;
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) count++;
    return count;
}

/* The entry on top of the stack: key, value. */
static struct node_entry table_entry(struct script *script, lua_State *lua) {
    int top = lua_gettop(lua);
    struct node_entry entry = {0};
    if (lua_isinteger(lua, top - 1)) {
        entry.index = lua_tointeger(lua, top - 1);
    } else if (lua_type(lua, top - 1) == LUA_TSTRING) {
        struct node key = value_text(script, lua, top - 1);
        if (!node_is_text(&key)) luaL_error(lua, "a name in a table cannot hold a NUL byte");
        entry.key = key.text.data;
    } else {
        luaL_error(lua, "a table can only have names and whole numbers as keys here");
    }
    entry.value = script_value(lua, top);
    return entry;
}

static struct node value_table(struct script *script, lua_State *lua, int index) {
    struct node node = {.type = NODE_TABLE};
    size_t count = table_count(lua, index);
    script->node_count += count;
    if (script->node_count > VALUES_MAX) luaL_error(lua, "more than %d values", VALUES_MAX);
    if (++script->depth > DEPTH_MAX) luaL_error(lua, "tables inside tables, more than %d deep", DEPTH_MAX);
    luaL_checkstack(lua, 6, NULL);
    node.table.entries = rp_arena_alloc(script->arena, (count + 1) * sizeof *node.table.entries);
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
        struct node_entry entry = table_entry(script, lua);
        node.table.numbered += !entry.key;
        node.table.entries[node.table.count++] = entry;
    }
    script->depth--;
    node_sort(&node);
    return node;
}

struct node script_value(lua_State *lua, int index) {
    struct script *script = script_of(lua);
    index = lua_absindex(lua, index);
    switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN: return (struct node){.type = NODE_BOOL, .truth = lua_toboolean(lua, index)};
    case LUA_TNUMBER: return value_number(lua, index);
    case LUA_TSTRING: return value_text(script, lua, index);
    case LUA_TTABLE: return value_table(script, lua, index);
    case LUA_TUSERDATA: return value_object(lua, index);
    case LUA_TFUNCTION: return value_function(script, lua, index);
    default: return (struct node){.type = NODE_NIL};
    }
}
