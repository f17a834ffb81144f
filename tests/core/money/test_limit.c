/* Limits as the bot file writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/money/limit.h"
#include "core/money/price.h"

static struct budget_limit parse(enum budget_unit unit, const char *text) {
    struct budget_limit limit = {.unit = unit};
    if (limit_parse(text, &limit) != 0) fail_msg("'%s' is refused", text);
    assert_string_equal(limit.text, text);
    return limit;
}

static void money_and_tokens_are_read(void **state) {
    (void)state;
    struct budget_limit limit = parse(BUDGET_MONEY, "0.50/day");
    assert_int_equal(limit.amount, MONEY_ONE / 2);
    assert_int_equal(limit.period, PERIOD_DAY);
    limit = parse(BUDGET_MONEY, "20/month");
    assert_int_equal(limit.amount, 20 * MONEY_ONE);
    assert_int_equal(limit.period, PERIOD_MONTH);
    assert_int_equal(parse(BUDGET_MONEY, "0/hour").amount, 0);
    assert_int_equal(parse(BUDGET_MONEY, "0.000000001/hour").amount, 1);
    assert_int_equal(parse(BUDGET_TOKENS, "100k/day").amount, 100000);
    assert_int_equal(parse(BUDGET_TOKENS, "1.5M/month").amount, 1500000);
    assert_int_equal(parse(BUDGET_TOKENS, "250/hour").amount, 250);
}

static void anything_else_is_refused(void **state) {
    static const char *const texts[] = {"",
                                        "1",
                                        "/day",
                                        "1/",
                                        "1/week",
                                        "1 / day",
                                        "1/Day",
                                        "-1/day",
                                        "1/day ",
                                        "1/day/2",
                                        "k/day",
                                        "1.0.0/day",
                                        "1e3/day",
                                        "1,5/day",
                                        "$1/day",
                                        "99999999999/day",
                                        "0.0000000001/day"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct budget_limit limit = {.unit = BUDGET_MONEY, .amount = 7};
        if (limit_parse(texts[i], &limit) == 0) fail_msg("'%s' is taken", texts[i]);
        assert_int_equal(limit.amount, 7);
    }
    struct budget_limit tokens = {.unit = BUDGET_TOKENS};
    assert_int_equal(limit_parse("5kk/day", &tokens), -RP_EINVALID);
    struct budget_limit money = {.unit = BUDGET_MONEY};
    assert_int_equal(limit_parse("5k/day", &money), -RP_EINVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_and_tokens_are_read),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
