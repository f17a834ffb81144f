/* Random dialogs, random conversations, and a state of the rules that is thrown away at random: whatever a dialog has once
 * seen, it must see again, and whatever it does, it must do once.
 *
 * Each dialog adds all that it learns to a text, and shows that text in every question: from one question to the next the
 * text may only grow. The web server counts: the numbers that a dialog has got from it must be in order, none twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialogs.h"

#define BATCHES 12
#define DIALOGS 6 /* in a batch: they share a rules file */
#define TURNS 60

static uint64_t state_of_chance;

static unsigned chance(unsigned below) {
    state_of_chance = state_of_chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state_of_chance >> 33) % below;
}

/* ---- dialogs ----------------------------------------------------------------------------------------------------- */

static char rules[1 << 18];
static size_t rules_len;

static void emit(const char *format, ...) {
    va_list args;
    va_start(args, format);
    rules_len += (size_t)vsnprintf(rules + rules_len, sizeof(rules) - rules_len, format, args);
    va_end(args);
    assert_true(rules_len < sizeof(rules) - 1);
}

static const char *const statements[] = {
    "add(t:ask(q()))",
    "add(t:ask(q(), { match = [[\\d+]], again = q(), tries = 2 }))",
    "add(t:ask(q(), { choices = { \"yes\", \"no\", \"12\" }, tries = 3, check = function(v) t:sleep(0) return v ~= \"no\" end }))",
    "add(t:ask(q(), { timeout = 60, check = function(v) return t:get(config.api).json.n end }))",
    "add(t:confirm(q(), { tries = 2 }))",
    "local f, why = t:form { { name = \"a\", ask = q(), match = [[\\d+]], tries = 2 }, { name = \"b\", ask = q(), choices = { \"yes\", \"no\" } } }\n"
    "add(f and f.a or why)",
    "add(t:get(config.api).json.n)",
    "add(t:get(config.api).json.n) add(t:post(config.api, { json = { s = s } }).json.n)",
    "add(t:post(config.api, { body = s, idempotent = true }).json.n)",
    "add(math.random(1000)) add(math.random())",
    "add(t.now) add(time())",
    "add(t.session.v0) t.session.v0 = #s",
    "add(t.session.v1) t.session.v1 = (t.session.v1 or 0) + 1 add(t.session.v1)",
    "for k, v in pairs(t.session) do add(k) add(v) end",
    "t.session.v1 = nil t.session.v2 = { l = #s, x = { math.random(9) } } add(t.session.v2.x[1])",
    "local m = {} for i = 1, 9 do m[\"k\" .. math.random(99)] = i end for k, v in pairs(m) do add(k .. v) end",
    "t:say(\"said \" .. #s)",
    "t:event(\"told\", { n = #s })",
    "add(t.text) add(t.id) add(t.user) add(t.lang) add(#t.history) add(t.match[0]) add(t.metadata.x)",
    "local ok, e = pcall(t.get, t, config.api, { nothing = 1 }) add(e)",
    "local ok, e = pcall(function() add(t:ask(q())) error({ code = #s }) end) add(e.code)",
    "add(helper(t, add, q))",
    "add(t:call(\"sub\", #s))",
    "t.lang = #s % 2 == 0 and \"de\" or \"fr\" add(t.lang)",
    "add(tostring({}) .. json.encode { b = #s, a = { 1, 2 } })",
};
#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))

static void emit_block(int depth, unsigned count);

static void emit_statement(int depth) {
    unsigned what = chance(10);
    if (what == 0 && depth < 3) {
        emit("if #s %% %u == 0 then\n", 2 + chance(3));
        emit_block(depth + 1, 1 + chance(2));
        emit("else\n");
        emit_block(depth + 1, 1 + chance(2));
        emit("end\n");
    } else if (what == 1 && depth < 3) {
        emit("for i = 1, %u do\n", 1 + chance(3));
        emit_block(depth + 1, 1 + chance(2));
        emit("end\n");
    } else {
        emit("do %s end\n", statements[chance(STATEMENTS)]);
    }
}

static void emit_block(int depth, unsigned count) {
    while (count-- > 0) emit_statement(depth);
}

static void make_rules(void) {
    rules_len = 0;
    emit("local function helper(t, add, q) local a = t:ask(q()) add(t.session.v0) return a .. t:ask(q()) end\n"
         "dialog \"sub\" { match = \"^never$\", run = function(t, n) return n .. t:ask(\"sub\" .. n) end }\n"
         "rule \"set\" { match = \"^set (?<k>v\\\\d) (?<n>\\\\d+)$\", interrupt = true, reply = function(t)\n"
         "  t.session[t.match.k] = tonumber(t.match.n) return \"Set.\" end }\n"
         "dialog \"between\" { match = \"^between$\", interrupt = true, run = function(t) return \"=\" .. t:ask(\"Between?\") end }\n");
    for (unsigned i = 0; i < DIALOGS; i++) {
        emit("dialog \"p%u\" { match = \"^p%u$\", changed = \"CHANGED\", run = function(t)\n"
             "local s = \"\" local function add(v) s = s .. tostring(v) .. \",\" end local function q() return \"<\" .. s .. \">\" end\n",
             i, i);
        emit_block(0, 4 + chance(8));
        emit("return \"END<\" .. s .. \">\" end }\n");
    }
}

/* ---- the web server counts --------------------------------------------------------------------------------------- */

static const char *count_up(void) {
    static char response[256];
    char body[64];
    snprintf(body, sizeof(body), "{\"n\":%u}", web_requests());
    snprintf(response, sizeof(response),
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
             strlen(body), body);
    return response;
}

/* ---- conversations ----------------------------------------------------------------------------------------------- */

static const char *message(void) {
    static char text[64];
    static const char *const words[] = {"yes", "no", "12", "order 345", "foo", "是的", "between", "a 1 b"};
    if (chance(6) == 0) {
        snprintf(text, sizeof(text), "set v%u %u", chance(3), chance(100));
        return text;
    }
    return words[chance(sizeof(words) / sizeof(words[0]))];
}

/* The text between the last "<" and ">" of a reply, if it has one. */
static bool shown(const char *reply, char *out, size_t size) {
    const char *start = strrchr(reply, '<'), *end = strrchr(reply, '>');
    if (!start || !end || end < start) return false;
    snprintf(out, size, "%.*s", (int)(end - start - 1), start + 1);
    return true;
}

static void converse(unsigned dialog, uint64_t seed, bool forgets) {
    static char before[1 << 16], now[1 << 16];
    char start[16];
    snprintf(start, sizeof(start), "p%u", dialog);
    before[0] = '\0';
    for (int turn = 0; turn < TURNS; turn++) {
        const char *said = bot_say(turn == 0 ? start : message());
        if (said[0] == '!' || strstr(said, "CHANGED"))
            fail_msg("seed %llu dialog %u turn %d: %s", (unsigned long long)seed, dialog, turn, said);
        if (shown(said, now, sizeof(now))) {
            if (strncmp(now, before, strlen(before)) != 0)
                fail_msg("seed %llu dialog %u turn %d:\n%s\nbecame\n%s", (unsigned long long)seed, dialog, turn, before, now);
            memcpy(before, now, sizeof(now));
        }
        if (strstr(said, "END<")) return;
        if (forgets && chance(3) > 0) dialogs_forget();
        if (chance(4) == 0) dialogs_advance(chance(100000));
    }
}

static void whatever_a_dialog_has_seen_it_sees_again(void **state) {
    (void)state;
    bot.options.waits = 1000;
    bot.options.config = json_pack("{s:o}", "api", json_sprintf("http://127.0.0.1:%d", web_open_making(count_up)));
    bot_rules("rule \"x\" { match = \"x\", reply = \"x\" }");
    for (uint64_t seed = 1; seed <= BATCHES; seed++) {
        state_of_chance = seed * UINT64_C(0x9E3779B97F4A7C15);
        make_rules();
        dialogs_change(rules);
        for (unsigned i = 0; i < DIALOGS; i++) {
            test_store_finish(&bot.store);
            converse(i, seed, i % 3 != 0);
        }
    }
    web_close();
    json_decref(bot.options.config);
    bot.options.config = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogs_setup, dialogs_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(whatever_a_dialog_has_seen_it_sees_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
