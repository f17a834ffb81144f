/* Reads `rule "name" { … }` into the ruleset. */
#include "form.h"
#include "freeze.h"
#include "vm.h"

void declare_match(const struct form *form, struct rule *rule) {
    int type = form_push(form, "match");
    if (type == LUA_TSTRING || type == LUA_TTABLE) {
        rule->pattern_count = form_texts(form, "match", &rule->patterns);
    } else {
        form_wrong(form, type == LUA_TNIL ? "'match' is missing" : "'match' must be a pattern or a list of patterns");
    }
    lua_pop(form->L, 1);
    for (size_t i = 0; i < rule->pattern_count; i++) {
        if (rule->patterns[i].len == 0)
            form_wrong(form, "'match': an empty pattern matches everything; write '.*' to mean it");
    }
}

static void read_reply(const struct form *form, struct rule *rule) {
    int type = form_push(form, "reply");
    if (type != LUA_TNIL && rule->shape) form_wrong(form, "'reply' and 'generate' exclude each other");
    if (type == LUA_TFUNCTION) {
        rule->reply_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
        return;
    }
    if (type == LUA_TSTRING || type == LUA_TTABLE) {
        rule->reply_count = form_texts(form, "reply", &rule->replies);
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'reply' must be a text, a list of texts or a function");
    } else if (!rule->shape) {
        form_wrong(form, "'reply' is missing");
    }
    lua_pop(form->L, 1);
    for (size_t i = 0; i < rule->reply_count; i++) {
        if (!rp_utf8_valid(rule->replies[i].data, rule->replies[i].len)) form_wrong(form, "'reply' is not valid UTF-8");
    }
}

/* `generate = { … }`: the same fields as a generate of its own, read from that table. */
static void read_shape(const struct form *form, struct rule *rule) {
    struct form inner = *form;
    int type = form_push(form, "generate");
    if (type == LUA_TTABLE) {
        freeze_contents(form->L, -1);
        inner.table = lua_gettop(form->L);
        rule->shape = rp_arena_zalloc(form_arena(form), sizeof(*rule->shape));
        form_check_names(&inner, shape_fields);
        shape_read(&inner, rule->shape);
        lua_pop(form->L, 1);
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'generate' must be a table: how the model is asked");
    }
    lua_pop(form->L, 1);
}

void declare_rule(const struct form *form) {
    static const char *const known[] = {"match",       "reply",     "generate", "priority", "description", "when",
                                        "with_person", "interrupt", "guards",   NULL};
    struct rule *rule = ruleset_add_rule(form->vm->set);
    unsigned serial = rule->origin.serial;
    rule->origin = form->origin;
    rule->origin.serial = serial;
    rule->by = rp_arena_printf(form_arena(form), "rule:%s", form->origin.name);
    form_check_names(form, known);
    declare_match(form, rule);
    read_shape(form, rule);
    read_reply(form, rule);
    form_check_text(form, "description");
    rule->priority = form_integer(form, "priority", -1000000, 1000000);
    rule->with_person = form_flag(form, "with_person");
    rule->interrupt = form_flag(form, "interrupt");
    rule->when_ref = form_function(form, "when");
    form_guards(form, &rule->guards);
}
