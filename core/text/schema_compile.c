/* Compiles schemas: one reader for each keyword, then the references, then a look at what refers to itself. */
#include <math.h>
#include <stdlib.h>

#include "core/text/schema_compile.h"

#define DRAFT "https://json-schema.org/draft/2020-12/schema"
#define MISTAKES_MAX 20

const char *const schema_type_names[] = {"null", "boolean", "integer", "number", "string", "array", "object", NULL};

static struct node *compile(struct compiler *compiler, const struct spot *at, const json_t *json);

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

void compiler_wrong(struct compiler *compiler, const struct spot *at, const char *format, ...) {
    struct rp_buf line;
    char text[300];
    va_list args;
    if (++compiler->mistakes > MISTAKES_MAX) return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rp_buf_init(&line, 4096);
    spot_print(&line, at);
    rp_buf_printf(&line, "%s%s", line.len ? ": " : "", text);
    if (compiler->out && line.data) {
        size_t before = compiler->out->len;
        if (rp_buf_printf(compiler->out, "%s%s", before ? "\n" : "", line.data) != 0) compiler->out->len = before;
    }
    rp_buf_finish(&line);
}

static void *zalloc(struct compiler *compiler, size_t size) {
    return rp_arena_zalloc(compiler->schema->arena, size);
}

/* ---- keywords ---------------------------------------------------------------------------------------------------- */

/* Each reads the value of one keyword, which stands at `at`, into the node. */

static unsigned type_bit(const json_t *name) {
    for (unsigned i = 0; json_is_string(name) && schema_type_names[i]; i++)
        if (strcmp(schema_type_names[i], json_string_value(name)) == 0) return 1u << i;
    return 0;
}

static void read_type(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_is_array(value) ? json_array_get(value, i) : value;
        unsigned bit = type_bit(name);
        if (!bit && json_is_string(name)) {
            const char *near = rp_nearest_name(json_string_value(name), schema_type_names, 7);
            compiler_wrong(compiler, at, "there is no type '%s'%s%s%s", json_string_value(name),
                           near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        } else if (!bit) {
            compiler_wrong(compiler, at, "must be the name of a type, or a list of them");
        }
        node->types |= bit;
    }
    if (count == 0) compiler_wrong(compiler, at, "must name at least one type");
}

static void read_enum(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    if (json_array_size(value) == 0) compiler_wrong(compiler, at, "must be a list of at least one value");
    node->values = value;
}

static void read_const(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    (void)compiler, (void)at;
    node->constant = value;
}

static const struct node *read_one(struct compiler *compiler, const struct spot *up, const char *name, size_t index,
                                   const json_t *value) {
    struct spot *spot = zalloc(compiler, sizeof(*spot));
    *spot = (struct spot){.up = up, .name = name, .index = index};
    return compile(compiler, spot, value);
}

static size_t read_named(struct compiler *compiler, const struct spot *at, const json_t *value, struct property **out) {
    const char *name;
    json_t *item;
    size_t count = 0;
    if (!json_is_object(value)) compiler_wrong(compiler, at, "must be an object of schemas");
    *out = zalloc(compiler, (json_object_size(value) + 1) * sizeof(**out));
    json_object_foreach((json_t *)(uintptr_t)value, name, item)(*out)[count++] =
        (struct property){name, read_one(compiler, at, name, 0, item)};
    return count;
}

static void read_properties(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    node->property_count = read_named(compiler, at, value, &node->properties);
    node->declared = value;
}

static void read_defs(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    struct property *unused;
    (void)node;
    read_named(compiler, at, value, &unused);
}

static void read_required(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    bool good = json_is_array(value);
    for (size_t i = 0; i < json_array_size(value); i++) good = good && json_is_string(json_array_get(value, i));
    if (!good) compiler_wrong(compiler, at, "must be a list of names");
    node->required = good ? value : NULL;
}

static void read_list(struct compiler *compiler, const struct spot *at, struct node_list *list, const json_t *value) {
    size_t count = json_array_size(value);
    if (count == 0) compiler_wrong(compiler, at, "must be a list of at least one schema");
    list->items = zalloc(compiler, (count + 1) * sizeof(struct node *));
    list->count = count;
    for (size_t i = 0; i < count; i++) list->items[i] = read_one(compiler, at, NULL, i, json_array_get(value, i));
}

static void read_additional(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    node->additional = compile(compiler, at, value);
}
static void read_items(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    if (json_is_array(value))
        compiler_wrong(compiler, at, "must be one schema; a list of them is written 'prefixItems'");
    else
        node->rest = compile(compiler, at, value);
}
static void read_prefix(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_list(compiler, at, &node->prefix, value);
}
static void read_all(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_list(compiler, at, &node->all, value);
}
static void read_any(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_list(compiler, at, &node->any, value);
}
static void read_one_of(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_list(compiler, at, &node->one, value);
}
static void read_not(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    node->negated = compile(compiler, at, value);
}

static void read_count(struct compiler *compiler, const struct spot *at, int64_t *out, const json_t *value) {
    double number = json_number_value(value);
    if (!json_is_number(value) || number < 0 || number > 1e15 || number != floor(number))
        compiler_wrong(compiler, at, "must be a whole number, 0 or more");
    else
        *out = (int64_t)number;
}

static void read_min_items(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_count(compiler, at, &node->items.least, value);
}
static void read_max_items(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_count(compiler, at, &node->items.most, value);
}
static void read_min_length(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_count(compiler, at, &node->characters.least, value);
}
static void read_max_length(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_count(compiler, at, &node->characters.most, value);
}
static void read_min_members(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_count(compiler, at, &node->members.least, value);
}
static void read_max_members(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_count(compiler, at, &node->members.most, value);
}

static void read_number(struct compiler *compiler, const struct spot *at, const json_t **out, const json_t *value) {
    if (!json_is_number(value)) compiler_wrong(compiler, at, "must be a number");
    *out = json_is_number(value) ? value : NULL;
}

static void read_minimum(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_number(compiler, at, &node->minimum, value);
}
static void read_maximum(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_number(compiler, at, &node->maximum, value);
}
static void read_above(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_number(compiler, at, &node->above, value);
}
static void read_below(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_number(compiler, at, &node->below, value);
}
static void read_multiple(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    read_number(compiler, at, &node->multiple, value);
    if (node->multiple && !(json_number_value(value) > 0)) compiler_wrong(compiler, at, "must be more than 0");
}

static void read_pattern(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    struct rp_schema *schema = compiler->schema;
    struct rp_error error = {0};
    if (!json_is_string(value)) {
        compiler_wrong(compiler, at, "must be a string");
        return;
    }
    node->pattern_text = json_string_value(value);
    if (rp_regex_compile(rp_str(node->pattern_text), 0, &node->pattern, &error) != 0) {
        compiler_wrong(compiler, at, "%s", error.text);
        return;
    }
    schema->patterns = rp_realloc(schema->patterns, (schema->pattern_count + 1) * sizeof(struct rp_regex *));
    schema->patterns[schema->pattern_count++] = node->pattern;
}

static void read_ref(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    const char *text = json_string_value(value);
    if (!text || text[0] != '#' || (text[1] && text[1] != '/'))
        compiler_wrong(compiler, at, "must point to a place in this schema, like \"#/$defs/name\"");
    else
        node->ref_text = text;
}

static void read_draft(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    size_t len = strlen(text);
    (void)node;
    if (len > 0 && text[len - 1] == '#') len--;
    if (!rp_str_equal(rp_str_n(text, len), RP_STR(DRAFT))) compiler_wrong(compiler, at, "only " DRAFT " is known");
}

static void read_id(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    (void)node, (void)value;
    if (at->up->up) compiler_wrong(compiler, at, "a schema inside another cannot have an $id");
}

static void read_format(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value) {
    static const char *const known[] = {
        "date-time",    "date",         "time",          "duration", "email",        "idn-email",
        "hostname",     "idn-hostname", "ipv4",          "ipv6",     "uri",          "uri-reference",
        "uri-template", "iri",          "iri-reference", "uuid",     "json-pointer", "relative-json-pointer",
        "regex",        "int32",        "int64",         "float",    "double",       "byte",
        "binary",       "password"};
    const size_t count = sizeof(known) / sizeof(known[0]);
    const char *name = json_is_string(value) ? json_string_value(value) : "";
    (void)node;
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], name) == 0) return;
    const char *near = rp_nearest_name(name, known, count);
    compiler_wrong(compiler, at, "there is no format '%s'%s%s%s", name, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "");
}

static const struct keyword {
    const char *name;
    void (*read)(struct compiler *compiler, const struct spot *at, struct node *node, const json_t *value);
    /* NULL: says nothing about values */
} keywords[] = {
    {"type", read_type},
    {"properties", read_properties},
    {"required", read_required},
    {"description", NULL},
    {"enum", read_enum},
    {"items", read_items},
    {"additionalProperties", read_additional},
    {"const", read_const},
    {"prefixItems", read_prefix},
    {"minItems", read_min_items},
    {"maxItems", read_max_items},
    {"minLength", read_min_length},
    {"maxLength", read_max_length},
    {"minProperties", read_min_members},
    {"maxProperties", read_max_members},
    {"minimum", read_minimum},
    {"maximum", read_maximum},
    {"exclusiveMinimum", read_above},
    {"exclusiveMaximum", read_below},
    {"multipleOf", read_multiple},
    {"pattern", read_pattern},
    {"allOf", read_all},
    {"anyOf", read_any},
    {"oneOf", read_one_of},
    {"not", read_not},
    {"$ref", read_ref},
    {"$defs", read_defs},
    {"definitions", read_defs},
    {"$schema", read_draft},
    {"$id", read_id},
    {"format", read_format},
    {"title", NULL},
    {"default", NULL},
    {"examples", NULL},
    {"deprecated", NULL},
    {"readOnly", NULL},
    {"writeOnly", NULL},
    {"$comment", NULL},
};
#define KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static void unknown_keyword(struct compiler *compiler, const struct spot *at, const char *name) {
    const char *names[KEYWORDS];
    for (size_t i = 0; i < KEYWORDS; i++) names[i] = keywords[i].name;
    const char *near = rp_nearest_name(name, names, KEYWORDS);
    compiler_wrong(compiler, at, "the keyword '%.80s' is not known%s%s%s", name, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "");
}

static void read_keyword(struct compiler *compiler, const struct spot *at, struct node *node, const char *name,
                         const json_t *value) {
    size_t i = 0;
    while (i < KEYWORDS && strcmp(keywords[i].name, name) != 0) i++;
    if (i == KEYWORDS) {
        unknown_keyword(compiler, at, name);
    } else if (keywords[i].read) {
        struct spot *spot = zalloc(compiler, sizeof(*spot));
        *spot = (struct spot){.up = at, .name = keywords[i].name};
        keywords[i].read(compiler, spot, node, value);
    }
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

static struct node *make_node(struct compiler *compiler, const struct spot *at, const json_t *json) {
    struct node *node = zalloc(compiler, sizeof(*node));
    node->items = node->characters = node->members = (struct bounds){-1, -1};
    if (compiler->count == compiler->cap) {
        compiler->cap = compiler->cap ? compiler->cap * 2 : 32;
        compiler->made = rp_realloc(compiler->made, compiler->cap * sizeof(struct made));
    }
    compiler->made[compiler->count++] = (struct made){json, node, at};
    return node;
}

static struct node *compile(struct compiler *compiler, const struct spot *at, const json_t *json) {
    const char *name;
    json_t *value;
    if (compiler->count >= SCHEMA_NODES_MAX || compiler->depth >= SCHEMA_NESTED_MAX) {
        if (compiler->mistakes == 0)
            compiler_wrong(compiler, at, "the schema is too large: %d schemas, %d inside one another, are the most",
                           SCHEMA_NODES_MAX, SCHEMA_NESTED_MAX);
        compiler->mistakes++;
        return NULL;
    }
    struct node *node = make_node(compiler, at, json);
    if (json_is_boolean(json)) {
        node->never = json_is_false(json);
        return node;
    }
    if (!json_is_object(json)) compiler_wrong(compiler, at, "must be a schema: an object, true or false");
    compiler->depth++;
    json_object_foreach((json_t *)(uintptr_t)json, name, value) read_keyword(compiler, at, node, name, value);
    compiler->depth--;
    return node;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int rp_schema_compile(json_t *json, struct rp_schema **out, struct rp_buf *out_mistakes) {
    static const struct spot root;
    struct rp_schema *schema = rp_calloc(1, sizeof(*schema));
    struct compiler compiler = {.schema = schema, .out = out_mistakes};
    schema->json = json_incref(json);
    schema->arena = rp_arena_create();
    atomic_init(&schema->references, 1);
    schema->root = compile(&compiler, &root, json);
    if (compiler.mistakes == 0) schema_resolve(&compiler);
    if (compiler.mistakes == 0) schema_check_heights(&compiler);
    free(compiler.made);
    if (compiler.mistakes) {
        rp_schema_unref(schema);
        return -RP_ECONFIG;
    }
    *out = schema;
    return 0;
}

struct rp_schema *rp_schema_ref(struct rp_schema *schema) {
    atomic_fetch_add(&schema->references, 1);
    return schema;
}

void rp_schema_unref(struct rp_schema *schema) {
    if (!schema || atomic_fetch_sub(&schema->references, 1) > 1) return;
    for (size_t i = 0; i < schema->pattern_count; i++) rp_regex_free(schema->patterns[i]);
    free(schema->patterns);
    rp_arena_destroy(schema->arena);
    json_decref(schema->json);
    free(schema);
}

const json_t *rp_schema_json(const struct rp_schema *schema) {
    return schema->json;
}
