/* What is shown of a batch: the rate of the last while, the time left, and lines that fit. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/batch/progress.h"

static void the_rate_follows_what_is_recent(void **state) {
    (void)state;
    struct progress_rate rate;
    int64_t now = 1000, done = 500;
    progress_rate_start(&rate, now, done); /* what was there before does not count */
    assert_true(progress_rate_per_second(&rate) == 0);
    for (int i = 0; i < 10; i++) progress_rate_look(&rate, now += 200, done += 20);
    assert_float_equal(progress_rate_per_second(&rate), 100, 0.01);
    for (int i = 0; i < 500; i++) progress_rate_look(&rate, now += 200, done += 2); /* 100 s at a tenth */
    assert_float_equal(progress_rate_per_second(&rate), 10, 1);
    for (int i = 0; i < 1000; i++) progress_rate_look(&rate, now += 200, done);
    assert_true(progress_rate_per_second(&rate) < 0.1);
    progress_rate_look(&rate, now, done + 5); /* no time has passed */
    assert_true(progress_rate_per_second(&rate) < 0.1);
}

static void expect(const struct progress_counts *counts, double rate, unsigned width, bool plain, const char *wanted) {
    struct rp_buf out;
    rp_buf_init(&out, 4096);
    progress_line(&out, counts, rate, width, plain);
    assert_string_equal(out.data, wanted);
    rp_buf_finish(&out);
}

static void lines_say_what_is_known(void **state) {
    (void)state;
    expect(&(struct progress_counts){.done = 42, .total = 100}, 2, 30, true, "42/100 42%, 2.0/s, 29s left");
    expect(&(struct progress_counts){.done = 42, .total = 100}, 2, 40, true,
           "[####......] 42/100 42%, 2.0/s, 29s left");
    expect(&(struct progress_counts){.done = 42, .total = 100}, 2, 40, false,
           "[████······] 42/100 42%, 2.0/s, 29s left");
    expect(&(struct progress_counts){.done = 42, .failed = 3, .total = -1}, 0.5, 80, true, "42, 30.0/min, 3 failed");
    expect(&(struct progress_counts){.done = 999, .total = 1000}, 0, 20, true, "999/1000 99%");
    expect(&(struct progress_counts){.done = 0, .total = 0}, 0, 10, true, "0/0 100%");
    expect(&(struct progress_counts){.done = 42, .total = 100}, 2, 5, true, "42/10");
    expect(&(struct progress_counts){.done = 42, .total = 100}, 2, 0, true, "");
    expect(&(struct progress_counts){.done = 12, .total = 10}, 500, 30, true, "[##########] 12/10 100%, 500/s");
}

static void durations_are_short(void **state) {
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0s"},       {0.6, "1s"},       {59.4, "59s"},    {60, "1m00s"},     {3599, "59m59s"},
                {3600, "1h00m"}, {86399, "23h59m"}, {86400, "1d00h"}, {9e9, "11574d01h"}};
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        progress_duration(text, sizeof(text), rows[i].seconds);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_follows_what_is_recent),
        cmocka_unit_test(lines_say_what_is_known),
        cmocka_unit_test(durations_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
