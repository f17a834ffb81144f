/* Fills templates from Lua tables. The parts are gathered in the turn's arena and joined at the end. */
#include "reply.h"

#include <lauxlib.h>
#include <repartee/log.h>
#include <stdlib.h>

#include "dialog.h"
#include "progress.h"
#include "run.h"

struct part {
    struct rp_str text;
    struct part *next;
};

struct rp_str reply_text(lua_State *L, struct run *run, int index) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    if (len > REPLY_BYTES) luaL_error(L, "the reply is longer than %d bytes", (int)REPLY_BYTES);
    if (!rp_utf8_valid(text, len)) luaL_error(L, "the reply is not valid UTF-8");
    return rp_arena_str(run->turn->arena, rp_str_n(text, len));
}

/* Takes the name up to the next dot off the path. */
static struct rp_str next_step(struct rp_str *path) {
    const char *dot = memchr(path->data, '.', path->len);
    struct rp_str step = rp_str_n(path->data, dot ? (size_t)(dot - path->data) : path->len);
    size_t used = step.len + (dot ? 1 : 0);
    *path = rp_str_n(path->data + used, path->len - used);
    return step;
}

/* Pushes what `customer.name` stands for in the table, or nil. */
static void push_value(lua_State *L, int values, struct rp_str path) {
    lua_pushvalue(L, values);
    do {
        struct rp_str step = next_step(&path);
        if (!lua_istable(L, -1)) {
            lua_pushnil(L);
        } else if (step.len > 0 && step.len < 10 && step.data[0] >= '0' && step.data[0] <= '9') {
            lua_geti(L, -1, atoi(step.data)); /* stops at the dot or the brace behind it */
        } else {
            lua_pushlstring(L, step.data, step.len);
            lua_gettable(L, -2);
        }
        lua_remove(L, -2);
    } while (path.len > 0);
}

static bool captured(const struct run *run, struct rp_str name, struct rp_str *out_text) {
    if (run->journal) return progress_capture(run->dialogs->record, name, out_text);
    struct captures captures = run_captures(run);
    return captures_find(&captures, name, out_text);
}

static struct rp_str value_of(lua_State *L, struct run *run, int values, struct rp_str name) {
    struct rp_str text = RP_STR("");
    push_value(L, values, name);
    int type = lua_type(L, -1);
    if (type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN) {
        luaL_tolstring(L, -1, NULL);
        text = reply_text(L, run, -1);
        lua_pop(L, 1);
    } else if (!captured(run, name, &text)) {
        rp_log(RP_LOG_WARN, "rules", "rule '%s': there is nothing to put in for {%.*s}", run_origin(run)->name,
               RP_STR_ARG(name));
    }
    lua_pop(L, 1);
    return text;
}

static struct rp_str join(const struct part *first, size_t len, struct rp_arena *arena) {
    char *text = rp_arena_alloc(arena, len + 1), *at = text;
    for (const struct part *part = first; part; part = part->next) {
        if (part->text.len) memcpy(at, part->text.data, part->text.len);
        at += part->text.len;
    }
    *at = '\0';
    return rp_str_n(text, len);
}

struct rp_str reply_fill(lua_State *L, struct run *run, int index, int values) {
    struct rp_str rest = reply_text(L, run, index);
    struct part *first = NULL, **last = &first;
    struct fill_piece piece;
    size_t len = 0;
    values = lua_absindex(L, values);
    while (fill_next(&rest, &piece)) {
        struct part *part = rp_arena_zalloc(run->turn->arena, sizeof(*part));
        part->text = piece.placeholder ? value_of(L, run, values, piece.text) : piece.text;
        len += part->text.len;
        if (len > REPLY_BYTES) luaL_error(L, "the reply is longer than %d bytes", (int)REPLY_BYTES);
        *last = part;
        last = &part->next;
    }
    return join(first, len, run->turn->arena);
}
