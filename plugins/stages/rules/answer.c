/* Matches answers. The result depends on the text and the options alone, never on the order of a table. */
#include "answer.h"

#include <lauxlib.h>

#include "fill.h"
#include "freeze.h"
#include "patterns.h"

#define CHOICES_MAX 200
#define CHOICE_BYTES 200

struct rp_str answer_trim(struct rp_str text) {
    while (text.len > 0 && memchr(" \t\r\n", text.data[0], 4)) text = rp_str_n(text.data + 1, text.len - 1);
    while (text.len > 0 && memchr(" \t\r\n", text.data[text.len - 1], 4)) text.len--;
    return text;
}

static void push_str(lua_State *L, struct rp_str text) {
    lua_pushlstring(L, text.data ? text.data : "", text.len);
}

/* ---- match ------------------------------------------------------------------------------------------------------- */

static void push_captures(lua_State *L, const struct captures *captures) {
    struct rp_str text;
    lua_newtable(L);
    for (size_t i = 0; i < captures->match->count; i++) {
        if (!captures_group(captures, i, &text)) continue;
        push_str(L, text);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    for (size_t i = 0; i < rp_regex_name_count(captures->regex); i++) {
        unsigned group;
        const char *name = rp_regex_name(captures->regex, i, &group);
        if (!captures_find(captures, rp_str(name), &text)) continue;
        push_str(L, text);
        lua_setfield(L, -2, name);
    }
}

static bool find(lua_State *L, int pattern, const struct rp_normalised *text, const char *what, struct rp_match *out_match) {
    const struct rp_regex *regex = patterns_get(L, pattern, what);
    if (!patterns_find(L, regex, text->text, out_match)) return false;
    push_captures(L, &(struct captures){regex, out_match, text});
    if (lua_getfield(L, -1, "value") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_rawgeti(L, -1, 0);
    }
    lua_insert(L, -2);
    return true;
}

bool answer_find(lua_State *L, int patterns, const struct rp_normalised *text, const char *what, struct rp_match *out_match) {
    patterns = lua_absindex(L, patterns);
    luaL_checkstack(L, 8, NULL);
    if (!lua_istable(L, patterns)) return find(L, patterns, text, what, out_match);
    int top = lua_gettop(L);
    freeze_contents(L, patterns);
    for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
        if (find(L, top + 2, text, what, out_match)) {
            lua_remove(L, top + 2);
            lua_remove(L, top + 1);
            return true;
        }
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return false;
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

static bool is_letter(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* The choice as a pattern that finds it as a word of its own, whatever its capitals. Languages that write without spaces
 * have no such words, so only letters and digits of those that do are looked at. */
static void push_word_pattern(lua_State *L, struct rp_str choice) {
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    luaL_addstring(&out, "(?i)(?:(?<![\\p{Latin}\\p{Greek}\\p{Cyrillic}\\p{N}_])|(?![\\p{Latin}\\p{Greek}\\p{Cyrillic}\\p{N}_]))");
    for (size_t i = 0; i < choice.len; i++) {
        if (!is_letter((unsigned char)choice.data[i])) luaL_addchar(&out, '\\');
        luaL_addchar(&out, choice.data[i]);
    }
    luaL_addstring(&out, "(?:(?![\\p{Latin}\\p{Greek}\\p{Cyrillic}\\p{N}_])|(?<![\\p{Latin}\\p{Greek}\\p{Cyrillic}\\p{N}_]))");
    luaL_pushresult(&out);
}

static struct rp_str check_choice(lua_State *L, int index, const char *what) {
    size_t len;
    if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "%s: choices are texts", what);
    const char *text = lua_tolstring(L, index, &len);
    if (len == 0 || len > CHOICE_BYTES || !rp_utf8_valid(text, len))
        luaL_error(L, "%s: a choice is a text of 1 to %d bytes", what, CHOICE_BYTES);
    return rp_str_n(text, len);
}

static bool names_choice(lua_State *L, struct rp_str choice, const struct rp_normalised *text, const char *what,
                         struct rp_match *out_match) {
    push_word_pattern(L, choice);
    bool found = patterns_find(L, patterns_get(L, -1, what), text->text, out_match);
    lua_pop(L, 1);
    return found;
}

struct choosing {
    size_t count; /* of choices that were named */
    size_t len;   /* of the longest, which hides those inside it: "blue" in "light blue" */
    struct rp_match match;
};

/* The choice on the top of the stack is named: it replaces what stands at `best`, or makes the answer ambiguous. */
static void choose(lua_State *L, int best, struct choosing *choosing, const struct rp_match *match) {
    size_t start = match->group[0].start, end = match->group[0].end;
    size_t other_start = choosing->match.group[0].start, other_end = choosing->match.group[0].end;
    if (choosing->count > 0 && start >= other_start && end <= other_end && end - start < choosing->len) return;
    bool hides = choosing->count > 0 && other_start >= start && other_end <= end && choosing->len < end - start;
    choosing->count = hides ? choosing->count : choosing->count + 1;
    choosing->len = end - start;
    choosing->match = *match;
    lua_pushvalue(L, -1);
    lua_replace(L, best);
}

static void choose_of_list(lua_State *L, int list, int best, const struct rp_normalised *text, const char *what,
                           struct choosing *choosing) {
    struct rp_match match;
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
        if (i > CHOICES_MAX) luaL_error(L, "%s: at most %d choices", what, CHOICES_MAX);
        struct rp_str choice = check_choice(L, -1, what);
        if (names_choice(L, choice, text, what, &match)) choose(L, best, choosing, &match);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* From a value to the patterns that stand for it. */
static void choose_of_table(lua_State *L, int table, int best, const struct rp_normalised *text, const char *what,
                            struct choosing *choosing) {
    struct rp_match match;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        bool found = answer_find(L, -1, text, what, &match);
        if (found) lua_pop(L, 2);
        lua_pop(L, 1);
        if (!found) continue;
        choosing->count++;
        choosing->match = match;
        lua_pushvalue(L, -1);
        lua_replace(L, best);
    }
}

bool answer_choose(lua_State *L, int choices, const struct rp_normalised *text, const char *what, struct rp_match *out_match) {
    struct choosing choosing = {0};
    if (!lua_istable(L, choices)) luaL_error(L, "%s: choices are a list, or a table from value to patterns", what);
    luaL_checkstack(L, 12, NULL);
    int best = lua_gettop(L) + 1;
    lua_pushvalue(L, choices);
    lua_pushnil(L);
    lua_replace(L, best);
    lua_pushvalue(L, choices);
    freeze_contents(L, -1);
    lua_remove(L, -2);
    if (lua_rawlen(L, best + 1) > 0) {
        choose_of_list(L, best + 1, best, text, what, &choosing);
    } else {
        choose_of_table(L, best + 1, best, text, what, &choosing);
    }
    lua_settop(L, best);
    if (choosing.count == 1) {
        *out_match = choosing.match;
        return true;
    }
    lua_pop(L, 1);
    return false;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

bool answer_take(lua_State *L, int options, const struct rp_normalised *text, const char *what) {
    struct rp_match match;
    options = lua_absindex(L, options);
    if (lua_getfield(L, options, "choices") != LUA_TNIL) {
        bool chosen = answer_choose(L, lua_gettop(L), text, what, &match);
        lua_remove(L, chosen ? -2 : -1);
        if (chosen) lua_pushnil(L);
        return chosen;
    }
    lua_pop(L, 1);
    if (lua_getfield(L, options, "match") != LUA_TNIL) {
        bool found = answer_find(L, -1, text, what, &match);
        lua_remove(L, found ? -3 : -1);
        return found;
    }
    lua_pop(L, 1);
    push_str(L, answer_trim(text->original));
    lua_pushnil(L);
    return true;
}
