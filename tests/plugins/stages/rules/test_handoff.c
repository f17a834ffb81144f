/* A person takes a conversation over, gets what is said in it, and gives it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bot.h"

#define RULES                                                                                                          \
    "rule \"person\" { match = \"person\", reply = function(t) return t:handoff \"asked\" end }\n"                    \
    "rule \"own-words\" { match = \"complain\", reply = function(t) t:handoff() return \"One moment.\" end }\n"       \
    "rule \"hours\" { match = \"hours\", reply = \"Nine to five.\" }\n"                                                \
    "rule \"back\" { match = \"bot please\", with_person = true,\n"                                                    \
    "  reply = function(t) t:release() return \"Here I am.\" end }\n"

/* Runs an event of the session to its end; its reply waits for the next turn. */
static void event(const char *name, json_t *data) {
    struct rig_client client = {0};
    struct rp_turn_start start = {.session = RP_STR("s"), .event = name, .metadata = data};
    assert_int_equal(rig_start(&bot.rig, &client, &start), 0);
    rig_finish(&bot.rig, &client);
    assert_int_equal(client.errors, 0);
    rig_client_clear(&client);
    json_decref(data);
}

static void the_answer_is_the_configured_one_or_the_rules(void **state) {
    (void)state;
    bot_rules(RULES);
    bot_expect("a person", "I am passing you on to a person.", "rule:person");
    bot_say_in("s2", "hours");
    assert_string_equal(bot_say_in("s3", "I complain"), "One moment.");
}

static void later_messages_go_to_the_person(void **state) {
    (void)state;
    bot_rules(RULES);
    bot_expect("a person", "I am passing you on to a person.", "rule:person");
    bot_expect("hours", "Your message has been passed on.", "handoff");
    bot_expect("anything", "Your message has been passed on.", "handoff");
    assert_int_equal(bot.asked, 0);
    assert_string_equal(bot_say_in("another", "hours"), "Nine to five.");
}

static void a_rule_with_person_gives_it_back(void **state) {
    (void)state;
    bot_rules(RULES);
    bot_expect("a person", "I am passing you on to a person.", NULL);
    bot_expect("the bot please", "Here I am.", "rule:back");
    bot_expect("hours", "Nine to five.", "rule:hours");
}

static void an_event_gives_it_back(void **state) {
    (void)state;
    bot_rules(RULES);
    assert_string_equal(bot_say_in("s", "a person"), "I am passing you on to a person.");
    event("release", NULL);
    assert_string_equal(bot_say_in("s", "hours"), "Nine to five.");
}

static void a_person_speaks_through_an_event(void **state) {
    (void)state;
    bot_rules(RULES);
    assert_string_equal(bot_say_in("s", "a person"), "I am passing you on to a person.");
    event("say", json_pack("{s:s}", "text", "This is Ann."));
    assert_string_equal(bot_say_in("s", "hello?"), "This is Ann.\nYour message has been passed on.");
}

static void the_bot_takes_it_back_by_itself(void **state) {
    (void)state;
    bot.options.handoff_for_ms = 1;
    bot_rules(RULES);
    bot_expect("a person", "I am passing you on to a person.", NULL);
    int64_t until = rp_wall_ms() + 5;
    while (rp_wall_ms() < until) rig_spin(&bot.rig, 1);
    bot_expect("hours", "Nine to five.", "rule:hours");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bot_setup, bot_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_answer_is_the_configured_one_or_the_rules),
        TEST(later_messages_go_to_the_person),
        TEST(a_rule_with_person_gives_it_back),
        TEST(an_event_gives_it_back),
        TEST(a_person_speaks_through_an_event),
        TEST(the_bot_takes_it_back_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
