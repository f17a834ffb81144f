/* t:get, t:post and t:sleep: results, mistakes, and turns that end in the middle of a wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bot.h"

#define JSON_RESPONSE                                                                                                  \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 35\r\nConnection: close\r\n\r\n"             \
    "{\"status\":\"sent\",\"n\":null,\"l\":[ ]}\n"

/* The rule "get" gets the server's "/x" and shows what came. */
static void open_bot(const char *response, const char *more) {
    char rules[4096];
    bot.options.config = json_pack("{s:o}", "api", json_sprintf("http://127.0.0.1:%d", web_open(response)));
    snprintf(rules, sizeof(rules),
             "rule \"get\" { match = \"^get\", reply = function(t) local r = t:get(config.api .. \"/x\")\n"
             "  return \"{ok} {status} {type} [{body}] {json.status} {error}\", r end }\n%s",
             more);
    bot_rules(rules);
}

static void close_bot(void) {
    web_close();
    json_decref(bot.options.config);
    bot.options.config = NULL;
}

static void a_get_waits_for_its_response(void **state) {
    (void)state;
    open_bot(JSON_RESPONSE, "");
    assert_non_null(
        strstr(bot_say("get"), "true 200 application/json [{\"status\":\"sent\",\"n\":null,\"l\":[ ]}\n] sent"));
    assert_string_equal(bot.client.by, "rule:get");
    assert_non_null(strstr(web_request(), "GET /x HTTP/1.1\r\n"));
    close_bot();
}

static void a_status_that_is_no_success_is_told(void **state) {
    (void)state;
    open_bot("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy", "");
    bot_expect("get", "false 503  [busy]  HTTP status 503", NULL);
    close_bot();
}

static void a_server_that_is_not_there_is_told(void **state) {
    (void)state;
    bot.options.waits = 10;
    bot_rules("rule \"x\" { match = \"x\", reply = function(t)\n"
              "  local a, b = t:get(\"http://127.0.0.1:1/\"), t:get(\"file:///etc/passwd\")\n"
              "  assert(not a.ok and a.status == 0 and #a.error > 0 and a.json == nil and not b.ok and #b.error > 0)\n"
              "  return \"told\" end }");
    bot_expect("x", "told", NULL);
}

static void a_response_that_is_too_long_or_cut_is_an_error(void **state) {
    (void)state;
    open_bot("HTTP/1.1 200 OK\r\nContent-Length: 400\r\nConnection: close\r\n\r\nshort", "");
    assert_non_null(strstr(bot_say("get"), "false 200"));
    close_bot();
}

static void a_post_sends_json_and_headers(void **state) {
    (void)state;
    open_bot(JSON_RESPONSE, "rule \"post\" { match = \"^post\", reply = function(t)\n"
                            "  local r = t:post(config.api .. \"/p\", { json = { id = t.text, list = { 1, 2 } }, "
                            "headers = { [\"X-Key\"] = \"k\" } })\n"
                            "  local s = t:post(config.api .. \"/q\", { body = \"a=b\", headers = { [\"content-type\"] "
                            "= \"text/x\" }, timeout = 1.5 })\n"
                            "  return tostring(r.ok and s.ok and r.json.n == nil and #r.json.l == 0) end }\n"
                            "rule \"one\" { match = \"^one\", reply = function(t)\n"
                            "  return tostring(t:post(config.api .. \"/p\", { json = { id = t.text }, headers = { "
                            "[\"X-Key\"] = \"k\" } }).ok) end }");
    bot_expect("one", "true", NULL);
    assert_non_null(strstr(web_request(), "POST /p HTTP/1.1\r\n"));
    assert_non_null(strstr(web_request(), "X-Key: k\r\n"));
    assert_non_null(strstr(web_request(), "Content-Type: application/json\r\n"));
    assert_non_null(strstr(web_request(), "{\"id\":\"one\"}"));
    bot_expect("post", "true", NULL);
    assert_non_null(strstr(web_request(), "content-type: text/x\r\n"));
    assert_null(strstr(web_request(), "application/json"));
    assert_int_equal(web_requests(), 3);
    close_bot();
}

static void wrong_arguments_are_errors_of_the_rule(void **state) {
    (void)state;
    open_bot(
        JSON_RESPONSE,
        "rule \"x\" { match = \"^x\", reply = function(t) local n = 0\n"
        "  local function bad(...) if not pcall(t.get, t, ...) then n = n + 1 end end\n"
        "  bad() bad(config.api, 1) bad(config.api, { timout = 1 }) bad(config.api, { timeout = -1 }) bad(config.api, "
        "{ timeout = 0/0 })\n"
        "  bad(config.api, { headers = 1 }) bad(config.api, { headers = { 1 } }) bad(config.api, { json = print or "
        "next })\n"
        "  if not pcall(t.sleep, t, -1) then n = n + 1 end if not pcall(t.get, {}, config.api) then n = n + 1 end\n"
        "  if not pcall(table.sort, { 1, 2 }, function() t:get(config.api) end) then n = n + 1 end\n"
        "  return \"\" .. n end }");
    bot.options.waits = 100;
    bot_expect("x", "11", NULL);
    assert_int_equal(web_requests(), 0);
    close_bot();
}

static void waits_work_inside_pcall_and_when(void **state) {
    (void)state;
    open_bot(JSON_RESPONSE,
             "rule \"p\" { match = \"^p\", when = function(t) t:sleep(0.001) return t:get(config.api).ok end,\n"
             "  reply = function(t) local ok, r = pcall(function() t:sleep(0) return t:get(config.api) end)\n"
             "  local again, why = pcall(function() t:sleep(0) error(\"e\", 0) end)\n"
             "  return tostring(ok and r.ok) .. tostring(again) .. why end }\n"
             "rule \"no\" { match = \"^no\", when = function(t) t:sleep(0) return false end, reply = \"no\" }\n"
             "generate \"g\" { system = function(t) return t:get(config.api).json.status end }");
    bot.options.waits = 100;
    bot_expect("p", "truefalsee", NULL);
    bot_expect("no", "I am the model.", "generate:g");
    assert_string_equal(bot.system, "sent");
    close_bot();
}

static void a_slow_server_costs_the_rules_timeout(void **state) {
    (void)state;
    open_bot(NULL, "rule \"slow\" { match = \"slow\", reply = function(t) return tostring(t:get(config.api, { timeout "
                   "= 0.05 }).ok) end }");
    bot_expect("slow", "false", NULL);
    close_bot();
}

static void a_turn_that_is_cancelled_in_a_wait_leaves_nothing(void **state) {
    (void)state;
    open_bot(
        NULL,
        "rule \"sleep\" { match = \"^sleep\", reply = function(t)\n"
        "  local c <close> = setmetatable({}, { __close = function() t.session.closed = true log(\"never\") end })\n"
        "  t:sleep(100) return \"slept\" end }\n"
        "rule \"look\" { match = \"^look\", reply = function(t) return tostring(t.session.closed) end }");
    for (int i = 0; i < 6; i++) {
        bot_start("s1", i % 2 ? "get" : "sleep");
        for (int spins = 0; spins < 20; spins++) rig_spin(&bot.rig, 1);
        assert_int_equal(bot.client.dones, 0);
        rp_turn_cancel(bot.client.turn);
        rig_finish(&bot.rig, &bot.client);
    }
    bot_expect("look", "nil", NULL);
    close_bot();
}

static void a_deadline_in_a_wait_ends_the_turn(void **state) {
    (void)state;
    bot.rig.runtime.limits.turn_ms = 60;
    open_bot(NULL, "");
    bot_expect("get", "!deadline_exceeded", NULL);
    close_bot();
}

static void turns_that_wait_do_not_mix(void **state) {
    static struct rig_client clients[8];
    (void)state;
    bot_rules("rule \"x\" { match = [[^x (?<n>\\d+)]], reply = function(t) local n = t.match.n\n"
              "  for i = 1, 3 do t:sleep(0.001 * ((n + i) % 3)) assert(t.match.n == n and t.text == \"x \" .. n) end\n"
              "  t.session.n = n return \"{n} {m}\", { m = n } end }");
    for (int i = 0; i < 8; i++) {
        char message[32], session[32];
        snprintf(message, sizeof(message), "x %d", i);
        snprintf(session, sizeof(session), "s%d", i);
        struct rp_turn_start start = {.message = rp_str(message), .session = rp_str(session)};
        assert_int_equal(rig_start(&bot.rig, &clients[i], &start), 0);
    }
    for (int i = 0; i < 8; i++) {
        char expected[32];
        rig_finish(&bot.rig, &clients[i]);
        snprintf(expected, sizeof(expected), "%d %d", i, i);
        assert_string_equal(clients[i].text.data, expected);
        rig_client_clear(&clients[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bot_setup, bot_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_get_waits_for_its_response),
        TEST(a_status_that_is_no_success_is_told),
        TEST(a_server_that_is_not_there_is_told),
        TEST(a_response_that_is_too_long_or_cut_is_an_error),
        TEST(a_post_sends_json_and_headers),
        TEST(wrong_arguments_are_errors_of_the_rule),
        TEST(waits_work_inside_pcall_and_when),
        TEST(a_slow_server_costs_the_rules_timeout),
        TEST(a_turn_that_is_cancelled_in_a_wait_leaves_nothing),
        TEST(a_deadline_in_a_wait_ends_the_turn),
        TEST(turns_that_wait_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
