/* find, match, gmatch and gsub as scripts see them: arguments, results, replacements. lpattern_match.c searches. */
#define _GNU_SOURCE /* memmem */
#include "lpattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "globals.h"
#include "lpattern_match.h"
#include "meter.h"

static void begin(struct search *search, lua_State *L, const char *text, size_t text_len, const char *pattern,
                  size_t pattern_len) {
    search->L = L;
    search->text = text;
    search->text_end = text + text_len;
    search->pattern_end = pattern + pattern_len;
    search->steps = 0;
}

/* A capture as a string, or its position as a number; `s` and `e` enclose the whole match. */
static void push_capture(struct search *search, int i, const char *s, const char *e) {
    if (i >= search->level) {
        if (i != 0) luaL_error(search->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(search->L, s, (size_t)(e - s));
    } else if (search->capture[i].len == CAPTURE_POSITION) {
        lua_pushinteger(search->L, search->capture[i].start - search->text + 1);
    } else if (search->capture[i].len == CAPTURE_OPEN) {
        luaL_error(search->L, "unfinished capture");
    } else {
        lua_pushlstring(search->L, search->capture[i].start, (size_t)search->capture[i].len);
    }
}

static int push_captures(struct search *search, const char *s, const char *e) {
    int count = search->level == 0 && s ? 1 : search->level;
    luaL_checkstack(search->L, count, "too many captures");
    for (int i = 0; i < count; i++) push_capture(search, i, s, e);
    return count;
}

/* The offset at which the optional argument says to start; beyond the text: one more than its length. */
static size_t start_offset(lua_State *L, int arg, size_t len) {
    lua_Integer start = luaL_optinteger(L, arg, 1);
    if (start > 0) return (size_t)start - 1 > len ? len + 1 : (size_t)start - 1;
    if (start == 0 || start < -(lua_Integer)len) return 0;
    return len - (size_t)-start;
}

static bool is_plain(const char *pattern, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i])) return false;
    }
    return true;
}

static int find_plain(lua_State *L, const char *text, size_t text_len, const char *wanted, size_t len, size_t from) {
    meter_charge(L, (int64_t)((text_len - from) / 16 + len / 16));
    const char *at = len == 0 ? text + from : memmem(text + from, text_len - from, wanted, len);
    if (!at) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, at - text + 1);
    lua_pushinteger(L, at - text + (lua_Integer)len);
    return 2;
}

static int search_first(lua_State *L, bool positions) {
    size_t text_len, len;
    const char *text = luaL_checklstring(L, 1, &text_len), *pattern = luaL_checklstring(L, 2, &len);
    size_t from = start_offset(L, 3, text_len);
    if (from > text_len) {
        luaL_pushfail(L);
        return 1;
    }
    if (positions && (lua_toboolean(L, 4) || is_plain(pattern, len))) {
        return find_plain(L, text, text_len, pattern, len, from);
    }
    struct search search;
    bool anchored = *pattern == '^';
    begin(&search, L, text, text_len, pattern, len);
    for (const char *s = text + from; s <= search.text_end; s++) {
        const char *e = search_at(&search, s, pattern + anchored);
        if (e) {
            search_charge(&search);
            if (!positions) return push_captures(&search, s, e);
            lua_pushinteger(L, s - text + 1);
            lua_pushinteger(L, e - text);
            return push_captures(&search, NULL, NULL) + 2;
        }
        if (anchored) break;
    }
    search_charge(&search);
    luaL_pushfail(L);
    return 1;
}

static int find(lua_State *L) {
    return search_first(L, true);
}

static int match(lua_State *L) {
    return search_first(L, false);
}

/* ---- gmatch: upvalues are text, pattern, where to go on, where the last match ended, made while loading? --------- */

static int gmatch_next(lua_State *L) {
    if (lua_toboolean(L, lua_upvalueindex(5)) && globals_sealed(L))
        return luaL_error(L, "this iterator was made while the rules were loaded, and all turns would share its place");
    size_t text_len, len;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &text_len);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &len);
    lua_Integer from = lua_tointeger(L, lua_upvalueindex(3)), last = lua_tointeger(L, lua_upvalueindex(4));
    struct search search;
    begin(&search, L, text, text_len, pattern, len);
    for (; from <= (lua_Integer)text_len; from++) {
        const char *e = search_at(&search, text + from, pattern);
        if (!e || e - text == last) continue;
        search_charge(&search);
        lua_pushinteger(L, e - text);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&search, text + from, e);
    }
    search_charge(&search);
    return 0;
}

static int gmatch(lua_State *L) {
    size_t text_len;
    luaL_checklstring(L, 1, &text_len);
    luaL_checkstring(L, 2);
    size_t from = start_offset(L, 3, text_len);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)from);
    lua_pushinteger(L, -1);
    lua_pushboolean(L, !globals_sealed(L));
    lua_pushcclosure(L, gmatch_next, 5);
    return 1;
}

/* ---- gsub -------------------------------------------------------------------------------------------------------- */

static void add_template(struct search *search, luaL_Buffer *out, const char *s, const char *e) {
    size_t len;
    const char *at = lua_tolstring(search->L, 3, &len), *end = at + len, *mark;
    search->steps += (int)(len / 16);
    for (; (mark = memchr(at, '%', (size_t)(end - at))); at = mark + 2) {
        int c = (unsigned char)mark[1];
        luaL_addlstring(out, at, (size_t)(mark - at));
        if (c == '%') {
            luaL_addchar(out, '%');
        } else if (c == '0') {
            luaL_addlstring(out, s, (size_t)(e - s));
        } else if (isdigit(c)) {
            push_capture(search, c - '1', s, e);
            luaL_tolstring(search->L, -1, NULL); /* a position is a number */
            lua_remove(search->L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(search->L, "invalid use of '%%' in replacement string");
        }
    }
    luaL_addlstring(out, at, (size_t)(end - at));
}

/* False when the match stays as it is. */
static bool add_replacement(struct search *search, luaL_Buffer *out, const char *s, const char *e, int kind) {
    lua_State *L = search->L;
    if (kind == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(search, s, e), 1);
    } else if (kind == LUA_TTABLE) {
        push_capture(search, 0, s, e);
        lua_gettable(L, 3);
    } else {
        add_template(search, out, s, e);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, s, (size_t)(e - s));
        return false;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(out);
    return true;
}

static int gsub(lua_State *L) {
    size_t text_len, len;
    const char *s = luaL_checklstring(L, 1, &text_len), *pattern = luaL_checklstring(L, 2, &len), *last = NULL;
    int kind = lua_type(L, 3);
    lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)text_len + 1), count = 0;
    bool anchored = *pattern == '^', changed = false;
    luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
                     "string/function/table");
    struct search search;
    luaL_Buffer out;
    begin(&search, L, s, text_len, pattern, len);
    luaL_buffinit(L, &out);
    while (count < max) {
        const char *e = search_at(&search, s, pattern + anchored);
        if (e && e != last) {
            count++;
            changed |= add_replacement(&search, &out, s, e, kind);
            s = last = e;
        } else if (s < search.text_end) {
            luaL_addchar(&out, *s++);
        } else {
            break;
        }
        if (anchored) break;
    }
    search_charge(&search);
    luaL_addlstring(&out, s, (size_t)(search.text_end - s));
    luaL_pushresult(&out);
    if (!changed) lua_pushvalue(L, 1);
    lua_pushinteger(L, count);
    return 2;
}

const luaL_Reg lpattern_functions[] = {
    {"find", find}, {"match", match}, {"gmatch", gmatch}, {"gsub", gsub}, {NULL, NULL}};
