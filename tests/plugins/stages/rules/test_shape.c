/* How rules shape the question to a model: what reaches it, by generate, by a rule, by t:pass, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "plugins/stages/rules/program.h"
#include "talking.h"

#define SCHEMA "{ type = 'object', properties = { a = { type = 'integer' } }, required = { 'a' } }"

static const char *const ways[] = {
    "generate 'g' %s",
    "rule 'g' { match = 'hi', generate = %s }",
    "rule 'g' { match = 'hi', reply = function(t) return t:pass %s end }",
};

/* The same shape in each of the three ways; `check` looks at what reached the model. */
static void in_all_ways(const char *shape, const char *reply, void (*check)(void)) {
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        char rules[2048], by[32];
        void *none = NULL;
        if (i > 0) talking_setup(&none);
        snprintf(rules, sizeof(rules), ways[i], shape);
        talking_rules(rules);
        talking.main.replies[0] = talking.small.replies[0] = reply;
        snprintf(by, sizeof(by), "%s:g", i == 0 ? "generate" : "rule");
        bot_expect("hi", reply, by);
        check();
        if (i + 1 < sizeof(ways) / sizeof(ways[0])) talking_teardown(&none);
    }
}

static void check_numbers(void) {
    assert_string_equal(talking.main.asked[0], "s:Be kind.|u:q|a:r|u:hi");
    assert_true(talking.main.prompt.temperature == 0.5);
    assert_true(talking.main.prompt.top_p == 0.25);
    assert_int_equal(talking.main.prompt.max_tokens, 7);
    assert_non_null(talking.main.prompt.stop);
}

static void texts_and_numbers_reach_the_model(void **state) {
    (void)state;
    in_all_ways(
        "{ system = 'Be kind.', examples = { { user = 'q', assistant = 'r' } }, temperature = 0.5, top_p = 0.25,"
        "  max_tokens = 7, stop = { 'END', 'STOP' } }",
        "fine", check_numbers);
}

static void check_model(void) {
    assert_int_equal(talking.main.calls, 0);
    assert_int_equal(talking.small.calls, 1);
    assert_string_equal(talking.small.grammar, "root ::= \"x\"");
}

static void another_model_can_be_asked_and_bound_by_a_grammar(void **state) {
    (void)state;
    in_all_ways("{ model = 'small', grammar = 'root ::= \"x\"' }", "x", check_model);
}

static void check_schema(void) {
    assert_string_equal(talking.main.schema,
                        "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"],\"type\":\"object\"}");
    assert_int_equal(talking.main.prompt.corrections, 2);
}

static void a_schema_reaches_the_model(void **state) {
    (void)state;
    in_all_ways("{ schema = " SCHEMA " }", "{\"a\":1}", check_schema);
}

static void a_reply_that_does_not_fit_is_asked_for_again(void **state) {
    (void)state;
    talking_rules("generate 'g' { schema = " SCHEMA ", tries = 1 }");
    talking.main.replies[0] = "a is 1";
    talking.main.replies[1] = "{\"a\":1}";
    talking.main.replies[2] = talking.main.replies[3] = "{\"a\":\"1\"}";
    bot_expect("hi", "{\"a\":1}", "generate:g");
    bot_expect("hi", "!upstream_misfit", "generate:g");
    assert_int_equal(talking.main.calls, 4);
}

static void a_function_says_the_system_text_of_a_rule(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = [[for (?<who>\\w+)]], generate = { system = function(t) t:sleep(0)\n"
                  "  return 'You speak with {who}.', { who = t.match.who } end, temperature = 1 } }\n"
                  "rule 'n' { match = 'never', generate = { system = function(t) return nil end } }");
    talking.main.replies[0] = talking.main.replies[1] = "fine";
    bot_expect("for Ann", "fine", "rule:r");
    assert_string_equal(talking.main.asked[0], "s:You speak with Ann.|u:for Ann");
    bot_expect("never", "fine", "model:main"); /* it declined */
    assert_string_equal(talking.main.asked[1], "u:never");
}

static void when_decides_for_shaped_rules_too(void **state) {
    (void)state;
    talking_rules("rule 'a' { match = 'hi', when = function() return false end, generate = { system = 'A' } }\n"
                  "rule 'b' { match = 'hi', when = function() return true end, generate = { system = 'B' } }");
    talking.main.replies[0] = "fine";
    bot_expect("hi", "fine", "rule:b");
    assert_string_equal(talking.main.asked[0], "s:B|u:hi");
}

static void pass_without_a_shape_leaves_the_question_alone(void **state) {
    (void)state;
    talking_rules("generate 'g' { system = 'G' }\n"
                  "rule 'a' { match = 'plain', reply = function(t) return t:pass() end }\n"
                  "rule 'b' { match = 'unused', reply = function(t) t:pass { system = 'X' } return 'own' end }\n"
                  "rule 'c' { match = 'decline', reply = function(t) t:pass { system = 'X' } return nil end }");
    talking.main.replies[0] = talking.main.replies[1] = "fine";
    bot_expect("plain", "fine", "model:main");
    assert_string_equal(talking.main.asked[0], "u:plain");
    bot_expect("unused", "own", "rule:b");
    bot_expect("decline", "fine", "generate:g");
    assert_string_equal(talking.main.asked[1], "s:G|u:decline");
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

static void expect_mistake(const char *text, const char *part) {
    struct rp_element element = {.bot = &talking.bot};
    struct program_options options = {
        .vm = {.memory = 32 << 20, .element = &element}, .folder = folder_path(), .dir = folder_rules()};
    struct rp_error error = {0};
    struct program *program;
    char rules[2048];
    snprintf(rules, sizeof(rules), "tool 'order_status' { description = 'd', run = function() end }\n%s", text);
    folder_write("rules/a.lua", rules);
    if (program_create(&options, &program, &error) == 0) fail_msg("%s was taken", text);
    if (!strstr(error.text, part)) fail_msg("%s: '%s'", text, error.text);
    assert_string_equal(error.file, "rules/a.lua");
    assert_int_equal(error.line, 2);
}

static void mistakes_are_found_while_loading(void **state) {
    static const char *const mistakes[][2] = {
        {"{ temprature = 1 }", "there is no field 'temprature' (did you mean 'temperature'?)"},
        {"{ tools = { 'ordr_status' } }", "'tools': there is no tool 'ordr_status' (did you mean 'order_status'?)"},
        {"{ tools = 1 }", "'tools' must be a text or a list of texts"},
        {"{ model = 'cloud' }", "'model': there is no model 'cloud'"},
        {"{ model = 1 }", "'model' must be a text"},
        {"{ grammar = '' }", "'grammar' must be a text"},
        {"{ grammar = 'g', schema = { type = 'object' } }", "'schema' and 'grammar' cannot both hold"},
        {"{ schema = 'text' }", "'schema' must be a table"},
        {"{ schema = { type = 'objekt' } }", "'schema': /type: there is no type 'objekt' (did you mean 'object'?)"},
        {"{ schema = { properties = { a = { minumum = 1 } } } }", "'schema': /properties/a: the keyword 'minumum'"},
        {"{ schema = { type = next } }", "'schema': only strings, numbers, booleans and tables"},
        {"{ tries = 1 }", "'tries' goes with 'schema'"},
        {"{ schema = {}, tries = -1 }", "'tries' must be a whole number"},
        {"{ examples = { { user = 'a' } } }", "'examples': number 1 must be"},
        {"{ system = 1 }", "'system' must be a text or a function"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char text[1024];
        for (int way = 0; way < 2; way++) {
            snprintf(text, sizeof(text), ways[way], mistakes[i][0]);
            expect_mistake(text, mistakes[i][1]);
        }
    }
    expect_mistake("rule 'a' { match = 'x', reply = 'y', generate = {} }", "'reply' and 'generate' exclude each other");
    expect_mistake("rule 'a' { match = 'x', reply = function() end, generate = {} }", "exclude each other");
    expect_mistake("rule 'a' { match = 'x', generate = 1 }", "'generate' must be a table");
}

static void a_model_that_cannot_is_told_of_while_loading(void **state) {
    (void)state;
    talking.small.takes = RP_TAKES_SCHEMA;
    expect_mistake("generate 'g' { model = 'small', grammar = 'root ::= \"a\"' }",
                   "'grammar': the model 'small' takes none");
    expect_mistake("generate 'g' { model = 'small', tools = { 'order_status' } }",
                   "'tools': the model 'small' takes none");
}

static void mistakes_of_a_function_fail_its_rule(void **state) {
    static const char *const mistakes[][2] = {
        {"{ temprature = 1 }", "t:pass: there is no field 'temprature'"},
        {"{ tools = { 'x' } }", "t:pass: 'tools': there is no tool 'x'"},
        {"{ model = 'cloud' }", "t:pass: 'model': there is no model 'cloud'"},
        {"{ schema = { type = 1 } }", "t:pass: 'schema': /type: must be"},
        {"{ system = function() end }", "t:pass: 'system' must be a text"},
    };
    char rules[4096] = "rule 'r' { match = 'hi', reply = function(t) local ok, why\n";
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        size_t len = strlen(rules);
        snprintf(rules + len, sizeof(rules) - len,
                 "ok, why = pcall(t.pass, t, %s) assert(not ok and why:find([[%s]], 1, true), why)\n", mistakes[i][0],
                 mistakes[i][1]);
    }
    strcat(rules, "return 'all told' end }");
    talking_rules(rules);
    bot_expect("hi", "all told", "rule:r");
}

static void what_a_model_cannot_take_fails_the_turn(void **state) {
    (void)state;
    talking.main.takes = 0;
    talking_rules("generate 'g' { grammar = 'root ::= \"a\"' }");
    bot_expect("hi", "!unsupported", "generate:g");
    assert_int_equal(talking.main.calls, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talking_setup, talking_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(texts_and_numbers_reach_the_model),
        TEST(another_model_can_be_asked_and_bound_by_a_grammar),
        TEST(a_schema_reaches_the_model),
        TEST(a_reply_that_does_not_fit_is_asked_for_again),
        TEST(a_function_says_the_system_text_of_a_rule),
        TEST(when_decides_for_shaped_rules_too),
        TEST(pass_without_a_shape_leaves_the_question_alone),
        TEST(mistakes_are_found_while_loading),
        TEST(a_model_that_cannot_is_told_of_while_loading),
        TEST(mistakes_of_a_function_fail_its_rule),
        TEST(what_a_model_cannot_take_fails_the_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
