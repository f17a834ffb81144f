/* When a breaker opens, looks, and closes again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/models/route/breaker.h"

static const struct breaker_rules rules = {.failures = 3, .window = 5, .rest_ms = 1000};

static void call(struct breaker *breaker, enum breaker_end end, int64_t now) {
    assert_int_equal(breaker_ask(breaker, now), BREAKER_GO);
    breaker_end(breaker, &rules, false, end, now);
}

static struct breaker opened(int64_t now) {
    struct breaker breaker = {0};
    for (int i = 0; i < 3; i++) call(&breaker, BREAKER_FAILED, now);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    return breaker;
}

static void it_opens_at_so_many_failures_among_the_last_calls(void **state) {
    (void)state;
    struct breaker breaker = {0};
    call(&breaker, BREAKER_FAILED, 0);
    call(&breaker, BREAKER_FAILED, 0);
    for (int i = 0; i < 4; i++) call(&breaker, BREAKER_WELL, 0); /* the first of them is out of sight */
    call(&breaker, BREAKER_FAILED, 0);
    call(&breaker, BREAKER_FAILED, 0);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_int_equal(breaker_ask(&breaker, 0), BREAKER_GO);
    assert_true(breaker_end(&breaker, &rules, false, BREAKER_FAILED, 0));
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void calls_that_were_given_up_count_for_nothing(void **state) {
    (void)state;
    struct breaker breaker = {0};
    for (int i = 0; i < 100; i++) call(&breaker, BREAKER_UNKNOWN, 0);
    call(&breaker, BREAKER_FAILED, 0);
    call(&breaker, BREAKER_FAILED, 0);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void while_it_rests_nobody_goes_and_then_one_looks(void **state) {
    (void)state;
    struct breaker breaker = opened(100);
    assert_int_equal(breaker_ask(&breaker, 1099), BREAKER_NO);
    assert_int_equal(breaker_wait_ms(&breaker, 600), 500);
    assert_int_equal(breaker_ask(&breaker, 1100), BREAKER_LOOK);
    assert_int_equal(breaker_ask(&breaker, 5000), BREAKER_NO);
    assert_true(breaker_end(&breaker, &rules, true, BREAKER_WELL, 5000));
    assert_int_equal(breaker_ask(&breaker, 5000), BREAKER_GO);
    assert_int_equal(breaker_wait_ms(&breaker, 5000), 0);
}

static void the_rest_doubles_with_each_look_that_fails(void **state) {
    (void)state;
    struct breaker breaker = opened(0);
    int64_t now = 1000, rest = 1000;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(breaker_ask(&breaker, now), BREAKER_LOOK);
        assert_false(breaker_end(&breaker, &rules, true, BREAKER_FAILED, now));
        rest = rest * 2 < BREAKER_REST_MAX_MS ? rest * 2 : BREAKER_REST_MAX_MS;
        assert_int_equal(breaker_wait_ms(&breaker, now), rest);
        assert_int_equal(breaker_ask(&breaker, now + rest - 1), BREAKER_NO);
        now += rest;
    }
    assert_int_equal(breaker_ask(&breaker, now), BREAKER_LOOK);
    breaker_end(&breaker, &rules, true, BREAKER_WELL, now);
    for (int i = 0; i < 3; i++) call(&breaker, BREAKER_FAILED, now);
    assert_int_equal(breaker_wait_ms(&breaker, now), 1000); /* all is forgotten */
}

static void a_look_that_was_given_up_is_for_the_next_call(void **state) {
    (void)state;
    struct breaker breaker = opened(0);
    assert_int_equal(breaker_ask(&breaker, 1000), BREAKER_LOOK);
    breaker_end(&breaker, &rules, true, BREAKER_UNKNOWN, 1001);
    assert_int_equal(breaker_ask(&breaker, 1001), BREAKER_LOOK);
}

static void calls_from_before_do_not_move_it(void **state) {
    (void)state;
    struct breaker breaker = opened(0);
    assert_false(breaker_end(&breaker, &rules, false, BREAKER_WELL, 10));
    assert_false(breaker_end(&breaker, &rules, false, BREAKER_FAILED, 10));
    assert_int_equal(breaker_wait_ms(&breaker, 10), 990);
    assert_int_equal(breaker_ask(&breaker, 1000), BREAKER_LOOK);
    assert_false(breaker_end(&breaker, &rules, false, BREAKER_WELL, 1000));
    assert_int_equal(breaker.state, BREAKER_HALF);
}

static void who_has_seen_it_well_hurries_the_look(void **state) {
    (void)state;
    struct breaker breaker = opened(0);
    breaker_hurry(&breaker, 10);
    assert_int_equal(breaker_ask(&breaker, 10), BREAKER_LOOK);
    breaker_hurry(&breaker, 10); /* one is out already */
    assert_int_equal(breaker_ask(&breaker, 10), BREAKER_NO);
}

static void without_a_number_of_failures_it_never_opens(void **state) {
    (void)state;
    const struct breaker_rules never = {.failures = 0, .window = BREAKER_WINDOW_MAX, .rest_ms = 1};
    struct breaker breaker = {0};
    for (int i = 0; i < 200; i++) {
        assert_int_equal(breaker_ask(&breaker, i), BREAKER_GO);
        breaker_end(&breaker, &never, false, BREAKER_FAILED, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_at_so_many_failures_among_the_last_calls),
        cmocka_unit_test(calls_that_were_given_up_count_for_nothing),
        cmocka_unit_test(while_it_rests_nobody_goes_and_then_one_looks),
        cmocka_unit_test(the_rest_doubles_with_each_look_that_fails),
        cmocka_unit_test(a_look_that_was_given_up_is_for_the_next_call),
        cmocka_unit_test(calls_from_before_do_not_move_it),
        cmocka_unit_test(who_has_seen_it_well_hurries_the_look),
        cmocka_unit_test(without_a_number_of_failures_it_never_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
