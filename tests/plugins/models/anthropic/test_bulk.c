/* Message batches: what is handed in, what is said of them, and lines of results as they come and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/models/anthropic/anthropic.h"

static const struct anthropic_options options;

static int batch(const char *json, struct rp_bulk_batch *out) {
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    *out = (struct rp_bulk_batch){0};
    int rc = bulk_protocol.batch(&options, rp_str(json), out, &answer);
    rp_answer_finish(&answer);
    return rc;
}

static int result(const char *json, struct rp_bulk_result *out) {
    return bulk_protocol.result(&options, rp_str(json), out);
}

static void requests_stand_in_the_post(void **state) {
    struct rp_buf out;
    (void)state;
    rp_buf_init(&out, 1000);
    assert_int_equal(bulk_protocol.line(&options, RP_STR("ab12"), RP_STR("{\"model\":\"m\"}"), &out), 0);
    assert_string_equal(out.data, "{\"custom_id\":\"ab12\",\"params\":{\"model\":\"m\"}}");
    assert_null(bulk_protocol.submit);
    rp_buf_finish(&out);
}

static void what_is_said_of_a_batch_is_read(void **state) {
    struct rp_bulk_batch told;
    (void)state;
    assert_int_equal(
        batch("{\"id\":\"msgbatch_1\",\"type\":\"message_batch\",\"processing_status\":\"in_progress\",\"request_"
              "counts\":"
              "{\"processing\":60,\"succeeded\":30,\"errored\":5,\"canceled\":0,\"expired\":5},\"ended_at\":null,"
              "\"created_at\":\"2024-08-20T18:37:24.100435Z\",\"results_url\":null}",
              &told),
        0);
    assert_string_equal(told.id, "msgbatch_1");
    assert_int_equal(told.state, RP_BULK_RUNNING);
    assert_int_equal(told.total, 100);
    assert_int_equal(told.settled, 40);
    assert_int_equal(told.made_s, 1724179044);
    assert_string_equal(told.results[0], "");
    assert_int_equal(batch("{\"id\":\"b\",\"processing_status\":\"canceling\"}", &told), 0);
    assert_int_equal(told.state, RP_BULK_RUNNING);
}

static void results_are_where_it_says_or_where_they_always_are(void **state) {
    struct rp_bulk_batch told;
    (void)state;
    assert_int_equal(batch("{\"id\":\"b\",\"processing_status\":\"ended\",\"results_url\":\"https://x/y?z=1\"}", &told),
                     0);
    assert_int_equal(told.state, RP_BULK_OVER);
    assert_string_equal(told.results[0], "https://x/y?z=1");
    static const char *const none[] = {"null", "\"\"", "\"https://x/ y\"", "\"https://x/\\u0000\"", "7"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        char json[128];
        snprintf(json, sizeof(json), "{\"results_url\":%s,\"processing_status\":\"ended\",\"id\":\"b\"}", none[i]);
        assert_int_equal(batch(json, &told), 0);
        assert_string_equal(told.results[0], "/v1/messages/batches/b/results");
    }
}

static void odd_times_and_counts_are_none(void **state) {
    struct rp_bulk_batch told;
    (void)state;
    assert_int_equal(
        batch("{\"id\":\"b\",\"created_at\":\"yesterday\",\"request_counts\":{\"processing\":-7,\"other\":null,"
              "\"succeeded\":9223372036854775807}}",
              &told),
        0);
    assert_int_equal(told.made_s, 0);
    assert_int_equal(told.total, 0);
}

static void results_have_what_a_response_would_have(void **state) {
    struct rp_bulk_result read;
    (void)state;
    assert_int_equal(
        result("{\"custom_id\":\"ab\",\"result\":{\"type\":\"succeeded\",\"message\":{\"content\":[]}}}", &read), 0);
    assert_true(rp_str_is(read.id, "ab"));
    assert_int_equal(read.end, RP_BULK_ANSWERED);
    assert_int_equal(read.status, 200);
    assert_true(rp_str_is(read.body, "{\"content\":[]}"));
}

static void errors_have_the_status_of_their_kind(void **state) {
    static const struct {
        const char *error;
        int status;
    } errors[] = {
        {"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"m\"},\"request_id\":null}",
         400},
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", 529},
        {"{\"type\":\"rate_limit_error\",\"message\":\"m\"}", 429},
        {"{\"type\":\"authentication_error\"}", 401},
        {"{\"type\":\"error\",\"error\":{\"type\":\"new_error\"}}", 500},
        {"{}", 500},
        {"\"what\"", 500},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        char json[256];
        struct rp_bulk_result read;
        snprintf(json, sizeof(json), "{\"custom_id\":\"a\",\"result\":{\"error\":%s,\"type\":\"errored\"}}",
                 errors[i].error);
        assert_int_equal(result(json, &read), 0);
        assert_int_equal(read.status, errors[i].status);
        assert_true(rp_str_is(read.body, errors[i].error));
    }
}

static void what_was_not_asked_says_why(void **state) {
    struct rp_bulk_result read;
    (void)state;
    assert_int_equal(result("{\"custom_id\":\"a\",\"result\":{\"type\":\"expired\"}}", &read), 0);
    assert_int_equal(read.end, RP_BULK_EXPIRED);
    assert_int_equal(result("{\"custom_id\":\"a\",\"result\":{\"type\":\"canceled\"}}", &read), 0);
    assert_int_equal(read.end, RP_BULK_CANCELLED);
}

static void lines_that_are_none_are_refused(void **state) {
    static const char *const bad[] = {"",
                                      "null",
                                      "{}",
                                      "{\"custom_id\":\"a\"}",
                                      "{\"custom_id\":\"a\",\"result\":null}",
                                      "{\"custom_id\":\"a\",\"result\":{\"type\":\"succeeded\"}}",
                                      "{\"custom_id\":\"a\",\"result\":{\"type\":\"errored\"}}",
                                      "{\"custom_id\":\"a\",\"result\":{\"type\":\"new\"}}",
                                      "{\"custom_id\":1,\"result\":{\"type\":\"expired\"}}",
                                      "{\"custom_id\":\"a\",\"result\":{\"type\":\"expired\"}"};
    struct rp_bulk_result read;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_int_equal(result(bad[i], &read), -RP_EJSON);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_stand_in_the_post),
        cmocka_unit_test(what_is_said_of_a_batch_is_read),
        cmocka_unit_test(results_are_where_it_says_or_where_they_always_are),
        cmocka_unit_test(odd_times_and_counts_are_none),
        cmocka_unit_test(results_have_what_a_response_would_have),
        cmocka_unit_test(errors_have_the_status_of_their_kind),
        cmocka_unit_test(what_was_not_asked_says_why),
        cmocka_unit_test(lines_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
