/* Freezes tables, and walks over them. A frozen table holds its shadow under a key that no script can name. */
#include "freeze.h"

#include <lauxlib.h>
#include <string.h>

#include "repeatable.h"

static const char shadow_key, metatable_key, methods_key;

enum { QUEUE = 1, SEEN, VALUE }; /* places on the stack of the walk, from its base */

struct walk {
    lua_State *L;
    int base;
    lua_Integer head, tail;
    void (*visit)(lua_State *L);
};

/* ---- what a frozen table does ------------------------------------------------------------------------------------ */

void freeze_contents(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_rawgetp(L, index, &shadow_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_pushvalue(L, index);
}

static bool is_frozen(lua_State *L, int index) {
    bool frozen = lua_rawgetp(L, index, &shadow_key) == LUA_TTABLE;
    lua_pop(L, 1);
    return frozen;
}

static int on_index(lua_State *L) {
    lua_rawgetp(L, 1, &shadow_key);
    lua_pushvalue(L, 2);
    lua_gettable(L, -2); /* the shadow has a metatable where the table had one */
    return 1;
}

static int on_newindex(lua_State *L) {
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    return luaL_error(L, "cannot set '%s': tables that all turns share are read-only; keep state in t.session", key);
}

static int on_len(lua_State *L) {
    freeze_contents(L, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

int freeze_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (repeatable_journal(L)) return repeatable_next(L);
    freeze_contents(L, 1);
    lua_replace(L, 1);
    if (lua_next(L, 1)) return 2;
    lua_pushnil(L);
    return 1;
}

static int frozen_pairs(lua_State *L) {
    if (repeatable_journal(L)) return repeatable_pairs(L);
    lua_pushcfunction(L, freeze_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

int freeze_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") == LUA_TNIL) return frozen_pairs(L);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
}

static const luaL_Reg metamethods[] = {
    {"__index", on_index}, {"__newindex", on_newindex}, {"__len", on_len}, {"__pairs", frozen_pairs}, {NULL, NULL}};

static void push_metatable(lua_State *L) {
    luaL_newlib(L, metamethods);
    lua_pushliteral(L, "read-only");
    lua_setfield(L, -2, "__metatable");
}

void freeze_open(lua_State *L) {
    push_metatable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

void freeze_proxy(lua_State *L, int proxy) {
    lua_rawsetp(L, proxy, &shadow_key);
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

/* Takes the value on the top of the stack into the queue, once. */
static void enqueue(struct walk *walk) {
    lua_State *L = walk->L;
    if (lua_istable(L, -1) || lua_isfunction(L, -1)) {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, walk->base + SEEN) == LUA_TNIL) {
            lua_pushvalue(L, -2);
            lua_pushboolean(L, 1);
            lua_rawset(L, walk->base + SEEN);
            lua_pushvalue(L, -2);
            lua_rawseti(L, walk->base + QUEUE, ++walk->tail);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static bool is_metamethod(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TSTRING && strncmp(lua_tostring(L, index), "__", 2) == 0;
}

/* From the table at VALUE into the one on the top of the stack. */
static void move_fields(struct walk *walk) {
    lua_State *L = walk->L;
    int from = walk->base + VALUE, to = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pushvalue(L, -2);
        enqueue(walk);
        lua_pushvalue(L, -1);
        enqueue(walk);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, from);
    }
}

/* A table with metamethods may serve as a metatable of tables that turns make. Lua looks for them in the metatable
 * itself, where a script could change them: so another table, which no script sees, takes its place. */
static void keep_metamethods(struct walk *walk, int shadow) {
    lua_State *L = walk->L;
    bool any = false;
    lua_newtable(L);
    int methods = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, shadow)) {
        bool kept = is_metamethod(L, -2);
        any |= kept;
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        if (kept) {
            lua_rawset(L, methods);
        } else {
            lua_pop(L, 2);
        }
    }
    lua_pushliteral(L, "__metatable");
    if (lua_rawget(L, methods) == LUA_TNIL) {
        lua_pushvalue(L, walk->base + VALUE);
        lua_setfield(L, methods, "__metatable");
    }
    lua_settop(L, methods);
    if (any) {
        lua_rawsetp(L, walk->base + VALUE, &methods_key);
    } else {
        lua_pop(L, 1);
    }
}

void freeze_push_metatable(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_rawgetp(L, index, &methods_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_pushvalue(L, index);
}

bool freeze_is_protected(lua_State *L, int index) {
    int top = lua_gettop(L);
    index = lua_absindex(L, index);
    bool protected = luaL_getmetafield(L, index, "__metatable") != LUA_TNIL;
    if (protected && lua_istable(L, -1)) { /* the metatable passes for the frozen one that it stands for */
        freeze_push_metatable(L, -1);
        protected = !lua_getmetatable(L, index) || !lua_rawequal(L, -1, -2);
    }
    lua_settop(L, top);
    return protected;
}

/* The table had a metatable of its own (on the top of the stack, popped): its metamethods go on to work. */
static void merge_metatable(struct walk *walk, int shadow) {
    lua_State *L = walk->L;
    int old = lua_gettop(L);
    push_metatable(L);
    freeze_contents(L, old);
    lua_pushnil(L);
    while (lua_next(L, old + 2)) {
        lua_pushvalue(L, -1);
        enqueue(walk);
        lua_pushvalue(L, -2);
        if (lua_rawget(L, old + 1) == LUA_TNIL && is_metamethod(L, -3)) {
            lua_pushvalue(L, -3);
            lua_pushvalue(L, -3);
            lua_rawset(L, old + 1);
        }
        lua_pop(L, 2);
    }
    lua_createtable(L, 0, 1);
    lua_getfield(L, old + 2, "__index");
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, shadow);
    lua_settop(L, old + 1);
    lua_setmetatable(L, walk->base + VALUE);
    lua_settop(L, old - 1);
}

static void freeze_table(struct walk *walk) {
    lua_State *L = walk->L;
    int table = walk->base + VALUE;
    if (is_frozen(L, table)) return;
    bool had_metatable = lua_getmetatable(L, table);
    if (had_metatable) {
        lua_pushnil(L);
        lua_setmetatable(L, table);
    }
    lua_newtable(L);
    int shadow = lua_gettop(L);
    move_fields(walk);
    keep_metamethods(walk, shadow);
    if (had_metatable) {
        lua_pushvalue(L, shadow - 1);
        merge_metatable(walk, shadow);
    } else {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
        lua_setmetatable(L, table);
    }
    freeze_proxy(L, table);
}

static void freeze_upvalues(struct walk *walk) {
    if (walk->visit && !lua_iscfunction(walk->L, -1)) walk->visit(walk->L);
    for (int i = 1; lua_getupvalue(walk->L, walk->base + VALUE, i); i++) enqueue(walk);
}

void freeze(lua_State *L, int index) {
    freeze_visiting(L, index, NULL);
}

void freeze_visiting(lua_State *L, int index, void (*visit)(lua_State *L)) {
    struct walk walk = {.L = L, .base = lua_gettop(L), .visit = visit};
    lua_pushvalue(L, index);
    luaL_checkstack(L, 24, NULL);
    lua_newtable(L);
    lua_newtable(L);
    lua_rotate(L, walk.base + 1, 2);
    enqueue(&walk);
    while (walk.head < walk.tail) {
        lua_rawgeti(L, walk.base + QUEUE, ++walk.head);
        if (lua_istable(L, -1)) {
            freeze_table(&walk);
        } else {
            freeze_upvalues(&walk);
        }
        lua_settop(L, walk.base + SEEN);
    }
    lua_settop(L, walk.base);
}
