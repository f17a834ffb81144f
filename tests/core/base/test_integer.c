/* Whole numbers as text: all that an int64_t holds, and nothing that only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <repartee/base.h>

static void expect(const char *text, int64_t number) {
    int64_t out = 77;
    assert_int_equal(rp_str_int64(rp_str(text), &out), 0);
    assert_true(out == number);
}

static void expect_refused(struct rp_str text) {
    int64_t out = 77;
    assert_int_equal(rp_str_int64(text, &out), -RP_EINVALID);
    assert_int_equal(out, 77);
}

static void every_number_is_read(void **state) {
    (void)state;
    expect("0", 0);
    expect("-0", 0);
    expect("007", 7);
    expect("1234567890", 1234567890);
    expect("9223372036854775807", INT64_MAX);
    expect("-9223372036854775808", INT64_MIN);
}

static void anything_else_is_refused(void **state) {
    static const char *const texts[] = {"",
                                        "-",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "--1",
                                        "1e3",
                                        "0x1",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999999",
                                        "/",
                                        ":"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) expect_refused(rp_str(texts[i]));
    expect_refused(RP_STR("1\0"));
    expect_refused(rp_str_n(NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_read),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
