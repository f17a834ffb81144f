/* Schemas as grammars: llama.cpp reads them, takes what fits the schema, and refuses what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <llama.h>
#include <math.h>

#include "plugins/models/llama/grammar.h"

static struct llama_model *model;
static const struct llama_vocab *vocab;

static void quiet(enum ggml_log_level level, const char *text, void *arg) {
    (void)level;
    (void)text;
    (void)arg;
}

static int open_model(void **state) {
    struct llama_model_params params = llama_model_default_params();
    (void)state;
    llama_log_set(quiet, NULL);
    params.vocab_only = true;
    model = llama_model_load_from_file(getenv("NOISE_MODEL"), params);
    if (!model) return -1;
    vocab = llama_model_get_vocab(model);
    return 0;
}

static int close_model(void **state) {
    (void)state;
    llama_model_free(model);
    return 0;
}

static bool takes(struct llama_sampler *sampler, llama_token token) {
    llama_token_data one = {token, 1, 0};
    llama_token_data_array only = {&one, 1, -1, false};
    llama_sampler_apply(sampler, &only);
    if (isinf(one.logit)) return false;
    llama_sampler_accept(sampler, token);
    return true;
}

/* Whether the grammar takes the whole text, and lets it end there. */
static bool grammar_takes(char *grammar, const char *text) {
    llama_token tokens[512];
    assert_non_null(grammar);
    struct llama_sampler *sampler = llama_sampler_init_grammar(vocab, grammar, "root");
    if (!sampler) fail_msg("cannot be read:\n%s", grammar);
    free(grammar);
    int count = llama_tokenize(vocab, text, (int)strlen(text), tokens, 512, false, false);
    bool good = count >= 0;
    for (int i = 0; good && i < count; i++) good = takes(sampler, tokens[i]);
    if (good) good = takes(sampler, llama_vocab_eos(vocab));
    llama_sampler_free(sampler);
    return good;
}

static char *made_of(const char *json, char *(*make)(const json_t *value)) {
    json_t *value;
    assert_int_equal(rp_json_parse(json, strlen(json), &value, NULL), 0);
    char *grammar = make(value);
    json_decref(value);
    return grammar;
}

static bool fits(const char *schema, const char *text) {
    return grammar_takes(made_of(schema, grammar_from_schema), text);
}

static void test_plain_types(void **state) {
    (void)state;
    assert_true(fits("{\"type\": \"integer\"}", "-12"));
    assert_false(fits("{\"type\": \"integer\"}", "1.5"));
    assert_true(fits("{\"type\": \"number\"}", "1.5e3"));
    assert_true(fits("{\"type\": [\"boolean\", \"null\"]}", "null"));
    assert_false(fits("{\"type\": [\"boolean\", \"null\"]}", "1"));
    assert_true(fits("{\"type\": \"string\"}", "\"a \\\"quoted\\\" 你好\""));
    assert_false(fits("{\"type\": \"string\"}", "\"open"));
}

static void test_bounds_of_strings_and_arrays(void **state) {
    (void)state;
    const char *word = "{\"type\": \"string\", \"minLength\": 2, \"maxLength\": 3}";
    assert_false(fits(word, "\"a\""));
    assert_true(fits(word, "\"abc\""));
    assert_false(fits(word, "\"abcd\""));
    const char *pair = "{\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"minItems\": 1, \"maxItems\": 2}";
    assert_false(fits(pair, "[]"));
    assert_true(fits(pair, "[1]"));
    assert_true(fits(pair, "[1, 2]"));
    assert_false(fits(pair, "[1, 2, 3]"));
    assert_true(fits("{\"type\": \"array\", \"maxItems\": 0}", "[]"));
    assert_true(fits("{\"type\": \"array\"}", "[1, {\"a\": null}]"));
}

static void test_values_are_listed(void **state) {
    (void)state;
    const char *labels = "{\"enum\": [\"refund\", \"say \\\"hi\\\"\", 3, null]}";
    assert_true(fits(labels, "\"refund\""));
    assert_true(fits(labels, "\"say \\\"hi\\\"\""));
    assert_true(fits(labels, "3"));
    assert_false(fits(labels, "\"ref\""));
    assert_true(fits("{\"const\": {\"a\": 1}}", "{\"a\":1}"));
}

static void test_objects_need_what_is_required(void **state) {
    (void)state;
    const char *order = "{\"type\": \"object\", \"required\": [\"id\"], \"properties\": {\"note\": {\"type\": \"string\"}, "
                        "\"id\": {\"type\": \"integer\"}, \"gift\": {\"type\": \"boolean\"}}}";
    assert_true(fits(order, "{\"id\": 5}"));
    assert_true(fits(order, "{\"note\": \"x\",\"id\": 5,\"gift\": true}"));
    assert_true(fits(order, "{\"id\": 5, \"gift\": false}"));
    assert_false(fits(order, "{}"));
    assert_false(fits(order, "{\"note\": \"x\"}"));
    assert_false(fits(order, "{\"id\": 5, }"));
    assert_false(fits(order, "{\"id\": 5, \"other\": 1}"));
    const char *loose = "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"null\"}, \"b\": {\"type\": \"null\"}}}";
    assert_true(fits(loose, "{}"));
    assert_true(fits(loose, "{\"a\": null}"));
    assert_true(fits(loose, "{\"b\": null}"));
    assert_true(fits(loose, "{\"a\": null, \"b\": null}"));
}

static void test_definitions_may_refer_to_themselves(void **state) {
    (void)state;
    const char *tree = "{\"$ref\": \"#/$defs/node\", \"$defs\": {\"node\": {\"type\": \"object\", \"required\": [\"kids\"], "
                       "\"properties\": {\"kids\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/node\"}}}}}}";
    assert_true(fits(tree, "{\"kids\": [{\"kids\": []}, {\"kids\": [{\"kids\": []}]}]}"));
    assert_false(fits(tree, "{\"kids\": [1]}"));
}

static void test_alternatives(void **state) {
    (void)state;
    const char *either = "{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"object\", \"properties\": {\"x\": {\"const\": 1}}}]}";
    assert_true(fits(either, "7"));
    assert_true(fits(either, "{\"x\": 1}"));
    assert_false(fits(either, "\"7\""));
}

static void test_tools_are_called_or_text_is_free(void **state) {
    static const char tools[] =
        "[{\"name\": \"find\", \"parameters\": {\"type\": \"object\", \"required\": [\"n\"], \"properties\": {\"n\": "
        "{\"type\": \"integer\"}}}}, {\"name\": \"tree\", \"parameters\": {\"$ref\": \"#/$defs/t\", \"$defs\": {\"t\": {}}}}]";
    (void)state;
    const char *const good[] = {"Hello {there}, \"you\"", "{\"tool\": \"find\", \"arguments\": {\"n\": 5}}",
                                "{\"tool\": \"tree\", \"arguments\": {\"any\": [1]}}"};
    const char *const bad[] = {"{\"tool\": \"find\", \"arguments\": {}}", "{\"tool\": \"other\", \"arguments\": {}}",
                               "{\"tool\": \"find\", \"arguments\": {\"n\": 5}} and more"};
    for (size_t i = 0; i < 3; i++) assert_true(grammar_takes(made_of(tools, grammar_from_tools), good[i]));
    for (size_t i = 0; i < 3; i++) assert_false(grammar_takes(made_of(tools, grammar_from_tools), bad[i]));
}

static void test_what_cannot_be_a_grammar(void **state) {
    static const char *const bad[] = {"3", "{\"$ref\": \"#/$defs/none\"}", "{\"$ref\": \"http://elsewhere\"}",
                                      "{\"enum\": []}", "{\"type\": \"strange\"}", "false"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *schema = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_null(grammar_from_schema(schema));
        json_decref(schema);
    }
    json_t *deep = json_pack("{s:s}", "type", "string");
    for (int i = 0; i < 40; i++) deep = json_pack("{s:s, s:o}", "type", "array", "items", deep);
    assert_null(grammar_from_schema(deep));
    json_decref(deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_types),
        cmocka_unit_test(test_bounds_of_strings_and_arrays),
        cmocka_unit_test(test_values_are_listed),
        cmocka_unit_test(test_objects_need_what_is_required),
        cmocka_unit_test(test_definitions_may_refer_to_themselves),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_tools_are_called_or_text_is_free),
        cmocka_unit_test(test_what_cannot_be_a_grammar),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
