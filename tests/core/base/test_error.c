/* Error codes, and the record that load-time calls fill in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/base.h>

static void every_code_has_its_texts_with_either_sign(void **state) {
    (void)state;
#define CHECK(name, number, code, status, text)                                                                        \
    assert_string_equal(rp_error_code(number), code);                                                                  \
    assert_string_equal(rp_error_code(-RP_##name), code);                                                              \
    assert_string_equal(rp_error_text(-number), text);                                                                 \
    assert_int_equal(rp_error_http_status(RP_##name), status);
    RP_ERRORS(CHECK)
#undef CHECK
}

static void unknown_codes_count_as_internal(void **state) {
    (void)state;
    const int unknown[] = {0, 999, 1000, -1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(rp_error_code(unknown[i]), "internal_error");
        assert_int_equal(rp_error_http_status(unknown[i]), 500);
    }
}

static void filling_returns_the_negative_code(void **state) {
    (void)state;
    struct rp_error error;
    assert_int_equal(rp_error_set(&error, RP_ECONFIG, "no stage called '%s'", "redcat"), -RP_ECONFIG);
    assert_int_equal(error.code, RP_ECONFIG);
    assert_string_equal(error.text, "no stage called 'redcat'");
    assert_string_equal(error.file, "");
    assert_int_equal(error.line, 0);
    assert_int_equal(rp_error_at(&error, RP_EIO, "bot.lua", 21, "x"), -RP_EIO);
    assert_string_equal(error.file, "bot.lua");
    assert_int_equal(error.line, 21);
    assert_int_equal(rp_error_set(NULL, RP_EIO, "nobody listens"), -RP_EIO);
    assert_int_equal(rp_error_at(&error, RP_EIO, NULL, 0, "no file"), -RP_EIO);
    assert_string_equal(error.file, "");
}

static void context_may_be_added_to_the_same_record(void **state) {
    (void)state;
    struct rp_error error;
    rp_error_at(&error, RP_ECONFIG, "a.lua", 3, "first");
    rp_error_at(&error, RP_ECONFIG, error.file, error.line, "stage 2: %s", error.text);
    assert_string_equal(error.text, "stage 2: first");
    assert_string_equal(error.file, "a.lua");
}

static void text_is_one_line_without_control_characters(void **state) {
    (void)state;
    struct rp_error error;
    rp_error_at(&error, RP_ECONFIG, "a\nb", 1, "one\ntwo\r\x1b[31m\x7f");
    assert_string_equal(error.text, "one two  [31m ");
    assert_string_equal(error.file, "a b");
}

static void long_text_is_cut_between_characters(void **state) {
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        char text[2000];
        memset(text, 'x', shift);
        size_t len = shift;
        while (len + 3 < sizeof text) {
            memcpy(text + len, "\xe9\x80\x80", 3);
            len += 3;
        }
        text[len] = '\0';
        struct rp_error error;
        rp_error_set(&error, RP_EINVALID, "%s", text);
        size_t kept = strlen(error.text);
        assert_in_range(kept, sizeof error.text - 4, sizeof error.text - 1);
        assert_true(rp_utf8_valid(error.text, kept));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_texts_with_either_sign),
        cmocka_unit_test(unknown_codes_count_as_internal),
        cmocka_unit_test(filling_returns_the_negative_code),
        cmocka_unit_test(context_may_be_added_to_the_same_record),
        cmocka_unit_test(text_is_one_line_without_control_characters),
        cmocka_unit_test(long_text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
