/* Durations, sizes and rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text/units.h"

struct good {
    const char *text;
    int64_t value;
};

static void durations_are_milliseconds(void **state) {
    (void)state;
    const struct good good[] = {
        {"250ms", 250},  {"5s", 5000},      {"10m", 600000},
        {"1h", 3600000}, {"2d", 172800000}, {"5", 5000},
        {"0", 0},        {"0.25", 250},     {"1.5s", 1500},
        {"0.001s", 1},   {"0.1s", 100},     {"0.3", 300},
        {"007s", 7000},  {"1.5ms", 1},      {"0.7s", 700},
        {"2.9", 2900},   {"0.999s", 999},   {"9223372036854775807ms", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms = -1;
        if (units_duration(good[i].text, &ms) || ms != good[i].value)
            fail_msg("'%s' gives %lld", good[i].text, (long long)ms);
    }
}

static void sizes_are_bytes(void **state) {
    (void)state;
    const struct good good[] = {
        {"4096", 4096},
        {"512B", 512},
        {"32KiB", 32768},
        {"1MiB", 1048576},
        {"2GiB", INT64_C(2) << 30},
        {"1TiB", INT64_C(1) << 40},
        {"0.5MiB", 524288},
        {"0", 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t bytes = -1;
        if (units_size(good[i].text, &bytes) || bytes != good[i].value) fail_msg("'%s'", good[i].text);
    }
}

static void rates_are_events_a_second(void **state) {
    (void)state;
    double rate;
    assert_int_equal(units_rate("5/s", &rate), 0);
    assert_true(rate == 5);
    assert_int_equal(units_rate("0.5/s", &rate), 0);
    assert_true(rate == 0.5);
    assert_int_equal(units_rate("120/m", &rate), 0);
    assert_true(rate == 2);
    assert_int_equal(units_rate("1800/h", &rate), 0);
    assert_true(rate == 0.5);
    assert_int_equal(units_rate("86400/d", &rate), 0);
    assert_true(rate == 1);
}

static void anything_else_is_refused_and_changes_nothing(void **state) {
    (void)state;
    const char *bad[] = {NULL,
                         "",
                         " ",
                         "-5s",
                         "+5s",
                         " 5s",
                         "5s ",
                         "5 s",
                         "s",
                         "5sec",
                         "5S",
                         "5x",
                         "0x10s",
                         "1e3s",
                         "1.",
                         ".5s",
                         "1..5s",
                         "1.5.",
                         "1,5s",
                         "nan",
                         "inf",
                         "5/",
                         "/s",
                         "5/w",
                         "5//s",
                         "5s/s",
                         "9223372036854775808",
                         "99999999999999999999d",
                         "0.1234567890s",
                         "5KB",
                         "5kib",
                         "5K"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = -7;
        double rate = -7;
        if (units_duration(bad[i], &value) != -RP_EINVALID) fail_msg("duration '%s'", bad[i]);
        if (units_size(bad[i], &value) != -RP_EINVALID) fail_msg("size '%s'", bad[i]);
        if (units_rate(bad[i], &rate) != -RP_EINVALID) fail_msg("rate '%s'", bad[i]);
        assert_int_equal(value, -7);
        assert_true(rate == -7);
    }
}

static void results_too_large_are_refused(void **state) {
    (void)state;
    int64_t value;
    assert_int_equal(units_duration("9223372036854775807s", &value), -RP_EINVALID);
    assert_int_equal(units_duration("106751991168d", &value), -RP_EINVALID);
    assert_int_equal(units_duration("106751991167d", &value), 0);
    assert_int_equal(units_size("8388608TiB", &value), -RP_EINVALID);
    assert_int_equal(units_size("8388607.999999TiB", &value), 0);
    assert_int_equal(units_size("9223372036854775807B", &value), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_milliseconds),    cmocka_unit_test(sizes_are_bytes),
        cmocka_unit_test(rates_are_events_a_second),     cmocka_unit_test(anything_else_is_refused_and_changes_nothing),
        cmocka_unit_test(results_too_large_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
