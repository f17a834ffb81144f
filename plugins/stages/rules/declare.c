/* Reads the tables behind `rule "name" { … }` and `generate "name" { … }` into the ruleset. Every field that is
 * wrong is a mistake of its own, and loading goes on. */
#include "declare.h"

#include <math.h>

#include "freeze.h"
#include "vm.h"

#define NAME_LEN 64
#define LIST_MAX 256 /* patterns, replies, examples, stop texts of one declaration */

struct form { /* one declaration being read; its table is at index 1, plain to read at `table` */
    lua_State *L;
    struct vm *vm;
    const char *kind;
    struct origin origin;
    int table;
};

static void wrong(const struct form *form, const char *format, ...) RP_PRINTF(2, 3);
static void wrong(const struct form *form, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    mistakes_add(form->vm->mistakes, form->origin.file, form->origin.line, "%s '%s': %s", form->kind, form->origin.name,
                 text);
}

static struct rp_arena *arena_of(const struct form *form) {
    return form->vm->set->arena;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static int push_field(const struct form *form, const char *name) {
    lua_pushstring(form->L, name);
    return lua_rawget(form->L, form->table);
}

static struct rp_str copy_top(const struct form *form) {
    size_t len;
    const char *text = lua_tolstring(form->L, -1, &len);
    return rp_arena_str(arena_of(form), rp_str_n(text, len));
}

static void check_names(const struct form *form, const char *const *known) {
    lua_State *L = form->L;
    lua_pushnil(L);
    while (lua_next(L, form->table)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            wrong(form, "a value stands here without a name");
            continue;
        }
        const char *name = lua_tostring(L, -1), *const *at = known;
        while (*at && strcmp(*at, name) != 0) at++;
        if (*at) continue;
        const char *near = rp_nearest_name(name, known, (size_t)(at - known));
        wrong(form, "there is no field '%s'%s%s%s", name, near ? " (did you mean '" : "", near ? near : "",
              near ? "'?)" : "");
    }
}

/* An optional function; its reference, or LUA_NOREF. */
static int read_function(const struct form *form, const char *name) {
    int type = push_field(form, name);
    if (type == LUA_TFUNCTION) return luaL_ref(form->L, LUA_REGISTRYINDEX);
    if (type != LUA_TNIL) wrong(form, "'%s' must be a function, not a %s", name, lua_typename(form->L, type));
    lua_pop(form->L, 1);
    return LUA_NOREF;
}

static int64_t read_integer(const struct form *form, const char *name, int64_t least, int64_t most) {
    int type = push_field(form, name), whole;
    lua_Integer value = lua_tointegerx(form->L, -1, &whole);
    lua_pop(form->L, 1);
    if (type == LUA_TNIL) return 0;
    if (type == LUA_TNUMBER && whole && value >= least && value <= most) return value;
    wrong(form, "'%s' must be a whole number from %lld to %lld", name, (long long)least, (long long)most);
    return 0;
}

static double read_number(const struct form *form, const char *name, double least, double most) {
    int type = push_field(form, name);
    double value = lua_tonumber(form->L, -1);
    lua_pop(form->L, 1);
    if (type == LUA_TNIL) return NAN;
    if (type == LUA_TNUMBER && value >= least && value <= most) return value;
    wrong(form, "'%s' must be a number from %g to %g", name, least, most);
    return NAN;
}

static void check_text(const struct form *form, const char *name) {
    int type = push_field(form, name);
    if (type != LUA_TNIL && type != LUA_TSTRING) wrong(form, "'%s' must be a text", name);
    lua_pop(form->L, 1);
}

/* The value on the top of the stack, a text or a list of texts: the number of texts, copied. */
static size_t read_texts(const struct form *form, const char *name, struct rp_str **out_items) {
    lua_State *L = form->L;
    if (lua_type(L, -1) == LUA_TSTRING) {
        *out_items = rp_arena_alloc(arena_of(form), sizeof(**out_items));
        **out_items = copy_top(form);
        return 1;
    }
    freeze_contents(L, -1);
    lua_replace(L, -2);
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > LIST_MAX) {
        wrong(form, "'%s' must be a text or a list of 1 to %d texts", name, LIST_MAX);
        return 0;
    }
    struct rp_str *items = rp_arena_alloc(arena_of(form), count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING) {
            wrong(form, "'%s': number %zu must be a text, not a %s", name, i + 1, luaL_typename(L, -1));
            lua_pop(L, 1);
            return 0;
        }
        items[i] = copy_top(form);
        lua_pop(L, 1);
    }
    *out_items = items;
    return count;
}

/* ---- rule -------------------------------------------------------------------------------------------------------- */

static void read_match(const struct form *form, struct rule *rule) {
    int type = push_field(form, "match");
    if (type == LUA_TSTRING || type == LUA_TTABLE) {
        rule->pattern_count = read_texts(form, "match", &rule->patterns);
    } else {
        wrong(form, type == LUA_TNIL ? "'match' is missing" : "'match' must be a pattern or a list of patterns");
    }
    lua_pop(form->L, 1);
    for (size_t i = 0; i < rule->pattern_count; i++) {
        if (rule->patterns[i].len == 0)
            wrong(form, "'match': an empty pattern matches everything; write '.*' to mean it");
    }
}

static void read_reply(const struct form *form, struct rule *rule) {
    int type = push_field(form, "reply");
    if (type == LUA_TFUNCTION) {
        rule->reply_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
        return;
    }
    if (type == LUA_TSTRING || type == LUA_TTABLE) {
        rule->reply_count = read_texts(form, "reply", &rule->replies);
    } else {
        wrong(form, type == LUA_TNIL ? "'reply' is missing" : "'reply' must be a text, a list of texts or a function");
    }
    lua_pop(form->L, 1);
    for (size_t i = 0; i < rule->reply_count; i++) {
        if (!rp_utf8_valid(rule->replies[i].data, rule->replies[i].len)) wrong(form, "'reply' is not valid UTF-8");
    }
}

static void read_rule(const struct form *form) {
    static const char *const known[] = {"match", "reply", "priority", "description", "when", NULL};
    struct rule *rule = ruleset_add_rule(form->vm->set);
    unsigned serial = rule->origin.serial;
    rule->origin = form->origin;
    rule->origin.serial = serial;
    rule->by = rp_arena_printf(arena_of(form), "rule:%s", form->origin.name);
    check_names(form, known);
    read_match(form, rule);
    read_reply(form, rule);
    check_text(form, "description");
    rule->priority = read_integer(form, "priority", -1000000, 1000000);
    rule->when_ref = read_function(form, "when");
}

/* ---- generate ---------------------------------------------------------------------------------------------------- */

static void read_system(const struct form *form, struct generate *generate) {
    int type = push_field(form, "system");
    if (type == LUA_TFUNCTION) {
        generate->system_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
        return;
    }
    if (type == LUA_TSTRING) {
        generate->system = copy_top(form);
        if (!rp_utf8_valid(generate->system.data, generate->system.len)) wrong(form, "'system' is not valid UTF-8");
    } else if (type != LUA_TNIL) {
        wrong(form, "'system' must be a text or a function");
    }
    lua_pop(form->L, 1);
}

static void read_stop(const struct form *form, struct generate *generate) {
    struct rp_str *texts;
    int type = push_field(form, "stop");
    size_t count = type == LUA_TSTRING || type == LUA_TTABLE ? read_texts(form, "stop", &texts) : 0;
    if (count == 0 && type != LUA_TNIL && type != LUA_TTABLE) wrong(form, "'stop' must be a text or a list of texts");
    lua_pop(form->L, 1);
    if (count == 0) return;
    generate->stop = rp_arena_zalloc(arena_of(form), (count + 1) * sizeof(*generate->stop));
    for (size_t i = 0; i < count; i++) generate->stop[i] = texts[i].data;
}

/* One of `user` and `assistant` in the example on the top of the stack. */
static bool read_example(const struct form *form, const char *role, struct rp_str *out_text) {
    lua_pushstring(form->L, role);
    bool text = lua_rawget(form->L, -2) == LUA_TSTRING;
    if (text) *out_text = copy_top(form);
    lua_pop(form->L, 1);
    return text && rp_utf8_valid(out_text->data, out_text->len);
}

static bool read_pair(const struct form *form, size_t i, struct rp_message *pair) {
    lua_State *L = form->L;
    bool good = lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TTABLE;
    pair[0].role = RP_ROLE_USER;
    pair[1].role = RP_ROLE_ASSISTANT;
    if (good) freeze_contents(L, -1);
    good = good && read_example(form, "user", &pair[0].text) && read_example(form, "assistant", &pair[1].text);
    return good;
}

static void read_examples(const struct form *form, struct generate *generate) {
    lua_State *L = form->L;
    int type = push_field(form, "examples"), top = lua_gettop(L);
    if (type == LUA_TTABLE) {
        freeze_contents(L, -1);
        size_t count = lua_rawlen(L, -1);
        if (count > LIST_MAX) count = 0;
        generate->examples = rp_arena_zalloc(arena_of(form), (2 * count + 1) * sizeof(*generate->examples));
        for (size_t i = 0; i < count; i++) {
            if (!read_pair(form, i, &generate->examples[2 * i])) {
                wrong(form, "'examples': number %zu must be { user = \"…\", assistant = \"…\" }", i + 1);
            }
            lua_settop(L, top + 1);
        }
        generate->example_count = 2 * count;
    }
    if (type != LUA_TNIL && generate->example_count == 0) wrong(form, "'examples' must be a list of 1 to %d", LIST_MAX);
    lua_settop(L, top - 1);
}

static void read_generate(const struct form *form) {
    static const char *const known[] = {"system",   "temperature", "top_p",       "max_tokens", "stop",
                                        "examples", "when",        "description", NULL};
    struct generate *generate = ruleset_add_generate(form->vm->set);
    unsigned serial = generate->origin.serial;
    generate->origin = form->origin;
    generate->origin.serial = serial;
    generate->by = rp_arena_printf(arena_of(form), "generate:%s", form->origin.name);
    check_names(form, known);
    read_system(form, generate);
    read_stop(form, generate);
    read_examples(form, generate);
    check_text(form, "description");
    generate->temperature = read_number(form, "temperature", 0, 10);
    generate->top_p = read_number(form, "top_p", 0, 1);
    generate->max_tokens = read_integer(form, "max_tokens", 1, 10000000);
    generate->when_ref = read_function(form, "when");
}

/* ---- what scripts call ------------------------------------------------------------------------------------------- */

static bool good_name(const char *name, size_t len) {
    if (len == 0 || len > NAME_LEN || !rp_utf8_valid(name, len)) return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7F) return false;
    }
    return true;
}

static struct origin origin_of(lua_State *L, struct vm *vm, const char *name) {
    lua_Debug at;
    struct origin origin = {.name = rp_arena_copy(vm->set->arena, name, strlen(name)), .file = "?"};
    if (lua_getstack(L, 1, &at) && lua_getinfo(L, "Sl", &at)) {
        origin.file = rp_arena_copy(vm->set->arena, at.source + 1, strlen(at.source + 1));
        origin.line = at.currentline;
    }
    return origin;
}

static int read_body(lua_State *L, const char *kind, void (*read)(const struct form *form)) {
    struct vm *vm = vm_of(L);
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (!vm->mistakes) return luaL_error(L, "%s works only while the rules are loaded", kind);
    struct form form = {.L = L, .vm = vm, .kind = kind, .origin = origin_of(L, vm, name)};
    if (!lua_istable(L, 1)) {
        wrong(&form, "a table { … } must follow the name");
        return 0;
    }
    lua_settop(L, 1);
    luaL_checkstack(L, 24, NULL);
    freeze_contents(L, 1);
    form.table = 2;
    read(&form);
    return 0;
}

static int rule_body(lua_State *L) {
    return read_body(L, "rule", read_rule);
}

static int generate_body(lua_State *L) {
    return read_body(L, "generate", read_generate);
}

static int declare(lua_State *L, const char *kind, lua_CFunction body) {
    size_t len;
    if (lua_type(L, 1) != LUA_TSTRING) return luaL_error(L, "%s needs a name: %s \"name\" { … }", kind, kind);
    const char *name = lua_tolstring(L, 1, &len);
    if (!good_name(name, len))
        return luaL_error(L, "%s: a name has 1 to %d bytes, none of them a control character", kind, NAME_LEN);
    if (lua_gettop(L) > 1) return luaL_error(L, "%s: write %s \"%s\" { … }, without a comma", kind, kind, name);
    lua_pushcclosure(L, body, 1);
    return 1;
}

static int rule(lua_State *L) {
    return declare(L, "rule", rule_body);
}

static int generate(lua_State *L) {
    return declare(L, "generate", generate_body);
}

const luaL_Reg declare_functions[] = {{"rule", rule}, {"generate", generate}, {NULL, NULL}};
