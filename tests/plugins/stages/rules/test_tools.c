/* Tools in Lua: what models are told of them, what runs, what they are told of the results, and bounds on all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/metrics.h>

#include "plugins/stages/rules/program.h"
#include "talking.h"

#define STATUS                                                                                                         \
    "tool 'status' { description = 'Where an order is', parameters = { type = 'object', properties = { id = { type = " \
    "'string' }, n = { type = 'integer' } }, required = { 'id' }, additionalProperties = false },\n"                   \
    "  run = function(t, args) return { id = args.id, user = t.user, said = t.text } end }\n"
#define G "generate 'g' { tools = { 'status' } }\n"

/* The result that the model is told of in its second call: what is behind "t:ID=". */
static const char *told(unsigned call) {
    const char *at = strstr(talking.main.asked[call], "|t:");
    assert_non_null(at);
    return strchr(at, '=') + 1;
}

static void expect_told(unsigned call, const char *expected) {
    if (strcmp(told(call), expected) != 0) fail_msg("'%s' is not '%s'", told(call), expected);
}

static void a_model_calls_a_tool_and_answers(void **state) {
    (void)state;
    talking_rules(STATUS G);
    talking.main.replies[0] = "^status{\"id\":\"7\"}#";
    talking.main.replies[1] = "It is on its way.#";
    bot_expect("where is 7?", "It is on its way.", "generate:g");
    assert_string_equal(
        talking.main.tools,
        "[{\"name\":\"status\",\"description\":\"Where an order is\",\"parameters\":{\"additionalProperties\":false,"
        "\"properties\":{\"id\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}},\"required\":[\"id\"],\"type\":"
        "\"object\"}}]");
    assert_non_null(strstr(talking.main.asked[1], "u:where is 7?|a:(call_0_0 status {\"id\":\"7\"})|t:call_0_0={"));
    assert_non_null(strstr(told(1), "\"id\":\"7\""));
    assert_non_null(strstr(told(1), "\"user\":\"u1\""));
    assert_non_null(strstr(told(1), "\"said\":\"where is 7?\""));
    assert_int_equal(bot.client.usage.input_tokens, 20);
}

static void rules_pass_and_t_generate_offer_them_too(void **state) {
    (void)state;
    talking_rules(STATUS "rule 'a' { match = '^a', generate = { tools = 'status' } }\n"
                         "rule 'b' { match = '^b', reply = function(t) return t:pass { tools = { 'status' } } end }\n"
                         "rule 'c' { match = '^c', reply = function(t) local id = t.text\n"
                         "  return '<' .. t:generate { prompt = 'p', tools = { 'status' } } .. '>' .. id end }");
    for (int i = 0; i < 6; i += 2) {
        talking.main.replies[i] = "^status{\"id\":\"7\"}";
        talking.main.replies[i + 1] = "done";
    }
    bot_expect("a", "done", "rule:a");
    bot_expect("b", "done", "rule:b");
    bot_expect("c", "<done>c", "rule:c");
    assert_non_null(strstr(told(5), "\"said\":\"c\""));
}

static void tools_wait_at_the_same_time(void **state) {
    (void)state;
    talking_rules("tool 'slow' { description = 'd', parameters = { type = 'object', properties = { n = { type = "
                  "'integer' } } },\n"
                  "  run = function(t, a) for i = 1, 3 do t:sleep(0.005 * a.n) end return a.n end }\n"
                  "generate 'g' { tools = 'slow' }");
    talking.main.replies[0] = "^slow{\"n\":3}^slow{\"n\":1}^slow{\"n\":2}";
    talking.main.replies[1] = "ok";
    bot_expect("hi", "ok", "generate:g");
    assert_non_null(strstr(talking.main.asked[1], "|t:call_0_0=3|t:call_0_1=1|t:call_0_2=2"));
}

static void results_become_text(void **state) {
    static const char *const cases[][2] = {
        {"return 'text'", "text"},
        {"return 7", "7"},
        {"return true", "true"},
        {"return { 1, 'a' }", "[1,\"a\"]"},
        {"return nil", "Done."},
        {"", "Done."},
        {"return nil, 'no such order'", "Error: no such order"},
        {"return false, 'ignored'", "false"},
        {"t:handoff 'x'", "The conversation has been passed on to a person."},
        {"error('secret detail')", "Error: the tool 'x' failed."},
        {"return print", "Done."},
        {"return next", "Error: the tool 'x' failed."},
        {"return '\\xff'", "Error: the tool 'x' failed."},
        {"return { next }", "Error: the tool 'x' failed."},
        {"return t:pass()", "Error: the tool 'x' failed."},
        {"while true do end", "Error: the tool 'x' failed."},
        {"t:sleep(30)", "Error: the tool 'x' took too long."},
    };
    void *none = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char rules[512];
        if (i > 0) talking_setup(&none);
        if (strstr(cases[i][0], "t:sleep")) bot.options.tool_time_ms = 60;
        snprintf(rules, sizeof(rules),
                 "tool 'x' { description = 'd', run = function(t, a) %s end }\ngenerate 'g' { tools = 'x' }",
                 cases[i][0]);
        talking_rules(rules);
        talking.main.replies[0] = "^x{}";
        talking.main.replies[1] = "ok";
        bot_expect("hi", "ok", "generate:g");
        if (strcmp(told(1), cases[i][1]) != 0) fail_msg("%s: '%s'", cases[i][0], told(1));
        if (i + 1 < sizeof(cases) / sizeof(cases[0])) talking_teardown(&none);
    }
}

static void long_results_are_cut_between_characters(void **state) {
    (void)state;
    bot.options.tool_result = 11;
    talking_rules(
        "tool 'x' { description = 'd', run = function() return ('你'):rep(100) end }\ngenerate 'g' { tools = 'x' }");
    talking.main.replies[0] = "^x{}";
    talking.main.replies[1] = "ok";
    bot_expect("hi", "ok", NULL);
    expect_told(1, "你你你\n(cut off: 9 of 300 bytes)");
}

static void calls_that_do_not_fit_never_run(void **state) {
    static const char *const cases[][2] = {
        {"^status{}", "Error: the arguments do not fit, nothing was done:\nthe value: 'id' is missing"},
        {"^status{\"id\":7,\"n\":\"x\"}",
         "Error: the arguments do not fit, nothing was done:\n/id: must be a string, not a "
         "number\n/n: must be an integer, not a string"},
        {"^status{\"id\":\"7\",\"i\":1}",
         "Error: the arguments do not fit, nothing was done:\n/i: is not allowed here (did you "
         "mean 'id'?)"},
        {"^status{\"id\"}", "Error: the arguments are not JSON: line 1: ':' expected near '}'"},
        {"^stat{}", "Error: there is no tool 'stat'. There are: status."},
        {"^other{}", "Error: there is no tool 'other'. There are: status."},
    };
    void *none = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (i > 0) talking_setup(&none);
        talking_rules("tool 'other' { description = 'not offered', run = function() error 'never' end }\n" STATUS G);
        talking.main.replies[0] = cases[i][0];
        talking.main.replies[1] = "ok";
        bot_expect("hi", "ok", "generate:g");
        expect_told(1, cases[i][1]);
        if (i + 1 < sizeof(cases) / sizeof(cases[0])) talking_teardown(&none);
    }
}

static void guards_that_a_tool_names_look_at_its_arguments(void **state) {
    (void)state;
    talking_rules("guard 'key' { on = 'reply', match = [[k-\\d+]], action = 'replace', with = 'KEY', always = false }\n"
                  "guard 'no' { on = 'reply', match = 'drop', action = 'block', always = false }\n"
                  "tool 'echo' { description = 'd', parameters = { type = 'object', properties = { q = { type = 'string' } } },\n"
                  "  guards = { 'key', 'no' }, run = function(t, args) return args.q end }\n"
                  "generate 'g' { tools = { 'echo' } }\n");
    talking.main.replies[0] = "^echo{\"q\":\"a \\u006b-1\"}#";
    talking.main.replies[1] = "ok";
    talking.main.replies[2] = "^echo{\"q\":\"drop it\"}#";
    talking.main.replies[3] = "ok";
    bot_expect("hi", "ok", "generate:g");
    expect_told(1, "a KEY");
    bot_expect("hi", "ok", "generate:g");
    assert_non_null(strstr(talking.main.asked[3], "=Error: a guard refuses this call."));
}

static void rounds_and_calls_are_bounded(void **state) {
    (void)state;
    bot.options.tool_rounds = 2;
    bot.options.tool_calls = 1;
    talking_rules(STATUS G);
    talking.main.replies[0] = "^status{\"id\":\"1\"}^status{\"id\":\"2\"}";
    talking.main.replies[1] = talking.main.replies[2] = "^status{\"id\":\"1\"}";
    bot_expect("hi", "!tool_limit", "generate:g");
    assert_int_equal(talking.main.calls, 3);
    assert_non_null(
        strstr(talking.main.asked[1], "|t:call_0_1=Error: not run, at most 1 tools can be called at once."));
}

static void what_tools_keep_in_the_session_is_kept(void **state) {
    (void)state;
    talking_rules("tool 'keep' { description = 'd', run = function(t, a) t.session.n = (t.session.n or 0) + 1 return "
                  "t.session.n end }\n"
                  "rule 'look' { match = 'look', reply = function(t) return tostring(t.session.n) end }\n"
                  "generate 'g' { tools = 'keep' }");
    talking.main.replies[0] = "^keep{}^keep{}";
    talking.main.replies[1] = "ok";
    bot_expect("hi", "ok", NULL);
    bot_expect("look", "2", NULL);
}

static void who_leaves_ends_tools_that_run(void **state) {
    (void)state;
    bot.options.tool_time_ms = 60000;
    talking_rules("tool 'slow' { description = 'd', run = function(t) t:sleep(100) t.session.never = true end }\n"
                  "generate 'g' { tools = 'slow' }\n"
                  "rule 'r' { match = 'inside', reply = function(t) return t:generate { tools = 'slow' } end }\n"
                  "rule 'look' { match = 'look', reply = function(t) return tostring(t.session.never) end }");
    for (int i = 0; i < 4; i++) {
        test_model_rewind(&talking.main);
        talking.main.replies[0] = "^slow{}^slow{}";
        bot_start("s1", i % 2 ? "inside" : "hi");
        for (int spins = 0; spins < 30; spins++) rig_spin(&bot.rig, 1);
        assert_int_equal(bot.client.dones, 0);
        rp_turn_cancel(bot.client.turn);
        rig_finish(&bot.rig, &bot.client);
    }
    bot_expect("look", "nil", NULL);
}

static void tools_of_several_turns_do_not_mix(void **state) {
    static struct rig_client clients[4];
    (void)state;
    talking_rules("tool 'who' { description = 'd', run = function(t) local u = t.user t:sleep(0.002) assert(t.user == "
                  "u) return u end }\n"
                  "generate 'g' { tools = 'who' }");
    for (int i = 0; i < 8; i++) talking.main.replies[i] = i < 4 ? "^who{}" : "ok";
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof(name), "u%d", i);
        struct rp_turn_start start = {.message = rp_str(name), .session = rp_str(name), .user = rp_str(name)};
        assert_int_equal(rig_start(&bot.rig, &clients[i], &start), 0);
    }
    for (int i = 0; i < 4; i++) rig_finish(&bot.rig, &clients[i]);
    for (int i = 4; i < 8; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "u:u%c|a:(call_0_0 who {})|t:call_0_0=u%c", talking.main.asked[i][3],
                 talking.main.asked[i][3]);
        assert_string_equal(talking.main.asked[i], expected);
    }
    for (int i = 0; i < 4; i++) rig_client_clear(&clients[i]);
}

static void a_tool_can_ask_a_model_itself(void **state) {
    (void)state;
    talking_rules("tool 'sum' { description = 'd', run = function(t) return t:generate { model = 'small', prompt = "
                  "'sum up' } end }\n"
                  "generate 'g' { tools = 'sum' }");
    talking.main.replies[0] = "^sum{}";
    talking.main.replies[1] = "ok";
    talking.small.replies[0] = "short#";
    bot_expect("hi", "ok", NULL);
    expect_told(1, "short");
    assert_int_equal(bot.client.usage.input_tokens, 10);
}

static int64_t counted(const char *outcome) {
    return rp_metric_value(
        rp_metric(RP_COUNTER, "repartee_tool_calls_total", "", "tool", "status", "outcome", outcome, NULL));
}

static void calls_are_counted_by_their_outcome(void **state) {
    int64_t ok = counted("ok"), invalid = counted("invalid");
    (void)state;
    talking_rules(STATUS G);
    talking.main.replies[0] = "^status{\"id\":\"1\"}^status{}^status{\"id\":\"2\"}";
    talking.main.replies[1] = "ok";
    bot_expect("hi", "ok", NULL);
    assert_int_equal(counted("ok") - ok, 2);
    assert_int_equal(counted("invalid") - invalid, 1);
}

/* ---- declarations ------------------------------------------------------------------------------------------------ */

static void expect_mistake(const char *text, const char *part) {
    struct program_options options = {.vm = {.memory = 32 << 20}, .folder = folder_path(), .dir = folder_rules()};
    struct rp_error error = {0};
    struct program *program;
    folder_write("rules/a.lua", text);
    if (program_create(&options, &program, &error) == 0) fail_msg("%s was taken", text);
    if (!strstr(error.text, part)) fail_msg("%s: '%s'", text, error.text);
    assert_string_equal(error.file, "rules/a.lua");
}

static void mistakes_in_declarations_are_found(void **state) {
    (void)state;
    expect_mistake("tool 'a b' { description = 'd', run = function() end }", "models want names of letters, digits");
    expect_mistake("tool 'a' { run = function() end }", "'description' is missing");
    expect_mistake("tool 'a' { description = 'd' }", "'run' is missing");
    expect_mistake("tool 'a' { description = 'd', run = 1 }", "'run' must be a function");
    expect_mistake("tool 'a' { description = 'd', run = function() end, params = {} }", "there is no field 'params'");
    expect_mistake("tool 'a' { description = 'd', run = function() end, parameters = 1 }",
                   "'parameters' must be a table");
    expect_mistake("tool 'a' { description = 'd', run = function() end, parameters = { type = 'string' } }",
                   "'parameters' must have type = \"object\"");
    expect_mistake(
        "tool 'a' { description = 'd', run = function() end, parameters = { type = 'object', requird = {} } }",
        "'parameters': the keyword 'requird' is not known (did you mean 'required'?)");
    expect_mistake(
        "tool 'a' { description = 'd', run = function() end }\ntool 'a' { description = 'd', run = function() end }",
        "the name is taken already, by rules/a.lua:1");
    expect_mistake("tool 'a' { description = 'd', run = function() end, guards = { 'nobody' } }", "nobody");
    expect_mistake("guard 'g' { on = 'reply', whole = true, check = function() end, action = 'flag' }\n"
                   "tool 'a' { description = 'd', run = function() end, guards = { 'g' } }",
                   "the guard 'g' has functions");
    expect_mistake("local n = 0 tool 'a' { description = 'd', run = function() n = n + 1 end }",
                   "a function assigns to 'n'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talking_setup, talking_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_model_calls_a_tool_and_answers),
        TEST(rules_pass_and_t_generate_offer_them_too),
        TEST(tools_wait_at_the_same_time),
        TEST(results_become_text),
        TEST(long_results_are_cut_between_characters),
        TEST(calls_that_do_not_fit_never_run),
        TEST(guards_that_a_tool_names_look_at_its_arguments),
        TEST(rounds_and_calls_are_bounded),
        TEST(what_tools_keep_in_the_session_is_kept),
        TEST(who_leaves_ends_tools_that_run),
        TEST(tools_of_several_turns_do_not_mix),
        TEST(a_tool_can_ask_a_model_itself),
        TEST(calls_are_counted_by_their_outcome),
        TEST(mistakes_in_declarations_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
