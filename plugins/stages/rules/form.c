/* Reads the fields of a declaration's table. Every field that is wrong is a mistake of its own, and loading goes on. */
#include "form.h"

#include <math.h>
#include <repartee/option.h>
#include <stdio.h>

#include "freeze.h"
#include "vm.h"

#define DURATION_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

void form_wrong(const struct form *form, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (form->at_run_time)
        mistakes_add(form->mistakes, form->origin.file, form->origin.line, "%s: %s", form->kind, text);
    else
        mistakes_add(form->mistakes, form->origin.file, form->origin.line, "%s '%s': %s", form->kind, form->origin.name,
                     text);
}

struct rp_arena *form_arena(const struct form *form) {
    return form->arena;
}

#define KNOWN_MAX 48 /* fields of one declaration */

/* ---- fields ------------------------------------------------------------------------------------------------------ */

int form_push(const struct form *form, const char *name) {
    lua_pushstring(form->L, name);
    return lua_rawget(form->L, form->table);
}

struct rp_str form_copy_top(const struct form *form) {
    size_t len;
    const char *text = lua_tolstring(form->L, -1, &len);
    return rp_arena_str(form_arena(form), rp_str_n(text, len));
}

void form_check_names_of(const struct form *form, const char *const *some, const char *const *more) {
    const char *known[KNOWN_MAX + 1];
    size_t count = 0;
    while (*some && count < KNOWN_MAX) known[count++] = *some++;
    while (*more && count < KNOWN_MAX) known[count++] = *more++;
    known[count] = NULL;
    form_check_names(form, known);
}

void form_check_names(const struct form *form, const char *const *known) {
    lua_State *L = form->L;
    lua_pushnil(L);
    while (lua_next(L, form->table)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            form_wrong(form, "a value stands here without a name");
            continue;
        }
        const char *name = lua_tostring(L, -1), *const *at = known;
        while (*at && strcmp(*at, name) != 0) at++;
        if (*at) continue;
        const char *near = rp_nearest_name(name, known, (size_t)(at - known));
        form_wrong(form, "there is no field '%s'%s%s%s", name, near ? " (did you mean '" : "", near ? near : "",
              near ? "'?)" : "");
    }
}

/* An optional function; its reference, or LUA_NOREF. */
int form_function(const struct form *form, const char *name) {
    int type = form_push(form, name);
    if (type == LUA_TFUNCTION) return luaL_ref(form->L, LUA_REGISTRYINDEX);
    if (type != LUA_TNIL) form_wrong(form, "'%s' must be a function, not a %s", name, lua_typename(form->L, type));
    lua_pop(form->L, 1);
    return LUA_NOREF;
}

int64_t form_integer(const struct form *form, const char *name, int64_t least, int64_t most) {
    int type = form_push(form, name), whole;
    lua_Integer value = lua_tointegerx(form->L, -1, &whole);
    lua_pop(form->L, 1);
    if (type == LUA_TNIL) return 0;
    if (type == LUA_TNUMBER && whole && value >= least && value <= most) return value;
    form_wrong(form, "'%s' must be a whole number from %lld to %lld", name, (long long)least, (long long)most);
    return 0;
}

double form_number(const struct form *form, const char *name, double least, double most) {
    int type = form_push(form, name);
    double value = lua_tonumber(form->L, -1);
    lua_pop(form->L, 1);
    if (type == LUA_TNIL) return NAN;
    if (type == LUA_TNUMBER && value >= least && value <= most) return value;
    form_wrong(form, "'%s' must be a number from %g to %g", name, least, most);
    return NAN;
}

bool form_flag(const struct form *form, const char *name) {
    int type = form_push(form, name);
    bool value = lua_toboolean(form->L, -1);
    lua_pop(form->L, 1);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) form_wrong(form, "'%s' must be true or false", name);
    return type == LUA_TBOOLEAN && value;
}

void form_check_text(const struct form *form, const char *name) {
    int type = form_push(form, name);
    if (type != LUA_TNIL && type != LUA_TSTRING) form_wrong(form, "'%s' must be a text", name);
    lua_pop(form->L, 1);
}

const char *form_text(const struct form *form, const char *name) {
    struct rp_str text = {0};
    int type = form_push(form, name);
    if (type == LUA_TSTRING) text = form_copy_top(form);
    if (type != LUA_TSTRING && type != LUA_TNIL) form_wrong(form, "'%s' must be a text", name);
    if (!rp_utf8_valid(text.data, text.len)) form_wrong(form, "'%s' is not valid UTF-8", name);
    lua_pop(form->L, 1);
    return text.data;
}

int64_t form_duration(const struct form *form, const char *name) {
    int64_t ms = 0;
    int type = form_push(form, name);
    if (type == LUA_TNUMBER && lua_tonumber(form->L, -1) <= DURATION_MAX_MS / 1000)
        ms = (int64_t)ceil(lua_tonumber(form->L, -1) * 1000);
    else if (type == LUA_TSTRING && rp_duration(lua_tostring(form->L, -1), &ms) != 0)
        ms = 0;
    lua_pop(form->L, 1);
    if (type == LUA_TNIL || (ms > 0 && ms <= DURATION_MAX_MS)) return ms;
    form_wrong(form, "'%s' must be a duration such as \"10m\", or seconds, of a year at most", name);
    return 0;
}

/* The value on the top of the stack, a text or a list of texts: the number of texts, copied. */
size_t form_texts(const struct form *form, const char *name, struct rp_str **out_items) {
    lua_State *L = form->L;
    if (lua_type(L, -1) == LUA_TSTRING) {
        *out_items = rp_arena_alloc(form_arena(form), sizeof(**out_items));
        **out_items = form_copy_top(form);
        return 1;
    }
    freeze_contents(L, -1);
    lua_replace(L, -2);
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > FORM_LIST_MAX) {
        form_wrong(form, "'%s' must be a text or a list of 1 to %d texts", name, FORM_LIST_MAX);
        return 0;
    }
    struct rp_str *items = rp_arena_alloc(form_arena(form), count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING) {
            form_wrong(form, "'%s': number %zu must be a text, not a %s", name, i + 1, luaL_typename(L, -1));
            lua_pop(L, 1);
            return 0;
        }
        items[i] = form_copy_top(form);
        lua_pop(L, 1);
    }
    *out_items = items;
    return count;
}
