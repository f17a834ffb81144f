/* Conversations: what rules answer, what they know of the turn, what they keep, and what a model is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "bot.h"

static void a_fixed_reply_is_filled_from_captures(void **state) {
    (void)state;
    bot_rules(
        "rule \"order\" { match = [[(?i)order\\s*#?(?<id>\\d+)( now)?]], reply = \"Order {id}, {{x}}{2}. {0}\" }\n"
        "rule \"zh\" { match = { \"退款\", \"退货\" }, reply = \"好的 {0}\" }");
    bot_expect("my ORDER #42!", "Order 42, {x}. ORDER #42", "rule:order");
    bot_expect("我要退货", "好的 退货", "rule:zh");
    bot_expect("anything else", "I am the model.", "model:test");
}

static void patterns_see_normalised_text_and_captures_give_the_original(void **state) {
    (void)state;
    bot_rules("rule \"order\" { match = [[(?i)order\\s*#?(?<id>\\d+)]], reply = \"Order {id}.\" }\n"
              "rule \"zh\" { match = [[订单\\s*(?<id>\\d+)]], reply = function(t)\n"
              "  return \"订单 \" .. t.match.id .. \"（\" .. t.match[0] .. \"）: \" .. t.text end }\n"
              "rule \"refund\" { match = { \"refund\", \"退款\" }, reply = \"{0}!\" }\n"
              "rule \"find\" { match = [[(?<word>find) (?<place>café)]], reply = \"{word} {place}\" }");
    bot_expect("ｏｒｄｅｒ　＃１００２０２", "Order １００２０２.", "rule:order");
    bot_expect("订单１００２０２？", "订单 １００２０２（订单１００２０２）: 订单１００２０２？", "rule:zh");
    bot_expect("订单 100202？", "订单 100202（订单 100202）: 订单 100202？", "rule:zh");
    bot_expect("a re\u200Bfund", "re\u200Bfund!", "rule:refund");
    bot_expect("我要退\u200B款", "退\u200B款!", "rule:refund");
    bot_expect("ﬁnd cafe\u0301 now", "ﬁnd cafe\u0301", "rule:find");
}

static void the_first_rule_that_answers_wins(void **state) {
    (void)state;
    bot_rules("rule \"declines\" { match = \"a\", priority = 9, reply = function(t) return nil end }\n"
              "rule \"false\" { match = \"a\", priority = 8, reply = function(t) return false end }\n"
              "rule \"nothing\" { match = \"a\", priority = 7, reply = function(t) end }\n"
              "rule \"when\" { match = \"a\", priority = 6, when = function(t) return t.text == \"a!\" end, reply = "
              "\"when {0}\" }\n"
              "rule \"both\" { match = \"ab\", when = function(t) return true end, reply = function(t) return \"both\" "
              "end }\n"
              "rule \"pass\" { match = \"a.c\", reply = function(t) return t:pass() end }\n"
              "rule \"last\" { match = \"a\", reply = \"last\" }");
    bot_expect("a", "last", "rule:last");
    bot_expect("a!", "when a", "rule:when");
    bot_expect("ab", "both", "rule:both");
    bot_expect("axc", "I am the model.", NULL);
}

static void one_of_several_patterns_gives_the_captures(void **state) {
    (void)state;
    bot_rules("local n = 0\nrule \"x\" { match = { [[id (?<id>\\d+)]], [[nr (?<id>\\d+)]] }, reply = function(t)\n"
              "  if t.match.id == \"0\" then return end return t.match.id .. t.match[1] .. t.match[0] end }\n"
              "rule \"y\" { match = \"id\", reply = \"y\" }");
    bot_expect("nr 7", "77nr 7", NULL);
    bot_expect("id 0 nr 7", "y", NULL); /* a rule has one try */
}

static void a_function_can_return_a_template_and_a_table(void **state) {
    (void)state;
    bot_rules("rule \"x\" { match = [[(?<id>\\d+)]], reply = function(t)\n"
              "  return \"{id}: {status}, {customer.name}, {1}, {n}, {yes}, {gone}|{{status}} {customer}\",\n"
              "    { status = \"{id}\", customer = { name = \"Ann\" }, n = 2.5, yes = true } end }\n"
              "rule \"plain\" { match = \"plain\", reply = function(t) return \"as {it} {{is}}\" end }\n"
              "rule \"number\" { match = \"number\", reply = function(t) return 12 end }\n"
              "rule \"list\" { match = \"list\", reply = function(t) return \"{1} and {2}\", { \"a\", \"b\" } end }");
    bot_expect("42", "42: {id}, Ann, 42, 2.5, true, |{status} ", NULL);
    bot_expect("plain", "as {it} {{is}}", NULL);
    bot_expect("number", "12", NULL);
    bot_expect("list", "a and b", NULL);
}

static void one_of_several_replies_is_taken_by_the_turns_id(void **state) {
    (void)state;
    bot_rules("rule \"x\" { match = \"a\", reply = { \"one\", \"two\", \"three\" } }");
    unsigned seen = 0;
    for (int i = 0; i < 60; i++) {
        const char *reply = bot_say("a");
        seen |= strcmp(reply, "one") == 0 ? 1 : strcmp(reply, "two") == 0 ? 2 : strcmp(reply, "three") == 0 ? 4 : 8;
    }
    assert_int_equal(seen, 7);
    struct rp_turn_start start = {.id = "fixed", .message = RP_STR("a"), .session = RP_STR("s")};
    char first[16] = "";
    for (int i = 0; i < 5; i++) {
        rig_client_clear(&bot.client);
        assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
        rig_finish(&bot.rig, &bot.client);
        if (i == 0) snprintf(first, sizeof(first), "%s", bot.client.text.data);
        assert_string_equal(bot.client.text.data, first);
    }
}

static void a_rule_knows_its_turn(void **state) {
    struct rp_turn_start start = {
        .id = "req-1", .message = RP_STR("你好"), .session = RP_STR("s9"), .user = RP_STR("u7")};
    (void)state;
    bot.options.config = json_pack("{s:s, s:{s:[i,i]}}", "api", "http://x", "deep", "list", 1, 2);
    bot_rules(
        "rule \"x\" { match = \"你\", reply = function(t)\n"
        "  return table.concat({ t.text, t.id, t.user, t.lang, tostring(math.type(t.now)), t.config.api,\n"
        "    tostring(config == t.config), t.config.deep.list[2], t.metadata.page, #t.history, type(t.session),\n"
        "    tostring(t.now > 1600000000 and time() - t.now < 2) }, \"|\") end }\n"
        "rule \"anon\" { match = \"anon\", reply = function(t) return t.lang .. tostring(t.user) .. #t.metadata end }");
    start.metadata = json_pack("{s:s}", "page", "/cart");
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
    rig_finish(&bot.rig, &bot.client);
    assert_string_equal(bot.client.text.data, "你好|req-1|u7|zh|integer|http://x|true|2|/cart|0|userdata|true");
    json_decref(start.metadata);
    start = (struct rp_turn_start){.message = RP_STR("anon")};
    rig_client_clear(&bot.client);
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
    rig_finish(&bot.rig, &bot.client);
    assert_string_equal(bot.client.text.data, "ennil0");
    json_decref(bot.options.config);
}

static void the_session_keeps_values(void **state) {
    (void)state;
    bot_rules("rule \"set\" { match = \"^set\", reply = function(t) local s = t.session\n"
              "  s.name = \"Ann\" s.n = (s.n or 0) + 1 s.ok = true s.cart = { items = { 1, 2.5, \"三\" } } return "
              "\"set\" end }\n"
              "rule \"get\" { match = \"^get\", reply = function(t) local s = t.session\n"
              "  return \"{name} {n} {ok} {third} {type}\", { name = s.name, n = s.n, ok = s.ok,\n"
              "    third = s.cart and s.cart.items[3], type = s.n and math.type(s.n) } end }\n"
              "rule \"drop\" { match = \"^drop\", reply = function(t) t.session.name = nil t.session.cart = nil return "
              "\"ok\" end }\n"
              "rule \"deep\" { match = \"^deep\", reply = function(t)\n"
              "  local ok, why = pcall(function() t.session.cart.items[1] = 9 end) return tostring(why) end }");
    bot_expect("set", "set", NULL);
    bot_expect("set", "set", NULL);
    bot_expect("get", "Ann 2 true 三 integer", NULL);
    assert_non_null(strstr(bot_say("deep"), "read-only"));
    assert_string_equal(bot_say_in("s2", "get"), "    ");
    bot_expect("drop", "ok", NULL);
    bot_expect("get", " 2 true  integer", NULL);
}

static void wrong_session_values_are_errors(void **state) {
    (void)state;
    bot_rules("local function try(f, ...) local ok, why = pcall(f, ...) assert(not ok) return (why:gsub(\"^.-: \", "
              "\"\", 1)) end\n"
              "rule \"x\" { match = \"x\", reply = function(t) local s, loop = t.session, {} loop.loop = loop\n"
              "  return table.concat({ try(function() s.f = print or next end), try(function() s.l = loop end),\n"
              "    try(function() s.n = 0/0 end), try(function() s.u = \"\\xff\" end), try(function() s.m = { 1, a = 2 "
              "} end),\n"
              "    try(function() s.big = (\"x\"):rep(1 << 20) end), try(function() s[1] = 2 end) }, \"\\n\") end }");
    const char *reply = bot_say("x");
    assert_non_null(strstr(reply, "only strings, numbers, booleans and tables"));
    assert_non_null(strstr(reply, "nested too deep"));
    assert_non_null(strstr(reply, "infinite"));
    assert_non_null(strstr(reply, "not valid UTF-8"));
    assert_non_null(strstr(reply, "keys that are not strings"));
    assert_non_null(strstr(reply, "grow too large"));
}

static void the_history_is_there(void **state) {
    (void)state;
    bot_rules("rule \"x\" { match = \"history\", reply = function(t) local out = {}\n"
              "  for i, m in ipairs(t.history) do out[i] = m.role .. \"=\" .. m.text end return table.concat(out, "
              "\";\") end }");
    bot_say("hello");
    bot_expect("history", "user=hello;assistant=I am the model.", NULL);
}

static void a_language_is_guessed_or_set(void **state) {
    (void)state;
    bot_rules("rule \"set\" { match = \"speak\", reply = function(t) t.lang = \"fr\" return t.lang end }\n"
              "rule \"bad\" { match = \"wrong\", reply = function(t) t.lang = \"no such\" end }\n"
              "rule \"unset\" { match = \"forget\", reply = function(t) t.lang = nil return t.lang end }\n"
              "rule \"lang\" { match = \".\", reply = function(t) return t.lang end }");
    bot_expect("where are you", "en", NULL);
    bot_expect("你好", "zh", NULL);
    bot_expect("speak", "fr", NULL);
    bot_expect("你好", "fr", NULL);
    bot_expect("forget das und", "de", NULL);
    bot_expect("wrong", "!rule_error", NULL);
}

static void session_variables_can_be_listed(void **state) {
    (void)state;
    bot_rules("rule \"x\" { match = \"x\", reply = function(t) t.session.b = 2 t.session.a = { 1 } t.lang = \"en\"\n"
              "  local names = {} for name, value in pairs(t.session) do names[#names + 1] = name .. type(value) end\n"
              "  table.sort(names) return table.concat(names, \" \") .. tostring(pcall(function() return t.session[\"@lang\"] end)) end }");
    bot_expect("x", "atable bnumberfalse", NULL);
}

static void a_generate_shapes_the_prompt(void **state) {
    (void)state;
    bot_rules("rule \"x\" { match = \"rule\", reply = \"ruled\" }\n"
              "generate \"vip\" { when = function(t) return t.text == \"vip\" end,\n"
              "  system = function(t) return \"You serve {who}.\", { who = t.user } end, temperature = 0 }\n"
              "generate \"skip\" { system = function(t) return nil end }\n"
              "generate \"support\" { system = \"Be kind.\", temperature = 0.2, top_p = 0.9, max_tokens = 300,\n"
              "  stop = { \"END\", \"停\" }, examples = { { user = \"hi\", assistant = \"Hello!\" }, { user = \"bye\", "
              "assistant = \"Bye.\" } } }\n"
              "generate \"never\" { system = \"No.\" }");
    bot_expect("rule", "ruled", "rule:x");
    assert_int_equal(bot.asked, 0);
    bot_expect("hi", "I am the model.", "generate:support");
    assert_string_equal(bot.system, "Be kind.");
    assert_true(bot.prompt.temperature == 0.2 && bot.prompt.top_p == 0.9);
    assert_int_equal(bot.prompt.max_tokens, 300);
    assert_string_equal(bot.prompt.stop[1], "停");
    assert_null(bot.prompt.stop[2]);
    assert_int_equal(bot.prompt.example_count, 4);
    assert_int_equal(bot.prompt.examples[3].role, RP_ROLE_ASSISTANT);
    assert_true(rp_str_equal(bot.prompt.examples[2].text, RP_STR("bye")));
    bot_expect("vip", "I am the model.", "generate:vip");
    assert_string_equal(bot.system, "You serve u1.");
    assert_true(bot.prompt.temperature == 0 && isnan(bot.prompt.top_p));
}

static void an_error_fails_the_turn_and_nothing_else(void **state) {
    (void)state;
    bot_rules("rule \"bad\" { match = \"bad\", reply = function(t) return t.nothing.at.all end }\n"
              "rule \"type\" { match = \"type\", reply = function(t) return {} end }\n"
              "rule \"object\" { match = \"object\", reply = function(t) error({ code = 1 }) end }\n"
              "rule \"when\" { match = \"when\", when = function(t) error(nil) end, reply = \"x\" }\n"
              "rule \"utf8\" { match = \"utf8\", reply = function(t) return \"\\xff\" end }\n"
              "rule \"good\" { match = \".\", reply = \"good\" }");
    bot_expect("bad", "!rule_error", "rule:bad");
    bot_expect("type", "!rule_error", NULL);
    bot_expect("object", "!rule_error", NULL);
    bot_expect("when", "!rule_error", NULL);
    bot_expect("utf8", "!rule_error", NULL);
    bot_expect("x", "good", NULL);
}

static void an_apology_stands_for_the_error(void **state) {
    (void)state;
    bot.options.apology = "Sorry.";
    bot_rules("rule \"bad\" { match = \"bad\", reply = function(t) error(\"x\") end }");
    bot_expect("bad", "Sorry.", "rule:bad");
}

static void after_an_error_the_next_rule_can_try(void **state) {
    (void)state;
    bot.options.on_error = ON_ERROR_NEXT;
    bot_rules("rule \"bad\" { match = \"b\", reply = function(t) error(\"x\") end }\n"
              "rule \"loop\" { match = \"b\", reply = function(t) while true do end end }\n"
              "rule \"late\" { match = \"b\", reply = function(t) t:sleep(0) error(\"x\") end }\n"
              "rule \"good\" { match = \"b\", reply = \"good\" }");
    bot_expect("b", "good", "rule:good");
}

static void a_pattern_at_its_limit_fails_closed(void **state) {
    static char message[2048];
    (void)state;
    bot_rules(
        "rule \"evil\" { match = [[^(?:a+a+)+$]], reply = \"evil\" }\nrule \"other\" { match = \"b\", reply = \"b\" }");
    memset(message, 'a', 60);
    message[60] = 'b';
    bot_expect(message, "!regex_limit", "rule:evil");
    bot_expect("b", "b", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bot_setup, bot_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_fixed_reply_is_filled_from_captures),
        TEST(patterns_see_normalised_text_and_captures_give_the_original),
        TEST(the_first_rule_that_answers_wins),
        TEST(one_of_several_patterns_gives_the_captures),
        TEST(a_function_can_return_a_template_and_a_table),
        TEST(one_of_several_replies_is_taken_by_the_turns_id),
        TEST(a_rule_knows_its_turn),
        TEST(the_session_keeps_values),
        TEST(wrong_session_values_are_errors),
        TEST(the_history_is_there),
        TEST(a_language_is_guessed_or_set),
        TEST(session_variables_can_be_listed),
        TEST(a_generate_shapes_the_prompt),
        TEST(an_error_fails_the_turn_and_nothing_else),
        TEST(an_apology_stands_for_the_error),
        TEST(after_an_error_the_next_rule_can_try),
        TEST(a_pattern_at_its_limit_fails_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
