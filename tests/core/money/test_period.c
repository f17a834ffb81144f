/* Periods: where they begin and end, over months of every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/money/period.h"

static void expect(enum period period, int64_t wall_ms, const char *name, int64_t ends_ms) {
    struct period_at at = period_at(period, wall_ms);
    assert_string_equal(at.name, name);
    assert_int_equal(at.ends_ms, ends_ms);
}

#define AT(seconds) (INT64_C(seconds) * 1000)

static void a_moment_lies_in_its_hour_day_and_month(void **state) {
    (void)state;
    int64_t now = AT(1795703640) + 123; /* 2026-11-26T14:34:00.123Z */
    expect(PERIOD_HOUR, now, "2026-11-26T14", AT(1795705200));
    expect(PERIOD_DAY, now, "2026-11-26", AT(1795737600));
    expect(PERIOD_MONTH, now, "2026-11", AT(1796083200));
}

static void a_period_ends_where_the_next_begins(void **state) {
    (void)state;
    for (int period = 0; period < PERIOD_COUNT; period++) {
        int64_t at = AT(1704067200); /* 2024-01-01, a leap year */
        for (int i = 0; i < 60; i++) {
            struct period_at here = period_at((enum period)period, at),
                             last = period_at((enum period)period, here.ends_ms - 1);
            assert_string_equal(here.name, last.name);
            assert_int_equal(here.ends_ms, last.ends_ms);
            assert_string_not_equal(here.name, period_at((enum period)period, here.ends_ms).name);
            at = here.ends_ms;
        }
    }
}

static void february_knows_leap_years(void **state) {
    (void)state;
    expect(PERIOD_MONTH, AT(1709164800), "2024-02", AT(1709251200)); /* 2024-02-29 */
    expect(PERIOD_MONTH, AT(1677542400), "2023-02", AT(1677628800)); /* 2023-02-28 */
    expect(PERIOD_MONTH, AT(1798675200), "2026-12", AT(1798761600)); /* 2026-12-31 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_lies_in_its_hour_day_and_month),
        cmocka_unit_test(a_period_ends_where_the_next_begins),
        cmocka_unit_test(february_knows_leap_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
