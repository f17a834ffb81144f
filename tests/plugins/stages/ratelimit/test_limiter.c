/* GCRA by a clock of the test's own, and the table at and over its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/stages/ratelimit/limiter.h"

#define SECOND INT64_C(1000000000)
#define START (1000 * SECOND)

static int64_t take(struct limiter *limiter, const char *key, int64_t now) {
    return limiter_take(limiter, 0, rp_str(key), now);
}

static void a_burst_passes_and_the_next_waits_for_one_interval(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(5, 20, 1000);
    for (int i = 0; i < 20; i++) assert_int_equal(take(limiter, "a", START), 0);
    assert_int_equal(take(limiter, "a", START), SECOND / 5);
    assert_int_equal(take(limiter, "a", START), SECOND / 5); /* a refusal costs nothing */
    assert_int_equal(take(limiter, "a", START + SECOND / 5 - 1), 1);
    assert_int_equal(take(limiter, "a", START + SECOND / 5), 0);
    assert_int_equal(take(limiter, "a", START + SECOND / 5), SECOND / 5);
    limiter_destroy(limiter);
}

static void the_rate_holds_in_the_long_run(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(10, 3, 1000);
    int passed = 0;
    for (int64_t at = 0; at < 100 * SECOND; at += SECOND / 1000) passed += take(limiter, "a", START + at) == 0;
    assert_in_range(passed, 1002, 1003); /* 100 s at 10/s, and the burst */
    limiter_destroy(limiter);
}

static void after_a_rest_the_whole_burst_is_there_again_and_no_more(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(1, 3, 1000);
    for (int64_t at = START; at < START + 100000 * SECOND; at += 50000 * SECOND) {
        for (int i = 0; i < 3; i++) assert_int_equal(take(limiter, "a", at), 0);
        assert_int_equal(take(limiter, "a", at), SECOND);
    }
    limiter_destroy(limiter);
}

static void keys_and_kinds_do_not_share(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(1, 1, 1000);
    assert_int_equal(limiter_take(limiter, 0, RP_STR("192.0.2.7"), START), 0);
    assert_int_equal(limiter_take(limiter, 2, RP_STR("192.0.2.7"), START), 0);
    assert_int_equal(limiter_take(limiter, 0, RP_STR("192.0.2.8"), START), 0);
    assert_int_equal(limiter_take(limiter, 0, RP_STR(""), START), 0);
    assert_int_equal(limiter_take(limiter, 0, (struct rp_str){NULL, 0}, START), SECOND);
    assert_int_equal(limiter_take(limiter, 0, RP_STR("192.0.2.7"), START), SECOND);
    limiter_destroy(limiter);
}

static void a_clock_that_goes_back_a_little_allows_no_more(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(1, 2, 1000);
    assert_int_equal(take(limiter, "a", START), 0);
    assert_int_equal(take(limiter, "a", START - 500), 0);
    assert_int_equal(take(limiter, "a", START - 1000), SECOND);
    limiter_destroy(limiter);
}

static void extreme_rates_and_bursts_do_not_overflow(void **state) {
    static const struct {
        double rate;
        int64_t burst;
    } cases[] = {{1e-6, 1}, {1e-6, 1000000}, {1e6, 1}, {1e6, 1000000}, {1e-300, INT64_MAX}, {1e300, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct limiter *limiter = limiter_create(cases[i].rate, cases[i].burst, 1000);
        for (int n = 0; n < 3; n++) assert_true(take(limiter, "a", START) >= 0);
        assert_int_equal(take(limiter, "b", START), 0);
        limiter_destroy(limiter);
    }
}

static void memory_grows_with_the_keys_up_to_its_bound(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(1, 5, 4096);
    size_t small = limiter_capacity(limiter);
    assert_true(small <= 256);
    for (int i = 0; i < 50000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "user%d", i);
        assert_int_equal(take(limiter, key, START), 0);
        if (i == 100) assert_true(limiter_capacity(limiter) <= 1024);
        assert_true(limiter_capacity(limiter) <= 4096);
    }
    assert_int_equal(limiter_capacity(limiter), 4096);
    limiter_destroy(limiter);
}

static void nobody_is_forgotten_while_there_is_room(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(0.001, 1, 100000);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 60000; i++) {
            char key[16];
            snprintf(key, sizeof(key), "user%d", i);
            assert_int_equal(take(limiter, key, START) != 0, round);
        }
    }
    limiter_destroy(limiter);
}

/* Keys crowd in few tables only, so it takes many (each has secrets of its own) to see one. */
static void nobody_is_forgotten_while_a_table_grows(void **state) {
    (void)state;
    for (int table = 0; table < 1500; table++) {
        struct limiter *limiter = limiter_create(0.001, 1, 100000);
        char key[16];
        for (int i = 0; i < 1000; i++) {
            snprintf(key, sizeof(key), "user%d", i);
            assert_int_equal(take(limiter, key, START), 0);
        }
        for (int i = 0; i < 1000; i++) {
            snprintf(key, sizeof(key), "user%d", i);
            assert_true(take(limiter, key, START) > 0);
        }
        limiter_destroy(limiter);
    }
}

static void entries_whose_time_has_passed_are_used_again(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(1, 5, 100000);
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "user%d", i);
        take(limiter, key, START + i * (SECOND / 50)); /* 50 at a time are alive */
    }
    assert_true(limiter_capacity(limiter) <= 512);
    limiter_destroy(limiter);
}

static void a_flood_of_new_keys_does_not_free_those_over_their_limit(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create(1, 20, 256);
    for (int i = 0; i < 20; i++) assert_int_equal(take(limiter, "greedy", START), 0);
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "new%d", i);
        take(limiter, key, START);
    }
    assert_int_equal(take(limiter, "greedy", START), SECOND);
    limiter_destroy(limiter);
}

/* ---- from one generation to the next ------------------------------------------------------------------------------ */

static void the_same_numbers_share_one_table(void **state) {
    (void)state;
    struct limiter *old = limiter_create(1, 2, 1000);
    struct limiter *new = limiter_follow(old, 1, 2, 1000);
    assert_ptr_equal(new, old);
    assert_int_equal(take(old, "a", START), 0);
    limiter_inherit(new, old, START);
    limiter_destroy(old);
    assert_int_equal(take(new, "a", START), 0);
    assert_int_equal(take(new, "a", START), SECOND);
    limiter_destroy(new);
}

static void other_numbers_take_over_what_was_written(void **state) {
    (void)state;
    struct limiter *old = limiter_create(1.0 / 3600, 4, 1000); /* four at once, then one an hour */
    for (int i = 0; i < 4; i++) assert_int_equal(take(old, "full", START), 0);
    assert_int_equal(take(old, "half", START), 0);
    assert_int_equal(take(old, "half", START), 0);
    struct limiter *new = limiter_follow(old, 1, 4, 5000);
    assert_ptr_not_equal(new, old);
    assert_int_equal(take(new, "early", START), 0); /* on another worker, which has switched already */
    assert_int_equal(take(old, "early", START), 0);
    limiter_inherit(new, old, START);
    limiter_inherit(new, old, START); /* the second worker */
    limiter_destroy(old);
    assert_int_equal(take(new, "full", START), SECOND); /* not an hour: the new rate counts */
    assert_int_equal(take(new, "half", START), 0);
    assert_int_equal(take(new, "half", START), 0);
    assert_int_equal(take(new, "half", START), SECOND);
    assert_int_equal(take(new, "early", START), 0);
    assert_int_equal(take(new, "early", START), 0);
    assert_int_equal(take(new, "early", START), SECOND);
    for (int i = 0; i < 4; i++) assert_int_equal(take(new, "fresh", START), 0);
    assert_int_equal(take(new, "full", START + SECOND), 0);
    limiter_destroy(new);
}

static void a_smaller_burst_is_never_more_than_full(void **state) {
    (void)state;
    struct limiter *old = limiter_create(10, 100, 1000);
    for (int i = 0; i < 100; i++) assert_int_equal(take(old, "a", START), 0);
    struct limiter *new = limiter_follow(old, 10, 2, 1000);
    limiter_inherit(new, old, START);
    assert_int_equal(take(new, "a", START), SECOND / 10);
    limiter_destroy(old);
    limiter_destroy(new);
}

static void many_keys_are_inherited(void **state) {
    (void)state;
    struct limiter *old = limiter_create(0.001, 1, 100000);
    char key[16];
    for (int i = 0; i < 50000; i++) {
        snprintf(key, sizeof(key), "user%d", i);
        assert_int_equal(take(old, key, START), 0);
    }
    struct limiter *new = limiter_follow(old, 0.002, 1, 100000);
    limiter_inherit(new, old, START);
    limiter_destroy(old);
    for (int i = 0; i < 50000; i++) {
        snprintf(key, sizeof(key), "user%d", i);
        assert_int_equal(take(new, key, START), 500 * SECOND);
    }
    limiter_destroy(new);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_the_next_waits_for_one_interval),
        cmocka_unit_test(the_rate_holds_in_the_long_run),
        cmocka_unit_test(after_a_rest_the_whole_burst_is_there_again_and_no_more),
        cmocka_unit_test(keys_and_kinds_do_not_share),
        cmocka_unit_test(a_clock_that_goes_back_a_little_allows_no_more),
        cmocka_unit_test(extreme_rates_and_bursts_do_not_overflow),
        cmocka_unit_test(memory_grows_with_the_keys_up_to_its_bound),
        cmocka_unit_test(nobody_is_forgotten_while_there_is_room),
        cmocka_unit_test(nobody_is_forgotten_while_a_table_grows),
        cmocka_unit_test(entries_whose_time_has_passed_are_used_again),
        cmocka_unit_test(a_flood_of_new_keys_does_not_free_those_over_their_limit),
        cmocka_unit_test(the_same_numbers_share_one_table),
        cmocka_unit_test(other_numbers_take_over_what_was_written),
        cmocka_unit_test(a_smaller_burst_is_never_more_than_full),
        cmocka_unit_test(many_keys_are_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
