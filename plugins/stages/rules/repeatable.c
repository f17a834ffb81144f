/* The order of keys: numbers, texts by their bytes, false, true. math.random goes to the journal's generator. */
#include "repeatable.h"

#include <lauxlib.h>

#include "freeze.h"
#include "journal.h"
#include "run.h"
#include "vm.h"

struct journal *repeatable_journal(lua_State *L) {
    const struct run *run = vm_of(L)->run;
    return run ? run->journal : NULL;
}

int64_t repeatable_now_ms(lua_State *L) {
    const struct journal *journal = repeatable_journal(L);
    return journal ? journal->now_ms : rp_wall_ms();
}

/* ---- the order of keys ------------------------------------------------------------------------------------------- */

static int rank(lua_State *L, int index) {
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: return 1;
    case LUA_TSTRING: return 2;
    case LUA_TBOOLEAN: return 3;
    default:
        return luaL_error(L, "a dialog cannot go through a table that has a %s for a key: the order differs each time",
                          luaL_typename(L, index));
    }
}

static bool text_before(lua_State *L, int a, int b) {
    size_t a_len, b_len;
    const char *a_text = lua_tolstring(L, a, &a_len), *b_text = lua_tolstring(L, b, &b_len);
    int order = memcmp(a_text, b_text, a_len < b_len ? a_len : b_len);
    return order ? order < 0 : a_len < b_len;
}

static bool key_before(lua_State *L, int a, int b) {
    int a_rank = rank(L, a), b_rank = rank(L, b);
    if (a_rank != b_rank) return a_rank < b_rank;
    if (a_rank == 1) return lua_compare(L, a, b, LUA_OPLT);
    if (a_rank == 2) return text_before(L, a, b);
    return !lua_toboolean(L, a) && lua_toboolean(L, b);
}

int repeatable_next(lua_State *L) {
    lua_settop(L, 2);
    freeze_contents(L, 1);
    lua_replace(L, 1);
    lua_pushnil(L); /* 3: the best so far */
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        meter_charge(L, 4);
        bool behind = lua_isnil(L, 2) || key_before(L, 2, 4);
        if (behind && (lua_isnil(L, 3) || key_before(L, 4, 3))) {
            lua_pushvalue(L, 4);
            lua_replace(L, 3);
        }
    }
    if (lua_isnil(L, 3)) return 1;
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}

/* The keys of the table at `table`, unordered. */
static lua_Integer push_keys(lua_State *L, int table) {
    lua_Integer count = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        rank(L, -1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++count);
    }
    return count;
}

/* ---- sorting ----------------------------------------------------------------------------------------------------- */

/* Lua's own sort may take the clock for its pivots. A heap sort needs neither that nor memory. */
struct sorting {
    lua_State *L;
    int list, compare; /* places on the stack; compare 0: the order of keys, a nil there: the operator < */
};

static bool before(const struct sorting *sorting, int a, int b) {
    lua_State *L = sorting->L;
    meter_charge(L, 4);
    if (sorting->compare == 0) return key_before(L, a, b);
    if (lua_isnil(L, sorting->compare)) return lua_compare(L, a, b, LUA_OPLT);
    lua_pushvalue(L, sorting->compare);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

static void sift(const struct sorting *sorting, lua_Integer at, lua_Integer count) {
    lua_State *L = sorting->L;
    int top = lua_gettop(L);
    for (lua_Integer child; (child = 2 * at) <= count; at = child) {
        lua_geti(L, sorting->list, child);
        if (child < count) {
            lua_geti(L, sorting->list, child + 1);
            bool larger = before(sorting, top + 1, top + 2);
            lua_remove(L, larger ? top + 1 : top + 2);
            child += larger;
        }
        lua_geti(L, sorting->list, at);
        if (!before(sorting, top + 2, top + 1)) break;
        lua_seti(L, sorting->list, child);
        lua_seti(L, sorting->list, at);
    }
    lua_settop(L, top);
}

static void sort(const struct sorting *sorting, lua_Integer count) {
    lua_State *L = sorting->L;
    for (lua_Integer i = count / 2; i > 0; i--) sift(sorting, i, count);
    for (lua_Integer i = count; i > 1; i--) {
        lua_geti(L, sorting->list, 1);
        lua_geti(L, sorting->list, i);
        lua_seti(L, sorting->list, 1);
        lua_seti(L, sorting->list, i);
        sift(sorting, 1, i - 1);
    }
}

int repeatable_sort(lua_State *L) {
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    sort(&(struct sorting){.L = L, .list = 1, .compare = 2}, luaL_len(L, 1));
    return 0;
}

/* ---- going through a table --------------------------------------------------------------------------------------- */

/* Upvalues: the contents, the keys, how many were handed out. Keys whose values are gone meanwhile are left out. */
static int next_pair(lua_State *L) {
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
    for (;;) {
        if (lua_rawgeti(L, lua_upvalueindex(2), ++at) == LUA_TNIL) return 1;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) break;
        lua_pop(L, 2);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

void repeatable_keys(lua_State *L, int table) {
    lua_Integer count = push_keys(L, lua_absindex(L, table));
    sort(&(struct sorting){.L = L, .list = lua_gettop(L)}, count);
}

int repeatable_pairs(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    freeze_contents(L, 1);
    repeatable_keys(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 3);
    return 1;
}

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

/* As math.random: no argument, an upper bound, or two. */
static int journalled_random(lua_State *L, struct journal *journal) {
    uint64_t random = journal_random(journal);
    lua_Integer low = 1, high;
    switch (lua_gettop(L)) {
    case 0: lua_pushnumber(L, (lua_Number)(random >> 11) * 0x1p-53); return 1;
    case 1:
        high = luaL_checkinteger(L, 1);
        if (high == 0) {
            lua_pushinteger(L, (lua_Integer)random);
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(L, 1);
        high = luaL_checkinteger(L, 2);
        break;
    default: return luaL_error(L, "wrong number of arguments");
    }
    luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
    uint64_t span = (uint64_t)high - (uint64_t)low + 1; /* 0: all there are */
    while (span && random >= UINT64_MAX - UINT64_MAX % span) random = journal_random(journal);
    lua_pushinteger(L, (lua_Integer)((uint64_t)low + (span ? random % span : random)));
    return 1;
}

static int random_number(lua_State *L) {
    struct journal *journal = repeatable_journal(L);
    if (journal) return journalled_random(L, journal);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

void repeatable_math(lua_State *L) {
    lua_getfield(L, -1, "random");
    lua_pushcclosure(L, random_number, 1);
    lua_setfield(L, -2, "random");
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

/* Whether Lua would make a text out of an address. */
static bool has_no_text(lua_State *L, int index) {
    int type = lua_type(L, index);
    if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING) return false;
    if (luaL_getmetafield(L, index, "__tostring") == LUA_TNIL) return true;
    lua_pop(L, 1);
    return false;
}

static void push_name(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TLIGHTUSERDATA) {
        lua_pushliteral(L, "null");
    } else if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING) {
        lua_pushstring(L, luaL_typename(L, index));
    }
}

int repeatable_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (has_no_text(L, 1)) {
        push_name(L, 1);
    } else {
        luaL_tolstring(L, 1, NULL);
    }
    return 1;
}

void repeatable_format(lua_State *L) {
    const char *format = lua_tostring(L, 1);
    for (const char *at = format ? strchr(format, '%') : NULL; at; at = strchr(at, '%')) {
        at += 1 + strspn(at + 1, "-+ #0123456789.");
        if (*at == 'p') luaL_error(L, "invalid conversion '%%p' to 'format'");
        if (*at) at++;
    }
    for (int i = 2, top = lua_gettop(L); i <= top; i++) {
        if (!has_no_text(L, i)) continue;
        push_name(L, i);
        lua_replace(L, i);
        lua_settop(L, top);
    }
}
