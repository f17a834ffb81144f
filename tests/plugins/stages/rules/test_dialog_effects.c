/* What dialogs do to the world: announced in the store before, kept after, never done twice; and turns that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialogs.h"

#define OK_RESPONSE "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"id\":[7,8]}"
#define RULES                                                                                                          \
    "dialog \"refund\" { match = \"^refund$\", run = function(t)\n"                                                    \
    "  local id = t:ask(\"Which?\", { match = [[\\d+]] })\n"                                                           \
    "  t:event(\"refund\", { id = id })\n"                                                                             \
    "  local r = t:post(config.api .. \"/refunds\", { json = { id = id }, idempotent = config.safe })\n"               \
    "  if r.unknown then return \"Nobody knows: \" .. r.error end\n"                                                   \
    "  t:say(r.ok and \"Posted \" .. (r.json and r.json.id[1] or \"-\") or \"Failed: \" .. r.error)\n"                 \
    "  local more = t:ask \"Anything else?\"\n"                                                                        \
    "  return \"Bye, \" .. (r.json and r.json.id[2] or \"-\") .. more end }\n"

static void open_bot(const char *response, const char *rules, bool safe) {
    bot.options.config = json_pack("{s:o, s:b}", "api", json_sprintf("http://127.0.0.1:%d", web_open(response)), "safe", safe);
    bot_rules(rules);
}

static void close_bot(void) {
    web_close();
    json_decref(bot.options.config);
    bot.options.config = NULL;
}

static void spin_until_requested(unsigned requests) {
    int64_t give_up = rp_now_ns() + 3000000000;
    while (web_requests() < requests && rp_now_ns() < give_up) rig_spin(&bot.rig, 1);
    assert_int_equal(web_requests(), requests);
}

/* What a process that is killed now leaves behind. */
static struct rp_buf disk;

static void note_disk(void) {
    rp_buf_finish(&disk);
    rp_buf_init(&disk, 1 << 20);
    rp_buf_append_str(&disk, test_store_value(&bot.store, "session/s1"));
}

static void ignore(struct rp_store_op *op, int code, struct rp_str value) {
    (void)op;
    (void)value;
    assert_int_equal(code, 0);
}

static void start_from_disk(void) {
    struct rp_store_op op = {.done = ignore};
    bot.store.later = false;
    const struct rp_store_type *type = (const struct rp_store_type *)(const void *)bot.store.store.element.type;
    type->put(&bot.store.store, bot.rig.worker, RP_STR("session/s1"), rp_buf_str(&disk), 0, &op);
    rp_buf_finish(&disk);
    dialogs_forget();
}

/* The turn that waits for the server gets no answer any more; those to come do. */
static void let_it_fail(void) {
    web_hang_up(OK_RESPONSE);
    rig_finish(&bot.rig, &bot.client);
}

/* ---- once, and only once ----------------------------------------------------------------------------------------- */

static void a_post_happens_once(void **state) {
    (void)state;
    open_bot(OK_RESPONSE, RULES, false);
    dialogs_talk_forgetting("> refund\n< Which?\n> 12\n< Posted 7\n< Anything else?\n> no\n< Bye, 8no\n");
    assert_int_equal(web_requests(), 1);
    assert_non_null(strstr(web_request(), "{\"id\":\"12\"}"));
    assert_null(strstr(web_request(), "Idempotency-Key"));
    close_bot();
}

/* The server gets the request, and this process dies before it hears what came of it. */
static void die_behind_the_request(void) {
    dialogs_talk("> refund\n< Which?\n");
    bot_start("s1", "12");
    spin_until_requested(1);
    note_disk();
    let_it_fail();
    start_from_disk();
}

static const json_t *last_entry(void) {
    const json_t *journal = json_object_get(json_array_get(dialogs_kept("s1"), 0), "journal");
    return json_array_get(journal, json_array_size(journal) - 1);
}

static void one_that_died_in_between_is_not_known(void **state) {
    (void)state;
    open_bot(NULL, RULES, false);
    die_behind_the_request();
    assert_string_equal(json_string_value(json_array_get(last_entry(), 0)), "send"); /* it was announced */
    assert_int_equal(json_array_size(last_entry()), 3);
    dialogs_talk("> hello?\n< Nobody knows: it is not known whether this was done: the process ended in between\n= dialog:refund\n");
    assert_int_equal(web_requests(), 1);
    assert_null(dialogs_kept("s1"));
    close_bot();
}

static void copy_key(char *out, size_t size) {
    const char *key = strstr(web_request(), "Idempotency-Key: ");
    assert_non_null(key);
    snprintf(out, size, "%.*s", (int)strcspn(key, "\r"), key);
}

static void one_that_is_safe_is_sent_again_with_its_key(void **state) {
    char first[128], second[128];
    (void)state;
    open_bot(NULL, RULES, true);
    dialogs_talk("> refund\n< Which?\n");
    bot_start("s1", "12");
    spin_until_requested(1);
    copy_key(first, sizeof(first));
    note_disk();
    let_it_fail();
    start_from_disk();
    dialogs_talk("> hello?\n< Posted 7\n< Anything else?\n");
    copy_key(second, sizeof(second));
    assert_string_equal(first, second);
    dialogs_talk_forgetting("> x\n< Bye, 8x\n");
    assert_int_equal(web_requests(), 2);
    close_bot();
}

/* ---- at every save ----------------------------------------------------------------------------------------------- */

#define SNAPSHOTS 32

static struct {
    struct rp_buf bytes;
    unsigned requests; /* that had gone out when it was written */
} snapshots[SNAPSHOTS];
static size_t snapshot_count;

static void take_snapshot(struct test_store *store) {
    struct rp_str bytes = test_store_value(store, "session/s1");
    assert_true(snapshot_count < SNAPSHOTS);
    rp_buf_init(&snapshots[snapshot_count].bytes, 1 << 20);
    rp_buf_append_str(&snapshots[snapshot_count].bytes, bytes);
    snapshots[snapshot_count++].requests = web_requests();
}

static void drop_snapshots(void) {
    while (snapshot_count > 0) rp_buf_finish(&snapshots[--snapshot_count].bytes);
}

/* From what is on the disk, with the same answers to the same questions, to the end. */
static void go_on_to_the_end(const char *end) {
    const char *said = "";
    for (int i = 0; i < 8; i++) {
        dialogs_forget();
        said = bot_say(strstr(said, "Which?") ? "12" : strstr(said, "Anything") ? "no" : i == 0 ? "hello?" : "refund");
        if (strstr(said, end) || strstr(said, "Nobody knows")) return;
    }
    fail_msg("it does not end: %s", said);
}

static void die_at_every_save(bool safe) {
    open_bot(OK_RESPONSE, RULES, safe);
    bot.store.on_put = take_snapshot;
    dialogs_talk("> refund\n< Which?\n> 12\n< Posted 7\n< Anything else?\n> no\n< Bye, 8no\n");
    bot.store.on_put = NULL;
    assert_int_equal(snapshot_count, 5); /* three turns, the announcement, the outcome */
    for (size_t i = 0; i + 1 < snapshot_count; i++) {
        unsigned before = web_requests();
        rp_buf_init(&disk, 1 << 20);
        rp_buf_append_str(&disk, rp_buf_str(&snapshots[i].bytes));
        start_from_disk();
        go_on_to_the_end("Bye, 8");
        unsigned sent = web_requests() - before;
        bool announced = i == 1; /* perhaps it went out, perhaps it did not */
        assert_int_equal(sent, i == 0 ? 1 : announced && safe ? 1 : 0);
        assert_null(dialogs_kept("s1"));
    }
    drop_snapshots();
    close_bot();
}

static void a_process_can_die_at_every_save(void **state) {
    (void)state;
    die_at_every_save(false);
}

static void and_sends_again_only_what_is_safe(void **state) {
    (void)state;
    bot.store.later = true;
    die_at_every_save(true);
}

/* ---- other ends -------------------------------------------------------------------------------------------------- */

static void a_post_that_the_server_refuses_is_told(void **state) {
    (void)state;
    open_bot("HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", RULES, false);
    dialogs_talk_forgetting("> refund\n< Which?\n> 1\n< Failed: HTTP status 503\n< Anything else?\n> x\n< Bye, -x\n");
    close_bot();
}

static void nothing_is_sent_that_cannot_be_announced(void **state) {
    (void)state;
    open_bot(OK_RESPONSE, RULES, false);
    dialogs_talk("> refund\n< Which?\n");
    bot.store.fail_put = -RP_EIO;
    assert_string_equal(bot_say("12"), "!io_error");
    assert_int_equal(web_requests(), 0);
    bot.store.fail_put = 0;
    dialogs_talk("> 12\n< Posted 7\n< Anything else?\n"); /* as if that turn had not been */
    assert_int_equal(web_requests(), 1);
    close_bot();
}

static void a_client_that_leaves_does_not_undo_it(void **state) {
    (void)state;
    bot.store.later = true;
    open_bot(OK_RESPONSE, RULES, false);
    dialogs_talk("> refund\n< Which?\n");
    bot_start("s1", "12");
    spin_until_requested(1);
    rp_turn_cancel(bot.client.turn);
    rig_finish(&bot.rig, &bot.client);
    assert_int_equal(json_array_size(last_entry()), 4);
    dialogs_talk_forgetting("> hello?\n< Posted 7\n< Anything else?\n> x\n< Bye, 8x\n");
    assert_int_equal(web_requests(), 1);
    close_bot();
}

static void a_large_response_is_cut_but_known(void **state) {
    char response[16384], body[12000];
    (void)state;
    memset(body, 'x', sizeof(body));
    body[sizeof(body) - 1] = '\0';
    snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
    bot.options.journal = 4096;
    open_bot(response,
             "dialog \"d\" { match = \"^go$\", run = function(t) local r = t:post(config.api, {}) t:ask \"Q?\"\n"
             "  return tostring(r.ok) .. r.status .. #r.body .. r.error end }\n"
             "dialog \"g\" { match = \"^get$\", run = function(t) local r = t:get(config.api) t:ask \"Q?\" end }\n",
             false);
    dialogs_talk_forgetting("> go\n< Q?\n> x\n< true2000the response is too large for a dialog's journal\n");
    assert_string_equal(bot_say("get"), "!rule_budget"); /* a result that cannot be kept */
    assert_null(dialogs_kept("s1"));
    close_bot();
}

static void bytes_that_are_no_text_survive(void **state) {
    (void)state;
    open_bot("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n\xFF\x80" "a\xC3\xA9\x01",
             "dialog \"d\" { match = \"^go$\", run = function(t) local r = t:get(config.api) t:ask \"Q?\"\n"
             "  local s = {} for i = 1, #r.body do s[i] = r.body:byte(i) end return table.concat(s, \",\") end }\n",
             false);
    dialogs_talk_forgetting("> go\n< Q?\n> x\n< 255,128,97,195,169,1\n");
    assert_int_equal(web_requests(), 1);
    close_bot();
}

static void calls_and_sleeps_happen_once(void **state) {
    (void)state;
    open_bot(OK_RESPONSE,
             "dialog \"d\" { match = \"^go$\", run = function(t)\n"
             "  local a = t:get(config.api) t:sleep(0.001) local ok, why = pcall(t.get, t, config.api, { timout = 1 })\n"
             "  local _, bad = pcall(t.event, t, \"\") local b = t:ask \"Q?\" local c = t:get(config.api) t:ask \"R?\"\n"
             "  return a.json.id[1] + c.json.id[2] .. b .. tostring(ok) .. why .. bad end }\n",
             false);
    dialogs_talk_forgetting("> go\n< Q?\n> x\n< R?\n> y\n"
                            "< 15xfalsethere is no option 'timout': headers, json, body, timeout and idempotent are known"
                            "an event's name has 1 to 64 bytes of UTF-8\n");
    assert_int_equal(web_requests(), 2);
    close_bot();
}

/* ---- turns that fail --------------------------------------------------------------------------------------------- */

#define FAILS                                                                                                          \
    "dialog \"d\" { match = \"^go$\", run = function(t)\n"                                                             \
    "  local a = t:ask \"Q?\" t.session.a = a t:event(\"told\", a) if a == \"bad\" then error \"x\" end\n"             \
    "  if a == \"loop\" then while true do end end\n"                                                                  \
    "  t:ask \"R?\" return \"Fine: \" .. t.session.a end }\n"                                                          \
    "rule \"look\" { match = \"^look$\", interrupt = true, reply = function(t) return tostring(t.session.a) end }\n"

static void a_turn_that_fails_changes_nothing(void **state) {
    (void)state;
    bot_rules(FAILS);
    dialogs_talk_forgetting("> go\n< Q?\n> bad\n< !rule_error\n> look\n< nil\n< Q?\n> loop\n< !rule_budget\n> good\n< R?\n> x\n< Fine: good\n");
}

static void with_an_apology_neither(void **state) {
    (void)state;
    bot.options.apology = "Sorry.";
    bot_rules(FAILS);
    dialogs_talk_forgetting("> go\n< Q?\n> bad\n< Sorry.\n< Q?\n= dialog:d\n> look\n< nil\n< Q?\n> good\n< R?\n> x\n< Fine: good\n");
}

static void one_that_fails_again_and_again_is_ended(void **state) {
    (void)state;
    bot_rules(FAILS);
    dialogs_talk_forgetting("> go\n< Q?\n> bad\n< !rule_error\n> bad\n< !rule_error\n> good\n< R?\n> x\n< Fine: good\n");
    dialogs_talk_forgetting("> go\n< Q?\n> bad\n< !rule_error\n> bad\n< !rule_error\n> bad\n< !rule_error\n> good\n< I am the model.\n");
    assert_null(dialogs_kept("s1"));
}

static void one_that_fails_at_once_was_never_there(void **state) {
    (void)state;
    bot.options.on_error = ON_ERROR_NEXT;
    bot_rules("dialog \"d\" { match = \"^go\", run = function(t) t:say \"no\" t.session.x = 1 error \"x\" end }\n"
              "rule \"r\" { match = \"^go\", reply = function(t) return \"next \" .. tostring(t.session.x) end }\n");
    dialogs_talk("> go\n< next nil\n= rule:r\n");
    assert_null(dialogs_kept("s1"));
}

static void one_that_fails_behind_an_effect_keeps_it(void **state) {
    (void)state;
    open_bot(OK_RESPONSE,
             "dialog \"d\" { match = \"^go$\", run = function(t)\n"
             "  t:ask \"Q?\" local r = t:post(config.api, {}) if not t.session.mended then error \"x\" end\n"
             "  t:say \"Posted.\" t:ask \"R?\" return \"End.\" end }\n"
             "rule \"mend\" { match = \"^mend$\", interrupt = true, reply = function(t) t.session.mended = true return \"Mended.\" end }\n",
             false);
    dialogs_talk_forgetting("> go\n< Q?\n> a\n< !rule_error\n> b\n< !rule_error\n");
    assert_int_equal(web_requests(), 1);
    dialogs_talk_forgetting("> c\n< !rule_error\n> d\n< I am the model.\n"); /* three in a row */
    assert_int_equal(web_requests(), 1);
    assert_null(dialogs_kept("s1"));
    close_bot();
}

static void a_journal_that_is_full_ends_the_dialog(void **state) {
    (void)state;
    bot.options.journal = 1024;
    bot_rules("dialog \"d\" { match = \"^go$\", run = function(t) for i = 1, 1000 do t:ask(\"Q\" .. i) end end }\n"
              "dialog \"r\" { match = \"^read$\", run = function(t) t:ask \"Q?\" t.session.big = (\"x\"):rep(2000) t:ask \"R?\" return #t.session.big .. \"\" end }");
    const char *said = bot_say("go");
    int count = 0;
    while (said[0] == 'Q' && count++ < 100) said = bot_say("some answer");
    assert_string_equal(said, "!rule_budget");
    assert_in_range(count, 15, 40);
    assert_null(dialogs_kept("s1"));
    dialogs_talk("> hello\n< I am the model.\n");
    dialogs_talk_forgetting("> read\n< Q?\n> x\n< R?\n> y\n< 2000\n"); /* what it wrote itself, it knows */
    char large[2048];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    bot_expect("go", "Q1", NULL);
    assert_string_equal(bot_say(large), "!rule_budget");
    assert_null(dialogs_kept("s1"));
}

static void a_session_that_is_full_fails_the_turn(void **state) {
    (void)state;
    bot.rig.runtime.limits.session = 6000;
    bot_rules("dialog \"d\" { match = \"^go$\", run = function(t) local a = t:ask \"Q?\" if a == \"big\" then\n"
              "  pcall(function() t.session.x = (\"x\"):rep(4000) end) end t:ask((\"y\"):rep(#a * 100)) return \"End.\" end }");
    dialogs_talk_forgetting("> go\n< Q?\n> big\n< !rule_budget\n> go on with forty characters or a little more\n< !rule_budget\n");
    assert_int_equal(strlen(bot_say("x")), 100);
    bot_expect("z", "End.", NULL);
}

static void waits_and_time_count_by_the_turn(void **state) {
    (void)state;
    bot_rules("dialog \"d\" { match = \"^go$\", run = function(t) for i = 1, 4 do for k = 1, 4 do t:sleep(0.0001) end t:ask(\"Q\" .. i) end\n"
              "  for k = 1, 5 do t:sleep(0) end end }");
    dialogs_talk_forgetting("> go\n< Q1\n> x\n< Q2\n> x\n< Q3\n> x\n< Q4\n> x\n< !rule_budget\n");
}

static void what_is_said_and_replayed_is_bounded(void **state) {
    (void)state;
    bot_rules("dialog \"flood\" { match = \"^flood$\", run = function(t) local s = (\"x\"):rep(100000) while true do t:say(s) end end }\n"
              "dialog \"work\" { match = \"^work$\", run = function(t)\n"
              "  for i = 1, 10 do for k = 1, 200000 do local x = k end t:ask(\"Q\" .. i) end end }");
    assert_string_equal(bot_say("flood"), "!rule_error");
    const char *said = bot_say("work");
    int turns = 1;
    for (; said[0] == 'Q' && turns < 10; turns++) said = bot_say("x");
    assert_string_equal(said, "!rule_budget"); /* a replay costs instructions, too */
    assert_in_range(turns, 3, 6);
}

static void a_dialog_over_its_time_in_a_post_leaves_the_announcement(void **state) {
    (void)state;
    bot.options.time_ms = 60;
    open_bot(NULL, RULES, false);
    dialogs_talk("> refund\n< Which?\n");
    assert_string_equal(bot_say("12"), "!rule_budget");
    assert_int_equal(web_requests(), 1);
    assert_int_equal(json_array_size(last_entry()), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(dialogs_kept("s1"), 0), "failures")), 1);
    dialogs_talk_forgetting("> x\n< Nobody knows: it is not known whether this was done: the process ended in between\n");
    assert_int_equal(web_requests(), 1);
    close_bot();
}

/* A store that is slow, and a time that is over while it has the session. */
static void a_dialog_over_its_time_in_a_save_waits_for_it(void **state) {
    (void)state;
    bot.options.time_ms = 1;
    bot.store.later = true;
    open_bot(OK_RESPONSE,
             "dialog \"d\" { match = \"^go$\", run = function(t) t:ask \"Q?\"\n"
             "  for i = 1, 30000 do local x = i end t:post(config.api, {}) t:ask \"R?\" end }",
             false);
    bot_expect("go", "Q?", NULL);
    for (int i = 0; i < 20; i++) bot_say("x");
    close_bot();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogs_setup, dialogs_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_post_happens_once),
        TEST(one_that_died_in_between_is_not_known),
        TEST(one_that_is_safe_is_sent_again_with_its_key),
        TEST(a_process_can_die_at_every_save),
        TEST(and_sends_again_only_what_is_safe),
        TEST(a_post_that_the_server_refuses_is_told),
        TEST(nothing_is_sent_that_cannot_be_announced),
        TEST(a_client_that_leaves_does_not_undo_it),
        TEST(a_large_response_is_cut_but_known),
        TEST(bytes_that_are_no_text_survive),
        TEST(calls_and_sleeps_happen_once),
        TEST(a_turn_that_fails_changes_nothing),
        TEST(with_an_apology_neither),
        TEST(one_that_fails_again_and_again_is_ended),
        TEST(one_that_fails_at_once_was_never_there),
        TEST(one_that_fails_behind_an_effect_keeps_it),
        TEST(a_journal_that_is_full_ends_the_dialog),
        TEST(a_session_that_is_full_fails_the_turn),
        TEST(waits_and_time_count_by_the_turn),
        TEST(what_is_said_and_replayed_is_bounded),
        TEST(a_dialog_over_its_time_in_a_post_leaves_the_announcement),
        TEST(a_dialog_over_its_time_in_a_save_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
