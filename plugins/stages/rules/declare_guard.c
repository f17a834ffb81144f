/* Reads `guard "name" { … }` into the ruleset, and the field `guards` of other declarations. */
#include "form.h"
#include "guard.h"
#include "vm.h"

/* The place of the text among the names, or -1 with a mistake. */
static int read_choice(const struct form *form, const char *field, const char *const *names) {
    int type = form_push(form, field), found = -1;
    const char *text = type == LUA_TSTRING ? lua_tostring(form->L, -1) : NULL;
    size_t count = 0;
    for (; names[count]; count++) {
        if (text && strcmp(text, names[count]) == 0) found = (int)count;
    }
    if (type == LUA_TNIL) {
        form_wrong(form, "'%s' is missing", field);
    } else if (!text) {
        form_wrong(form, "'%s' must be a text", field);
    } else if (found < 0) {
        const char *near = rp_nearest_name(text, names, count);
        form_wrong(form, "'%s' cannot be '%s'%s%s%s", field, text, near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "");
    }
    lua_pop(form->L, 1);
    return found;
}

static void read_match(const struct form *form, struct guard *guard) {
    int type = form_push(form, "match");
    if (type == LUA_TSTRING || type == LUA_TTABLE) {
        guard->pattern_count = form_texts(form, "match", &guard->patterns);
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'match' must be a pattern or a list of patterns");
    }
    lua_pop(form->L, 1);
    for (size_t i = 0; i < guard->pattern_count; i++) {
        struct rp_str pattern = guard->patterns[i];
        if (pattern.len == 0) form_wrong(form, "'match': an empty pattern matches nothing that could be guarded");
        if (memchr(pattern.data, 0, pattern.len)) form_wrong(form, "'match': a pattern has a NUL byte in it");
    }
}

static bool read_text(const struct form *form, const char *name, struct rp_str *out) {
    int type = form_push(form, name);
    if (type == LUA_TSTRING) {
        *out = form_copy_top(form);
        if (!rp_utf8_valid(out->data, out->len)) form_wrong(form, "'%s' is not valid UTF-8", name);
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'%s' must be a text", name);
    }
    lua_pop(form->L, 1);
    return type == LUA_TSTRING;
}

static bool is_set(const struct form *form, const char *name) {
    int type = form_push(form, name);
    lua_pop(form->L, 1);
    return type != LUA_TNIL;
}

/* A guard on messages has the whole message, comes before every rule, and there is no model to ask again. */
static void check_on_message(const struct form *form, const struct guard *guard) {
    if (guard->action == GUARD_RETRY) form_wrong(form, "'retry' is for guards on replies");
    if (is_set(form, "whole")) form_wrong(form, "'whole' is for guards on replies: a message is always whole");
    if (is_set(form, "always")) form_wrong(form, "'always' is for guards on replies: no rule has been chosen yet");
}

/* What can be done about a reply of which some has gone out already. */
static void check_on_reply(const struct form *form, const struct guard *guard) {
    bool streams = guard->action == GUARD_BLOCK || guard->action == GUARD_REPLACE || guard->action == GUARD_FLAG;
    if (guard->whole) return;
    if (!streams)
        form_wrong(form, "the action '%s' needs the whole reply: write whole = true", guard_actions[guard->action]);
    if (guard->check_ref != LUA_NOREF) form_wrong(form, "'check' needs the whole reply: write whole = true");
}

static void check_fields(const struct form *form, const struct guard *guard) {
    bool wants = guard->action == GUARD_REPLACE || guard->action == GUARD_REPLY;
    if (guard->pattern_count == 0 && !is_set(form, "match") && guard->check_ref == LUA_NOREF)
        form_wrong(form, "'match' or 'check' must say what it looks for");
    if (wants && !is_set(form, "with"))
        form_wrong(form, "the action '%s' needs a text in 'with'", guard_actions[guard->action]);
    if (guard->action == GUARD_FLAG && is_set(form, "with")) form_wrong(form, "'flag' says nothing: 'with' is too much");
    if (guard->action != GUARD_RETRY && is_set(form, "note")) form_wrong(form, "'note' is for the action 'retry'");
    if (guard->action != GUARD_RETRY && is_set(form, "tries")) form_wrong(form, "'tries' is for the action 'retry'");
}

void declare_guard(const struct form *form) {
    static const char *const known[] = {"on",    "match", "check",  "when",     "action",      "with", "note",
                                        "tries", "whole", "always", "priority", "description", NULL};
    static const char *const on[] = {"message", "reply", NULL};
    struct guard *guard = guard_add(form->vm->set);
    unsigned serial = guard->origin.serial;
    guard->origin = form->origin;
    guard->origin.serial = serial;
    guard->by = rp_arena_printf(form_arena(form), "guard:%s", form->origin.name);
    form_check_names(form, known);
    int which = read_choice(form, "on", on), action = read_choice(form, "action", guard_actions);
    read_match(form, guard);
    guard->check_ref = form_function(form, "check");
    guard->when_ref = form_function(form, "when");
    guard->has_with = read_text(form, "with", &guard->with);
    read_text(form, "note", &guard->note);
    form_check_text(form, "description");
    guard->priority = form_integer(form, "priority", -1000000, 1000000);
    guard->tries = form_integer(form, "tries", 1, GUARD_TRIES_MAX);
    if (guard->tries == 0) guard->tries = 1;
    guard->whole = form_flag(form, "whole");
    guard->always = form_flag(form, "always") || !is_set(form, "always");
    if (which < 0 || action < 0) return;
    guard->on = (enum guard_on)which;
    guard->action = (enum guard_action)action;
    check_fields(form, guard);
    if (guard->on == GUARD_ON_MESSAGE) {
        check_on_message(form, guard);
    } else {
        check_on_reply(form, guard);
    }
}

void form_guards(const struct form *form, struct guard_names *out) {
    int type = form_push(form, "guards");
    if (type == LUA_TSTRING || type == LUA_TTABLE) {
        out->count = form_texts(form, "guards", &out->names);
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'guards' must be a list of names");
    }
    lua_pop(form->L, 1);
}
