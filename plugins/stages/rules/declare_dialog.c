/* Reads `dialog "name" { … }` into the ruleset: a rule whose reply is a function that can ask. */
#include <repartee/regex.h>

#include "form.h"
#include "packed.h"
#include "pattern_text.h"
#include "vm.h"

static int add_to_hash(lua_State *L, const void *data, size_t len, void *hash) {
    (void)L;
    *(uint32_t *)hash = packed_hash_text(*(uint32_t *)hash, rp_str_n(data, len));
    return 0;
}

static void read_run(const struct form *form, struct rule *rule) {
    int type = form_push(form, "run");
    if (type != LUA_TFUNCTION || lua_iscfunction(form->L, -1)) {
        form_wrong(form, type == LUA_TNIL ? "'run' is missing" : "'run' must be a function");
        lua_pop(form->L, 1);
        return;
    }
    rule->dialog->code = PACKED_HASH_START;
    lua_dump(form->L, add_to_hash, &rule->dialog->code, 1);
    rule->reply_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
}

static void free_pattern(void *pattern) {
    rp_regex_free(pattern);
}

static void read_cancel(const struct form *form, struct dialog *dialog) {
    struct rp_str *patterns = NULL;
    struct rp_error error = {0};
    int type = form_push(form, "cancel");
    size_t count = type == LUA_TSTRING || type == LUA_TTABLE ? form_texts(form, "cancel", &patterns) : 0;
    if (type != LUA_TNIL && type != LUA_TSTRING && type != LUA_TTABLE)
        form_wrong(form, "'cancel' must be a pattern or a list of patterns");
    lua_pop(form->L, 1);
    dialog->cancel = rp_arena_zalloc(form_arena(form), (count + 1) * sizeof(struct rp_regex *));
    for (size_t i = 0; i < count; i++) {
        struct rp_regex *regex;
        if (patterns[i].len == 0) {
            form_wrong(form, "'cancel': an empty pattern matches everything");
        } else if (pattern_compile(form_arena(form), &patterns[i], 0, &regex, &error) != 0) {
            form_wrong(form, "cancel: %s", error.text);
        } else {
            rp_arena_defer(form_arena(form), free_pattern, regex);
            dialog->cancel[dialog->cancel_count++] = regex;
        }
    }
}

static void read_timed_out(const struct form *form, struct dialog *dialog) {
    if (form_push(form, "timed_out") == LUA_TFUNCTION) {
        dialog->timed_out_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
        return;
    }
    lua_pop(form->L, 1);
    dialog->timed_out = form_text(form, "timed_out");
}

static void read_on_change(const struct form *form, struct dialog *dialog) {
    const char *choice = form_text(form, "on_change");
    dialog->restart = !choice || strcmp(choice, "restart") == 0;
    if (choice && !dialog->restart && strcmp(choice, "finish") != 0)
        form_wrong(form, "'on_change' must be \"restart\" or \"finish\"");
}

void declare_dialog(const struct form *form) {
    static const char *const known[] = {"match",     "run",         "when",    "priority",  "cancel",    "cancelled", "timeout",
                                        "timed_out", "description", "changed", "on_change", "interrupt", "guards",    NULL};
    struct rule *rule = ruleset_add_rule(form->vm->set);
    unsigned serial = rule->origin.serial;
    rule->origin = form->origin;
    rule->origin.serial = serial;
    rule->by = rp_arena_printf(form_arena(form), "dialog:%s", form->origin.name);
    rule->dialog = rp_arena_zalloc(form_arena(form), sizeof(*rule->dialog));
    rule->dialog->timed_out_ref = LUA_NOREF;
    form_check_names(form, known);
    declare_match(form, rule);
    read_run(form, rule);
    read_cancel(form, rule->dialog);
    read_timed_out(form, rule->dialog);
    read_on_change(form, rule->dialog);
    form_check_text(form, "description");
    rule->priority = form_integer(form, "priority", -1000000, 1000000);
    rule->interrupt = form_flag(form, "interrupt");
    rule->when_ref = form_function(form, "when");
    form_guards(form, &rule->guards);
    rule->dialog->timeout_ms = form_duration(form, "timeout");
    rule->dialog->cancelled = form_text(form, "cancelled");
    rule->dialog->changed = form_text(form, "changed");
    if (rule->dialog->cancel_count && !rule->dialog->cancelled)
        form_wrong(form, "'cancelled' is missing: what is said when one of the words of 'cancel' ends it");
    if (rule->dialog->timeout_ms == 0 && (rule->dialog->timed_out || rule->dialog->timed_out_ref != LUA_NOREF))
        form_wrong(form, "'timed_out' needs a 'timeout'");
}
