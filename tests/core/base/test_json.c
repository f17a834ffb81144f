/* Reading and writing JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/base.h>
#include <stdlib.h>

#include "core/base/json_escape.h"

static void refused(const char *text, size_t len, int line, const char *reason) {
    struct rp_error error = {0};
    json_t *value = (json_t *)&error; /* anything that is not NULL */
    assert_int_equal(rp_json_parse(text, len, &value, &error), -RP_EJSON);
    assert_ptr_equal(value, &error);
    assert_int_equal(error.code, RP_EJSON);
    assert_int_equal(error.line, line);
    if (!strstr(error.text, reason)) fail_msg("'%s' does not say '%s'", error.text, reason);
    assert_int_equal(rp_json_parse(text, len, &value, NULL), -RP_EJSON);
}

#define REFUSED(text, line, reason) refused(text, sizeof(text) - 1, line, reason)

static void mistakes_are_refused_with_line_and_reason(void **state) {
    (void)state;
    REFUSED("", 1, "line 1: the text is empty");
    refused(NULL, 0, 1, "line 1: the text is empty");
    REFUSED("  \n ", 2, "line 2: ");
    REFUSED("{\"a\": 1,\n \"a\": 2}", 2, "line 2: duplicate object key");
    REFUSED("{\"a\":", 1, "ends too early");
    REFUSED("[1] x", 1, "line 1: ");
    REFUSED("[1][2]", 1, "line 1: ");
    REFUSED("\"\xff\"", 1, "not valid UTF-8");
    REFUSED("\"\xed\xa0\x80\"", 1, "not valid UTF-8");
    REFUSED("\"\\ud800\"", 1, "line 1: ");
    REFUSED("\"a\\u0000b\"", 1, "\\u0000 is not allowed");
    REFUSED("{\"a\\u0000b\": 1}", 1, "\\u0000 is not allowed");
    REFUSED("[1]\0", 1, "NUL");
    REFUSED("[1\0]", 1, "NUL"); /* jansson alone takes it */
    REFUSED("{\n\"a\":[1\0,2]}", 2, "NUL");
    REFUSED("\"a\0b\"", 1, "line 1: ");
    REFUSED("\"a\nb\"", 1, "line 1: ");
    REFUSED("[1,]", 1, "line 1: ");
    REFUSED("nul", 1, "line 1: ");
    REFUSED("1e999", 1, "line 1: ");
    REFUSED("123456789012345678901234567890", 1, "line 1: ");
    REFUSED("'a'", 1, "line 1: ");
}

static void values_of_every_kind_are_taken(void **state) {
    (void)state;
    const char *good[] = {"null",
                          " true ",
                          "-1.5e3",
                          "\"\\u00e9\\n\"",
                          "[]",
                          "{}",
                          "{\"a\": [1, {\"b\": null}]}",
                          "\"\\ud83d\\ude00\"",
                          "9223372036854775807"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        json_t *value = NULL;
        assert_int_equal(rp_json_parse(good[i], strlen(good[i]), &value, NULL), 0);
        assert_non_null(value);
        json_decref(value);
    }
}

/* `depth` brackets of one kind around nothing, or only opened. */
static int nested(size_t depth, const char *open, const char *close, struct rp_error *error) {
    struct rp_buf buf;
    json_t *value = NULL;
    rp_buf_init(&buf, 1 << 24);
    for (size_t i = 0; i < depth; i++) rp_buf_append_str(&buf, rp_str(open));
    rp_buf_append_str(&buf, RP_STR("0"));
    for (size_t i = 0; i < depth; i++) rp_buf_append_str(&buf, rp_str(close));
    int status = rp_json_parse(buf.data, buf.len, &value, error);
    rp_buf_finish(&buf);
    json_decref(value);
    return status;
}

static void depth_is_bounded_exactly(void **state) {
    (void)state;
    struct rp_error error;
    assert_int_equal(nested(RP_JSON_DEPTH, "[", "]", NULL), 0);
    assert_int_equal(nested(RP_JSON_DEPTH, "{\"a\":", "}", NULL), 0);
    assert_int_equal(nested(RP_JSON_DEPTH + 1, "[", "]", &error), -RP_EJSON);
    assert_string_equal(error.text, "line 1: nested deeper than 32");
    assert_int_equal(nested(RP_JSON_DEPTH + 1, "{\n\"a\":", "}", &error), -RP_EJSON);
    assert_string_equal(error.text, "line 33: nested deeper than 32");
    assert_int_equal(nested(2000000, "[", "", &error), -RP_EJSON);
}

static void brackets_in_strings_are_no_depth(void **state) {
    (void)state;
    const char text[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\\\\\", \"]\"]";
    json_t *value = NULL;
    assert_int_equal(rp_json_parse(text, sizeof text - 1, &value, NULL), 0);
    json_decref(value);
    REFUSED("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\", 1, "line 1: ");
}

static char *escaped(const char *data, size_t len) {
    struct rp_buf buf;
    rp_buf_init(&buf, 1 << 20);
    assert_int_equal(rp_buf_json(&buf, data, len), 0);
    return buf.data;
}

#define ESCAPES(text, result)                                                                                          \
    do {                                                                                                               \
        char *out = escaped(text, sizeof(text) - 1);                                                                   \
        assert_string_equal(out, result);                                                                              \
        free(out);                                                                                                     \
    } while (0)

static void strings_are_escaped(void **state) {
    (void)state;
    ESCAPES("", "\"\"");
    ESCAPES("plain text that is longer than eight bytes", "\"plain text that is longer than eight bytes\"");
    ESCAPES("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    ESCAPES("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    ESCAPES("\x1b\0\x1f\x7f", "\"\\u001b\\u0000\\u001f\\u007f\"");
    ESCAPES("\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\"");
    ESCAPES("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"");
    ESCAPES("\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80", "\"\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80\"");
    ESCAPES("a\xff"
            "b\xe4\xbd",
            "\"a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Each special byte at each place of a text longer than one step, read back by the parser. */
static void escaped_strings_read_back_the_same(void **state) {
    (void)state;
    for (unsigned byte = 1; byte < 0x80; byte++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            char *out = escaped(text, sizeof text);
            json_t *value = NULL;
            assert_int_equal(rp_json_parse(out, strlen(out), &value, NULL), 0);
            assert_int_equal(json_string_length(value), sizeof text);
            assert_memory_equal(json_string_value(value), text, sizeof text);
            for (const char *c = out; *c; c++) assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
            json_decref(value);
            free(out);
        }
    }
}

static void a_string_that_does_not_fit_changes_nothing(void **state) {
    (void)state;
    const char text[] = "ab\ncd\xe4\xbd\xa0\xff";
    char *whole = escaped(text, sizeof text - 1);
    for (size_t max = 1; max < strlen(whole) + 1; max++) {
        struct rp_buf buf;
        rp_buf_init(&buf, max);
        rp_buf_append_str(&buf, RP_STR("#"));
        assert_int_equal(rp_buf_json(&buf, text, sizeof text - 1), -RP_ETOOLARGE);
        assert_string_equal(buf.data, "#");
        rp_buf_finish(&buf);
    }
    free(whole);
}

static void a_cut_text_ends_between_characters(void **state) {
    (void)state;
    const char text[] = "ab\xe4\xbd\xa0\n\xf0\x9f\x98\x80z\xff!";
    for (size_t max = 0; max < 30; max++) {
        struct rp_buf buf;
        rp_buf_init(&buf, max);
        size_t taken = json_escape(&buf, text, sizeof text - 1);
        assert_true(buf.len <= max);
        assert_true(rp_utf8_valid(buf.data, buf.len));
        assert_int_equal(rp_utf8_whole(text, taken), taken);
        if (taken < sizeof text - 1) assert_true(max - buf.len < 6); /* nothing is left out without need */
        rp_buf_finish(&buf);
    }
}

static void errors_for_clients_have_one_shape(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 1000);
    assert_int_equal(rp_buf_json_error(&buf, -RP_ERATE, NULL, "r1"), 0);
    assert_string_equal(buf.data,
                        "{\"error\": {\"code\": \"rate_limited\", \"message\": \"too many messages, please slow "
                        "down\", \"request_id\": \"r1\"}}");
    rp_buf_clear(&buf);
    assert_int_equal(rp_buf_json_error(&buf, RP_EINVALID, "no \"message\"", NULL), 0);
    assert_string_equal(buf.data, "{\"error\": {\"code\": \"invalid_request\", \"message\": \"no \\\"message\\\"\"}}");
    size_t whole = buf.len;
    rp_buf_finish(&buf);
    for (size_t max = 1; max <= whole; max++) {
        rp_buf_init(&buf, max);
        rp_buf_append_str(&buf, RP_STR("#"));
        assert_int_equal(rp_buf_json_error(&buf, RP_EINVALID, "no \"message\"", NULL), -RP_ETOOLARGE);
        assert_string_equal(buf.data, "#");
        rp_buf_finish(&buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_refused_with_line_and_reason),
        cmocka_unit_test(values_of_every_kind_are_taken),
        cmocka_unit_test(depth_is_bounded_exactly),
        cmocka_unit_test(brackets_in_strings_are_no_depth),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(escaped_strings_read_back_the_same),
        cmocka_unit_test(a_string_that_does_not_fit_changes_nothing),
        cmocka_unit_test(a_cut_text_ends_between_characters),
        cmocka_unit_test(errors_for_clients_have_one_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
