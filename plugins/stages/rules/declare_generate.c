/* Reads `generate "name" { … }` into the ruleset. */
#include <math.h>

#include "form.h"
#include "freeze.h"
#include "vm.h"

static void read_system(const struct form *form, struct generate *generate) {
    int type = form_push(form, "system");
    if (type == LUA_TFUNCTION) {
        generate->system_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
        return;
    }
    if (type == LUA_TSTRING) {
        generate->system = form_copy_top(form);
        if (!rp_utf8_valid(generate->system.data, generate->system.len)) form_wrong(form, "'system' is not valid UTF-8");
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'system' must be a text or a function");
    }
    lua_pop(form->L, 1);
}

static void read_stop(const struct form *form, struct generate *generate) {
    struct rp_str *texts;
    int type = form_push(form, "stop");
    size_t count = type == LUA_TSTRING || type == LUA_TTABLE ? form_texts(form, "stop", &texts) : 0;
    if (count == 0 && type != LUA_TNIL && type != LUA_TTABLE) form_wrong(form, "'stop' must be a text or a list of texts");
    lua_pop(form->L, 1);
    if (count == 0) return;
    generate->stop = rp_arena_zalloc(form_arena(form), (count + 1) * sizeof(*generate->stop));
    for (size_t i = 0; i < count; i++) generate->stop[i] = texts[i].data;
}

/* One of `user` and `assistant` in the example on the top of the stack. */
static bool read_example(const struct form *form, const char *role, struct rp_str *out_text) {
    lua_pushstring(form->L, role);
    bool text = lua_rawget(form->L, -2) == LUA_TSTRING;
    if (text) *out_text = form_copy_top(form);
    lua_pop(form->L, 1);
    return text && rp_utf8_valid(out_text->data, out_text->len);
}

static bool read_pair(const struct form *form, size_t i, struct rp_message *pair) {
    lua_State *L = form->L;
    bool good = lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TTABLE;
    pair[0] = (struct rp_message){.role = RP_ROLE_USER};
    pair[1] = (struct rp_message){.role = RP_ROLE_ASSISTANT};
    if (good) freeze_contents(L, -1);
    good = good && read_example(form, "user", &pair[0].text) && read_example(form, "assistant", &pair[1].text);
    return good;
}

static void read_examples(const struct form *form, struct generate *generate) {
    lua_State *L = form->L;
    int type = form_push(form, "examples"), top = lua_gettop(L);
    if (type == LUA_TTABLE) {
        freeze_contents(L, -1);
        size_t count = lua_rawlen(L, -1);
        if (count > FORM_LIST_MAX) count = 0;
        generate->examples = rp_arena_zalloc(form_arena(form), (2 * count + 1) * sizeof(*generate->examples));
        for (size_t i = 0; i < count; i++) {
            if (!read_pair(form, i, &generate->examples[2 * i])) {
                form_wrong(form, "'examples': number %zu must be { user = \"…\", assistant = \"…\" }", i + 1);
            }
            lua_settop(L, top + 1);
        }
        generate->example_count = 2 * count;
    }
    if (type != LUA_TNIL && generate->example_count == 0) form_wrong(form, "'examples' must be a list of 1 to %d", FORM_LIST_MAX);
    lua_settop(L, top - 1);
}

void declare_generate(const struct form *form) {
    static const char *const known[] = {"system",   "temperature", "top_p",       "max_tokens", "stop",
                                        "examples", "when",        "description", "guards",     NULL};
    struct generate *generate = ruleset_add_generate(form->vm->set);
    unsigned serial = generate->origin.serial;
    generate->origin = form->origin;
    generate->origin.serial = serial;
    generate->by = rp_arena_printf(form_arena(form), "generate:%s", form->origin.name);
    form_check_names(form, known);
    read_system(form, generate);
    read_stop(form, generate);
    read_examples(form, generate);
    form_check_text(form, "description");
    generate->temperature = form_number(form, "temperature", 0, 10);
    generate->top_p = form_number(form, "top_p", 0, 1);
    generate->max_tokens = form_integer(form, "max_tokens", 1, 10000000);
    generate->when_ref = form_function(form, "when");
    form_guards(form, &generate->guards);
}
