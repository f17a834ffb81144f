/* t:generate: what is asked, what comes back, and turns that end while a model is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "talking.h"

static void a_text_comes_back(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = 'hi', reply = function(t) return '<' .. t:generate {} .. '>' end }");
    talking.main.replies[0] = "你好#, you";
    bot_expect("hi there", "<你好, you>", "rule:r");
    assert_string_equal(talking.main.asked[0], "u:hi there");
    assert_int_equal(bot.client.usage.input_tokens, 10);
    assert_int_equal(bot.client.usage.output_tokens, 1);
    assert_false(talking.main.streamed);
}

static void everything_can_be_said_of_the_question(void **state) {
    (void)state;
    talking_rules(
        "rule 'r' { match = 'hi', reply = function(t) return t:generate { prompt = 'Say x.', system = 'Be kind.',\n"
        "  examples = { { user = 'q', assistant = 'r' } }, model = 'small', temperature = 0, top_p = 1, max_tokens = "
        "9,\n"
        "  stop = 'END', grammar = 'root ::= \"x\"' } end }");
    talking.small.replies[0] = "x";
    bot_expect("hi", "x", "rule:r");
    assert_string_equal(talking.small.asked[0], "s:Be kind.|u:q|a:r|u:Say x.");
    assert_true(talking.small.prompt.temperature == 0);
    assert_int_equal(talking.small.prompt.max_tokens, 9);
    assert_string_equal(talking.small.grammar, "root ::= \"x\"");
    assert_int_equal(talking.main.calls, 0);
}

static void a_text_alone_is_the_prompt(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = 'hi', reply = function(t) return t:generate 'Say x.' end }");
    talking.main.replies[0] = "x";
    bot_expect("hi", "x", "rule:r");
    assert_string_equal(talking.main.asked[0], "u:Say x.");
}

static void history_goes_along_where_it_is_wanted(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = 'ask (.)', reply = function(t) local n = t.match[1]\n"
                  "  if n == 't' then n = true elseif n == 'f' then n = false else n = tonumber(n) end\n"
                  "  return t:generate { prompt = 'p', history = n } end }");
    talking.main.replies[0] = talking.main.replies[1] = talking.main.replies[2] = talking.main.replies[3] = "a";
    bot_expect("ask f", "a", NULL);
    bot_expect("ask 0", "a", NULL);
    bot_expect("ask 2", "a", NULL);
    bot_expect("ask t", "a", NULL);
    assert_string_equal(talking.main.asked[1], "u:p");
    assert_string_equal(talking.main.asked[2], "u:ask 0|a:a|u:p");
    assert_string_equal(talking.main.asked[3], "u:ask f|a:a|u:ask 0|a:a|u:ask 2|a:a|u:p");
}

static void with_a_schema_a_table_comes_back(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = 'hi', reply = function(t)\n"
                  "  local r = t:generate { schema = { type = 'object', properties = { n = { type = 'integer' },\n"
                  "    l = { type = 'array', items = { type = 'string' } } }, required = { 'n' } } }\n"
                  "  return r.n + 1 .. ' ' .. #r.l .. ' ' .. r.l[1] end }");
    talking.main.replies[0] = "no JSON";
    talking.main.replies[1] = "```json\n{\"n\": 3, \"l\": [\"x\"]}\n```";
    bot_expect("hi", "4 1 x", "rule:r");
}

static void what_goes_wrong_comes_back_as_a_value(void **state) {
    (void)state;
    talking_rules(
        "rule 'r' { match = 'hi', reply = function(t) local text, why = t:generate { model = t.text:match 'small' }\n"
        "  assert(text == nil and why.message ~= '') return why.code end }\n"
        "rule 's' { match = 'schema', reply = function(t) local r, why = t:generate { schema = { type = 'integer' }, "
        "tries = 0 }\n"
        "  assert(r == nil) return why.code .. ': ' .. why.message end }\n"
        "rule 'g' { match = 'grammar', reply = function(t) local r, why = t:generate { grammar = 'g' }\n"
        "  return why.code .. ': ' .. why.message end }");
    talking.main.replies[0] = "half!";
    bot_expect("hi", "upstream_error", "rule:r");
    talking.main.replies[1] = "x";
    bot_expect("schema",
               "upstream_misfit: the model's answer does not fit: it is not JSON: line 1: invalid token near 'x'",
               "rule:s");
    talking.main.takes = 0;
    bot_expect("grammar", "unsupported: the model 'main' takes no grammar", "rule:g");
    talking.main.context = 20;
    bot_expect("hi", "too_large", "rule:r");
    assert_int_equal(talking.main.calls, 2);
}

static void wrong_arguments_are_errors_of_the_rule(void **state) {
    static const char *const mistakes[][2] = {
        {"{ promt = 'x' }", "t:generate: there is no field 'promt' (did you mean 'prompt'?)"},
        {"{ prompt = '' }", "'prompt' must be a text"},
        {"{ prompt = 1 }", "'prompt' must be a text"},
        {"{ prompt = '\\xff' }", "'prompt' must be a text"},
        {"{ history = -1 }", "'history' must be true"},
        {"{ history = 1.5 }", "'history' must be true"},
        {"{ model = 'no' }", "there is no model 'no'"},
        {"{ temperature = 'hot' }", "'temperature' must be a number"},
        {"{ 'x' }", "a value stands here without a name"},
        {"7", "table expected"},
    };
    char rules[4096] = "rule 'r' { match = 'hi', reply = function(t) local ok, why\n";
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        size_t len = strlen(rules);
        snprintf(rules + len, sizeof(rules) - len,
                 "ok, why = pcall(t.generate, t, %s) assert(not ok and why:find([[%s]], 1, true), why)\n",
                 mistakes[i][0], mistakes[i][1]);
    }
    strcat(rules, "return 'all told' end }");
    talking_rules(rules);
    bot_expect("hi", "all told", "rule:r");
    assert_int_equal(talking.main.calls, 0);
}

static void without_a_model_it_is_an_error(void **state) {
    (void)state;
    talking.bot.model_count = 0;
    talking_rules(
        "rule 'r' { match = 'hi', reply = function(t) local ok, why = pcall(t.generate, t, {}) return why end }");
    assert_non_null(strstr(bot_say("hi"), "the bot has no model called 'main'"));
}

static void several_questions_follow_each_other_in_pcall_and_when(void **state) {
    (void)state;
    talking_rules(
        "rule 'r' { match = 'hi', when = function(t) return t:generate 'may I?' == 'yes' end, reply = function(t)\n"
        "  local all = ''\n"
        "  for i = 1, 3 do local ok, s = pcall(function() return t:generate('n' .. i) end) all = all .. s end\n"
        "  return all end }");
    talking.main.replies[0] = "yes";
    talking.main.replies[1] = "a#";
    talking.main.replies[2] = "b#";
    talking.main.replies[3] = "c";
    bot_expect("hi", "abc", "rule:r");
    assert_int_equal(bot.client.usage.input_tokens, 20);
}

static void each_question_is_a_wait(void **state) {
    (void)state;
    bot.options.waits = 2;
    talking_rules(
        "rule 'r' { match = 'hi', reply = function(t) t:generate {} t:generate {} t:generate {} return 'x' end }");
    bot_expect("hi", "!rule_budget", "rule:r");
    assert_int_equal(talking.main.calls, 2);
}

static void the_rules_time_ends_the_question(void **state) {
    (void)state;
    bot.options.time_ms = 50;
    talking.main.hang_at = 3;
    talking.main.replies[0] = "endless";
    talking_rules("rule 'r' { match = 'hi', reply = function(t) return t:generate {} end }");
    bot_expect("hi", "!rule_budget", "rule:r");
    assert_int_equal(talking.main.closed, 1);
}

static void who_leaves_ends_the_question(void **state) {
    (void)state;
    talking_rules("rule 'r' { match = 'hi', reply = function(t) return t:generate {} end }");
    for (unsigned at = 1; at < 5; at++) {
        test_model_rewind(&talking.main);
        talking.main.replies[0] = "abc";
        talking.main.hang_at = at;
        bot_start("s1", "hi");
        for (int i = 0; i < 20; i++) rig_spin(&bot.rig, 1);
        assert_int_equal(bot.client.dones, 0);
        rp_turn_cancel(bot.client.turn);
        rig_finish(&bot.rig, &bot.client);
        assert_int_equal(talking.main.closed, 1);
    }
}

static void what_is_too_long_is_cut_off_with_an_error(void **state) {
    static char text[(1 << 20) + 2];
    (void)state;
    bot.options.turn_memory = 1 << 24;
    bot.rig.runtime.limits.turn_ms = 60000;
    bot.options.time_ms = 60000;
    memset(text, 'x', sizeof(text) - 1);
    talking.main.replies[0] = text;
    talking_rules("rule 'r' { match = 'hi', reply = function(t) local s, why = t:generate {} return why.code end }");
    bot_start("s1", "hi");
    int64_t give_up = rp_now_ns() + 60000000000;
    while (bot.client.dones == 0 && rp_now_ns() < give_up) rig_spin(&bot.rig, 1);
    assert_string_equal(bot.client.text.data, "reply_too_long");
}

static void a_dialog_asks_a_model_once(void **state) {
    (void)state;
    talking_rules("dialog 'd' { match = '^go', run = function(t)\n"
                  "  local color, why = t:generate { prompt = 'a color' }\n"
                  "  local label, no = t:classify('x', { 'a', 'b' })\n"
                  "  local data = t:extract('y', { type = 'object', properties = { l = { type = 'array' } } })\n"
                  "  local answer = t:ask(color .. '?')\n"
                  "  return color .. ' ' .. tostring(label) .. no.code .. ' ' .. #data.l .. ' ' .. answer end }");
    talking.main.replies[0] = "red";
    talking.main.replies[1] = "!";
    talking.main.replies[2] = "{\"l\":[1,null,{}]}";
    bot_expect("go", "red?", "dialog:d");
    bot_expect("yes", "red nilupstream_error 3 yes", "dialog:d");
    assert_int_equal(talking.main.calls, 3);
}

static void turns_that_ask_do_not_mix(void **state) {
    static struct rig_client clients[6];
    (void)state;
    talking_rules("rule 'r' { match = [[^n(\\d)]], reply = function(t) local n = t.match[1]\n"
                  "  local a = t:generate('q' .. n) assert(t.match[1] == n) return n .. a end }");
    for (int i = 0; i < 6; i++) talking.main.replies[i] = "abc";
    for (int i = 0; i < 6; i++) {
        char message[16], session[16];
        snprintf(message, sizeof(message), "n%d", i);
        snprintf(session, sizeof(session), "s%d", i);
        struct rp_turn_start start = {.message = rp_str(message), .session = rp_str(session)};
        assert_int_equal(rig_start(&bot.rig, &clients[i], &start), 0);
    }
    for (int i = 0; i < 6; i++) {
        char expected[24];
        rig_finish(&bot.rig, &clients[i]);
        snprintf(expected, sizeof(expected), "%dabc", i);
        assert_string_equal(clients[i].text.data, expected);
        rig_client_clear(&clients[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talking_setup, talking_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_text_comes_back),
        TEST(everything_can_be_said_of_the_question),
        TEST(a_text_alone_is_the_prompt),
        TEST(history_goes_along_where_it_is_wanted),
        TEST(with_a_schema_a_table_comes_back),
        TEST(what_goes_wrong_comes_back_as_a_value),
        TEST(wrong_arguments_are_errors_of_the_rule),
        TEST(without_a_model_it_is_an_error),
        TEST(several_questions_follow_each_other_in_pcall_and_when),
        TEST(each_question_is_a_wait),
        TEST(the_rules_time_ends_the_question),
        TEST(who_leaves_ends_the_question),
        TEST(what_is_too_long_is_cut_off_with_an_error),
        TEST(a_dialog_asks_a_model_once),
        TEST(turns_that_ask_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
