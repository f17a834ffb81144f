/* Walks over a schema; definitions, items and the tails of objects become rules, everything else an expression in place. */
#include "grammar.h"

#include <stdlib.h>

#define GRAMMAR_MAX ((size_t)256 << 10)
#define DEPTH_MAX 32
#define DEFINITIONS_MAX 64

static const char basics[] =
    "ws ::= (\" \" | \"\\n\" [ ]{0,12})?\n"
    "char ::= [^\"\\\\\\x00-\\x1f\\x7f] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" [0-9a-fA-F]{4})\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "integer ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15})\n"
    "number ::= integer (\".\" [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?\n"
    "boolean ::= \"true\" | \"false\"\n"
    "null ::= \"null\"\n"
    "member ::= string \":\" ws value\n"
    "object ::= \"{\" ws (member (\",\" ws member)*)? ws \"}\"\n"
    "array ::= \"[\" ws (value (\",\" ws value)*)? ws \"]\"\n"
    "value ::= object | array | string | number | boolean | null\n";

struct walk {
    const json_t *root;
    struct rp_arena *arena; /* of the expressions */
    struct rp_buf out;
    unsigned rules, depth;
    bool failed;
    struct {
        const json_t *schema;
        unsigned rule;
    } definitions[DEFINITIONS_MAX];
    size_t definition_count;
};

static const char *expression(struct walk *walk, const json_t *schema);

static const char *fail(struct walk *walk) {
    walk->failed = true;
    return "value";
}

static void add_rule(struct walk *walk, unsigned number, const char *body) {
    if (rp_buf_printf(&walk->out, "r%u ::= %s\n", number, body) != 0) walk->failed = true;
}

static const char *name_of(struct walk *walk, unsigned number) {
    return rp_arena_printf(walk->arena, "r%u", number);
}

static const char *join(struct walk *walk, const char *left, const char *between, const char *right) {
    return *left ? rp_arena_printf(walk->arena, "%s%s%s", left, between, right) : right;
}

/* ---- literals ---------------------------------------------------------------------------------------------------- */

/* The JSON text of a value as a GBNF literal. */
static const char *literal(struct walk *walk, const json_t *value) {
    char *json = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!json) return fail(walk);
    char *text = rp_arena_alloc(walk->arena, 2 * strlen(json) + 3), *at = text;
    *at++ = '"';
    for (const char *from = json; *from; from++) {
        if (*from == '"' || *from == '\\') *at++ = '\\';
        *at++ = *from;
    }
    *at++ = '"';
    *at = '\0';
    free(json);
    return text;
}

static const char *one_of(struct walk *walk, const json_t *values, const char *(*each)(struct walk *, const json_t *)) {
    const char *all = "";
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)values, i, value) all = join(walk, all, " | ", each(walk, value));
    return *all ? rp_arena_printf(walk->arena, "(%s)", all) : fail(walk);
}

/* ---- strings and arrays ------------------------------------------------------------------------------------------ */

/* `{least,most}`, `{least,}`, or what stands for no bounds. */
static const char *bounds(struct walk *walk, const json_t *schema, const char *least_key, const char *most_key,
                          int64_t less) {
    int64_t least = json_integer_value(json_object_get(schema, least_key)) - less;
    const json_t *most = json_object_get(schema, most_key);
    if (least < 0) least = 0;
    if (!most) return rp_arena_printf(walk->arena, "{%lld,}", (long long)least);
    int64_t limit = json_integer_value(most) - less;
    return rp_arena_printf(walk->arena, "{%lld,%lld}", (long long)least, (long long)(limit > 0 ? limit : 0));
}

static const char *string(struct walk *walk, const json_t *schema) {
    if (!json_object_get(schema, "minLength") && !json_object_get(schema, "maxLength")) return "string";
    return rp_arena_printf(walk->arena, "\"\\\"\" char%s \"\\\"\"",
                           bounds(walk, schema, "minLength", "maxLength", 0));
}

/* A rule for what is needed twice: nested, the text would double at each level. */
static const char *named(struct walk *walk, const char *text) {
    unsigned number = ++walk->rules;
    add_rule(walk, number, text);
    return name_of(walk, number);
}

static const char *array(struct walk *walk, const json_t *schema) {
    const json_t *items = json_object_get(schema, "items"), *most = json_object_get(schema, "maxItems");
    bool may_be_empty = json_integer_value(json_object_get(schema, "minItems")) < 1;
    if (most && json_integer_value(most) < 1) return "\"[\" ws \"]\"";
    const char *item = json_is_object(items) ? named(walk, expression(walk, items)) : "value";
    return rp_arena_printf(walk->arena, "\"[\" ws (%s (\",\" ws %s)%s)%s ws \"]\"", item, item,
                           bounds(walk, schema, "minItems", "maxItems", 1), may_be_empty ? "?" : "");
}

/* ---- objects ----------------------------------------------------------------------------------------------------- */

struct property {
    const char *member; /* the expression for `"name": value` */
    bool required;
};

static bool is_required(const json_t *schema, const char *name) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(schema, "required"), i, entry)
        if (json_is_string(entry) && strcmp(json_string_value(entry), name) == 0) return true;
    return false;
}

/* What may follow from property `i` on, by whether one stands in front already: one rule each, the last ones first, so
 * that n properties make 2n rules and not 2^n. */
static const char *object_tail(struct walk *walk, const struct property *properties, size_t count) {
    const char *alone = "", *behind = "";
    for (size_t i = count; i-- > 0;) {
        const struct property *property = &properties[i];
        unsigned first = ++walk->rules, next = ++walk->rules;
        const char *here = rp_arena_printf(walk->arena, "%s %s", property->member, behind);
        const char *other = property->required ? "" : rp_arena_printf(walk->arena, " | %s", *alone ? alone : "\"\"");
        add_rule(walk, first, rp_arena_printf(walk->arena, "%s%s", here, other));
        other = property->required ? "" : rp_arena_printf(walk->arena, " | %s", *behind ? behind : "\"\"");
        add_rule(walk, next, rp_arena_printf(walk->arena, "\",\" ws %s%s", here, other));
        alone = name_of(walk, first);
        behind = name_of(walk, next);
    }
    return alone;
}

static const char *object(struct walk *walk, const json_t *schema) {
    json_t *listed = json_object_get(schema, "properties"), *value;
    size_t count = json_object_size(listed), at = 0;
    const char *name;
    if (count == 0) return "object";
    struct property *properties = rp_arena_alloc(walk->arena, count * sizeof(*properties));
    json_object_foreach(listed, name, value) {
        json_t *text = json_string(name);
        properties[at].required = is_required(schema, name);
        properties[at++].member =
            rp_arena_printf(walk->arena, "%s \":\" ws %s", literal(walk, text), expression(walk, value));
        json_decref(text);
    }
    return rp_arena_printf(walk->arena, "(\"{\" ws %s ws \"}\")", object_tail(walk, properties, count));
}

/* ---- references -------------------------------------------------------------------------------------------------- */

/* "#/$defs/name" and deeper; NULL: it is not there. */
static const json_t *resolve(const json_t *root, const char *reference) {
    const json_t *at = root;
    if (reference[0] != '#') return NULL;
    for (reference++; at && *reference == '/';) {
        size_t len = strcspn(++reference, "/");
        at = json_object_getn(at, reference, len);
        reference += len;
    }
    return at;
}

/* A definition is a rule of its own, so that it may refer to itself. */
static const char *reference(struct walk *walk, const char *text) {
    const json_t *schema = resolve(walk->root, text);
    if (!schema || walk->definition_count == DEFINITIONS_MAX) return fail(walk);
    for (size_t i = 0; i < walk->definition_count; i++)
        if (walk->definitions[i].schema == schema) return name_of(walk, walk->definitions[i].rule);
    unsigned number = ++walk->rules;
    walk->definitions[walk->definition_count].schema = schema;
    walk->definitions[walk->definition_count++].rule = number;
    add_rule(walk, number, expression(walk, schema));
    return name_of(walk, number);
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

static const char *of_type(struct walk *walk, const json_t *schema, const char *type) {
    static const char *const plain[] = {"integer", "number", "boolean", "null"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(type, plain[i]) == 0) return plain[i];
    if (strcmp(type, "string") == 0) return string(walk, schema);
    if (strcmp(type, "array") == 0) return array(walk, schema);
    return strcmp(type, "object") == 0 ? object(walk, schema) : fail(walk);
}

static const char *of_types(struct walk *walk, const json_t *schema, const json_t *types) {
    const char *all = "";
    size_t i;
    json_t *type;
    json_array_foreach((json_t *)(uintptr_t)types, i, type)
        all = join(walk, all, " | ", json_is_string(type) ? of_type(walk, schema, json_string_value(type)) : fail(walk));
    return *all ? rp_arena_printf(walk->arena, "(%s)", all) : fail(walk);
}

static const char *by_keywords(struct walk *walk, const json_t *schema) {
    const json_t *type = json_object_get(schema, "type"), *value;
    if ((value = json_object_get(schema, "$ref")) && json_is_string(value))
        return reference(walk, json_string_value(value));
    if ((value = json_object_get(schema, "const"))) return literal(walk, value);
    if ((value = json_object_get(schema, "enum"))) return one_of(walk, value, literal);
    if ((value = json_object_get(schema, "anyOf"))) return one_of(walk, value, expression);
    if ((value = json_object_get(schema, "oneOf"))) return one_of(walk, value, expression);
    if (json_is_string(type)) return of_type(walk, schema, json_string_value(type));
    if (json_is_array(type)) return of_types(walk, schema, type);
    return json_object_get(schema, "properties") ? object(walk, schema) : "value";
}

static const char *expression(struct walk *walk, const json_t *schema) {
    if (json_is_true(schema)) return "value";
    if (!json_is_object(schema) || walk->depth == DEPTH_MAX) return fail(walk);
    walk->depth++;
    const char *text = by_keywords(walk, schema);
    walk->depth--;
    return text;
}

/* `root`: what stands in front of the schema's expression. */
static char *grammar(const json_t *schema, const char *root) {
    struct walk walk = {.root = schema, .arena = rp_arena_create()};
    char *text = NULL;
    rp_buf_init(&walk.out, GRAMMAR_MAX);
    const char *whole = expression(&walk, schema);
    int rc = rp_buf_printf(&walk.out, "root ::= %s%s\n%s", root, whole, basics);
    if (rc == 0 && !walk.failed) text = rp_strdup(walk.out.data);
    rp_buf_finish(&walk.out);
    rp_arena_destroy(walk.arena);
    return text;
}

char *grammar_from_schema(const json_t *schema) {
    return grammar(schema, "");
}

/* References in a tool's parameters count from the tool's own schema, which a grammar of all tools cannot tell apart:
 * such a tool's arguments may be any object. */
static json_t *schema_of_tool(const json_t *tool) {
    json_t *parameters = json_object_get(tool, "parameters");
    char *alone = parameters ? grammar_from_schema(parameters) : NULL, *text = json_dumps(parameters, 0);
    bool usable = alone && text && !strstr(text, "\"$ref\"");
    free(alone);
    free(text);
    json_t *arguments = usable ? json_incref(parameters) : json_pack("{s:s}", "type", "object");
    return json_pack("{s:s, s:[s, s], s:{s:{s:O}, s:o}}", "type", "object", "required", "tool", "arguments",
                     "properties", "tool", "const", json_object_get(tool, "name"), "arguments", arguments);
}

char *grammar_from_tools(const json_t *tools) {
    json_t *any = json_array(), *tool;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)tools, i, tool) json_array_append_new(any, schema_of_tool(tool));
    json_t *schema = json_pack("{s:o}", "anyOf", any);
    char *text = grammar(schema, "[^ \\n{] [^\\x00]* | ");
    json_decref(schema);
    return text;
}
