/* Reads `tool "name" { … }` into the ruleset. */
#include <repartee/schema.h>

#include "form.h"
#include "shape.h"
#include "vm.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static void unref_schema(void *schema) {
    rp_schema_unref(schema);
}

/* A tool that takes nothing still has a schema: an object without fields. */
static struct rp_schema *no_parameters(const struct form *form) {
    struct rp_schema *schema = NULL;
    json_t *json = json_pack("{s:s, s:{}, s:b}", "type", "object", "properties", "additionalProperties", 0);
    if (rp_schema_compile(json, &schema, NULL) == 0) rp_arena_defer(form_arena(form), unref_schema, schema);
    json_decref(json);
    return schema;
}

static void read_parameters(const struct form *form, struct tool *tool) {
    bool given = form_push(form, "parameters") != LUA_TNIL;
    lua_pop(form->L, 1);
    tool->parameters = given ? shape_read_schema(form, "parameters") : no_parameters(form);
    if (!tool->parameters) return;
    const char *type = json_string_value(json_object_get(rp_schema_json(tool->parameters), "type"));
    if (!type || strcmp(type, "object") != 0)
        form_wrong(form, "'parameters' must have type = \"object\": models give names to all of them");
}

void declare_tool(const struct form *form) {
    static const char *const known[] = {"description", "parameters", "run", "guards", NULL};
    struct tool *tool = ruleset_add_tool(form->vm->set);
    unsigned serial = tool->origin.serial;
    tool->origin = form->origin;
    tool->origin.serial = serial;
    tool->by = rp_arena_printf(form_arena(form), "tool:%s", form->origin.name);
    if (form->origin.name[strspn(form->origin.name, NAME_CHARACTERS)])
        form_wrong(form, "models want names of letters, digits, _ and - for tools");
    form_check_names(form, known);
    form_check_text(form, "description");
    if (form_push(form, "description") == LUA_TSTRING)
        tool->description = form_copy_top(form).data;
    else
        form_wrong(form, "'description' is missing: it tells the model when to call the tool");
    lua_pop(form->L, 1);
    read_parameters(form, tool);
    form_guards(form, &tool->guards);
    tool->run_ref = form_function(form, "run");
    if (tool->run_ref == LUA_NOREF) form_wrong(form, "'run' is missing: the function that is called");
}
