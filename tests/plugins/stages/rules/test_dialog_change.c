/* Code that changes under a conversation: what does not matter, and what is noticed, before anything is done by halves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dialogs.h"

#define D(options, body) "dialog \"d\" { match = \"^go (?<n>\\\\d)\", " options " run = function(t) " body " end }\n"
#define BODY "local a = t:ask \"Q?\" t.session.a = a local b = t:ask(\"R \" .. a .. \"?\") return a .. b .. \"{n}\", {}"

/* Two answers in, waiting for the third. */
static void begin(const char *rules) {
    bot_rules(rules);
    dialogs_talk("> go 7\n< Q?\n> x\n< R x?\n");
}

static void what_does_not_touch_it_does_not_matter(void **state) {
    (void)state;
    begin(D("", BODY));
    dialogs_change("-- a line more\nrule \"other\" { match = \"other\", reply = \"Other.\" }\nlocal unused = 1\n\n"
                   D("cancel = \"^stop$\", cancelled = \"Stopped.\", description = \"x\",",
                     "local name = 'a' local first = t:ask(\"Q?\", { again = \"Sorry?\" }) t.session[name] = first\n"
                     " log(\"seen\") local b = t:ask(\"R \" .. first .. \"?\", { match = \"y\" }) return first .. b .. \"{n}!\", {}"));
    dialogs_talk("> y\n< xy7!\n");
}

/* Each is noticed when the next message comes, and the dialog starts again with what it had begun with. */
static void every_change_of_what_was_asked_or_told_is_noticed(void **state) {
    static const char *const bodies[] = {
        "local a = t:ask \"Other?\" t.session.a = a local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a local b = t:ask(\"Other \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.b = a local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a .. \"1\" local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a t:event(\"new\", a) local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a t:say \"New.\" local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a t:sleep(0) local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a if t.session.other then end local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a if t.metadata.x then end local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "t:ask \"New?\" local a = t:ask \"Q?\" t.session.a = a local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask(\"Q?\", { match = \"z\" }) t.session.a = a local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" t.session.a = a return a",
        "local a = t:ask \"Q?\" t.session.a = a t:cancel()",
        "local a = t:ask \"Q?\" t.session.a = a error \"broken\"",
        "local a = t:ask \"Q?\" t.session.a = a math.random(9) local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
        "local a = t:ask \"Q?\" pcall(function() t:ask \"New?\" end) t.session.a = a local b = t:ask(\"R \" .. a .. \"?\") return a .. b",
    };
    (void)state;
    begin(D("", BODY));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char rules[2048];
        test_store_finish(&bot.store);
        dialogs_change(D("", BODY));
        dialogs_talk("> go 7\n< Q?\n> x\n< R x?\n");
        snprintf(rules, sizeof(rules), "dialog \"d\" { match = \"^go (?<n>\\\\d)\", changed = \"Again:\", run = function(t) %s end }\n",
                 bodies[i]);
        dialogs_change(rules);
        const char *said = bot_say("y");
        if (strncmp(said, "Again:\n", 7) != 0 || !strchr(said, '?')) fail_msg("body %zu: %s", i, said);
        assert_string_equal(bot.client.by, "dialog:d");
        assert_int_equal(json_array_size(json_object_get(json_array_get(dialogs_kept("s1"), 0), "journal")), 0);
    }
}

static void it_starts_again_with_what_it_began_with(void **state) {
    (void)state;
    begin(D("", BODY));
    dialogs_change(D("", "local a = t:ask(\"New \" .. t.match.n .. t.text .. \"?\") return a .. \"{n}\", {}"));
    dialogs_talk_forgetting("> y\n< New 7go 7?\n> z\n< z7\n");
}

static void or_ends_as_declared(void **state) {
    (void)state;
    begin(D("", BODY));
    dialogs_change(D("on_change = \"finish\", changed = \"That has changed.\",", "t:ask \"New?\""));
    dialogs_talk("> y\n< That has changed.\n= dialog:d\n> y\n< I am the model.\n");
    assert_null(dialogs_kept("s1"));
    test_store_finish(&bot.store);
    dialogs_change(D("", BODY));
    dialogs_talk("> go 7\n< Q?\n> x\n< R x?\n");
    dialogs_change(D("on_change = \"finish\",", "t:ask \"New?\""));
    dialogs_talk("> go 8\n< New?\n"); /* the message is for the rules, which begin it anew */
}

static void one_that_is_gone_is_over(void **state) {
    (void)state;
    begin(D("", BODY));
    dialogs_change("rule \"r\" { match = \"y\", reply = \"Rule.\" }");
    dialogs_talk("> y\n< Rule.\n= rule:r\n");
    assert_null(dialogs_kept("s1"));
}

static void one_that_has_sent_something_is_not_started_again(void **state) {
    char old[512], new[512];
    (void)state;
    int port = web_open("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    snprintf(old, sizeof(old), D("", "t:post(\"http://127.0.0.1:%d/\", {}) t:ask \"Q?\""), port);
    snprintf(new, sizeof(new), D("changed = \"Sorry.\",", "t:post(\"http://127.0.0.1:%d/x\", {}) t:ask \"Q?\""), port);
    bot_rules(old);
    dialogs_talk("> go 1\n< Q?\n");
    dialogs_change(new);
    dialogs_talk("> x\n< Sorry.\n> x\n< I am the model.\n");
    assert_int_equal(web_requests(), 1);
    web_close();
}

static void the_one_below_asks_again(void **state) {
    (void)state;
    const char *below = "dialog \"low\" { match = \"^low$\", run = function(t) return t:ask \"Low?\" end }\n";
    char rules[2048];
    snprintf(rules, sizeof(rules), "%s%s", below, D("interrupt = true,", BODY));
    bot_rules(rules);
    dialogs_talk("> low\n< Low?\n> go 7\n< Q?\n> x\n< R x?\n");
    snprintf(rules, sizeof(rules), "%s%s", below, D("interrupt = true, on_change = \"finish\", changed = \"Over.\",", "t:ask \"New?\""));
    dialogs_change(rules);
    dialogs_talk("> y\n< Over.\n< Low?\n> z\n< z\n");
    dialogs_talk("> low\n< Low?\n> go 7\n< New?\n");
    dialogs_change(below);
    dialogs_talk("> z\n< z\n"); /* the upper one is gone: the answer is for the lower one */
}

static void broken_state_is_dropped(void **state) {
    (void)state;
    bot_rules(D("", BODY) "rule \"r\" { match = \"y\", reply = \"Rule.\" }");
    static const char *const broken[] = {
        "1", "[1]", "[{}]", "[{\"dialog\":\"d\"}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"a\",\"names\":{},\"match\":[0,9],\"journal\":[]}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"a\",\"names\":{},\"match\":[],\"journal\":[1]}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"a\",\"names\":{},\"match\":[],\"journal\":[[\"ask\",1]]}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"a\",\"names\":{},\"match\":[],\"journal\":[],\"ask\":{}}]"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        dialogs_keep("s1", broken[i]);
        dialogs_talk("> y\n< Rule.\n");
        assert_null(dialogs_kept("s1"));
    }
    static const char *const strange[] = { /* well-formed, but nothing that was ever written */
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"go 7\",\"names\":{\"n\":99},\"match\":[],\"journal\":[[\"send\",1,1]]}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"go 7\",\"names\":{\"n\":-1},\"match\":[],\"journal\":[[\"read\",1,1]]}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"go 7\",\"names\":{},\"match\":[],\"journal\":[[\"ask\",1,1,5]]}]",
        "[{\"dialog\":\"d\",\"home\":\"rules\",\"id\":\"x\",\"lang\":\"en\",\"text\":\"go 7\",\"names\":{},\"match\":[],\"settled\":99,\"journal\":[[\"\",1,1]]}]"};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        dialogs_keep("s1", strange[i]);
        const char *said = bot_say("y");
        assert_true(strcmp(said, "Q?") == 0 || strcmp(said, "Rule.") == 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogs_setup, dialogs_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_does_not_touch_it_does_not_matter),
        TEST(every_change_of_what_was_asked_or_told_is_noticed),
        TEST(it_starts_again_with_what_it_began_with),
        TEST(or_ends_as_declared),
        TEST(one_that_is_gone_is_over),
        TEST(one_that_has_sent_something_is_not_started_again),
        TEST(the_one_below_asks_again),
        TEST(broken_state_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
