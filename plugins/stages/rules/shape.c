/* Reads, completes and applies shapes. Which fields a declaration has besides, its declare_*.c knows. */
#include "shape.h"

#include <math.h>
#include <repartee/plugin.h>
#include <repartee/schema.h>
#include <stdlib.h>

#include "form.h"
#include "freeze.h"
#include "luajson.h"
#include "run.h"
#include "tool_run.h"
#include "vm.h"

#define CORRECTIONS 2 /* where nothing else is said */
#define CORRECTIONS_MAX 10
#define MISTAKES_BYTES 4000

const char *const shape_fields[] = {"system", "examples", "temperature", "top_p",   "max_tokens", "stop",
                                    "tools",  "schema",   "tries",       "grammar", "model",      NULL};

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void read_system(const struct form *form, struct shape *shape) {
    int type = form_push(form, "system");
    if (type == LUA_TFUNCTION && !form->at_run_time) {
        shape->system_ref = luaL_ref(form->L, LUA_REGISTRYINDEX);
        return;
    }
    if (type == LUA_TSTRING) {
        shape->system = form_copy_top(form);
        if (!rp_utf8_valid(shape->system.data, shape->system.len)) form_wrong(form, "'system' is not valid UTF-8");
    } else if (type != LUA_TNIL) {
        form_wrong(form, form->at_run_time ? "'system' must be a text" : "'system' must be a text or a function");
    }
    lua_pop(form->L, 1);
}

static const char *read_text(const struct form *form, const char *name) {
    const char *text = NULL;
    int type = form_push(form, name);
    if (type == LUA_TSTRING) text = form_copy_top(form).data;
    if (type != LUA_TNIL && (type != LUA_TSTRING || !*text || !rp_utf8_valid(text, strlen(text))))
        form_wrong(form, "'%s' must be a text", name);
    lua_pop(form->L, 1);
    return text;
}

/* A text or a list of texts; the number of them. */
static size_t read_texts(const struct form *form, const char *name, struct rp_str **out_texts) {
    int type = form_push(form, name);
    size_t count = type == LUA_TSTRING || type == LUA_TTABLE ? form_texts(form, name, out_texts) : 0;
    if (count == 0 && type != LUA_TNIL && type != LUA_TTABLE)
        form_wrong(form, "'%s' must be a text or a list of texts", name);
    lua_pop(form->L, 1);
    return count;
}

static void read_stop(const struct form *form, struct shape *shape) {
    struct rp_str *texts;
    size_t count = read_texts(form, "stop", &texts);
    if (count == 0) return;
    shape->stop = rp_arena_zalloc(form_arena(form), (count + 1) * sizeof(*shape->stop));
    for (size_t i = 0; i < count; i++) shape->stop[i] = texts[i].data;
}

/* ---- examples ---------------------------------------------------------------------------------------------------- */

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
    pair[0].role = RP_ROLE_USER;
    pair[1].role = RP_ROLE_ASSISTANT;
    if (good) freeze_contents(L, -1);
    return good && read_example(form, "user", &pair[0].text) && read_example(form, "assistant", &pair[1].text);
}

static void read_examples(const struct form *form, struct shape *shape) {
    lua_State *L = form->L;
    int type = form_push(form, "examples"), top = lua_gettop(L);
    if (type == LUA_TTABLE) {
        freeze_contents(L, -1);
        size_t count = lua_rawlen(L, -1);
        if (count > FORM_LIST_MAX) count = 0;
        shape->examples = rp_arena_zalloc(form_arena(form), (2 * count + 1) * sizeof(*shape->examples));
        for (size_t i = 0; i < count; i++) {
            if (!read_pair(form, i, &shape->examples[2 * i]))
                form_wrong(form, "'examples': number %zu must be { user = \"…\", assistant = \"…\" }", i + 1);
            lua_settop(L, top + 1);
        }
        shape->example_count = 2 * count;
    }
    if (type != LUA_TNIL && shape->example_count == 0)
        form_wrong(form, "'examples' must be a list of 1 to %d", FORM_LIST_MAX);
    lua_settop(L, top - 1);
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

static void mend_lists(json_t *schema);

static void mend_each(json_t *list_or_map) {
    const char *name;
    json_t *value;
    size_t i;
    json_object_foreach(list_or_map, name, value) mend_lists(value);
    json_array_foreach(list_or_map, i, value) mend_lists(value);
}

/* Lua has one table for both: an empty list stands there as an empty object. */
static void mend_lists(json_t *schema) {
    static const char *const lists[] = {"required", "enum", "allOf", "anyOf", "oneOf", "prefixItems"};
    static const char *const maps[] = {"properties", "$defs", "definitions", "allOf", "anyOf", "oneOf", "prefixItems"};
    static const char *const single[] = {"items", "additionalProperties", "not"};
    if (!json_is_object(schema)) return;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const json_t *list = json_object_get(schema, lists[i]);
        if (json_is_object(list) && json_object_size(list) == 0) json_object_set_new(schema, lists[i], json_array());
    }
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) mend_each(json_object_get(schema, maps[i]));
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) mend_lists(json_object_get(schema, single[i]));
}

/* In one order each time, which Lua's tables do not have: providers remember prompts that they have seen. */
static json_t *sorted(json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_t *again = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    free(text);
    json_decref(json);
    return again;
}

static void unref_schema(void *schema) {
    rp_schema_unref(schema);
}

static struct rp_schema *compile_schema(const struct form *form, const char *name, json_t *json) {
    struct rp_schema *schema = NULL;
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, MISTAKES_BYTES);
    if (rp_schema_compile(json, &schema, &mistakes) == 0) rp_arena_defer(form_arena(form), unref_schema, schema);
    for (char *line = mistakes.len ? mistakes.data : NULL, *end; line; line = end ? end + 1 : NULL) {
        end = strchr(line, '\n');
        form_wrong(form, "'%s': %.*s", name, end ? (int)(end - line) : (int)strlen(line), line);
    }
    rp_buf_finish(&mistakes);
    return schema;
}

struct rp_schema *shape_read_schema(const struct form *form, const char *name) {
    struct rp_schema *schema = NULL;
    json_t *json;
    const char *why;
    int type = form_push(form, name);
    if (type == LUA_TTABLE && luajson_read(form->L, -1, &json, &why) == 0) {
        mend_lists(json);
        json = sorted(json);
        schema = compile_schema(form, name, json);
        json_decref(json);
    } else if (type == LUA_TTABLE) {
        form_wrong(form, "'%s': %s", name, why);
    } else if (type != LUA_TNIL) {
        form_wrong(form, "'%s' must be a table: a JSON schema", name);
    }
    lua_pop(form->L, 1);
    return schema;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

void shape_read(const struct form *form, struct shape *shape) {
    *shape = (struct shape){.system_ref = LUA_NOREF};
    read_system(form, shape);
    read_examples(form, shape);
    read_stop(form, shape);
    shape->temperature = form_number(form, "temperature", 0, 10);
    shape->top_p = form_number(form, "top_p", 0, 1);
    shape->max_tokens = form_integer(form, "max_tokens", 1, 10000000);
    shape->tool_count = read_texts(form, "tools", &shape->tool_names);
    shape->schema = shape_read_schema(form, "schema");
    int64_t tries = form_integer(form, "tries", 0, CORRECTIONS_MAX);
    bool told = form_push(form, "tries") != LUA_TNIL;
    lua_pop(form->L, 1);
    if (told && !shape->schema) form_wrong(form, "'tries' goes with 'schema': how often a misfit is asked for again");
    shape->corrections = told ? (int)tries : CORRECTIONS;
    shape->grammar = read_text(form, "grammar");
    if (shape->grammar && shape->schema) form_wrong(form, "'schema' and 'grammar' cannot both hold");
    shape->model_name = read_text(form, "model");
}

/* ---- looking up -------------------------------------------------------------------------------------------------- */

static void resolve_tools(const struct form *form, struct shape *shape) {
    const struct ruleset *set = form->vm->set;
    shape->tools = rp_arena_zalloc(form_arena(form), (shape->tool_count + 1) * sizeof(*shape->tools));
    for (size_t i = 0; i < shape->tool_count; i++) {
        shape->tools[i] = ruleset_tool(set, shape->tool_names[i]);
        if (shape->tools[i]) continue;
        const char **names = rp_alloc((set->tool_count + 1) * sizeof(*names));
        for (size_t k = 0; k < set->tool_count; k++) names[k] = set->tools[k]->origin.name;
        const char *near = rp_nearest_name(shape->tool_names[i].data, names, set->tool_count);
        free(names);
        form_wrong(form, "'tools': there is no tool '%s'%s%s%s", shape->tool_names[i].data,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        shape->tool_count = i; /* a mistake: it will never be used */
    }
}

static void forget_json(void *json) {
    json_decref(json);
}

static void offer_tools(const struct form *form, struct shape *shape) {
    shape->offered = json_array();
    rp_arena_defer(form_arena(form), forget_json, shape->offered);
    for (size_t i = 0; i < shape->tool_count; i++) {
        const struct tool *tool = shape->tools[i];
        json_array_append_new(shape->offered,
                              json_pack("{s:s, s:s, s:O}", "name", tool->origin.name, "description", tool->description,
                                        "parameters", rp_schema_json(tool->parameters)));
    }
}

static void resolve_model(const struct form *form, struct shape *shape) {
    const struct rp_element *element = form->vm->element;
    shape->model = element ? rp_element_model(element, rp_str(shape->model_name)) : NULL;
    if (!shape->model) {
        form_wrong(form, "'model': there is no model '%s' in the bot file's models { }", shape->model_name);
        return;
    }
    unsigned takes = rp_model_takes(shape->model);
    if (shape->grammar && !(takes & RP_TAKES_GRAMMAR))
        form_wrong(form, "'grammar': the model '%s' takes none", shape->model_name);
    if (shape->tool_count && !(takes & RP_TAKES_TOOLS))
        form_wrong(form, "'tools': the model '%s' takes none", shape->model_name);
}

void shape_resolve(const struct form *form, struct shape *shape) {
    if (shape->tool_count) resolve_tools(form, shape);
    if (shape->tool_count && form->mistakes->count == 0) offer_tools(form, shape);
    if (shape->model_name) resolve_model(form, shape);
}

/* ---- applying ---------------------------------------------------------------------------------------------------- */

void shape_apply(struct run *run, const struct shape *shape, struct rp_str system, struct rp_prompt *prompt) {
    if (system.len) prompt->system = system;
    if (shape->example_count) {
        prompt->examples = shape->examples;
        prompt->example_count = shape->example_count;
    }
    if (!isnan(shape->temperature)) prompt->temperature = shape->temperature;
    if (!isnan(shape->top_p)) prompt->top_p = shape->top_p;
    if (shape->max_tokens) prompt->max_tokens = shape->max_tokens;
    if (shape->stop) prompt->stop = shape->stop;
    if (shape->model) prompt->model = shape->model;
    if (shape->grammar) prompt->grammar = shape->grammar;
    if (shape->schema) {
        prompt->schema = rp_schema_json(shape->schema);
        prompt->fits = shape->schema;
        prompt->corrections = shape->corrections;
    }
    if (shape->tool_count) {
        prompt->tools = shape->offered;
        prompt->runner = tool_runner(run, shape);
    }
}
