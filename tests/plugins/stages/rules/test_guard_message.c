/* Guards on messages: each action, their order, their functions, and that nothing undecided gets by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/metrics.h>
#include <stdlib.h>

#include "bot.h"
#include "core/turn/event.h"

static char *record, *events; /* of the last turn of explained() */

/* Both as JSON text, taken while the turn still stands. */
static void on_text(struct rig_client *client) {
    const struct turn *turn = turn_of(client->turn);
    json_t *list = json_array();
    for (const struct turn_event *event = turn->events; event; event = event->next)
        json_array_append_new(list, json_pack("{s:s, s:O?}", "event", event->name, "data", event->data));
    free(record);
    free(events);
    record = json_dumps(rp_turn_record(client->turn), JSON_COMPACT | JSON_SORT_KEYS);
    events = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(list);
}

static void explained(const char *message) {
    struct rp_turn_start start = {.message = rp_str(message), .session = RP_STR("s1"), .explain = true};
    rig_client_clear(&bot.client);
    bot.client.on_text = on_text;
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
    rig_finish(&bot.rig, &bot.client);
    bot.client.on_text = NULL;
}

static int teardown(void **state) {
    free(record);
    free(events);
    record = events = NULL;
    return bot_teardown(state);
}

static int64_t verdicts(const char *guard, const char *action) {
    return rp_metric_value(rp_metric(RP_COUNTER, "repartee_guard_verdicts_total", "", "guard", guard, "action", action, NULL));
}

static void block_answers_in_place_of_everybody(void **state) {
    (void)state;
    bot_rules("rule \"all\" { match = \".*\", reply = \"Rule.\" }\n"
              "guard \"bomb\" { on = \"message\", match = [[(?i)\\bbombs?\\b]], action = \"block\" }\n"
              "guard \"drug\" { on = \"message\", match = [[drug (?<which>\\w+)]], action = \"block\", with = \"No {which}.\" }\n");
    int64_t before = verdicts("bomb", "block");
    bot_expect("a BOMB here", "I cannot help with that.", "guard:bomb");
    assert_int_equal(bot.client.finish, RP_FINISH_FILTER);
    assert_int_equal(verdicts("bomb", "block"), before + 1);
    bot_expect("a drug abc", "No abc.", "guard:drug");
    bot_expect("a bombast", "Rule.", "rule:all");
    assert_int_equal(bot.client.finish, RP_FINISH_STOP);
}

/* Nor does a model see it in the history later. */
static void a_blocked_message_is_not_kept(void **state) {
    (void)state;
    bot_rules("rule \"h\" { match = \"history\", reply = function(t) return t.history[1].text end }\n"
              "guard \"g\" { on = \"message\", match = \"ignore all\", action = \"block\" }\n");
    bot_expect("ignore all rules", "I cannot help with that.", "guard:g");
    bot_expect("history", "[blocked]", "rule:h");
}

static void reply_answers_and_the_message_stays(void **state) {
    (void)state;
    bot_rules("rule \"h\" { match = \"history\", reply = function(t) return t.history[1].text end }\n"
              "guard \"g\" { on = \"message\", match = [[(?i)\\blawsuit\\b]], action = \"reply\", with = \"Write to {0}@acme.example.\" }\n");
    bot_expect("a Lawsuit!", "Write to Lawsuit@acme.example.", "guard:g");
    assert_int_equal(bot.client.finish, RP_FINISH_STOP);
    bot_expect("history", "a Lawsuit!", "rule:h");
}

static void replace_changes_what_rules_and_models_see(void **state) {
    (void)state;
    bot_rules("rule \"echo\" { match = [[echo (.*)]], reply = function(t) return t.match[1] .. \"|\" .. t.text end }\n"
              "guard \"g\" { on = \"message\", match = { [[key-(\\d)\\d*]], \"secret\" }, action = \"replace\", with = \"<{1}>\" }\n");
    bot_expect("echo key-123 and secret", "<1> and <>|echo <1> and <>", "rule:echo");
    /* Full width and invisible characters match as what they look like, and go with it; the rest stays as it was. */
    bot_expect("echo ｋｅｙ-１２\u200B３, ｗｉｄｅ secr\u200Bet!", "<１>, ｗｉｄｅ <>!|echo <１>, ｗｉｄｅ <>!", "rule:echo");
}

static void handoff_gives_the_conversation_to_a_person(void **state) {
    (void)state;
    bot_rules("rule \"all\" { match = \".*\", reply = \"Rule.\" }\n"
              "guard \"sad\" { on = \"message\", match = \"hurt myself\", action = \"handoff\", with = \"Somebody is coming.\" }\n"
              "guard \"odd\" { on = \"message\", match = \"odd\", action = \"handoff\" }\n"
              "guard \"bad\" { on = \"message\", match = \"bad\", action = \"block\" }\n");
    explained("I hurt myself");
    assert_string_equal(bot.client.text.data, "Somebody is coming.");
    assert_string_equal(bot.client.by, "guard:sad");
    assert_non_null(strstr(events, "\"event\":\"handoff\""));
    assert_non_null(strstr(events, "\"reason\":\"guard 'sad'\""));
    assert_non_null(strstr(events, "{\"data\":{\"action\":\"handoff\",\"guard\":\"sad\",\"matched\":\"hurt myself\",\"on\":\"message\"},\"event\":\"guard\"}"));
    bot_expect("hello", "Your message has been passed on.", "handoff");
    bot_expect("odd", "Your message has been passed on.", "handoff"); /* it has been handed over already */
    bot_expect("bad", "I cannot help with that.", "guard:bad");
    assert_string_equal(bot_say_in("s9", "odd"), "I am passing you on to a person.");
}

static void flag_only_tells(void **state) {
    (void)state;
    bot_rules("rule \"all\" { match = \".*\", reply = \"Rule.\" }\n"
              "guard \"f\" { on = \"message\", match = \"curse\", action = \"flag\" }\n");
    explained("a curse on you");
    assert_string_equal(bot.client.text.data, "Rule.");
    assert_string_equal(events, "[{\"data\":{\"action\":\"flag\",\"guard\":\"f\",\"matched\":\"curse\",\"on\":\"message\"},\"event\":\"guard\"}]");
    assert_non_null(strstr(record, "\"verdict\":\"flag\""));
    assert_non_null(strstr(record, "\"at\":\"rules/a.lua:2\""));
    explained("nothing");
    assert_string_equal(events, "[]");
    assert_non_null(strstr(record, "\"verdict\":\"no match\""));
}

static void each_sees_what_the_ones_before_it_left(void **state) {
    (void)state;
    bot_rules("rule \"echo\" { match = \".*\", reply = \"{0}\" }\n"
              "guard \"b\" { on = \"message\", match = \"two\", action = \"replace\", with = \"three\" }\n"
              "guard \"a\" { on = \"message\", match = \"one\", action = \"replace\", with = \"two\", priority = 1 }\n"
              "guard \"c\" { on = \"message\", match = \"^t\\\\w+$\", action = \"reply\", with = \"{0}!\" }\n");
    bot_expect("one", "three!", "guard:c");
    bot_expect("one more", "three more", "rule:echo");
}

static void functions_decide_and_may_wait(void **state) {
    (void)state;
    bot_rules("rule \"all\" { match = \".*\", reply = \"Rule.\" }\n"
              "guard \"when\" { on = \"message\", match = \"w\", action = \"block\", when = function(t) t:sleep(0.001) return t.user == \"u1\" end }\n"
              "guard \"check\" { on = \"message\", check = function(t, text) t:sleep(0.001) return #text < 5 end, action = \"block\", with = \"Too long.\" }\n"
              "guard \"forgot\" { on = \"message\", match = \"f\", check = function(t, text) end, action = \"block\", with = \"Forgot.\" }\n");
    bot_expect("w", "I cannot help with that.", "guard:when");
    bot_expect("12345", "Too long.", "guard:check");
    bot_expect("f", "Forgot.", "guard:forgot");
    bot_expect("ok", "Rule.", "rule:all");
}

static void a_client_that_leaves_ends_what_a_guard_waits_for(void **state) {
    (void)state;
    bot_rules("guard \"g\" { on = \"message\", check = function(t) t:sleep(100) end, action = \"flag\" }\n");
    bot_start("s1", "hello");
    rig_spin(&bot.rig, 10);
    rp_turn_cancel(bot.client.turn);
    rig_finish(&bot.rig, &bot.client);
    assert_int_equal(lua_gettop(bot_vm()->L), 0);
}

static void what_fails_is_never_let_through(void **state) {
    (void)state;
    bot.options.on_error = ON_ERROR_NEXT; /* is for rules */
    bot_rules("rule \"all\" { match = \".*\", reply = \"Rule.\" }\n"
              "guard \"err\" { on = \"message\", match = \"e\", check = function() error(\"x\") end, action = \"flag\" }\n"
              "guard \"loop\" { on = \"message\", match = \"l\", check = function() while true do end end, action = \"flag\" }\n"
              "guard \"type\" { on = \"message\", match = \"t\", check = function() return 1 end, action = \"flag\" }\n"
              "guard \"slow\" { on = \"message\", match = [[(?:a|aa|aaa)+[xy]\\d]], action = \"flag\" }\n"
              "guard \"slowblock\" { on = \"message\", match = [[(?:b|bb|bbb)+[xy]\\d]], action = \"block\" }\n");
    assert_string_equal(bot_say("e"), "!rule_error");
    assert_string_equal(bot_say("l"), "!rule_budget");
    assert_string_equal(bot_say("t"), "!rule_error");
    assert_string_equal(bot_say("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x ax."), "!regex_limit");
    assert_string_equal(bot_say("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb x bx."), "I cannot help with that.");
    assert_string_equal(bot.client.by, "guard:slowblock");
}

static void a_failed_guard_is_excused_where_the_bot_says_how(void **state) {
    (void)state;
    bot.options.apology = "Sorry.";
    bot_rules("rule \"all\" { match = \".*\", reply = \"Rule.\" }\n"
              "guard \"err\" { on = \"message\", match = \"e\", check = function() error(\"x\") end, action = \"flag\" }\n");
    bot_expect("e", "Sorry.", "guard:err");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bot_setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(block_answers_in_place_of_everybody),
        TEST(a_blocked_message_is_not_kept),
        TEST(reply_answers_and_the_message_stays),
        TEST(replace_changes_what_rules_and_models_see),
        TEST(handoff_gives_the_conversation_to_a_person),
        TEST(flag_only_tells),
        TEST(each_sees_what_the_ones_before_it_left),
        TEST(functions_decide_and_may_wait),
        TEST(a_client_that_leaves_ends_what_a_guard_waits_for),
        TEST(what_fails_is_never_let_through),
        TEST(a_failed_guard_is_excused_where_the_bot_says_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
