/* What a refusal means, and when another attempt is made and how long after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/remote/retry.h"

static const struct retry_rules rules = {.retries = 2, .base_ms = 500, .max_ms = 8000, .left_ms = 100000, .jitter = 0};

static struct attempt_result refused(int status) {
    return (struct attempt_result){.code = RP_EUPSTREAM, .status = status, .should_retry = -1, .retry_after_ms = -1};
}

static void only_what_may_pass_is_tried_again(void **state) {
    (void)state;
    static const int again[] = {0, 408, 409, 429, 500, 502, 503, 504, 529},
                     never[] = {200, 204, 301, 400, 401, 403, 404, 413, 422};
    for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
        struct attempt_result result = refused(again[i]);
        assert_true(retry_decide(&result, &rules).again);
    }
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        struct attempt_result result = refused(never[i]);
        assert_false(retry_decide(&result, &rules).again);
    }
}

static void nothing_is_tried_again_after_text_has_come(void **state) {
    (void)state;
    static const int statuses[] = {0, 200, 429, 500};
    for (size_t i = 0; i < 4; i++) {
        struct attempt_result result = refused(statuses[i]);
        result.started = true;
        result.should_retry = 1;
        assert_false(retry_decide(&result, &rules).again);
    }
}

static void a_stream_broken_off_before_its_first_word_is_tried_again(void **state) {
    (void)state;
    static const int codes[] = {RP_ETRUNCATED, RP_EUPTIMEOUT, RP_EUPRATE};
    struct attempt_result result = refused(200);
    for (size_t i = 0; i < 3; i++) {
        result.code = codes[i];
        assert_true(retry_decide(&result, &rules).again);
    }
}

static void a_used_up_quota_is_final(void **state) {
    (void)state;
    struct attempt_result result = refused(429);
    result.code = RP_EUPQUOTA;
    result.should_retry = 1;
    assert_false(retry_decide(&result, &rules).again);
}

static void a_certificate_that_is_not_in_order_is_final(void **state) {
    (void)state;
    struct attempt_result result = refused(0);
    result.code = RP_EUPCERT;
    assert_false(retry_decide(&result, &rules).again);
}

static void the_server_can_decide(void **state) {
    (void)state;
    struct attempt_result result = refused(503);
    result.should_retry = 0;
    assert_false(retry_decide(&result, &rules).again);
    result = refused(400);
    result.should_retry = 1;
    assert_true(retry_decide(&result, &rules).again);
}

static void the_number_of_attempts_is_bounded(void **state) {
    (void)state;
    struct attempt_result result = refused(503);
    result.should_retry = 1;
    for (result.retries = 0; result.retries < 5; result.retries++)
        assert_int_equal(retry_decide(&result, &rules).again, result.retries < 2);
    struct retry_rules none = rules;
    none.retries = 0;
    result.retries = 0;
    assert_false(retry_decide(&result, &none).again);
}

static void the_wait_doubles_up_to_its_maximum_less_the_jitter(void **state) {
    (void)state;
    static const int64_t waits[] = {500, 1000, 2000, 4000, 8000, 8000, 8000};
    struct retry_rules many = rules;
    many.retries = 100;
    for (int64_t i = 0; i < 7; i++) {
        struct attempt_result result = refused(503);
        result.retries = i;
        many.jitter = 0;
        assert_int_equal(retry_decide(&result, &many).wait_ms, waits[i]);
        many.jitter = 1;
        assert_int_equal(retry_decide(&result, &many).wait_ms, waits[i] * 3 / 4);
    }
    struct attempt_result late = refused(503);
    late.retries = 99; /* no overflow */
    assert_in_range(retry_decide(&late, &many).wait_ms, 6000, 8000);
}

static void retry_after_is_obeyed_up_to_a_minute(void **state) {
    (void)state;
    struct attempt_result result = refused(429);
    result.retry_after_ms = 0;
    assert_true(retry_decide(&result, &rules).again);
    assert_int_equal(retry_decide(&result, &rules).wait_ms, 0);
    result.retry_after_ms = 60000;
    assert_int_equal(retry_decide(&result, &rules).wait_ms, 60000);
    result.retry_after_ms = 60001;
    struct retry_plan plan = retry_decide(&result, &rules);
    assert_false(plan.again);
    assert_int_equal(plan.retry_after, 61);
}

static void what_would_outlast_the_deadline_fails_at_once(void **state) {
    (void)state;
    struct retry_rules hurry = rules;
    hurry.left_ms = 3000;
    struct attempt_result result = refused(429);
    result.retry_after_ms = 5000;
    struct retry_plan plan = retry_decide(&result, &hurry);
    assert_false(plan.again);
    assert_int_equal(plan.retry_after, 5);
    result.retry_after_ms = -1;
    assert_true(retry_decide(&result, &hurry).again);
    hurry.left_ms = 400;
    plan = retry_decide(&result, &hurry);
    assert_false(plan.again);
    assert_int_equal(plan.retry_after, 0);
}

static struct rp_buf text(const char *words) {
    return (struct rp_buf){.data = (char *)(uintptr_t)words, .len = strlen(words)};
}

static void refusals_have_their_codes(void **state) {
    (void)state;
    static const struct {
        int status; /* 0: an error in the middle of a stream */
        const char *type, *code, *message;
        int expected;
    } rows[] = {
        {401, "", "", "", RP_EUPAUTH},
        {403, "", "", "", RP_EUPAUTH},
        {402, "", "", "", RP_EUPQUOTA},
        {404, "", "", "", RP_EUPSTREAM},
        {400, "invalid_request_error", "", "", RP_EUPREQUEST},
        {413, "request_too_large", "", "", RP_EUPREQUEST},
        {422, "", "", "", RP_EUPREQUEST},
        {408, "", "", "", RP_EUPTIMEOUT},
        {504, "timeout_error", "", "", RP_EUPTIMEOUT},
        {429, "", "rate_limit_exceeded", "", RP_EUPRATE},
        {429, "insufficient_quota", "", "", RP_EUPQUOTA},
        {429, "", "insufficient_quota", "", RP_EUPQUOTA},
        {429, "", "credit_balance_exhausted", "", RP_EUPQUOTA},
        {429, "rate_limit_error", "enforced_spend_limit_reached", "", RP_EUPQUOTA},
        {429, "insufficient_quota", "rate_limit_exceeded", "", RP_EUPQUOTA},
        {400, "invalid_request_error", "", "Your credit balance is too low to access the API.", RP_EUPQUOTA},
        {403, "billing_error", "", "", RP_EUPQUOTA},
        {500, "", "", "", RP_EUPSTREAM},
        {500, "insufficient_quota", "", "", RP_EUPSTREAM}, /* a server that is broken may say anything */
        {503, "", "", "", RP_EUPSTREAM},
        {503, "slow_down", "", "", RP_EUPRATE},
        {503, "", "", "server busy, please try again.  maximum pending requests exceeded", RP_EUPRATE},
        {529, "overloaded_error", "", "", RP_EUPRATE},
        {0, "server_error", "", "", RP_EUPSTREAM},
        {0, "", "rate_limit_exceeded", "", RP_EUPRATE},
        {0, "overloaded_error", "", "", RP_EUPRATE},
        {0, "insufficient_quota", "", "", RP_EUPQUOTA},
        {0, "invalid_request_error", "invalid_api_key", "", RP_EUPAUTH},
        {0, "invalid_request_error", "", "", RP_EUPREQUEST},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_answer_error error = {true, text(rows[i].message), text(rows[i].type), text(rows[i].code)};
        int code = rows[i].status ? fault_of_status(rows[i].status, &error) : fault_of_event(&error);
        if (code != rows[i].expected) fail_msg("row %zu: %s", i, rp_error_code(code));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_pass_is_tried_again),
        cmocka_unit_test(nothing_is_tried_again_after_text_has_come),
        cmocka_unit_test(a_stream_broken_off_before_its_first_word_is_tried_again),
        cmocka_unit_test(a_used_up_quota_is_final),
        cmocka_unit_test(a_certificate_that_is_not_in_order_is_final),
        cmocka_unit_test(the_server_can_decide),
        cmocka_unit_test(the_number_of_attempts_is_bounded),
        cmocka_unit_test(the_wait_doubles_up_to_its_maximum_less_the_jitter),
        cmocka_unit_test(retry_after_is_obeyed_up_to_a_minute),
        cmocka_unit_test(what_would_outlast_the_deadline_fails_at_once),
        cmocka_unit_test(refusals_have_their_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
