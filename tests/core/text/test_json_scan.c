/* The cursor over JSON takes what jansson takes, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <repartee/json_scan.h>

static const char *const good[] = {
    "{}",
    "[]",
    " [ ] ",
    "{\"a\":1}",
    "[1,2.5,-0,1e9,-1.5E-3,0]",
    "[true,false,null]",
    "\"\"",
    "{\"a\":{\"b\":[{\"c\":\"d\"}]}}",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    "[[[[[[[[[[]]]]]]]]]]",
};
static const char *const bad[] = {
    "",
    "{",
    "}",
    "[",
    "[1,]",
    "{\"a\":1,}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "[1 2]",
    "tru",
    "nul",
    "01",
    "1.",
    ".5",
    "1e",
    "-",
    "+1",
    "\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"a\nb\"",
    "[1]]",
    "{} {}",
    "{\"a\":1 \"b\"}",
    "[,1]",
    "{,}",
    "'a'",
    "\"a\\\"",
    "[\"a]",
    "//",
    "{\"a\\q\":1}",
};

/* From a copy of just this size, for the sanitizer. */
static bool accepts(const char *text, size_t len) {
    char *copy = malloc(len + 1);
    memcpy(copy, text, len);
    struct rp_scan scan;
    char *exact = malloc(len ? len : 1);
    memcpy(exact, copy, len);
    rp_scan_init(&scan, rp_str_n(exact, len));
    bool good_text = rp_scan_skip(&scan) && rp_scan_done(&scan);
    free(exact);
    free(copy);
    return good_text;
}

static void json_is_accepted(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!accepts(good[i], strlen(good[i]))) fail_msg("refused: %s", good[i]);
    }
}

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (accepts(bad[i], strlen(bad[i]))) fail_msg("accepted: %s", bad[i]);
    }
    assert_false(accepts("[1\0]", 4));
    assert_false(accepts("\0", 1));
}

static void a_beginning_of_json_is_refused(void **state) {
    (void)state;
    const char *text = "{\"a\":[1,{\"b\":\"c\\u00e9\\n\"}],\"d\":true,\"e\":null,\"f\":-1.5e3}";
    for (size_t len = 0; len < strlen(text); len++) assert_false(accepts(text, len));
    assert_true(accepts(text, strlen(text)));
}

static void depth_is_bounded(void **state) {
    (void)state;
    for (size_t depth = 1; depth < 40; depth++) {
        char text[100];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(accepts(text, 2 * depth), depth <= RP_JSON_DEPTH);
    }
}

static void decodes_to(const char *json, const char *expected, size_t len) {
    struct rp_scan scan;
    struct rp_buf out;
    rp_buf_init(&out, 100);
    rp_scan_init(&scan, rp_str(json));
    assert_true(rp_scan_string(&scan, &out));
    assert_int_equal(out.len, len);
    if (len) assert_memory_equal(out.data, expected, len);
    rp_buf_finish(&out);
}

static void strings_are_decoded(void **state) {
    (void)state;
    decodes_to("\"\"", "", 0);
    decodes_to("\"plain\"", "plain", 5);
    decodes_to("\"a\\n\\t\\\"\\\\\\/b\"", "a\n\t\"\\/b", 7);
    decodes_to("\"\\u0041\\u00e9\\u4F60\\u0000\"", "A\xC3\xA9\xE4\xBD\xA0\0", 7);
    decodes_to("\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4);
    decodes_to("\"\\ud83d\"", "\xEF\xBF\xBD", 3);
    decodes_to("\"\\ud83dx\"", "\xEF\xBF\xBDx", 4);
    decodes_to("\"\\ude00\\ud83d\\u0041\"",
               "\xEF\xBF\xBD\xEF\xBF\xBD"
               "A",
               7);
}

static bool strict_takes(const char *json) {
    struct rp_scan scan;
    rp_scan_init(&scan, rp_str(json));
    scan.strict = true;
    return rp_scan_skip(&scan) && rp_scan_done(&scan);
}

static void escapes_that_stand_for_no_text_are_refused_where_that_is_wanted(void **state) {
    (void)state;
    assert_true(strict_takes("[\"\\ud83d\\ude00\\u0001\"]"));
    assert_false(strict_takes("[\"a\\u0000\"]"));
    assert_false(strict_takes("{\"a\\u0000\":1}"));
    assert_false(strict_takes("[\"\\ud83d\"]"));
    assert_false(strict_takes("[\"\\ud83dx\"]"));
    assert_false(strict_takes("[\"\\ud83d\\u0041\"]"));
    assert_false(strict_takes("[\"\\ude00\"]"));
}

static void a_string_too_long_for_its_buffer_is_refused(void **state) {
    (void)state;
    for (size_t max = 0; max < 6; max++) {
        struct rp_scan scan;
        struct rp_buf out;
        rp_buf_init(&out, max);
        rp_scan_init(&scan, RP_STR("\"ab\\u00e9c\""));
        assert_int_equal(rp_scan_string(&scan, &out), max >= 5);
        rp_buf_finish(&out);
    }
}

static void integers_are_read_without_overflow(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {{"0", 0}, {"17", 17}, {"-17", -17}, {"12.9", 12}, {"3e5", 3}};
    struct rp_scan scan;
    int64_t value;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rp_scan_init(&scan, rp_str(rows[i].text));
        assert_true(rp_scan_integer(&scan, &value));
        assert_int_equal(value, rows[i].value);
    }
    rp_scan_init(&scan, RP_STR("99999999999999999999999999"));
    assert_true(rp_scan_integer(&scan, &value));
    assert_true(value > 0);
    rp_scan_init(&scan, RP_STR("\"1\""));
    assert_false(rp_scan_integer(&scan, &value));
}

static void counts_have_a_range(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {{"0", 0}, {"17", 17}, {"-17", 0}, {"9223372036854775807", RP_SCAN_COUNT_MAX}, {"\"17\"", 3}, {"null", 3}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_scan scan;
        int64_t value = 3;
        rp_scan_init(&scan, rp_str(rows[i].text));
        assert_true(rp_scan_count(&scan, &value));
        assert_int_equal(value, rows[i].value);
    }
}

static void expect_joined(const char *first, const char *second, const char *joined, unsigned left) {
    struct rp_buf out;
    uint16_t half = 0;
    rp_buf_init(&out, 100);
    for (int i = 0; i < 2; i++) {
        struct rp_scan scan;
        rp_scan_init(&scan, rp_str(i ? second : first));
        scan.half = &half;
        assert_true(rp_scan_string(&scan, &out) && rp_scan_done(&scan));
    }
    assert_string_equal(out.data ? out.data : "", joined);
    assert_int_equal(half, left);
    rp_buf_finish(&out);
}

static void a_pair_can_be_torn_apart_between_strings(void **state) {
    (void)state;
    expect_joined("\"a\\ud83d\"", "\"\\ude00b\"", "a\xF0\x9F\x98\x80" "b", 0);
    expect_joined("\"a\\ud83d\"", "\"\"", "a", 0xD83D);
    expect_joined("\"a\\ud83d\"", "\"b\"", "a\xEF\xBF\xBD" "b", 0);
    expect_joined("\"a\\ud83d\"", "\"\\ud83d\"", "a\xEF\xBF\xBD", 0xD83D);
    expect_joined("\"a\\ud83dx\"", "\"\\ude00\"", "a\xEF\xBF\xBDx\xEF\xBF\xBD", 0);
    expect_joined("\"\\ud83d\\ude00\"", "\"c\"", "\xF0\x9F\x98\x80" "c", 0);
    expect_joined("\"\\ude00\"", "\"c\"", "\xEF\xBF\xBD" "c", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_accepted),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_beginning_of_json_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(escapes_that_stand_for_no_text_are_refused_where_that_is_wanted),
        cmocka_unit_test(a_string_too_long_for_its_buffer_is_refused),
        cmocka_unit_test(integers_are_read_without_overflow),
        cmocka_unit_test(counts_have_a_range),
        cmocka_unit_test(a_pair_can_be_torn_apart_between_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
