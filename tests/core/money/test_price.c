/* Money: exact, rounded up once, and within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/money/price.h"
#include "core/text/units.h"

static int64_t cost(double input, double output, int64_t in, int64_t out) {
    struct price price = {price_from(input), price_from(output), price_from(input)};
    return price_cost(&price, &(struct rp_usage){.input_tokens = in, .output_tokens = out});
}

static void a_call_costs_what_its_tokens_cost(void **state) {
    (void)state;
    assert_int_equal(cost(0.15, 0.60, 1000000, 0), 150000000);
    assert_int_equal(cost(0.15, 0.60, 0, 1000000), 600000000);
    assert_int_equal(cost(0.15, 0.60, 812, 96), 812 * 150 + 96 * 600);
    assert_int_equal(cost(0, 0, 812, 96), 0);
    assert_int_equal(cost(15, 75, 1, 1), 15000 + 75000);
    assert_int_equal(cost(0.15, 0.60, 0, 0), 0);
    assert_int_equal(cost(0.15, 0.60, -5, -5), 0);
}

static void what_was_read_before_has_its_own_price(void **state) {
    struct price price = {price_from(2.5), price_from(10), price_from(1.25)};
    (void)state;
    assert_int_equal(price_cost(&price, &(struct rp_usage){1000, 10, 600}), 400 * 2500 + 600 * 1250 + 10 * 10000);
    assert_int_equal(price_cost(&price, &(struct rp_usage){1000, 0, 5000}), 1000 * 1250); /* not more than there is */
}

/* Never less than it costs, and never a whole billionth more. */
static void fractions_of_a_billionth_are_rounded_up(void **state) {
    (void)state;
    assert_int_equal(cost(0.0375, 0, 1, 0), 38);
    assert_int_equal(cost(0.0375, 0, 2, 0), 75);
    assert_int_equal(cost(0.000001, 0, 1, 0), 1);
    assert_int_equal(cost(0.000001, 0, 1000, 0), 1);
    assert_int_equal(cost(0.000001, 0, 1001, 0), 2);
}

static void a_million_small_calls_add_up_exactly(void **state) {
    int64_t sum = 0;
    (void)state;
    for (int i = 0; i < 1000000; i++) sum = money_add(sum, cost(0.1, 0.2, 10, 5));
    assert_int_equal(sum, INT64_C(1000000) * 2000);
}

static void what_does_not_fit_stays_at_the_end(void **state) {
    (void)state;
    assert_true(cost(1e6, 1e6, INT64_MAX, INT64_MAX) == INT64_MAX);
    assert_true(money_add(INT64_MAX, 1) == INT64_MAX);
    assert_true(money_add(INT64_MIN, -1) == INT64_MIN);
    assert_true(money_add(INT64_MAX, INT64_MIN) == -1);
    assert_int_equal(cost(1e6, 0, 1000000, 0), INT64_C(1000000) * MONEY_ONE);
}

static void expect_text(int64_t money, const char *text) {
    char space[MONEY_TEXT_SIZE];
    assert_string_equal(money_text(money, space), text);
}

static void amounts_are_written_without_zeros_at_the_end(void **state) {
    (void)state;
    expect_text(0, "0");
    expect_text(1, "0.000000001");
    expect_text(179400, "0.0001794");
    expect_text(500000000, "0.5");
    expect_text(20 * MONEY_ONE, "20");
    expect_text(100 * MONEY_ONE + 10, "100.00000001");
    expect_text(-1500000000, "-1.5");
    expect_text(INT64_MAX, "9223372036.854775807");
    expect_text(INT64_MIN, "-9223372036.854775808");
}

static void amounts_are_read_as_they_are_written(void **state) {
    static const int64_t amounts[] = {0, 1, 10, 179400, 123456789, 999999999, 1000000001, 20 * MONEY_ONE};
    char space[MONEY_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
        int64_t read = -1;
        assert_int_equal(units_money(money_text(amounts[i], space), &read), 0);
        assert_int_equal(read, amounts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_costs_what_its_tokens_cost),
        cmocka_unit_test(what_was_read_before_has_its_own_price),
        cmocka_unit_test(fractions_of_a_billionth_are_rounded_up),
        cmocka_unit_test(a_million_small_calls_add_up_exactly),
        cmocka_unit_test(what_does_not_fit_stays_at_the_end),
        cmocka_unit_test(amounts_are_written_without_zeros_at_the_end),
        cmocka_unit_test(amounts_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
