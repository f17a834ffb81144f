/* Calls that budgets have to do with, in turns: reserved before the model is asked, settled at whatever end they come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/config/load.h"
#include "core/model/meter.h"
#include "core/model/terms.h"
#include "support/store.h"
#include "talker.h"

#define NOON INT64_C(1795694400000) /* 2026-11-26T12:00:00Z */
#define BOT "budget/shop/2026-11-26/tokens/bot"
#define USER "budget/shop/2026-11-26/money/address/192.0.2.7"

static struct test_store store;
static struct budget_limit limits[2];
static struct budgets budgets;
static struct model_terms terms;
static struct bot_private private;
static struct bot bot;

/* 100 tokens for a reply, a thousandth for a token that is read and two for one that is written. */
static int set_up(void **state) {
    talker_setup(state);
    clock_freeze(NOON);
    test_store_init(&store);
    store.later = true;
    limits[0] = (struct budget_limit){.scope = BUDGET_USER, .unit = BUDGET_MONEY};
    limits[1] = (struct budget_limit){.scope = BUDGET_BOT, .unit = BUDGET_TOKENS};
    assert_int_equal(limit_parse("1/day", &limits[0]), 0);
    assert_int_equal(limit_parse("1k/day", &limits[1]), 0);
    budgets = (struct budgets){
        .bot = "shop", .store = &store.store, .limits = limits, .count = 2, .user_count = 1, .reply_tokens = 100};
    budgets_open(&budgets);
    terms = (struct model_terms){.priced = true, .price = {price_from(1000), price_from(2000), price_from(1000)}};
    bot = (struct bot){.name = "shop", .budgets = &budgets, .private = &private};
    talker.model.model.element.bot = &bot;
    talker.model.model.terms = &terms;
    model_meter_destroy(talker.model.model.meter);
    talker.model.model.meter = model_meter_create(&talker.model.model);
    return 0;
}

static int tear_down(void **state) {
    rig_spin(&talker.rig, 3);
    assert_int_equal(talker.rig.worker->holds, 0);
    talker_teardown(state);
    test_store_finish(&store);
    return 0;
}

static int64_t ledger(const char *key) {
    int64_t sum = -1;
    struct rp_str value = test_store_value(&store, key);
    if (value.len) assert_int_equal(rp_str_int64(value, &sum), 0);
    return sum;
}

static int64_t counted(const char *name, const char *direction) {
    return rp_metric_value(
        rp_metric(RP_COUNTER, name, "", "bot", "shop", "model", "main", "direction", direction, NULL));
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void the_model_s_own_numbers_are_what_is_spent(void **state) {
    (void)state;
    talker.model.replies[0] = "hello#";
    assert_string_equal(talker_say("hi"), "hello");
    rig_spin(&talker.rig, 2);
    assert_int_equal(ledger(BOT), 11);
    assert_int_equal(ledger(USER), (10 * 1 + 1 * 2) * (MONEY_ONE / 1000));
    assert_int_equal(counted("repartee_model_tokens_estimated_total", "input"), 0);
}

static void while_it_replies_the_most_it_may_cost_is_reserved(void **state) {
    (void)state;
    talker.model.replies[0] = "hello#";
    talker.model.hang_at = 2;
    talker_start("hi");
    rig_spin(&talker.rig, 10);
    assert_int_equal(talker.model.calls, 1);
    assert_int_equal(ledger(BOT), 100 + 1 + 4); /* the reply, "hi", and what stands around it */
    talker.prompt.max_tokens = 30;
    rp_turn_cancel(talker.client.turn);
    rig_finish(&talker.rig, &talker.client);
    rig_spin(&talker.rig, 2);
    assert_int_equal(ledger(BOT), 1 + 4 + 1); /* what was read, and the "h" */
    talker.model.hang_at = 4;
    talker.model.replies[1] = "hello#";
    talker_start("hi");
    rig_spin(&talker.rig, 10);
    assert_int_equal(ledger(BOT), 6 + 30 + 1 + 4);
    rp_turn_cancel(talker.client.turn);
    rig_finish(&talker.rig, &talker.client);
}

static void a_reply_that_nothing_bounds_is_bounded_by_what_is_reserved(void **state) {
    (void)state;
    talker.model.replies[0] = talker.model.replies[1] = talker.model.replies[2] = "hello#";
    talker_say("hi");
    assert_int_equal(talker.model.prompt.max_tokens, 100);
    terms.max_tokens = 200; /* the model's own option, which it knows itself */
    talker_say("hi");
    assert_int_equal(talker.model.prompt.max_tokens, 0);
    talker.prompt.max_tokens = 30;
    talker_say("hi");
    assert_int_equal(talker.model.prompt.max_tokens, 30);
}

static void a_reply_that_breaks_off_is_settled_by_estimate(void **state) {
    (void)state;
    int64_t before = counted("repartee_model_tokens_estimated_total", "output");
    talker.model.replies[0] = "some words that are lost!";
    assert_string_equal(talker_say("hi"), "!upstream_error");
    rig_spin(&talker.rig, 2);
    assert_in_range(ledger(BOT), 5 + 5, 5 + 10);
    assert_in_range(counted("repartee_model_tokens_estimated_total", "output") - before, 5, 10);
}

static void a_model_that_fails_at_once_costs_nothing(void **state) {
    (void)state;
    talker.model.replies[0] = "!";
    assert_string_equal(talker_say("hi"), "!upstream_error");
    rig_spin(&talker.rig, 2);
    assert_int_equal(ledger(BOT), 0);
    assert_int_equal(ledger(USER), 0);
}

static void a_model_that_says_nothing_of_its_use_is_estimated(void **state) {
    (void)state;
    talker.model.replies[0] = "four words are here";
    assert_string_equal(talker_say("hi"), "four words are here");
    rig_spin(&talker.rig, 2);
    assert_in_range(ledger(BOT), 5 + 4, 5 + 6);
}

static void each_call_of_a_talk_is_paid_for(void **state) {
    (void)state;
    talker_tools("look");
    talker.model.replies[0] = "^look{}#";
    talker.model.replies[1] = "done#";
    assert_string_equal(talker_say("hi"), "done");
    rig_spin(&talker.rig, 2);
    assert_int_equal(ledger(BOT), 22);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void a_spent_budget_lets_no_call_through(void **state) {
    (void)state;
    store.later = false;
    talker.model.replies[0] = "hello#";
    assert_string_equal(talker_say("hi"), "hello");
    limits[1].amount = 100;
    assert_string_equal(talker_say("hi"), "!budget_spent");
    assert_int_equal(talker.client.retry_after, 0); /* it would need more than all of it */
    limits[1].amount = 110;
    assert_string_equal(talker_say("hi"), "!budget_spent");
    assert_int_equal(talker.client.retry_after, 12 * 3600);
    assert_int_equal(talker.model.calls, 1);
    assert_int_equal(ledger(BOT), 11);
    limits[1].amount = 116;
    talker.model.replies[1] = "again#";
    assert_string_equal(talker_say("hi"), "again");
}

static void a_store_that_fails_lets_no_call_through(void **state) {
    (void)state;
    store.fail_add = -RP_EIO;
    assert_string_equal(talker_say("hi"), "!io_error");
    assert_int_equal(talker.model.calls, 0);
}

static void a_client_that_leaves_during_the_reservation_owes_nothing(void **state) {
    (void)state;
    store.stalls = true;
    talker_start("hi");
    rig_spin(&talker.rig, 5);
    assert_int_equal(store.adds, 1);
    rp_turn_cancel(talker.client.turn);
    rig_finish(&talker.rig, &talker.client); /* the turn is gone, and its memory with it */
    test_store_go_on(&store, talker.rig.worker);
    rig_spin(&talker.rig, 5);
    assert_int_equal(talker.model.calls, 0);
    assert_int_equal(ledger(USER), 0);
}

static void a_settlement_outlives_its_turn(void **state) {
    (void)state;
    talker.model.replies[0] = "hello#";
    talker.model.hang_at = 3;
    talker_start("hi");
    rig_spin(&talker.rig, 10);
    store.stalls = true;
    rp_turn_cancel(talker.client.turn);
    rig_finish(&talker.rig, &talker.client);
    assert_int_equal(talker.rig.worker->holds, 1); /* so that a server that stops waits for it */
    assert_int_equal(store.stalled_count, 2);
    test_store_go_on(&store, talker.rig.worker);
    rig_spin(&talker.rig, 5);
    assert_in_range(ledger(BOT), 6, 7);
}

static void a_model_that_is_free_does_not_touch_budgets_of_money(void **state) {
    (void)state;
    terms.price = (struct price){0};
    budgets.count = 1; /* money alone */
    model_meter_destroy(talker.model.model.meter);
    talker.model.model.meter = model_meter_create(&talker.model.model);
    talker.model.replies[0] = "free";
    assert_string_equal(talker_say("hi"), "free");
    assert_int_equal(store.adds, 0);
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static json_t *record;

static void keep_record(struct rig_client *client) {
    json_decref(record);
    record = json_deep_copy(rp_turn_record(client->turn));
}

static const json_t *note_of(const char *message, size_t at) {
    struct rp_turn_start start = {.message = rp_str(message), .explain = true, .address = RP_STR("192.0.2.7")};
    if (at == 0) {
        rig_client_clear(&talker.client);
        talker.client.on_last = keep_record;
        assert_int_equal(rig_start(&talker.rig, &talker.client, &start), 0);
        rig_finish(&talker.rig, &talker.client);
    }
    return json_array_get(json_object_get(record, "notes"), at);
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void the_explanation_has_what_was_reserved_and_what_it_cost(void **state) {
    (void)state;
    store.later = false;
    talker.model.replies[0] = "hello#";
    const json_t *budget = note_of("hi", 0), *model = note_of("hi", 1);
    assert_string_equal(text_of(budget, "what"), "budget");
    assert_string_equal(text_of(budget, "outcome"), "reserved");
    assert_int_equal(json_integer_value(json_object_get(budget, "tokens")), 105);
    assert_string_equal(text_of(budget, "cost"), "0.205");
    assert_string_equal(text_of(model, "what"), "model");
    assert_string_equal(text_of(model, "cost"), "0.012");
    assert_string_equal(text_of(json_object_get(record, "usage"), "cost"), "0.012");
    limits[0].amount = MONEY_ONE / 5;
    budget = note_of("hi", 0);
    assert_string_equal(text_of(budget, "outcome"), "refused");
    assert_string_equal(text_of(budget, "limit"), "user 1/day");
    assert_string_equal(text_of(record, "error"), "budget_spent");
    json_decref(record);
    record = NULL;
}

int main(void) {
#define BUDGET_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BUDGET_TEST(the_model_s_own_numbers_are_what_is_spent),
        BUDGET_TEST(while_it_replies_the_most_it_may_cost_is_reserved),
        BUDGET_TEST(a_reply_that_nothing_bounds_is_bounded_by_what_is_reserved),
        BUDGET_TEST(a_reply_that_breaks_off_is_settled_by_estimate),
        BUDGET_TEST(a_model_that_fails_at_once_costs_nothing),
        BUDGET_TEST(a_model_that_says_nothing_of_its_use_is_estimated),
        BUDGET_TEST(each_call_of_a_talk_is_paid_for),
        BUDGET_TEST(a_spent_budget_lets_no_call_through),
        BUDGET_TEST(a_store_that_fails_lets_no_call_through),
        BUDGET_TEST(a_client_that_leaves_during_the_reservation_owes_nothing),
        BUDGET_TEST(a_settlement_outlives_its_turn),
        BUDGET_TEST(a_model_that_is_free_does_not_touch_budgets_of_money),
        BUDGET_TEST(the_explanation_has_what_was_reserved_and_what_it_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
