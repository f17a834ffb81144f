/* Reading conversation tests: what the lines mean, and what is said of those that mean nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/testing/chat_file.h"

static struct chat_file file;
static struct report report;

static int read_text(const char *text, bool bare) {
    return chat_file_read(&file, "a.chat", rp_str(text), bare, &report);
}

static void read_good(const char *text) {
    if (read_text(text, false) != 0) fail_msg("%s", report.entries[0].error.text);
}

static void forget(void) {
    chat_file_finish(&file);
    report_finish(&report);
}

static void assert_str(struct rp_str text, const char *expected) {
    if (!rp_str_equal(text, rp_str(expected))) fail_msg("expected '%s', got '%.*s'", expected, RP_STR_ARG(text));
}

static void assert_mistake(const char *text, int line, const char *expected) {
    assert_int_equal(read_text(text, false), -RP_EINVALID);
    assert_true(report.errors > 0);
    const struct rp_error *error = &report.entries[0].error;
    if (!strstr(error->text, expected)) fail_msg("expected '%s' in '%s'", expected, error->text);
    assert_int_equal(error->line, line);
    forget();
}

static void messages_and_what_is_expected(void **state) {
    (void)state;
    read_good("# a comment\n\n> hello there\n>> second\n< one\n<\n< three\n<~ (?i)ONE\n= rule:a\n* ping {\"a\": 1}\n"
              "> again\n! rate_limited\n");
    const struct chat_step *step = file.steps;
    assert_int_equal(file.messages, 2);
    assert_int_equal(step->kind, STEP_MESSAGE);
    assert_int_equal(step->line, 3);
    assert_int_equal(step->last_line, 4);
    assert_str(step->text, "hello there\nsecond");
    assert_str(step->user, "tester");
    assert_str(step->session, "test");
    const struct chat_expect *expect = step->expects;
    assert_int_equal(expect->kind, EXPECT_TEXT);
    assert_str(expect->text, "one\n\nthree");
    assert_int_equal(expect->lines, 3);
    expect = expect->next;
    assert_int_equal(expect->kind, EXPECT_PATTERN);
    assert_non_null(expect->regex);
    expect = expect->next;
    assert_int_equal(expect->kind, EXPECT_BY);
    expect = expect->next;
    assert_int_equal(expect->kind, EXPECT_EVENT);
    assert_int_equal(json_integer_value(json_object_get(expect->data, "a")), 1);
    assert_str(step->next->expects->text, "rate_limited");
    forget();
}

static void directives_hold_from_there_on(void **state) {
    (void)state;
    read_good("clock 2026-03-02 09:30 +01:00\npace 2s\nuser ann\nsession s1\npipeline staff\nmetadata {\"k\": true}\n> a\n< b\n"
              "user\nmetadata\nclock +5m\nclock 2026-03-02 12:00:30\n> c\n< d\nevent say {\"text\": \"x\"}\n");
    assert_true(file.start_ms == INT64_C(1772440200000)); /* 08:30 UTC */
    assert_int_equal(file.pace_ms, 2000);
    const struct chat_step *step = file.steps;
    assert_str(step->user, "ann");
    assert_str(step->session, "s1");
    assert_str(step->pipeline, "staff");
    assert_true(json_is_true(json_object_get(step->metadata, "k")));
    step = step->next;
    assert_int_equal(step->kind, STEP_MOVE);
    assert_int_equal(step->ms, 300000);
    step = step->next;
    assert_int_equal(step->kind, STEP_SET);
    assert_true(step->ms == INT64_C(1772452830000));
    step = step->next;
    assert_str(step->user, "");
    assert_null(step->metadata);
    step = step->next;
    assert_int_equal(step->kind, STEP_EVENT);
    assert_str(step->text, "say");
    forget();
}

static void what_only_looks_like_a_tool_is_text(void **state) {
    (void)state;
    read_good("model two: |tool of the trade\n> c\nmodel two:\n< d\n");
    const struct script_piece *piece = file.steps->models->pieces;
    assert_int_equal(piece->text.len, 0);
    assert_int_equal(piece->next->kind, PIECE_TEXT);
    assert_str(piece->next->text, "tool of the trade");
    assert_int_equal(file.steps->models->next->pieces->text.len, 0);
    forget();
}

static void pieces_have_their_kinds(void **state) {
    (void)state;
    read_good("model main: Hello, |wor||ld\\|\\n\\\\\\!x|tool find {\"a\": \"b\\n||\"}|!rate_limited\n> a\n< b\n");
    const struct script_piece *piece = file.steps->models->pieces;
    assert_int_equal(piece->kind, PIECE_TEXT);
    assert_str(piece->text, "Hello, ");
    piece = piece->next;
    assert_str(piece->text, "wor|ld|\n\\!x");
    piece = piece->next;
    assert_int_equal(piece->kind, PIECE_TOOL);
    assert_str(piece->tool, "find");
    assert_str(piece->text, "{\"a\": \"b\\n|\"}");
    piece = piece->next;
    assert_int_equal(piece->kind, PIECE_FAULT);
    assert_int_equal(piece->fault, RP_EUPRATE);
    assert_null(piece->next);
    forget();
}

static void scripts_count_for_one_step(void **state) {
    (void)state;
    read_good("model m: 1\n> a\nmodel m: 2\n< x\nmodel m: 3\n> b\n< y\n");
    assert_str(file.steps->models->pieces->text, "1");
    assert_str(file.steps->models->next->pieces->text, "2");
    assert_null(file.steps->models->next->next);
    assert_str(file.steps->next->models->pieces->text, "3");
    forget();
}

static void http_answers(void **state) {
    (void)state;
    read_good("http GET https://a.example:8443/x?y=1: 200 {\"ok\": true}\nhttp+ Retry-After: 3\n"
              "http POST http://b/ {\"id\": \"a: b\"}: 404\nhttp GET http://c/*: !timeout\n> a\n< b\n");
    const struct http_script *http = file.steps->https;
    assert_str(http->method, "GET");
    assert_str(http->url, "https://a.example:8443/x?y=1");
    assert_int_equal(http->answer.status, 200);
    assert_str(http->answer.body, "{\"ok\": true}");
    assert_string_equal(http->answer.fields[0], "Content-Type: application/json");
    assert_string_equal(http->answer.fields[1], "Retry-After: 3");
    assert_int_equal(http->last_line, 2);
    http = http->next;
    assert_string_equal(json_string_value(json_object_get(http->body, "id")), "a: b");
    assert_int_equal(http->answer.status, 404);
    assert_int_equal(http->answer.body.len, 0);
    assert_int_equal(http->next->answer.code, -RP_EUPTIMEOUT);
    forget();
}

static void mistakes_have_their_line(void **state) {
    (void)state;
    assert_mistake("< x\n", 1, "nothing has been said yet");
    assert_mistake("> a\n< b\n>c\n", 3, "write a blank behind '>'");
    assert_mistake("> a\nmodle m: x\n< b\n", 2, "did you mean 'model'?");
    assert_mistake("hello\n> a\n< b\n", 1, "no line begins with 'hello'");
    assert_mistake("> a\n<~ (b\n", 2, "parenthesis");
    assert_mistake("> a\n! rate_limit\n", 2, "did you mean 'rate_limited'?");
    assert_mistake("> a\n! \n", 2, "expected the code");
    assert_mistake("> a\n= x\n= y\n", 3, "line 2 says already");
    assert_mistake("> a\n< x\n= y\n< z\n", 4, "stand together");
    assert_mistake("> a\n> b\n< c\n", 1, "nothing is expected");
    assert_mistake("> a\n", 1, "nothing is expected");
    assert_mistake("# nothing\n", 0, "there is no message in it");
    assert_mistake("> a\n< b\nmodel m: x\n", 3, "nothing follows");
    assert_mistake("clock 5m\n> a\n< b\n", 1, "expected clock");
    assert_mistake("clock 2026-02-30 10:00\n> a\n< b\n", 1, "expected clock");
    assert_mistake("clock +5m\n< b\n", 2, "stands in front of the next reply");
    assert_mistake("> a\n< b\npace 1s\n", 3, "at its top");
    assert_mistake("metadata [1]\n> a\n< b\n", 1, "expected a JSON object");
    assert_mistake("metadata {\"a\": }\n> a\n< b\n", 1, "not valid JSON");
    assert_mistake("model m x\n> a\n< b\n", 1, "expected model NAME");
    assert_mistake("model m: !nonsense\n> a\n< b\n", 1, "names no error code");
    assert_mistake("model m: !timeout|x\n> a\n< b\n", 1, "nothing can follow an error");
    assert_mistake("model m: tool x {\"a\": }\n> a\n< b\n", 1, "the arguments of tool 'x'");
    assert_mistake("http GET a.example: 200\n> a\n< b\n", 1, "expected http METHOD URL");
    assert_mistake("http GET http://a.example: 99\n> a\n< b\n", 1, "no HTTP status");
    assert_mistake("http GET http://a.example {\"a\": 200\n> a\n< b\n", 1, "not valid JSON");
    assert_mistake("http+ A: b\n> a\n< b\n", 1, "belongs to the `http` line right above");
    assert_mistake("http GET http://a: 200\n> a\n< b\nhttp+ A: b\n< c\n", 4, "belongs to the `http` line right above");
    assert_mistake("event\n", 1, "expected event NAME");
    assert_mistake("session\n> a\n< b\n", 1, "expected session NAME");
    assert_mistake(">> a\n", 1, "continues the message right above");
    assert_mistake("> a\xff\n< b\n", 0, "not UTF-8");
}

static void all_mistakes_are_told(void **state) {
    (void)state;
    assert_int_equal(read_text("< x\nfoo\n> a\n<~ (\n", false), -RP_EINVALID);
    assert_int_equal(report.errors, 4);
    forget();
}

static void a_bare_message_is_allowed_where_it_is_to_be_filled_in(void **state) {
    (void)state;
    assert_int_equal(read_text("> a\n> b\n", true), 0);
    assert_int_equal(file.messages, 2);
    forget();
}

static void lines_may_end_in_cr_lf(void **state) {
    (void)state;
    read_good("> a\r\n< b\r\n");
    assert_true(file.crlf);
    assert_str(file.steps->text, "a");
    assert_str(file.steps->expects->text, "b");
    forget();
    read_good("> a\n< b\r\n"); /* here it is part of the reply */
    assert_str(file.steps->expects->text, "b\r");
    forget();
}

static void a_long_reply_costs_what_it_is_long(void **state) {
    (void)state;
    struct rp_buf text;
    rp_buf_init(&text, 4 << 20);
    rp_buf_append_str(&text, RP_STR("> a\n"));
    for (int i = 0; i < 200000; i++) rp_buf_append_str(&text, RP_STR("< line\n"));
    assert_int_equal(chat_file_read(&file, "a.chat", rp_buf_str(&text), false, &report), 0);
    assert_int_equal(file.steps->expects->lines, 200000);
    assert_int_equal(file.steps->expects->text.len, 200000 * 5 - 1);
    rp_buf_finish(&text);
    forget();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_what_is_expected),
        cmocka_unit_test(directives_hold_from_there_on),
        cmocka_unit_test(what_only_looks_like_a_tool_is_text),
        cmocka_unit_test(pieces_have_their_kinds),
        cmocka_unit_test(scripts_count_for_one_step),
        cmocka_unit_test(http_answers),
        cmocka_unit_test(mistakes_have_their_line),
        cmocka_unit_test(all_mistakes_are_told),
        cmocka_unit_test(a_bare_message_is_allowed_where_it_is_to_be_filled_in),
        cmocka_unit_test(lines_may_end_in_cr_lf),
        cmocka_unit_test(a_long_reply_costs_what_it_is_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
