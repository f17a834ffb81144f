/* Holds: what is reserved and settled in the ledger, with a store that answers at once, later, wrongly or never in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/clock.h"
#include "core/loop/worker.h"
#include "core/money/hold.h"
#include "support/store.h"

#define NOON INT64_C(1795694400000) /* 2026-11-26T12:00:00Z */
#define HOUR INT64_C(3600000)

static struct worker_group group;
static struct rp_worker *worker;
static struct test_store store;
static struct budget_limit limits[4];
static struct budgets budgets;
static struct rp_turn turn;

struct asked {
    struct budget_hold *hold;
    struct budget_verdict verdict;
    unsigned answers;
};

static void add_limit(enum budget_scope scope, enum budget_unit unit, const char *text) {
    struct budget_limit *limit = &limits[budgets.count++];
    *limit = (struct budget_limit){.scope = scope, .unit = unit};
    assert_int_equal(limit_parse(text, limit), 0);
    limit->refused = rp_metric(RP_COUNTER, "refused_total", "", NULL);
    if (scope == BUDGET_USER) budgets.user_count = budgets.count;
}

static int set_up(void **state) {
    (void)state;
    clock_freeze(NOON);
    worker_group_init(&group, 1);
    worker = group.workers[0];
    test_store_init(&store);
    store.later = true;
    budgets = (struct budgets){.bot = "shop", .store = &store.store, .limits = limits};
    budgets.failures = rp_metric(RP_COUNTER, "failures_total", "", NULL);
    turn = (struct rp_turn){.worker = worker, .user = RP_STR("ann"), .address = RP_STR("192.0.2.7")};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    while (worker_run_ready(worker)) continue;
    assert_int_equal(worker->holds, 0);
    test_store_finish(&store);
    worker_group_finish(&group);
    return 0;
}

static void on_verdict(void *arg, const struct budget_verdict *verdict) {
    struct asked *asked = arg;
    asked->answers++;
    asked->verdict = *verdict;
    if (verdict->code) asked->hold = NULL;
}

static void run(void) {
    while (worker_run_ready(worker)) continue;
}

static void begin(struct asked *asked, int64_t money, int64_t tokens) {
    *asked = (struct asked){.hold = budget_hold_create(&budgets, &turn, money, tokens)};
    assert_non_null(asked->hold);
    budget_hold_take(asked->hold, on_verdict, asked);
}

static struct asked take(int64_t money, int64_t tokens) {
    struct asked asked;
    begin(&asked, money, tokens);
    run();
    assert_int_equal(asked.answers, 1);
    return asked;
}

static void settle(struct asked *asked, int64_t money, int64_t tokens) {
    budget_hold_settle(asked->hold, money, tokens);
    asked->hold = NULL;
    run();
}

static void expect_ledger(const char *key, int64_t sum) {
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)sum);
    struct rp_str value = test_store_value(&store, key);
    if (!rp_str_equal(value, rp_str(text))) fail_msg("%s: %.*s, not %s", key, RP_STR_ARG(value), text);
}

/* ---- reserving and settling -------------------------------------------------------------------------------------- */

static void what_is_reserved_becomes_what_it_cost(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) { /* a store that answers by a task, and one that does inside the call */
        store.later = i == 0;
        turn.user = i == 0 ? RP_STR("ann") : RP_STR("bob");
        if (i == 0) add_limit(BUDGET_USER, BUDGET_TOKENS, "1000/day");
        const char *key = i == 0 ? "budget/shop/2026-11-26/tokens/user/ann" : "budget/shop/2026-11-26/tokens/user/bob";
        struct asked asked = take(0, 300);
        assert_int_equal(asked.verdict.code, 0);
        expect_ledger(key, 300);
        settle(&asked, 0, 120);
        expect_ledger(key, 120);
        asked = take(0, 300);
        settle(&asked, 0, 450); /* more than was thought */
        expect_ledger(key, 570);
        asked = take(0, 300);
        settle(&asked, 0, 300);
        expect_ledger(key, 870);
    }
}

static void beyond_a_limit_nothing_is_kept_and_the_end_of_the_period_is_told(void **state) {
    (void)state;
    add_limit(BUDGET_USER, BUDGET_TOKENS, "1000/day");
    add_limit(BUDGET_BOT, BUDGET_TOKENS, "1500/hour");
    struct asked first = take(0, 1000), second = take(0, 1);
    assert_int_equal(second.verdict.code, RP_ESPENT);
    assert_ptr_equal(second.verdict.limit, &limits[0]);
    assert_int_equal(second.verdict.sum, 1000);
    assert_int_equal(second.verdict.retry_after, 12 * 3600);
    expect_ledger("budget/shop/2026-11-26/tokens/user/ann", 1000);
    expect_ledger("budget/shop/2026-11-26T12/tokens/bot", 1000); /* the bot's was not even asked */
    turn.user = RP_STR("bob");
    struct asked third = take(0, 501);
    assert_int_equal(third.verdict.code, RP_ESPENT);
    assert_ptr_equal(third.verdict.limit, &limits[1]);
    assert_int_equal(third.verdict.retry_after, 3600);
    expect_ledger("budget/shop/2026-11-26/tokens/user/bob", 0);
    expect_ledger("budget/shop/2026-11-26T12/tokens/bot", 1000);
    struct asked fourth = take(0, 500); /* to the very end */
    assert_int_equal(fourth.verdict.code, 0);
    settle(&first, 0, 0);
    settle(&fourth, 0, 0);
    expect_ledger("budget/shop/2026-11-26T12/tokens/bot", 0);
}

static void of_several_the_one_that_ends_last_counts(void **state) {
    (void)state;
    add_limit(BUDGET_USER, BUDGET_TOKENS, "100/hour");
    add_limit(BUDGET_USER, BUDGET_TOKENS, "100/month");
    add_limit(BUDGET_USER, BUDGET_MONEY, "1/day");
    struct asked first = take(5, 100), second = take(5, 100);
    assert_int_equal(second.verdict.code, RP_ESPENT);
    assert_ptr_equal(second.verdict.limit, &limits[1]);
    assert_int_equal(second.verdict.retry_after, (4 * 24 + 12) * 3600);
    expect_ledger("budget/shop/2026-11-26/money/user/ann", 5); /* all of it or nothing */
    settle(&first, 5, 100);
}

static void a_call_larger_than_the_whole_budget_does_not_touch_it(void **state) {
    (void)state;
    add_limit(BUDGET_BOT, BUDGET_TOKENS, "100/day");
    struct asked asked = take(0, 101);
    assert_int_equal(asked.verdict.code, RP_ESPENT);
    assert_int_equal(asked.verdict.retry_after, 0); /* waiting does not help */
    assert_int_equal(store.adds, 0);
}

static void what_costs_nothing_reserves_nothing(void **state) {
    (void)state;
    add_limit(BUDGET_BOT, BUDGET_MONEY, "1/day");
    assert_null(budget_hold_create(&budgets, &turn, 0, 500));
    budget_hold_settle(NULL, 0, 0);
    assert_int_equal(store.adds, 0);
}

static void many_at_once_never_get_more_than_there_is(void **state) {
    enum { CALLS = 50 };
    static struct asked asked[CALLS];
    unsigned good = 0;
    (void)state;
    add_limit(BUDGET_BOT, BUDGET_TOKENS, "1000/day");
    for (int i = 0; i < CALLS; i++) begin(&asked[i], 0, 100);
    run();
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(asked[i].answers, 1);
        good += asked[i].verdict.code == 0;
    }
    assert_int_equal(good, 10);
    expect_ledger("budget/shop/2026-11-26/tokens/bot", 1000);
    for (int i = 0; i < CALLS; i++) settle(&asked[i], 0, 60);
    expect_ledger("budget/shop/2026-11-26/tokens/bot", 600);
}

/* ---- time and names ---------------------------------------------------------------------------------------------- */

static void a_hold_is_settled_in_the_period_it_began_in(void **state) {
    (void)state;
    add_limit(BUDGET_BOT, BUDGET_TOKENS, "1000/day");
    struct asked asked = take(0, 1000);
    clock_advance(13 * HOUR);
    struct asked next = take(0, 700); /* a new day, all of it */
    assert_int_equal(next.verdict.code, 0);
    settle(&asked, 0, 10);
    expect_ledger("budget/shop/2026-11-26/tokens/bot", 10);
    expect_ledger("budget/shop/2026-11-27/tokens/bot", 700);
    settle(&next, 0, 700);
}

static void a_ledger_outlives_its_period_and_then_goes(void **state) {
    (void)state;
    add_limit(BUDGET_BOT, BUDGET_TOKENS, "1000/hour");
    struct asked asked = take(0, 10);
    assert_int_equal(store.ttl_ms[0], HOUR + 48 * HOUR);
    settle(&asked, 0, 10);
}

static void who_has_no_name_counts_by_the_address(void **state) {
    (void)state;
    add_limit(BUDGET_USER, BUDGET_TOKENS, "1000/day");
    turn.user = RP_STR("");
    struct asked nobody = take(0, 10);
    turn.user = RP_STR("192.0.2.7"); /* not the same */
    struct asked somebody = take(0, 20);
    expect_ledger("budget/shop/2026-11-26/tokens/address/192.0.2.7", 10);
    expect_ledger("budget/shop/2026-11-26/tokens/user/192.0.2.7", 20);
    settle(&nobody, 0, 10);
    settle(&somebody, 0, 20);
}

/* ---- what goes wrong --------------------------------------------------------------------------------------------- */

static void who_leaves_while_it_is_taken_gets_it_back(void **state) {
    struct asked asked;
    (void)state;
    add_limit(BUDGET_USER, BUDGET_TOKENS, "1000/day");
    add_limit(BUDGET_BOT, BUDGET_TOKENS, "1000/day");
    begin(&asked, 0, 300);
    budget_hold_leave(asked.hold);
    run();
    assert_int_equal(asked.answers, 0);
    expect_ledger("budget/shop/2026-11-26/tokens/user/ann", 0);
    assert_int_equal(test_store_value(&store, "budget/shop/2026-11-26/tokens/bot").len, 0);
}

static void a_store_that_fails_refuses(void **state) {
    (void)state;
    add_limit(BUDGET_USER, BUDGET_TOKENS, "1000/day");
    store.fail_add = -RP_EIO;
    struct asked asked = take(0, 300);
    assert_int_equal(asked.verdict.code, RP_EIO);
    assert_null(asked.hold);
    store.fail_add = 0;
    asked = take(0, 300);
    store.fail_add = -RP_EIO; /* it stays spent: the safe side */
    settle(&asked, 0, 10);
    expect_ledger("budget/shop/2026-11-26/tokens/user/ann", 300);
}

static void or_lets_through_where_that_is_wanted(void **state) {
    (void)state;
    add_limit(BUDGET_USER, BUDGET_TOKENS, "1000/day");
    budgets.open = true;
    store.fail_add = -RP_EIO;
    struct asked asked = take(0, 300);
    assert_int_equal(asked.verdict.code, 0);
    store.fail_add = 0;
    settle(&asked, 0, 10); /* what was not taken is not settled */
    assert_int_equal(test_store_value(&store, "budget/shop/2026-11-26/tokens/user/ann").len, 0);
}

int main(void) {
#define HOLD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HOLD_TEST(what_is_reserved_becomes_what_it_cost),
        HOLD_TEST(beyond_a_limit_nothing_is_kept_and_the_end_of_the_period_is_told),
        HOLD_TEST(of_several_the_one_that_ends_last_counts),
        HOLD_TEST(a_call_larger_than_the_whole_budget_does_not_touch_it),
        HOLD_TEST(what_costs_nothing_reserves_nothing),
        HOLD_TEST(many_at_once_never_get_more_than_there_is),
        HOLD_TEST(a_hold_is_settled_in_the_period_it_began_in),
        HOLD_TEST(a_ledger_outlives_its_period_and_then_goes),
        HOLD_TEST(who_has_no_name_counts_by_the_address),
        HOLD_TEST(who_leaves_while_it_is_taken_gets_it_back),
        HOLD_TEST(a_store_that_fails_refuses),
        HOLD_TEST(or_lets_through_where_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
