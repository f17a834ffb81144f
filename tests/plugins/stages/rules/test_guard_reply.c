/* Guards on replies: each action, on what comes in pieces and on what is held, with tool calls, functions and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <stdlib.h>

#include "guarded.h"

#define STOP RP_FINISH_STOP
#define FILTER RP_FINISH_FILTER
#define MODEL "model:test"

static void replace_fills_in_captures(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = [[(?i)\\bguarantee(?<end>\\w*)]], action = \"replace\", with = \"aim{end}\" }");
    guarded_expect("We gua|ran|teed| it, and guarantee it.", "We aimd it, and aim it.", MODEL, STOP);
    guarded_expect("No guard here.", "No guard here.", MODEL, STOP);
    guarded_expect("", "", MODEL, STOP);
}

static void block_ends_the_reply_before_the_match(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = [[(?i)account number]], action = \"block\" }\n"
                  "guard \"h\" { on = \"reply\", match = [[pin (\\d{4})\\b]], action = \"block\", with = \"[{1}]\" }");
    guarded_expect("Your acc|ount num|ber is 12| and more|and more", "Your I cannot help with that.", "guard:g", FILTER);
    assert_int_equal(guarded.closed, 1);
    guarded_expect("The pin 12|34", "The [1234]", "guard:h", FILTER);
    guarded_expect("The pin 12|345.", "The pin 12345.", MODEL, STOP);
}

static void only_what_is_undecided_is_held(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = \"secret\", action = \"block\" }");
    struct rp_turn_start start = {.message = RP_STR("hi"), .session = RP_STR("s1")};
    guarded.replies[0] = "the s|e|cond| sec|ret";
    bot.client.manual = true;
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
    rig_spin(&bot.rig, 8);
    assert_string_equal(bot.client.text.data, "the ");
    rp_turn_more(bot.client.turn);
    rig_spin(&bot.rig, 16);
    assert_string_equal(bot.client.text.data, "the secon"); /* a mark might follow the d */
    bot.client.manual = false;
    rp_turn_more(bot.client.turn);
    rig_finish(&bot.rig, &bot.client);
    assert_string_equal(bot.client.text.data, "the second I cannot help with that.");
}

static void what_nobody_sees_hides_nothing(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = [[(?i)guarantee\\w*]], action = \"replace\", with = \"<{0}>\" }\n"
                  "guard \"h\" { on = \"reply\", match = [[café]], action = \"block\", with = \"-\" }\n"
                  "guard \"w\" { on = \"reply\", match = [[(?i)secret]], action = \"reply\", with = \"No.\", whole = true, priority = -1 }");
    guarded_expect("I guar\u200Bantee\u200Dd it", "I <guar\u200Bantee\u200Dd> it", MODEL, STOP);
    guarded_expect("I ＧＵＡＲ|ＡＮＴＥＥ\uFEFF it", "I <ＧＵＡＲＡＮＴＥＥ>\uFEFF it", MODEL, STOP);
    guarded_expect("a cafe|\u0301 here", "a -", "guard:h", FILTER);
    guarded_expect("a cafe| here", "a cafe here", MODEL, STOP);
    guarded_expect("my s\u00ADe|c\u2060ret", "No.", "guard:w", STOP);
    guarded_expect("@tool:{\"to\":\"guar\u200Bantee\"}", "", MODEL, RP_FINISH_TOOLS);
    assert_string_equal(guarded_tools, "f({\"to\":\"<guar\u200Bantee>\"})");
}

static void flag_only_tells_and_holds_nothing(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = \"sorry.*again\", action = \"flag\" }");
    guarded_expect("I am sorry| for it, ag|ain and again", "I am sorry for it, again and again", MODEL, STOP);
    assert_string_equal(guarded_events, "[{\"data\":{\"action\":\"flag\",\"guard\":\"g\",\"matched\":\"sorry for it, again and again\",\"on\":\"reply\"},\"event\":\"guard\"}]");
    assert_non_null(strstr(guarded_record, "\"verdict\":\"flag\""));
    guarded_expect("fine", "fine", MODEL, STOP);
    assert_string_equal(guarded_events, "[]");
    assert_non_null(strstr(guarded_record, "\"verdict\":\"clear\""));
}

static void each_sees_what_the_ones_before_it_left(void **state) {
    (void)state;
    guarded_rules("guard \"b\" { on = \"reply\", match = \"two\", action = \"replace\", with = \"three\" }\n"
                  "guard \"c\" { on = \"reply\", match = \"three\", action = \"block\", with = \"STOP\" }\n"
                  "guard \"d\" { on = \"reply\", match = \"STOP\", action = \"replace\", with = \"end\" }\n"
                  "guard \"a\" { on = \"reply\", match = \"one\", action = \"replace\", with = \"two\", priority = 1 }");
    guarded_expect("x o|ne y", "x end", "guard:c", FILTER);
    guarded_expect("x on|y", "x ony", MODEL, STOP);
}

static void a_held_reply_is_answered_for(void **state) {
    (void)state;
    guarded_rules("guard \"w\" { on = \"reply\", match = \"wire\", action = \"block\", whole = true, with = \"No {0}.\" }\n"
                  "guard \"r\" { on = \"reply\", match = \"law\", action = \"reply\", whole = true, with = \"Ask legal.\" }\n"
                  "guard \"p\" { on = \"reply\", match = [[.*\\Kprice]], action = \"replace\", whole = true, with = \"cost\" }");
    guarded_expect("the wi|re is| here", "No wire.", "guard:w", FILTER);
    guarded_expect("the la|w", "Ask legal.", "guard:r", STOP);
    guarded_expect("the price|, a pri|ce", "the price, a cost", MODEL, STOP);
    guarded_expect("fi|ne", "fine", MODEL, STOP);
}

/* One write, at the end: nothing has left before everything was decided. */
static void a_held_reply_leaves_when_it_is_decided(void **state) {
    (void)state;
    guarded_rules("guard \"w\" { on = \"reply\", match = \"never\", action = \"block\", whole = true }");
    guarded_expect("a|b|c|d", "abcd", MODEL, STOP);
    assert_int_equal(bot.client.writes, 1);
}

static void a_held_reply_has_the_bots_limit(void **state) {
    (void)state;
    bot.rig.runtime.limits.reply = 10;
    guarded_rules("guard \"w\" { on = \"reply\", match = \"never\", action = \"block\", whole = true }");
    guarded_expect("12345|67890", "1234567890", MODEL, STOP);
    guarded_expect_error("12345|67890|1", "", "reply_too_long");
}

static void retry_asks_the_model_again(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = \"cheap\", action = \"retry\", whole = true, tries = 2, note = \"No prices.\", with = \"Sorry.\" }");
    guarded.replies[0] = "It is |cheap.|@usage";
    guarded.replies[1] = "So cheap|@usage";
    guarded.replies[2] = "It is |good.|@usage";
    guarded_expect(NULL, "It is good.", MODEL, STOP);
    assert_int_equal(guarded.asked, 3);
    assert_string_equal(guarded.note, "No prices.");
    assert_int_equal(bot.client.usage.input_tokens, 30); /* what was thrown away was paid for too */
    assert_int_equal(guarded.closed, 3);
    guarded_expect("cheap", "Sorry.", "guard:g", FILTER);
    assert_int_equal(guarded.asked, 3);
    assert_non_null(strstr(guarded_record, "no tries left"));
}

/* The tries count for the turn, not for each guard. */
static void tries_are_counted_together(void **state) {
    (void)state;
    guarded_rules("guard \"a\" { on = \"reply\", match = \"a\", action = \"retry\", whole = true }\n"
                  "guard \"b\" { on = \"reply\", match = \"b\", action = \"retry\", whole = true, tries = 2, with = \"B\" }");
    guarded.replies[0] = "a";
    guarded.replies[1] = "b";
    guarded.replies[2] = "c";
    guarded_expect(NULL, "c", MODEL, STOP);
    guarded.replies[2] = "a";
    guarded_expect(NULL, "I cannot help with that.", "guard:a", FILTER);
    guarded.replies[2] = "b";
    guarded_expect(NULL, "B", "guard:b", FILTER);
    assert_int_equal(guarded.asked, 3);
}

static void a_rules_own_reply_is_guarded_but_not_asked_for_again(void **state) {
    (void)state;
    guarded_rules("rule \"r\" { match = \"hello\", reply = \"It is cheap.\" }\n"
                  "guard \"g\" { on = \"reply\", match = \"cheap\", action = \"retry\", whole = true, with = \"Sorry.\" }");
    guarded_expect("x", "Sorry.", "guard:g", FILTER);
    assert_int_equal(guarded.asked, 0);
}

static void handoff_gives_the_conversation_to_a_person(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = \"do not know\", action = \"handoff\", whole = true }");
    guarded_expect("I do not| know", "I am passing you on to a person.", "guard:g", STOP);
    assert_non_null(strstr(guarded_events, "\"event\":\"handoff\""));
    guarded_expect("x", "Your message has been passed on.", "handoff", STOP);
    assert_int_equal(guarded.asked, 0);
}

static void check_sees_the_whole_reply_and_may_wait(void **state) {
    (void)state;
    guarded_rules("guard \"long\" { on = \"reply\", whole = true, action = \"retry\", note = \"Be brief.\",\n"
                  "  check = function(t, text) t:sleep(0.001) return #text < 10 or false, \"It had \" .. #text .. \" letters.\" end }\n"
                  "guard \"iban\" { on = \"reply\", whole = true, match = [[IB(\\d+)]], action = \"replace\", with = \"<{1}>\",\n"
                  "  when = function(t) return t.text == \"hello\" end, check = function(t, text) return text:find(\"ok\") ~= nil end }");
    guarded.replies[0] = "This is |far too long.";
    guarded.replies[1] = "IB1|2";
    guarded_expect(NULL, "<12>", MODEL, STOP);
    assert_string_equal(guarded.note, "It had 21 letters.");
    guarded_expect("ok |IB12", "ok IB12", MODEL, STOP);
    guarded_say("other", "IB12");
    assert_string_equal(bot.client.text.data, "IB12");
}

static void what_fails_does_not_leave(void **state) {
    (void)state;
    guarded_rules("guard \"e\" { on = \"reply\", whole = true, match = \"err\", action = \"flag\", check = function() error \"x\" end }\n"
                  "guard \"l\" { on = \"reply\", whole = true, match = \"loop\", action = \"flag\", check = function() while true do end end }\n"
                  "guard \"r\" { on = \"reply\", match = [[(?:a|aa|aaa)+[xy] ]], action = \"replace\", with = \"\" }\n"
                  "guard \"b\" { on = \"reply\", match = [[(?:b|bb|bbb)+[xy] ]], action = \"block\", with = \"[b]\" }");
    guarded_expect_error("an err", "", "rule_error");
    guarded_expect_error("a loop", "", "rule_budget");
    guarded_expect_error("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x ", "", "regex_limit");
    guarded_expect("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb x ", "[b]", "guard:b", FILTER);
    guarded_expect_error("half a rep|@error", "", "upstream_error");
}

static void a_failed_check_is_excused_where_the_bot_says_how(void **state) {
    (void)state;
    bot.options.apology = "Sorry.";
    guarded_rules("guard \"e\" { on = \"reply\", whole = true, match = \"err\", action = \"flag\", check = function() error \"x\" end }");
    guarded_expect("an err", "Sorry.", "guard:e", STOP);
}

static void a_client_that_leaves_ends_what_a_guard_waits_for(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", whole = true, action = \"flag\", check = function(t) t:sleep(100) end }\n"
                  "guard \"w\" { on = \"reply\", match = \"a\", action = \"flag\", when = function(t) if t.text == \"w\" then t:sleep(100) end end }\n");
    static const char *const messages[] = {"hello", "w"};
    guarded.replies[0] = "x";
    for (size_t i = 0; i < 2; i++) {
        bot_start("s1", messages[i]);
        rig_spin(&bot.rig, 10);
        rp_turn_cancel(bot.client.turn);
        rig_finish(&bot.rig, &bot.client);
        assert_int_equal(lua_gettop(((struct vm *)bot.rig.locals[1][0])->L), 0);
    }
}

static void when_is_asked_before_a_reply_in_pieces(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = \"a\", action = \"replace\", with = \"b\",\n"
                  "  when = function(t) t:sleep(0.001) if t.text == \"err\" then error \"x\" end return t.text == \"hello\" end }");
    guarded_expect("a|a", "bb", MODEL, STOP);
    guarded_say("no", "a|a");
    assert_string_equal(bot.client.text.data, "aa");
    assert_non_null(strstr(guarded_record, "not asked for"));
    guarded_say("err", "a|a");
    assert_string_equal(rp_error_code(bot.client.code), "rule_error");
    assert_int_equal(guarded.asked, 0);
}

static void named_guards_look_only_where_they_are_named(void **state) {
    (void)state;
    guarded_rules("rule \"named\" { match = \"named\", reply = \"a secret\", guards = { \"g\" } }\n"
                  "rule \"other\" { match = \"other\", reply = \"a secret\" }\n"
                  "generate \"never\" { when = function() return false end, guards = { \"g\" } }\n"
                  "generate \"m\" { when = function(t) return t.text == \"guarded\" end, guards = { \"g\" } }\n"
                  "guard \"g\" { on = \"reply\", match = \"secret\", action = \"replace\", with = \"***\", always = false }");
    guarded_say("named", "a secret");
    assert_string_equal(bot.client.text.data, "a ***");
    guarded_say("other", "a secret");
    assert_string_equal(bot.client.text.data, "a secret");
    guarded_say("guarded", "a secret");
    assert_string_equal(bot.client.text.data, "a ***");
    guarded_say("model", "a secret");
    assert_string_equal(bot.client.text.data, "a secret");
}

static void tool_calls_are_looked_into(void **state) {
    (void)state;
    guarded_rules("guard \"r\" { on = \"reply\", match = [[key-\\d+]], action = \"replace\", with = \"<key>\" }\n"
                  "guard \"b\" { on = \"reply\", match = \"drop table\", action = \"block\", with = \"[no]\" }\n");
    guarded_expect("Wait|@tool:{\"q\": [\"key-1\", \"\\u006bey-2\"], \"n\": 1}|@tool:{\"x\": 1}| key-|7", "Wait <key>", MODEL, STOP);
    assert_string_equal(guarded_tools, "f({\"q\":[\"<key>\",\"<key>\"],\"n\":1})f({\"x\": 1})");
    guarded_expect("Text|@tool:{\"q\": \"key-1\"}", "Text", MODEL, RP_FINISH_TOOLS);
    assert_string_equal(guarded_tools, "f({\"q\":\"<key>\"})");
    guarded_expect("A drop| key-|@tool:{\"q\": \"drop table x\"}|more", "A drop key-[no]", "guard:b", FILTER);
    assert_string_equal(guarded_tools, "");
    guarded_expect("A key-1|@tool:{\"q\": \"drop table x\"}", "A <key>[no]", "guard:b", FILTER);
}

static void a_held_reply_holds_its_tool_calls(void **state) {
    (void)state;
    guarded_rules("guard \"w\" { on = \"reply\", match = \"bad\", action = \"retry\", whole = true }\n"
                  "guard \"r\" { on = \"reply\", match = \"good\", action = \"replace\", with = \"fine\", whole = true }");
    guarded.replies[0] = "a|@tool:{\"q\": \"b\\u0061d\"}|b";
    guarded.replies[1] = "good|@tool:{\"q\": \"so good\"}|@usage";
    guarded_expect(NULL, "fine", MODEL, STOP);
    assert_string_equal(guarded_tools, "f({\"q\":\"so fine\"})");
    assert_int_equal(guarded.asked, 2);
    assert_int_equal(bot.client.usage.output_tokens, 1);
}

/* The bot runs them next: so they are decided about as they come, and a call that is refused is not asked for. */
static void own_tool_calls_are_stopped_before_they_run(void **state) {
    (void)state;
    guarded_rules("guard \"b\" { on = \"reply\", match = \"stop\", action = \"block\", with = \"[no]\" }\n"
                  "guard \"w\" { on = \"reply\", match = \"worse\", action = \"block\", whole = true, with = \"[worse]\" }\n"
                  "guard \"c\" { on = \"reply\", match = \"late\", action = \"retry\", whole = true,\n"
                  "  check = function(t, text) t:sleep(0.001) return text:find(\"fine\") ~= nil end }\n");
    guarded_expect("One |@own:{\"q\": \"x\"}|two", "One two", MODEL, STOP);
    assert_string_equal(guarded_tools, "own({\"q\": \"x\"})");
    guarded_expect("One s|@own:{\"q\": \"stop\"}|two", "One s[no]", "guard:b", FILTER);
    assert_string_equal(guarded_tools, "");
    guarded_expect("One |@own:{\"q\": \"worse\"}|two", "[worse]", "guard:w", FILTER);
    assert_string_equal(guarded_tools, "");
    guarded_expect("One |@own:{\"q\": \"fine late\"}|two", "One two", MODEL, STOP);
    guarded.replies[0] = "One |@own:{\"q\": \"late\"}|two";
    guarded.replies[1] = "Two |@own:{}|three";
    guarded_expect(NULL, "Two three", MODEL, STOP);
    assert_string_equal(guarded_tools, "own({})");
}

/* What a dialog puts around a reply is part of it, and stays when the model is asked again. */
static void dialogs_are_guarded_with_what_they_put_around(void **state) {
    (void)state;
    guarded_rules("dialog \"d\" { match = \"begin\", run = function(t) t:ask \"Which secret?\" return \"done\" end }\n"
                  "rule \"aside\" { match = \"hello\", interrupt = true, generate = { temperature = 0 } }\n"
                  "guard \"g\" { on = \"reply\", match = \"secret\", action = \"replace\", with = \"***\" }\n"
                  "guard \"r\" { on = \"reply\", match = \"cheap\", action = \"retry\", whole = true }");
    guarded_say("begin", "x");
    assert_string_equal(bot.client.text.data, "Which ***?");
    guarded.replies[0] = "so cheap";
    guarded.replies[1] = "so good, a secret";
    guarded_say("hello", NULL);
    assert_string_equal(bot.client.text.data, "so good, a ***\nWhich ***?");
    assert_int_equal(guarded.asked, 2);
}

/* What a person says through an event is a reply that leaves the stage, too. */
static void events_are_guarded(void **state) {
    (void)state;
    guarded_rules("guard \"g\" { on = \"reply\", match = \"secret\", action = \"replace\", with = \"***\" }");
    struct rig_client client = {0};
    struct rp_turn_start start = {.session = RP_STR("s1"), .event = "say", .metadata = json_pack("{s:s}", "text", "my secret")};
    assert_int_equal(rig_start(&bot.rig, &client, &start), 0);
    rig_finish(&bot.rig, &client);
    assert_string_equal(client.text.data, "my ***");
    rig_client_clear(&client);
    json_decref((json_t *)(uintptr_t)start.metadata);
}

static long memory_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Each of its characters is a change by normalisation and a match: neither may be paid for once more by every other. */
static void many_matches_in_wide_text_take_little_memory(void **state) {
    (void)state;
    enum { COUNT = 4000, WIDE = sizeof("ａ") - 1 };
    static char reply[COUNT * WIDE + 1];
    for (size_t i = 0; i < COUNT; i++) memcpy(reply + i * WIDE, "ａ", WIDE);
    guarded_rules("guard \"g\" { on = \"reply\", match = \"a\", action = \"replace\", with = \"{0}-\" }");
    long before = memory_kib();
    guarded_say("hello", reply);
    assert_int_equal(bot.client.text.len, COUNT * (WIDE + 1));
    assert_in_range(memory_kib() - before, 0, 100 << 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, guarded_setup, guarded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(replace_fills_in_captures),
        TEST(block_ends_the_reply_before_the_match),
        TEST(only_what_is_undecided_is_held),
        TEST(what_nobody_sees_hides_nothing),
        TEST(flag_only_tells_and_holds_nothing),
        TEST(each_sees_what_the_ones_before_it_left),
        TEST(a_held_reply_is_answered_for),
        TEST(a_held_reply_leaves_when_it_is_decided),
        TEST(a_held_reply_has_the_bots_limit),
        TEST(retry_asks_the_model_again),
        TEST(tries_are_counted_together),
        TEST(a_rules_own_reply_is_guarded_but_not_asked_for_again),
        TEST(handoff_gives_the_conversation_to_a_person),
        TEST(check_sees_the_whole_reply_and_may_wait),
        TEST(what_fails_does_not_leave),
        TEST(a_failed_check_is_excused_where_the_bot_says_how),
        TEST(a_client_that_leaves_ends_what_a_guard_waits_for),
        TEST(when_is_asked_before_a_reply_in_pieces),
        TEST(named_guards_look_only_where_they_are_named),
        TEST(tool_calls_are_looked_into),
        TEST(a_held_reply_holds_its_tool_calls),
        TEST(own_tool_calls_are_stopped_before_they_run),
        TEST(dialogs_are_guarded_with_what_they_put_around),
        TEST(events_are_guarded),
        TEST(many_matches_in_wide_text_take_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
