/* JSON schemas: what fits, what is said of what does not, and which schemas are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <repartee/schema.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *parse(const char *text) {
    struct rp_error error;
    json_t *json;
    if (rp_json_parse(text, strlen(text), &json, &error) != 0) fail_msg("%s: %s", text, error.text);
    return json;
}

static struct rp_schema *compile(const char *text) {
    struct rp_schema *schema = NULL;
    struct rp_buf mistakes;
    json_t *json = parse(text);
    rp_buf_init(&mistakes, 4096);
    if (rp_schema_compile(json, &schema, &mistakes) != 0) fail_msg("%s: %s", text, mistakes.data);
    rp_buf_finish(&mistakes);
    json_decref(json);
    return schema;
}

/* ---- what fits --------------------------------------------------------------------------------------------------- */

struct cases {
    const char *schema;
    const char *good[10], *bad[10];
};
static const struct cases cases[] = {
    {"true", {"1", "null", "{}"}, {NULL}},
    {"{}", {"1", "null", "[[1]]"}, {NULL}},
    {"false", {NULL}, {"1", "null", "{}"}},
    {"{\"type\":\"integer\"}", {"1", "-7", "1.0", "1e3"}, {"1.5", "\"1\"", "true", "null"}},
    {"{\"type\":\"number\"}", {"1", "1.5"}, {"\"1\"", "[1]"}},
    {"{\"type\":[\"string\",\"null\"]}", {"\"\"", "null"}, {"0", "false", "{}"}},
    {"{\"type\":\"boolean\"}", {"true", "false"}, {"0", "null", "\"true\""}},
    {"{\"type\":\"object\"}", {"{}", "{\"a\":1}"}, {"[]", "null"}},
    {"{\"type\":\"array\"}", {"[]", "[1]"}, {"{}", "null"}},
    {"{\"const\":{\"a\":[1,2]}}",
     {"{\"a\":[1,2]}", "{\"a\":[1.0,2]}"},
     {"{\"a\":[2,1]}", "{}", "{\"a\":[1,2],\"b\":1}"}},
    {"{\"const\":0}", {"0", "0.0", "-0.0"}, {"false", "null", "\"0\"", "[]"}},
    {"{\"const\":null}", {"null"}, {"0", "false"}},
    {"{\"enum\":[1,\"a\",null,[true]]}", {"1", "1.0", "\"a\"", "null", "[true]"}, {"2", "\"A\"", "true", "[1]", "[]"}},
    {"{\"enum\":[9007199254740993]}", {"9007199254740993"}, {"9007199254740992", "9007199254740994"}},
    {"{\"minimum\":1.1}", {"1.1", "2", "\"0\""}, {"1", "0.9", "-5"}},
    {"{\"maximum\":3,\"minimum\":-2}", {"3", "3.0", "-2"}, {"3.1", "-2.5", "4"}},
    {"{\"exclusiveMinimum\":1,\"exclusiveMaximum\":3}", {"2", "1.001", "2.999"}, {"1", "3", "1.0", "3.0", "0"}},
    {"{\"minimum\":9007199254740993}", {"9007199254740993", "9007199254740994"}, {"9007199254740992"}},
    {"{\"multipleOf\":2}", {"0", "4", "-6", "8.0"}, {"1", "3", "-5", "2.5"}},
    {"{\"multipleOf\":0.01}", {"0", "0.01", "19.99", "4.35", "1e2", "\"x\""}, {"0.005", "19.995"}},
    {"{\"multipleOf\":0.1}", {"0.3", "0.7", "1.1"}, {"0.35"}},
    {"{\"multipleOf\":0.123456789}", {"0.123456789"}, {"1e308"}},
    {"{\"multipleOf\":1e-8}", {"12391239123", "0.12345678"}, {"0.123456785"}},
    {"{\"multipleOf\":0.5}", {"1e308"}, {"0.7"}},
    {"{\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"abc\"", "\"你好\"", "\"😀😀😀\"", "12345"},
     {"\"a\"", "\"abcd\"", "\"好\"", "\"😀\""}},
    {"{\"pattern\":\"b+\"}", {"\"abc\"", "\"b\"", "1"}, {"\"ac\"", "\"\""}},
    {"{\"pattern\":\"^\\\\d{4}$\"}", {"\"2026\""}, {"\"20266\"", "\"x2026\""}},
    {"{\"required\":[\"a\",\"b\"]}", {"{\"a\":1,\"b\":null}", "1"}, {"{\"a\":1}", "{}"}},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", {"{}", "{\"a\":\"x\"}", "{\"b\":1}", "[]"}, {"{\"a\":1}"}},
    {"{\"properties\":{\"a\":true,\"b\":false}}", {"{}", "{\"a\":1}"}, {"{\"b\":1}"}},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}",
     {"{}", "{\"a\":1}"},
     {"{\"b\":1}", "{\"a\":1,\"b\":1}"}},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"integer\"}}",
     {"{\"a\":\"x\",\"b\":2}"},
     {"{\"b\":\"x\"}"}},
    {"{\"additionalProperties\":false}", {"{}", "1"}, {"{\"a\":1}"}},
    /* additionalProperties looks only at the properties beside it */
    {"{\"allOf\":[{\"properties\":{\"a\":{}}}],\"additionalProperties\":false}", {"{}"}, {"{\"a\":1}"}},
    {"{\"minProperties\":1,\"maxProperties\":2}",
     {"{\"a\":1}", "{\"a\":1,\"b\":2}"},
     {"{}", "{\"a\":1,\"b\":2,\"c\":3}"}},
    {"{\"items\":{\"type\":\"integer\"}}", {"[]", "[1,2]", "{}"}, {"[\"a\"]", "[1,\"a\"]"}},
    {"{\"items\":false}", {"[]", "1"}, {"[1]"}},
    {"{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}",
     {"[]", "[1]", "[1,\"a\",null]"},
     {"[\"a\"]", "[1,2]"}},
    {"{\"prefixItems\":[{}],\"items\":{\"type\":\"string\"}}", {"[1,\"a\"]", "[1]"}, {"[1,2]"}},
    {"{\"minItems\":1,\"maxItems\":2}", {"[1]", "[1,2]", "\"abc\""}, {"[]", "[1,2,3]"}},
    {"{\"minItems\":1.0}", {"[1]"}, {"[]"}},
    {"{\"allOf\":[{\"minimum\":2},{\"maximum\":4}]}", {"2", "4"}, {"1", "5"}},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", {"1", "2.5"}, {"1.5"}},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", {"1", "2.5"}, {"3", "1.5"}},
    {"{\"not\":{\"type\":\"string\"}}", {"1"}, {"\"a\""}},
    {"{\"not\":{}}", {NULL}, {"1", "{}"}},
    {"{\"$ref\":\"#/$defs/n\",\"maximum\":5,\"$defs\":{\"n\":{\"type\":\"integer\"}}}", {"5"}, {"6", "1.5"}},
    {"{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}",
     {"{}", "{\"next\":{\"next\":{}}}"},
     {"{\"next\":{\"nex\":{}}}", "{\"n\":1}"}},
    {"{\"$defs\":{\"tree\":{\"type\":\"object\",\"properties\":{\"of\":{\"items\":{\"$ref\":\"#/$defs/"
     "tree\"}}}}},\"$ref\":\"#/"
     "$defs/tree\"}",
     {"{\"of\":[{\"of\":[]},{}]}"},
     {"{\"of\":[{\"of\":[1]}]}", "1"}},
    {"{\"$ref\":\"#/$defs/a~1b~0c%25d\",\"$defs\":{\"a/b~c%d\":{\"const\":1}}}", {"1"}, {"2"}},
    {"{\"$ref\":\"#/properties/a\",\"properties\":{\"a\":{\"type\":\"object\"}}}", {"{}"}, {"1"}},
    {"{\"$ref\":\"#/anyOf/1\",\"anyOf\":[{\"const\":1},{\"const\":2}]}", {"2"}, {"1"}},
    {"{\"$ref\":\"#/definitions/a\",\"definitions\":{\"a\":{\"const\":1}}}", {"1"}, {"2"}},
    {"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://x.example/s\",\"title\":\"t\","
     "\"description\":\"d\",\"default\":1,\"examples\":[1],\"format\":\"date\",\"deprecated\":true,\"readOnly\":true,"
     "\"writeOnly\":false,\"$comment\":\"c\"}",
     {"1", "\"no date\""},
     {NULL}},
};

static void values_fit_or_do_not(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rp_schema *schema = compile(cases[i].schema);
        for (int bad = 0; bad < 2; bad++) {
            const char *const *values = bad ? cases[i].bad : cases[i].good;
            for (size_t k = 0; k < 10 && values[k]; k++) {
                struct rp_buf mistakes;
                rp_buf_init(&mistakes, 4096);
                json_t *value = parse(values[k]);
                int loud = rp_schema_check(schema, value, &mistakes), quiet = rp_schema_check(schema, value, NULL);
                if (loud != (bad ? -RP_EINVALID : 0) || quiet != loud || (mistakes.len > 0) != bad)
                    fail_msg("%s of %s: %d %d (%s)", values[k], cases[i].schema, loud, quiet, mistakes.data);
                json_decref(value);
                rp_buf_finish(&mistakes);
            }
        }
        rp_schema_unref(schema);
    }
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void expect_mistakes(const char *schema_text, const char *value_text, const char *expected) {
    struct rp_schema *schema = compile(schema_text);
    struct rp_buf mistakes;
    json_t *value = parse(value_text);
    rp_buf_init(&mistakes, 4096);
    assert_int_equal(rp_schema_check(schema, value, &mistakes), -RP_EINVALID);
    assert_string_equal(mistakes.data, expected);
    rp_buf_finish(&mistakes);
    json_decref(value);
    rp_schema_unref(schema);
}

static void mistakes_have_their_place_and_all_are_said(void **state) {
    (void)state;
    expect_mistakes("{\"type\":\"object\"}", "[]", "the value: must be an object, not an array");
    expect_mistakes("{\"type\":[\"integer\",\"null\"]}", "1.5",
                    "the value: must be null or an integer, not a number with a fraction");
    expect_mistakes(
        "{\"type\":\"object\",\"required\":[\"id\",\"items\"],\"additionalProperties\":false,\"properties\":{"
        "\"id\":{\"pattern\":\"^A\"},\"items\":{\"maxItems\":2,\"items\":{\"type\":\"object\",\"properties\":{"
        "\"price\":{\"type\":\"number\",\"minimum\":0}},\"required\":[\"price\"]}}}}",
        "{\"itms\":1,\"items\":[{\"price\":1},{},{\"price\":\"5\"},{\"price\":-1}]}",
        "the value: 'id' is missing\n"
        "/items: must have at most 2 items, not 4\n"
        "/items/1: 'price' is missing\n"
        "/items/2/price: must be a number, not a string\n"
        "/items/3/price: must be at least 0\n"
        "/itms: is not allowed here (did you mean 'items'?)");
    expect_mistakes("{\"enum\":[\"red\",\"green\"]}", "\"blue\"", "the value: must be one of [\"red\",\"green\"]");
    expect_mistakes("{\"properties\":{\"a/b\":{\"const\":{\"x\":1}}}}", "{\"a/b\":0}", "/a~1b: must be {\"x\":1}");
    expect_mistakes(
        "{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "3",
        "the value: fits none of the 2 alternatives (the value: must be a string, not a number; the value: must "
        "be at least 5)");
    expect_mistakes("{\"oneOf\":[{},{}]}", "3",
                    "the value: fits more than one of the alternatives, of which exactly one is meant");
    expect_mistakes("{\"not\":{\"const\":3}}", "3", "the value: has a form that is not allowed");
    expect_mistakes("{\"multipleOf\":0.5,\"maximum\":1}", "0.7", "the value: must be a multiple of 0.5");
    expect_mistakes("{\"items\":{\"minLength\":2}}", "[\"ab\",\"\"]", "/1: must have at least 2 characters, not 0");
}

static void only_the_first_ten_mistakes_are_said(void **state) {
    (void)state;
    struct rp_schema *schema = compile("{\"items\":{\"type\":\"string\"}}");
    json_t *list = json_array();
    struct rp_buf mistakes;
    for (int i = 0; i < 100; i++) json_array_append_new(list, json_integer(i));
    rp_buf_init(&mistakes, 4096);
    assert_int_equal(rp_schema_check(schema, list, &mistakes), -RP_EINVALID);
    size_t lines = 1;
    for (size_t i = 0; i < mistakes.len; i++) lines += mistakes.data[i] == '\n';
    assert_int_equal(lines, 10);
    rp_buf_finish(&mistakes);
    rp_buf_init(&mistakes, 100); /* whole lines, as many as fit */
    assert_int_equal(rp_schema_check(schema, list, &mistakes), -RP_EINVALID);
    assert_string_equal(mistakes.data, "/0: must be a string, not a number\n/1: must be a string, not a number");
    rp_buf_finish(&mistakes);
    json_decref(list);
    rp_schema_unref(schema);
}

static void long_and_strange_names_stay_on_one_line(void **state) {
    (void)state;
    char name[400] = "";
    for (int i = 0; i < 100; i++) strcat(name, "你");
    struct rp_schema *schema = compile("{\"additionalProperties\":false}");
    json_t *value = json_object();
    struct rp_buf mistakes;
    json_object_set_new(value, "a\nb\x01", json_true());
    json_object_set_new(value, name, json_true());
    rp_buf_init(&mistakes, 4096);
    assert_int_equal(rp_schema_check(schema, value, &mistakes), -RP_EINVALID);
    assert_non_null(strstr(mistakes.data, "/a?b?: is not allowed here\n/你"));
    assert_true(mistakes.len < 200 && rp_utf8_valid(mistakes.data, mistakes.len));
    rp_buf_finish(&mistakes);
    json_decref(value);
    rp_schema_unref(schema);
}

/* ---- schemas that are refused ------------------------------------------------------------------------------------ */

static void expect_refused(const char *text, const char *expected) {
    struct rp_schema *schema = NULL;
    struct rp_buf mistakes;
    json_t *json = parse(text);
    rp_buf_init(&mistakes, 4096);
    if (rp_schema_compile(json, &schema, &mistakes) != -RP_ECONFIG) fail_msg("%s was taken", text);
    if (!strstr(mistakes.data, expected)) fail_msg("%s: \"%s\"", text, mistakes.data);
    assert_null(schema);
    assert_int_equal(rp_schema_compile(json, &schema, NULL), -RP_ECONFIG);
    rp_buf_finish(&mistakes);
    json_decref(json);
}

static void nothing_is_left_unchecked_in_silence(void **state) {
    (void)state;
    static const char *const refused[][2] = {
        {"1", "must be a schema"},
        {"[]", "must be a schema"},
        {"{\"properties\":{\"price\":{\"minumum\":1}}}",
         "/properties/price: the keyword 'minumum' is not known (did you mean 'minimum'?)"},
        {"{\"uniqueItems\":true}", "the keyword 'uniqueItems' is not known"},
        {"{\"patternProperties\":{}}", "not known"},
        {"{\"if\":true}", "not known"},
        {"{\"$dynamicRef\":\"#a\"}", "not known"},
        {"{\"$anchor\":\"a\"}", "not known"},
        {"{\"type\":\"strng\"}", "/type: there is no type 'strng' (did you mean 'string'?)"},
        {"{\"type\":[]}", "/type: must name at least one type"},
        {"{\"type\":1}", "/type: must be the name"},
        {"{\"enum\":[]}", "/enum: must be a list"},
        {"{\"enum\":1}", "/enum: must be a list"},
        {"{\"required\":\"a\"}", "/required: must be a list of names"},
        {"{\"required\":[1]}", "/required: must be a list of names"},
        {"{\"properties\":[]}", "/properties: must be an object"},
        {"{\"properties\":{\"a\":1}}", "/properties/a: must be a schema"},
        {"{\"items\":[{}]}", "/items: must be one schema; a list of them is written 'prefixItems'"},
        {"{\"prefixItems\":{}}", "/prefixItems: must be a list"},
        {"{\"anyOf\":[]}", "/anyOf: must be a list"},
        {"{\"anyOf\":[{},2]}", "/anyOf/1: must be a schema"},
        {"{\"minItems\":-1}", "/minItems: must be a whole number"},
        {"{\"minLength\":1.5}", "/minLength: must be a whole number"},
        {"{\"maximum\":\"1\"}", "/maximum: must be a number"},
        {"{\"multipleOf\":0}", "/multipleOf: must be more than 0"},
        {"{\"pattern\":\"(\"}", "/pattern: "},
        {"{\"pattern\":1}", "/pattern: must be a string"},
        {"{\"format\":\"emial\"}", "/format: there is no format 'emial' (did you mean 'email'?)"},
        {"{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", "/$schema: only"},
        {"{\"properties\":{\"a\":{\"$id\":\"x\"}}}", "$id"},
        {"{\"$ref\":\"other.json\"}", "/$ref: must point to a place in this schema"},
        {"{\"$ref\":\"#/$defs/x\"}", "$ref: there is no schema at '#/$defs/x'"},
        {"{\"$ref\":\"#/required\",\"required\":[\"a\"]}", "there is no schema at '#/required'"},
        {"{\"$ref\":\"#/anyOf/2\",\"anyOf\":[{},{}]}", "there is no schema at"},
        {"{\"$ref\":\"#/anyOf/x\",\"anyOf\":[{},{}]}", "there is no schema at"},
        {"{\"$ref\":\"#\"}", "refers to itself"},
        {"{\"allOf\":[{\"$ref\":\"#\"}]}", "refers to itself"},
        {"{\"$defs\":{\"a\":{\"not\":{\"$ref\":\"#/$defs/b\"}},\"b\":{\"anyOf\":[{},{\"$ref\":\"#/$defs/a\"}]}}}",
         "refers to itself"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) expect_refused(refused[i][0], refused[i][1]);
}

static void all_mistakes_of_a_schema_are_said_at_once(void **state) {
    (void)state;
    expect_refused("{\"type\":\"strin\",\"properties\":{\"a\":{\"minumum\":1},\"b\":3}}", "\n/properties/a: ");
    expect_refused("{\"type\":\"strin\",\"properties\":{\"a\":{\"minumum\":1},\"b\":3}}", "\n/properties/b: ");
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

static void what_takes_too_long_is_given_up(void **state) {
    (void)state;
    char text[4096] = "{\"$defs\":{\"d0\":{\"type\":\"array\"}"; /* each level looks at the next one twice */
    for (int i = 1; i < 30; i++) {
        char level[120];
        snprintf(level, sizeof(level), ",\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]}",
                 i, i - 1, i - 1);
        strcat(text, level);
    }
    strcat(text, "},\"items\":{\"$ref\":\"#/$defs/d14\"}}");
    struct rp_schema *schema;
    json_t *json = parse(text), *value = json_array();
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, 4096);
    assert_int_equal(rp_schema_compile(json, &schema, &mistakes), -RP_ECONFIG); /* d29 is 58 schemas high */
    rp_buf_finish(&mistakes);
    json_object_del(json_object_get(json, "$defs"), "d29");
    for (int i = 15; i < 30; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", i);
        json_object_del(json_object_get(json, "$defs"), name);
    }
    assert_int_equal(rp_schema_compile(json, &schema, NULL), 0);
    for (int i = 0; i < 1000; i++) json_array_append_new(value, json_array());
    int64_t before = rp_now_ns();
    assert_int_equal(rp_schema_check(schema, value, NULL), -RP_EREGEX);
    assert_true(rp_now_ns() - before < 5000000000);
    json_decref(value);
    json_decref(json);
    rp_schema_unref(schema);
}

static void a_pattern_that_hits_its_limit_decides_nothing(void **state) {
    (void)state;
    struct rp_schema *schema = compile("{\"pattern\":\"^(?:(?:a+)+x?)+$\"}"),
                     *negated = compile("{\"not\":{\"pattern\":\"^(?:(?:a+)+x?)+$\"}}");
    json_t *value = json_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    assert_int_equal(rp_schema_check(schema, value, NULL), -RP_EREGEX);
    assert_int_equal(rp_schema_check(negated, value, NULL), -RP_EREGEX);
    json_decref(value);
    rp_schema_unref(schema);
    rp_schema_unref(negated);
}

static void values_and_schemas_that_are_too_deep_are_refused(void **state) {
    (void)state;
    struct rp_schema *schema = compile("{\"items\":{\"$ref\":\"#\"}}"), *none;
    json_t *value = json_array(), *deep = json_object();
    for (int i = 0; i < 1000; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, value);
        value = outer;
    }
    assert_int_equal(rp_schema_check(schema, value, NULL), -RP_EREGEX);
    for (int i = 0; i < 1000; i++) deep = json_pack("{s:o}", "not", deep);
    assert_int_equal(rp_schema_compile(deep, &none, NULL), -RP_ECONFIG);
    json_decref(value);
    json_decref(deep);
    rp_schema_unref(schema);
}

static void a_schema_lives_as_long_as_somebody_has_it(void **state) {
    (void)state;
    struct rp_schema *schema = compile("{\"pattern\":\"a\"}");
    assert_ptr_equal(rp_schema_ref(schema), schema);
    rp_schema_unref(schema);
    json_t *value = json_string("a");
    assert_int_equal(rp_schema_check(schema, value, NULL), 0);
    assert_string_equal(json_string_value(json_object_get(rp_schema_json(schema), "pattern")), "a");
    json_decref(value);
    rp_schema_unref(schema);
    rp_schema_unref(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fit_or_do_not),
        cmocka_unit_test(mistakes_have_their_place_and_all_are_said),
        cmocka_unit_test(only_the_first_ten_mistakes_are_said),
        cmocka_unit_test(long_and_strange_names_stay_on_one_line),
        cmocka_unit_test(nothing_is_left_unchecked_in_silence),
        cmocka_unit_test(all_mistakes_of_a_schema_are_said_at_once),
        cmocka_unit_test(what_takes_too_long_is_given_up),
        cmocka_unit_test(a_pattern_that_hits_its_limit_decides_nothing),
        cmocka_unit_test(values_and_schemas_that_are_too_deep_are_refused),
        cmocka_unit_test(a_schema_lives_as_long_as_somebody_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
