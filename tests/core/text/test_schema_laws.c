/* JSON schemas by their laws: random schemas and values, for which what fits is known from elsewhere. First against a
 * plain reading of the draft, written without a thought of speed or messages; then against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <repartee/schema.h>
#include <stdlib.h>

#define ROUNDS 20000

static uint64_t seed = 20261126;

static unsigned pick(unsigned below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* ---- a plain reading --------------------------------------------------------------------------------------------- */

static bool equal(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    if (json_typeof(a) != json_typeof(b)) return false;
    if (json_is_array(a)) {
        if (json_array_size(a) != json_array_size(b)) return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!equal(json_array_get(a, i), json_array_get(b, i))) return false;
        return true;
    }
    if (!json_is_object(a)) return json_equal(a, b);
    const char *name;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)a, name,
                        item) if (!json_object_get(b, name) || !equal(item, json_object_get(b, name))) return false;
    return json_object_size(a) == json_object_size(b);
}

static bool has_type(const json_t *value, const char *type) {
    double number = json_number_value(value);
    if (strcmp(type, "integer") == 0) return json_is_number(value) && number == floor(number);
    if (strcmp(type, "number") == 0) return json_is_number(value);
    if (strcmp(type, "string") == 0) return json_is_string(value);
    if (strcmp(type, "boolean") == 0) return json_is_boolean(value);
    if (strcmp(type, "null") == 0) return json_is_null(value);
    return strcmp(type, "array") == 0 ? json_is_array(value) : json_is_object(value);
}

static bool fits(const json_t *root, const json_t *schema, const json_t *value);

static size_t fitting(const json_t *root, const json_t *list, const json_t *value) {
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) count += fits(root, json_array_get(list, i), value);
    return count;
}

static bool fits_object(const json_t *root, const json_t *schema, const json_t *value) {
    const json_t *properties = json_object_get(schema, "properties"),
                 *others = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    const char *name;
    json_t *item;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) return false;
    json_object_foreach((json_t *)(uintptr_t)value, name, item) {
        const json_t *own = json_object_get(properties, name) ? json_object_get(properties, name) : others;
        if (own && !fits(root, own, item)) return false;
    }
    return true;
}

static bool fits_array(const json_t *root, const json_t *schema, const json_t *value) {
    const json_t *first = json_object_get(schema, "prefixItems"), *rest = json_object_get(schema, "items");
    const json_t *least = json_object_get(schema, "minItems"), *most = json_object_get(schema, "maxItems");
    size_t count = json_array_size(value);
    if (least && count < (size_t)json_integer_value(least)) return false;
    if (most && count > (size_t)json_integer_value(most)) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *own = i < json_array_size(first) ? json_array_get(first, i) : rest;
        if (own && !fits(root, own, json_array_get(value, i))) return false;
    }
    return true;
}

static bool fits_number(const json_t *schema, double value) {
    const json_t *least = json_object_get(schema, "minimum"), *most = json_object_get(schema, "maximum");
    const json_t *above = json_object_get(schema, "exclusiveMinimum"), *of = json_object_get(schema, "multipleOf");
    if (least && value < json_number_value(least)) return false;
    if (most && value > json_number_value(most)) return false;
    if (above && value <= json_number_value(above)) return false;
    return !of || fmod(value, json_number_value(of)) == 0; /* only halves are drawn: exact */
}

static bool fits_type(const json_t *type, const json_t *value) {
    if (json_is_string(type)) return has_type(value, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        if (has_type(value, json_string_value(json_array_get(type, i)))) return true;
    return false;
}

static bool fits(const json_t *root, const json_t *schema, const json_t *value) {
    if (json_is_boolean(schema)) return json_is_true(schema);
    const json_t *type = json_object_get(schema, "type"), *values = json_object_get(schema, "enum");
    const json_t *constant = json_object_get(schema, "const"), *all = json_object_get(schema, "allOf");
    const json_t *any = json_object_get(schema, "anyOf"), *one = json_object_get(schema, "oneOf");
    const json_t *not = json_object_get(schema, "not"), *ref = json_object_get(schema, "$ref");
    const json_t *least = json_object_get(schema, "minLength");
    bool found = !values;
    for (size_t i = 0; i < json_array_size(values); i++) found = found || equal(json_array_get(values, i), value);
    if (!found || (type && !fits_type(type, value)) || (constant && !equal(constant, value))) return false;
    if (ref && !fits(root, json_object_get(json_object_get(root, "$defs"), json_string_value(ref) + 8), value))
        return false;
    if (fitting(root, all, value) < json_array_size(all) || (any && !fitting(root, any, value))) return false;
    if ((one && fitting(root, one, value) != 1) || (not &&fits(root, not, value))) return false;
    if (json_is_object(value)) return fits_object(root, schema, value);
    if (json_is_array(value)) return fits_array(root, schema, value);
    if (json_is_string(value)) return !least || json_string_length(value) >= (size_t)json_integer_value(least);
    return !json_is_number(value) || fits_number(schema, json_number_value(value));
}

/* ---- random ones ------------------------------------------------------------------------------------------------- */

static const char *const names[] = {"a", "b", "c"};
static const char *const types[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

static json_t *some_value(unsigned depth) {
    json_t *value;
    switch (pick(depth ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(pick(2));
    case 2:
        return json_integer((json_int_t)pick(5) - 2);
    case 3:
        return json_real(((double)pick(9) - 4) / 2);
    case 4:
    case 5:
        return json_string(pick(2) ? names[pick(3)] : pick(2) ? "" : "abc");
    case 6:
        value = json_array();
        for (unsigned i = pick(4); i > 0; i--) json_array_append_new(value, some_value(depth - 1));
        return value;
    default:
        value = json_object();
        for (unsigned i = pick(4); i > 0; i--) json_object_set_new(value, names[pick(3)], some_value(depth - 1));
        return value;
    }
}

static json_t *some_schema(unsigned depth);

static json_t *some_schemas(unsigned depth) {
    json_t *list = json_array();
    for (unsigned i = 1 + pick(3); i > 0; i--) json_array_append_new(list, some_schema(depth));
    return list;
}

static json_t *some_types(void) {
    json_t *list = json_array();
    for (unsigned i = 1 + pick(2); i > 0; i--) json_array_append_new(list, json_string(types[pick(7)]));
    return list;
}

static json_t *some_properties(unsigned depth) {
    json_t *properties = json_object();
    for (unsigned i = pick(4); i > 0; i--) json_object_set_new(properties, names[pick(3)], some_schema(depth));
    return properties;
}

static void add_keyword(json_t *schema, unsigned depth) {
    static const char *const deep[] = {"allOf", "anyOf", "oneOf", "prefixItems"};
    static const char *const single[] = {"not", "items", "additionalProperties"};
    switch (pick(depth ? 14 : 9)) {
    case 0:
        json_object_set_new(schema, "type", pick(3) ? json_string(types[pick(7)]) : some_types());
        break;
    case 1:
        json_object_set_new(schema, "enum", json_pack("[o, o, o]", some_value(1), some_value(1), some_value(0)));
        break;
    case 2:
        json_object_set_new(schema, "const", some_value(1));
        break;
    case 3:
        json_object_set_new(schema, pick(2) ? "minimum" : "exclusiveMinimum", json_real(((double)pick(7) - 3) / 2));
        break;
    case 4:
        json_object_set_new(schema, "maximum", json_integer((json_int_t)pick(4) - 1));
        break;
    case 5:
        json_object_set_new(schema, "minLength", json_integer(pick(3)));
        break;
    case 6:
        json_object_set_new(schema, pick(2) ? "minItems" : "maxItems", json_integer(pick(3)));
        break;
    case 7:
        json_object_set_new(schema, "required", json_pack("[s]", names[pick(3)]));
        break;
    case 8:
        json_object_set_new(schema, pick(2) ? "$ref" : "description", json_string(pick(2) ? "#/$defs/a" : "#/$defs/b"));
        break;
    case 9:
    case 10:
        json_object_set_new(schema, deep[pick(4)], some_schemas(depth - 1));
        break;
    case 11:
        json_object_set_new(schema, single[pick(3)], some_schema(depth - 1));
        break;
    case 12:
        json_object_set_new(schema, "properties", some_properties(depth - 1));
        break;
    default:
        json_object_set_new(schema, "multipleOf", json_real(pick(2) ? 0.5 : 1.5));
        break;
    }
}

static json_t *some_schema(unsigned depth) {
    if (pick(12) == 0) return json_boolean(pick(2));
    json_t *schema = json_object();
    for (unsigned i = pick(4); i > 0; i--) add_keyword(schema, depth);
    return schema;
}

/* ---- the laws ---------------------------------------------------------------------------------------------------- */

static json_t *defs; /* what $ref of random schemas points to; they point nowhere themselves */

static void make_defs(void) {
    defs = json_object();
    while (json_object_size(defs) < 2) {
        json_t *schema = some_schema(1);
        char *text = json_dumps(schema, JSON_ENCODE_ANY);
        bool closed = strstr(text, "$ref") == NULL;
        if (closed) json_object_set(defs, json_object_size(defs) ? "b" : "a", schema);
        json_decref(schema);
        free(text);
    }
}

static struct rp_schema *compile(json_t *schema, const char *what) {
    struct rp_schema *compiled = NULL;
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, 4096);
    if (json_is_object(schema)) json_object_set(schema, "$defs", defs);
    if (rp_schema_compile(schema, &compiled, &mistakes) != 0)
        fail_msg("%s: %s: %s", what, json_dumps(schema, JSON_ENCODE_ANY), mistakes.data);
    rp_buf_finish(&mistakes);
    return compiled;
}

/* Checks loudly and in silence, which must agree. */
static bool check(const struct rp_schema *schema, const json_t *value) {
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, 10000);
    int loud = rp_schema_check(schema, value, &mistakes), quiet = rp_schema_check(schema, value, NULL);
    assert_true(loud == 0 || loud == -RP_EINVALID);
    assert_int_equal(loud, quiet);
    assert_int_equal(loud != 0, mistakes.len > 0);
    rp_buf_finish(&mistakes);
    return loud == 0;
}

static void expect(bool expected, json_t *schema, const json_t *value, const char *law) {
    struct rp_schema *compiled = compile(schema, law);
    bool found = check(compiled, value);
    rp_schema_unref(compiled);
    if (found != expected)
        fail_msg("%s: %s %s %s", law, json_dumps(schema, JSON_ENCODE_ANY), found ? "took" : "refused",
                 json_dumps(value, JSON_ENCODE_ANY));
    json_decref(schema);
}

static void what_fits_is_what_the_draft_says(void **state) {
    (void)state;
    size_t fitted = 0;
    make_defs();
    for (int i = 0; i < ROUNDS; i++) {
        json_t *schema = some_schema(3);
        struct rp_schema *compiled = compile(schema, "random");
        for (int k = 0; k < 8; k++) {
            json_t *value = some_value(3);
            bool expected = fits(schema, schema, value), found = check(compiled, value);
            fitted += found;
            if (found != expected)
                fail_msg("%s %s %s", json_dumps(schema, JSON_ENCODE_ANY), found ? "took" : "refused",
                         json_dumps(value, JSON_ENCODE_ANY));
            json_decref(value);
        }
        rp_schema_unref(compiled);
        json_decref(schema);
    }
    assert_in_range(fitted, ROUNDS, 7 * ROUNDS); /* neither all nor nothing */
    json_decref(defs);
}

static void alternatives_obey_logic(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        make_defs();
        json_t *a = some_schema(2), *b = some_schema(2), *value = some_value(3);
        struct rp_schema *first = compile(a, "a"), *second = compile(b, "b");
        bool in_a = check(first, value), in_b = check(second, value);
        rp_schema_unref(first);
        rp_schema_unref(second);
        if (json_is_object(a)) json_object_del(a, "$defs");
        if (json_is_object(b)) json_object_del(b, "$defs");
        expect(!in_a, json_pack("{s:O}", "not", a), value, "not");
        expect(in_a, json_pack("{s:{s:O}}", "not", "not", a), value, "not not");
        expect(in_a && in_b, json_pack("{s:[O, O]}", "allOf", a, b), value, "allOf");
        expect(in_a || in_b, json_pack("{s:[O, O]}", "anyOf", a, b), value, "anyOf");
        expect(in_a != in_b, json_pack("{s:[O, O]}", "oneOf", a, b), value, "oneOf");
        expect(false, json_pack("{s:[O, O]}", "oneOf", a, a), value, "oneOf twice");
        expect(true, json_pack("{s:[O, {s:O}]}", "oneOf", a, "not", a), value, "one or the other");
        expect(in_a, json_pack("{s:[{s:{s:O}}]}", "anyOf", "not", "not", a), value, "anyOf not not");
        json_t *list = json_pack("[O, O]", value, value);
        expect(in_a, json_pack("{s:O}", "items", a), list, "items");
        expect(in_a && in_b, json_pack("{s:[O], s:O}", "prefixItems", a, "items", b), list, "prefixItems");
        json_t *object = json_pack("{s:O}", "x", value);
        expect(in_a, json_pack("{s:{s:O}}", "properties", "x", a), object, "properties");
        expect(in_a, json_pack("{s:O}", "additionalProperties", a), object, "additionalProperties");
        expect(true, json_pack("{s:O}", "const", value), value, "const");
        json_decref(list);
        json_decref(object);
        json_decref(a);
        json_decref(b);
        json_decref(value);
        json_decref(defs);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_what_the_draft_says),
        cmocka_unit_test(alternatives_obey_logic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
