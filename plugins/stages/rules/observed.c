/* t.text, t.match and t.now come from the record and the journal; the rest is read, and written down where it is new. */
#include "observed.h"

#include <lauxlib.h>
#include <stdio.h>

#include "dialog.h"
#include "object.h"
#include "packed.h"
#include "progress.h"

static void push_str(lua_State *L, struct rp_str text) {
    lua_pushlstring(L, text.data ? text.data : "", text.len);
}

static void push_text(lua_State *L, struct run *run) {
    push_str(L, run->dialogs->text.original);
}

static void push_now(lua_State *L, struct run *run) {
    lua_pushinteger(L, run->journal->now_ms / 1000);
}

/* What the message that began the dialog had captured. */
static void push_match(lua_State *L, struct run *run) {
    const json_t *record = run->dialogs->record;
    json_t *names = json_object_get(record, "names"), *group;
    const char *name;
    struct rp_str text;
    lua_newtable(L);
    for (size_t i = 0; i < json_array_size(json_object_get(record, "match")) / 2; i++) {
        char number[24];
        snprintf(number, sizeof(number), "%zu", i);
        if (!progress_capture(record, rp_str(number), &text)) continue;
        push_str(L, text);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    json_object_foreach(names, name, group) {
        if (!progress_capture(record, rp_str(name), &text)) continue;
        push_str(L, text);
        lua_setfield(L, -2, name);
    }
}

/* What a rule has set meanwhile, else what it was when the dialog began: an order number has no language. */
static void push_lang(lua_State *L, struct run *run) {
    const json_t *set = dialog_read(L, run, OBJECT_LANG, rp_session_get(run->turn, OBJECT_LANG));
    const char *lang = json_string_value(set);
    lua_pushstring(L, lang ? lang : json_string_value(json_object_get(run->dialogs->record, "lang")));
}

static const struct {
    const char *name;
    void (*push)(lua_State *L, struct run *run); /* NULL: as for rules; it is code, or asks the journal itself */
} own[] = {
    {"text", push_text}, {"now", push_now}, {"match", push_match}, {"lang", push_lang}, {"session", NULL}, {"config", NULL},
};

static void decref(void *arg) {
    json_decref(arg);
}

/* Any other field is whatever its value turns out to be. */
static void read_field(lua_State *L, struct run *run, const char *name) {
    char read[64];
    json_t *actual;
    const char *why;
    int rc = packed_read(L, -1, (size_t)run->rules->options->journal, &actual, &why);
    if (rc == -RP_ETOOLARGE) dialog_full(L, run);
    if (rc != 0) luaL_error(L, "t.%s cannot be used in a dialog: %s", name, why);
    rp_arena_defer(run->turn->arena, decref, actual);
    snprintf(read, sizeof(read), "@t.%s", name);
    packed_push(L, dialog_read(L, run, read, actual));
    lua_remove(L, -2);
}

void observed_push(lua_State *L, struct run *run, const char *name, void (*push)(lua_State *L, struct run *run)) {
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strcmp(own[i].name, name) != 0) continue;
        if (own[i].push) push = own[i].push;
        push(L, run);
        return;
    }
    push(L, run);
    read_field(L, run, name);
}
