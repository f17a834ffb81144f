/* The order of targets, and what is measured of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/models/route/latency.h"
#include "plugins/models/route/pick.h"

static void fallback_is_the_order_of_the_file(void **state) {
    (void)state;
    const struct candidate candidates[] = {{"a", 0, 9}, {"b", 1, 1}, {"c", 5, 0}};
    unsigned char order[3];
    pick_order(STRATEGY_FALLBACK, candidates, 3, 7, RP_STR("x"), order);
    assert_true(order[0] == 0 && order[1] == 1 && order[2] == 2);
}

static void the_quickest_comes_first_and_the_unmeasured_before_it(void **state) {
    (void)state;
    const struct candidate candidates[] = {{"a", 1, 30}, {"b", 1, 10}, {"c", 1, 0}, {"d", 1, 10}};
    unsigned char order[4];
    pick_order(STRATEGY_LEAST_LATENCY, candidates, 4, 7, RP_STR("x"), order);
    assert_true(order[0] == 2 && order[1] == 1 && order[2] == 3 && order[3] == 0);
}

static void weights_are_met_in_proportion(void **state) {
    (void)state;
    const struct candidate candidates[] = {{"a", 6, 0}, {"b", 3, 0}, {"c", 1, 0}, {"d", 0, 0}};
    unsigned first[4] = {0}, second_behind_a[4] = {0};
    for (uint64_t i = 0; i < 20000; i++) {
        unsigned char order[4];
        pick_order(STRATEGY_WEIGHTED, candidates, 4, i * 0x9E3779B97F4A7C15u + 1, RP_STR(""), order);
        first[order[0]]++;
        if (order[0] == 0) second_behind_a[order[1]]++;
        assert_int_equal(order[3], 3); /* without weight: at the very end */
    }
    assert_in_range(first[0], 11600, 12400);
    assert_in_range(first[1], 5600, 6400);
    assert_in_range(first[2], 1700, 2300);
    unsigned behind = second_behind_a[1] + second_behind_a[2];
    assert_in_range(second_behind_a[1] * 100 / behind, 71, 79); /* 3 to 1 among those that are left */
}

static void sessions_stick_and_move_only_where_they_must(void **state) {
    (void)state;
    const struct candidate three[] = {{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}}, two[] = {{"a", 1, 0}, {"c", 1, 0}};
    unsigned met[3] = {0};
    for (int i = 0; i < 6000; i++) {
        char key[20];
        unsigned char with[3], without[2], again[3];
        snprintf(key, sizeof(key), "s%d", i);
        pick_order(STRATEGY_HASH, three, 3, 1, rp_str(key), with);
        pick_order(STRATEGY_HASH, three, 3, 2, rp_str(key), again);
        assert_memory_equal(with, again, 3);
        met[with[0]]++;
        pick_order(STRATEGY_HASH, two, 2, 1, rp_str(key), without);
        if (with[0] != 1) assert_string_equal(two[without[0]].name, three[with[0]].name);
    }
    for (int i = 0; i < 3; i++) assert_in_range(met[i], 1800, 2200);
}

static void the_percentile_needs_enough_calls_and_forgets_old_ones(void **state) {
    (void)state;
    struct latency latency = {0};
    for (int i = 1; i < LATENCY_ENOUGH; i++) latency_add(&latency, i, 0);
    assert_int_equal(latency_p95(&latency), -1);
    latency_add(&latency, LATENCY_ENOUGH, 0);
    assert_int_equal(latency_p95(&latency), 19); /* of 1 to 20 */
    for (int i = 0; i < LATENCY_KEPT; i++) latency_add(&latency, 7, 0);
    assert_int_equal(latency_p95(&latency), 7);
    for (int i = 0; i < LATENCY_KEPT / 10; i++) latency_add(&latency, 900, 0);
    assert_int_equal(latency_p95(&latency), 900);
}

static void what_is_not_measured_any_more_gets_another_chance(void **state) {
    (void)state;
    struct latency slow = {0}, quick = {0};
    assert_true(latency_score(&slow, 0) == 0);
    latency_add(&slow, 800, 0);
    latency_add(&quick, 100, 0);
    assert_true(latency_score(&slow, 1000) > latency_score(&quick, 1000));
    latency_add(&quick, 100, 120000); /* four halves later */
    assert_true(latency_score(&slow, 120000) < latency_score(&quick, 120000));
    assert_true(latency_score(&slow, 120000) > 0);
}

static void one_turn_tries_again_not_all_of_them(void **state) {
    (void)state;
    struct latency slow = {0}, quick = {0}, new = {0};
    latency_add(&slow, 800, 0);
    latency_add(&quick, 100, 120000);
    assert_true(latency_score(&slow, 120000) < latency_score(&quick, 120000));
    latency_ask(&slow, 120000); /* one is on its way */
    assert_true(latency_score(&slow, 120001) > latency_score(&quick, 120001));
    struct latency other = {0};
    latency_ask(&new, 120000);
    latency_ask(&other, 120000);
    latency_ask(&other, 120000);
    assert_true(latency_score(&new, 120000) < latency_score(&other, 120000)); /* at the same moment too */
    assert_true(latency_score(&new, 120001) > latency_score(&quick, 120001));
}

static void a_failure_counts_as_a_slow_call_but_not_in_the_percentile(void **state) {
    (void)state;
    struct latency failing = {0}, slow = {0};
    latency_fail(&failing, 3, 0);
    latency_add(&slow, 2000, 0);
    assert_true(latency_score(&failing, 0) > latency_score(&slow, 0));
    for (int i = 0; i < LATENCY_ENOUGH; i++) latency_add(&failing, 50, 0);
    latency_fail(&failing, 3, 0);
    assert_int_equal(latency_p95(&failing), 50);
    assert_true(latency_score(&failing, 0) > 1000);
}

static void losing_neither_raises_nor_lowers_what_is_usual(void **state) {
    (void)state;
    struct latency dead = {0}, sound = {0};
    for (int i = 0; i < LATENCY_KEPT; i++) latency_add(&dead, 90 + i % 10, 0);
    int64_t usual = latency_p95(&dead);
    for (int i = 0; i < 10 * LATENCY_KEPT; i++) latency_lose(&dead, latency_p95(&dead), latency_p95(&dead) + 50, 0);
    assert_int_equal(latency_p95(&dead), usual);
    for (int i = 0; i < 10 * LATENCY_KEPT; i++) { /* whatever is later than usual is lost */
        int64_t ms = 1 + i * 7 % 100, p95 = latency_p95(&sound);
        if (p95 >= 0 && ms > p95)
            latency_lose(&sound, p95, p95 + 5, 0);
        else
            latency_add(&sound, ms, 0);
    }
    assert_in_range(latency_p95(&sound), 85, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fallback_is_the_order_of_the_file),
        cmocka_unit_test(the_quickest_comes_first_and_the_unmeasured_before_it),
        cmocka_unit_test(weights_are_met_in_proportion),
        cmocka_unit_test(sessions_stick_and_move_only_where_they_must),
        cmocka_unit_test(the_percentile_needs_enough_calls_and_forgets_old_ones),
        cmocka_unit_test(what_is_not_measured_any_more_gets_another_chance),
        cmocka_unit_test(one_turn_tries_again_not_all_of_them),
        cmocka_unit_test(losing_neither_raises_nor_lowers_what_is_usual),
        cmocka_unit_test(a_failure_counts_as_a_slow_call_but_not_in_the_percentile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
