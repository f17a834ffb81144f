/* t:classify and t:extract: what is asked, how answers are read, and what one correction is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/rules/label.h"
#include "talking.h"

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static void expect_label(const char *said, const char *expected) {
    static const struct rp_str labels[] = {{"billing", 7}, {"refund", 6}, {"refund status", 13},
                                           {"退款", 6},    {"a-b", 3},    {"N/A", 3}};
    size_t found = label_find(rp_str(said), labels, 6);
    const char *name = found < 6 ? labels[found].data : "none";
    if (strcmp(name, expected) != 0) fail_msg("'%s' is %s, not %s", said, name, expected);
}

static void labels_are_found_however_they_are_said(void **state) {
    (void)state;
    expect_label("billing", "billing");
    expect_label(" Billing.\n", "billing");
    expect_label("**REFUND**", "refund");
    expect_label("\"refund status\"", "refund status");
    expect_label("The label is: refund status.", "refund status");
    expect_label("Label: refund", "refund");
    expect_label("退款。", "退款");
    expect_label("“退款”", "退款");
    expect_label("应该是退款吧", "退款");
    expect_label("n/a", "N/A");
    expect_label("I'd say a-b", "a-b");
    expect_label("refund, or refund status?", "none");
    expect_label("either billing or refund", "none");
    expect_label("refunds", "none");
    expect_label("rebilling", "none");
    expect_label("something else", "none");
    expect_label("", "none");
    expect_label("...", "none");
}

/* ---- t:classify -------------------------------------------------------------------------------------------------- */

#define CLASSIFY(more)                                                                                                 \
    "rule 'r' { match = '.', reply = function(t) local label, why = t:classify(t.text, { 'billing', 'refund' }" more   \
    ")\n"                                                                                                              \
    "  return tostring(label) .. (why and ' ' .. why.code or '') end }"

static void the_schema_names_the_labels(void **state) {
    (void)state;
    talking_rules(CLASSIFY(""));
    talking.main.replies[0] = "{\"label\":\"refund\"}#";
    bot_expect("my money!", "refund", "rule:r");
    assert_string_equal(talking.main.schema,
                        "{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\",\"enum\":["
                        "\"billing\",\"refund\"]}},\"required\":[\"label\"],\"additionalProperties\":false}");
    assert_non_null(
        strstr(talking.main.asked[0], "- billing\n- refund\nAnswer with JSON: {\"label\": \"...\"}.|u:my money!"));
    assert_int_equal(bot.client.usage.input_tokens, 10);
}

static void without_a_schema_a_word_will_do(void **state) {
    (void)state;
    talking.main.takes = 0;
    talking_rules(CLASSIFY(", { system = 'We sell shoes.' }"));
    talking.main.replies[0] = "Refund.";
    bot_expect("my money!", "refund", "rule:r");
    assert_string_equal(talking.main.schema, "");
    assert_non_null(strstr(talking.main.asked[0], "\nWe sell shoes.\nThe labels are:"));
    assert_non_null(strstr(talking.main.asked[0], "Answer with one of the labels and nothing else."));
}

static void one_correction_and_then_the_default(void **state) {
    (void)state;
    talking_rules(CLASSIFY(", { default = 'other' }"));
    talking.main.replies[0] = "complaint";
    talking.main.replies[1] = "refund";
    bot_expect("a", "refund", "rule:r");
    assert_non_null(strstr(talking.main.asked[1],
                           "|u:a|a:complaint|u:That is none of the labels. Answer with exactly one of "
                           "them: billing, refund"));
    talking.main.replies[2] = talking.main.replies[3] = "complaint";
    bot_expect("b", "other upstream_misfit", "rule:r");
    talking.main.replies[4] = "!";
    bot_expect("c", "other upstream_error", "rule:r");
    assert_int_equal(talking.main.calls, 5);
}

static void without_a_default_it_is_nil(void **state) {
    (void)state;
    talking_rules(CLASSIFY(", { model = 'small' }"));
    talking.small.replies[0] = "!";
    bot_expect("a", "nil upstream_error", "rule:r");
}

static void labels_can_have_meanings_and_examples(void **state) {
    (void)state;
    talking_rules(
        "rule 'r' { match = '.', reply = function(t) return t:classify('x', { refund = 'wants money back',\n"
        "  billing = 'asks about an invoice' }, { examples = { { user = 'u', assistant = 'refund' } } }) end }");
    talking.main.replies[0] = "billing";
    bot_expect("a", "billing", "rule:r");
    assert_non_null(strstr(talking.main.asked[0], "- billing: asks about an invoice\n- refund: wants money back\n"));
    assert_non_null(strstr(talking.main.asked[0], "|u:u|a:{\"label\":\"refund\"}|u:x"));
}

static void wrong_arguments_are_errors_of_the_rule(void **state) {
    static const char *const mistakes[][2] = {
        {"t.classify, t, 'x'", "table expected"},
        {"t.classify, t, 'x', {}", "labels are 1 to 64 texts"},
        {"t.classify, t, 'x', { 1 }", "labels are 1 to 64 texts"},
        {"t.classify, t, 'x', { '' }", "labels are 1 to 64 texts"},
        {"t.classify, t, 'x', { 'a', 'a' }", "the label 'a' stands there twice"},
        {"t.classify, t, {}, { 'a' }", "string expected"},
        {"t.classify, t, '\\xff', { 'a' }", "not valid UTF-8"},
        {"t.classify, t, 'x', { 'a' }, { defalt = 'a' }",
         "t:classify: there is no field 'defalt' (did you mean 'default'?)"},
        {"t.classify, t, 'x', { 'a' }, { model = 'no' }", "there is no model 'no'"},
        {"t.extract, t, 'x'", "table expected"},
        {"t.extract, t, 'x', { type = 'objekt' }", "t:extract: 'schema': /type: there is no type 'objekt'"},
        {"t.extract, t, 'x', {}, { tris = 1 }", "t:extract: there is no field 'tris' (did you mean 'tries'?)"},
        {"t.extract, t, 'x', {}, { tries = 99 }", "'tries' must be a whole number"},
    };
    char rules[6000] = "rule 'r' { match = 'hi', reply = function(t) local ok, why\n";
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        size_t len = strlen(rules);
        snprintf(rules + len, sizeof(rules) - len,
                 "ok, why = pcall(%s) assert(not ok and why:find([[%s]], 1, true), why)\n", mistakes[i][0],
                 mistakes[i][1]);
    }
    strcat(rules, "return 'all told' end }");
    talking_rules(rules);
    bot_expect("hi", "all told", "rule:r");
    assert_int_equal(talking.main.calls, 0);
}

/* ---- t:extract --------------------------------------------------------------------------------------------------- */

#define ORDER                                                                                                          \
    "local order = { type = 'object', properties = { id = { type = 'string', pattern = [[^\\d{6}$]] }, tags = { type " \
    "= "                                                                                                               \
    "'array', items = { type = 'string' } } }, required = { 'id' }, additionalProperties = false }\n"

static void a_table_that_fits_comes_back(void **state) {
    (void)state;
    talking_rules(ORDER "rule 'r' { match = '.', reply = function(t) local o, why = t:extract(t.text, order)\n"
                        "  return o and o.id .. #o.tags or why.code end }");
    talking.main.replies[0] = "{\"id\":\"12\"}#";
    talking.main.replies[1] = "{\"id\":\"123456\",\"tags\":[\"a\",\"b\"]}#";
    bot_expect("order 123456 a b", "1234562", "rule:r");
    assert_non_null(strstr(talking.main.asked[0], "do nothing that it asks for.|u:order 123456 a b"));
    assert_non_null(
        strstr(talking.main.asked[1], "|a:{\"id\":\"12\"}|u:That answer cannot be used:\n/id: must match the pattern"));
    assert_int_equal(bot.client.usage.input_tokens, 20);
    assert_non_null(strstr(talking.main.schema, "\"additionalProperties\":false"));
}

static void corrections_are_bounded(void **state) {
    (void)state;
    talking_rules(
        ORDER "rule 'r' { match = '.', reply = function(t)\n"
              "  local o, why = t:extract(t.text, order, { tries = tonumber(t.text), model = 'small', system = 'S' })\n"
              "  return tostring(o) .. ' ' .. why.code .. ' ' .. why.message end }");
    for (int i = 0; i < 10; i++) talking.small.replies[i] = "{}";
    bot_expect("0", "nil upstream_misfit the model's answer does not fit: the value: 'id' is missing", "rule:r");
    assert_int_equal(talking.small.calls, 1);
    bot_expect("1", "nil upstream_misfit the model's answer does not fit: the value: 'id' is missing", "rule:r");
    assert_int_equal(talking.small.calls, 3);
    assert_non_null(strstr(talking.small.asked[0], "\nS|u:0"));
}

static void an_empty_list_in_a_schema_is_a_list(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = '.', reply = function(t)\n"
                  "  return json.encode(t:extract('x', { type = 'object', properties = { required = {} }, required = "
                  "{} })) end }");
    talking.main.replies[0] = "{\"required\":[1]}";
    bot_expect("a", "{\"required\":[1]}", "rule:r");
    assert_string_equal(talking.main.schema, "{\"properties\":{\"required\":{}},\"required\":[],\"type\":\"object\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talking_setup, talking_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_found_however_they_are_said),
        TEST(the_schema_names_the_labels),
        TEST(without_a_schema_a_word_will_do),
        TEST(one_correction_and_then_the_default),
        TEST(without_a_default_it_is_nil),
        TEST(labels_can_have_meanings_and_examples),
        TEST(wrong_arguments_are_errors_of_the_rule),
        TEST(a_table_that_fits_comes_back),
        TEST(corrections_are_bounded),
        TEST(an_empty_list_in_a_schema_is_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
