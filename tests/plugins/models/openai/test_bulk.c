/* The batch endpoint: what is handed in, what is said of batches, and lines of results as they come and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/models/openai/openai.h"

static const struct openai_options options;

static int batch(const char *json, struct rp_bulk_batch *out, struct rp_answer *answer) {
    *out = (struct rp_bulk_batch){0};
    return bulk_protocol.batch(&options, rp_str(json), out, answer);
}

static int result(const char *json, struct rp_bulk_result *out) {
    return bulk_protocol.result(&options, rp_str(json), out);
}

static void requests_are_lines_of_a_file(void **state) {
    struct rp_buf out;
    (void)state;
    rp_buf_init(&out, 1000);
    assert_int_equal(bulk_protocol.line(&options, RP_STR("ab12"), RP_STR("{\"model\":\"m\"}"), &out), 0);
    assert_string_equal(out.data,
                        "{\"custom_id\":\"ab12\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":"
                        "{\"model\":\"m\"}}");
    rp_buf_clear(&out);
    assert_int_equal(bulk_protocol.submit(&options, "file-1", "mark", &out), 0);
    assert_string_equal(out.data, "{\"input_file_id\":\"file-1\",\"endpoint\":\"/v1/chat/completions\","
                                  "\"completion_window\":\"24h\",\"metadata\":{\"repartee\":\"mark\"}}");
    rp_buf_finish(&out);
}

static void what_is_said_of_a_batch_is_read(void **state) {
    struct rp_bulk_batch told;
    struct rp_answer answer;
    (void)state;
    rp_answer_init(&answer, 1000);
    assert_int_equal(
        batch("{\"id\":\"batch_1\",\"object\":\"batch\",\"errors\":null,\"status\":\"completed\",\"output_file_id\":"
              "\"f-1\","
              "\"error_file_id\":\"f-2\",\"created_at\":1714508499,\"metadata\":{\"a\":\"b\",\"repartee\":\"mark\"},"
              "\"request_counts\":{\"total\":100,\"completed\":95,\"failed\":5}}",
              &told, &answer),
        0);
    assert_string_equal(told.id, "batch_1");
    assert_string_equal(told.marker, "mark");
    assert_string_equal(told.results[0], "/files/f-1/content");
    assert_string_equal(told.results[1], "/files/f-2/content");
    assert_int_equal(told.state, RP_BULK_OVER);
    assert_int_equal(told.made_s, 1714508499);
    assert_int_equal(told.total, 100);
    assert_int_equal(told.settled, 100);
    assert_false(answer.error.present);
    rp_answer_finish(&answer);
}

static void only_an_end_ends_a_batch(void **state) {
    static const struct {
        const char *status;
        enum rp_bulk_state state;
    } states[] = {{"validating", RP_BULK_RUNNING}, {"in_progress", RP_BULK_RUNNING},   {"finalizing", RP_BULK_RUNNING},
                  {"cancelling", RP_BULK_RUNNING}, {"something new", RP_BULK_RUNNING}, {"completed", RP_BULK_OVER},
                  {"expired", RP_BULK_OVER},       {"cancelled", RP_BULK_OVER},        {"failed", RP_BULK_FAILED}};
    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        char json[128];
        struct rp_bulk_batch told;
        struct rp_answer answer;
        rp_answer_init(&answer, 1000);
        snprintf(json, sizeof(json), "{\"status\":\"%s\",\"id\":\"b\",\"output_file_id\":null}", states[i].status);
        assert_int_equal(batch(json, &told, &answer), 0);
        assert_int_equal(told.state, states[i].state);
        assert_string_equal(told.results[0], "");
        rp_answer_finish(&answer);
    }
}

static void the_first_error_of_a_batch_counts(void **state) {
    struct rp_bulk_batch told;
    struct rp_answer answer;
    (void)state;
    rp_answer_init(&answer, 1000);
    assert_int_equal(batch("{\"id\":\"b\",\"status\":\"failed\",\"errors\":{\"object\":\"list\",\"data\":[{\"code\":"
                           "\"token_limit_exceeded\","
                           "\"message\":\"too many\",\"line\":null},{\"code\":\"other\",\"message\":\"no\"}]}}",
                           &told, &answer),
                     0);
    assert_true(answer.error.present);
    assert_string_equal(answer.error.code.data, "token_limit_exceeded");
    assert_string_equal(answer.error.message.data, "too many");
    rp_answer_finish(&answer);
}

/* An id goes into a URL. */
static void ids_that_could_lead_elsewhere_are_none(void **state) {
    static const char *const bad[] = {"", ".", "../v1/files", "a/b", "a?b", "a b", "a\\u0041", "a%2f", "\xC3\xA9"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char json[128];
        struct rp_bulk_batch told;
        struct rp_answer answer;
        rp_answer_init(&answer, 1000);
        snprintf(json, sizeof(json), "{\"id\":\"%s\"}", bad[i]);
        assert_int_equal(batch(json, &told, &answer), -RP_EJSON);
        snprintf(json, sizeof(json), "{\"id\":\"b\",\"output_file_id\":\"%s\"}", bad[i]);
        assert_int_equal(batch(json, &told, &answer), 0);
        assert_string_equal(told.results[0], "");
        rp_answer_finish(&answer);
    }
}

static void results_have_what_a_response_would_have(void **state) {
    struct rp_bulk_result read;
    (void)state;
    assert_int_equal(
        result("{\"id\":\"r\",\"custom_id\":\"ab\",\"response\":{\"status_code\":200,\"request_id\":\"q\",\"body\":"
               "{\"choices\":[]}},\"error\":null}",
               &read),
        0);
    assert_true(rp_str_is(read.id, "ab"));
    assert_int_equal(read.end, RP_BULK_ANSWERED);
    assert_int_equal(read.status, 200);
    assert_true(rp_str_is(read.body, "{\"choices\":[]}"));
    assert_int_equal(
        result("{\"error\":null,\"response\":{\"body\":{\"error\":{}},\"status_code\":400},\"custom_id\":\"ab\"}",
               &read),
        0);
    assert_int_equal(read.status, 400);
}

static void what_was_not_asked_says_why(void **state) {
    struct rp_bulk_result read;
    (void)state;
    assert_int_equal(
        result("{\"custom_id\":\"a\",\"response\":null,\"error\":{\"code\":\"batch_expired\",\"message\":\"m\"}}",
               &read),
        0);
    assert_int_equal(read.end, RP_BULK_EXPIRED);
    assert_int_equal(result("{\"custom_id\":\"a\",\"response\":null,\"error\":{\"code\":\"batch_cancelled\"}}", &read),
                     0);
    assert_int_equal(read.end, RP_BULK_CANCELLED);
    assert_int_equal(result("{\"custom_id\":\"a\",\"error\":{\"code\":\"odd\",\"message\":\"m\"}}", &read), 0);
    assert_int_equal(read.end, RP_BULK_ANSWERED);
    assert_int_equal(read.status, 500);
}

static void lines_that_are_none_are_refused(void **state) {
    static const char *const bad[] = {"",
                                      "null",
                                      "[]",
                                      "{",
                                      "{}",
                                      "{\"custom_id\":\"a\"}",
                                      "{\"custom_id\":7,\"error\":{\"code\":\"batch_expired\"}}",
                                      "{\"custom_id\":\"a\",\"response\":{\"status_code\":200}}",
                                      "{\"custom_id\":\"a\",\"response\":{\"body\":{}}}",
                                      "{\"custom_id\":\"a\",\"response\":{\"status_code\":9999,\"body\":{}}}",
                                      "{\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":{}}} x",
                                      "{\"response\":{\"status_code\":200,\"body\":{}}}"};
    struct rp_bulk_result read;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_int_equal(result(bad[i], &read), -RP_EJSON);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_lines_of_a_file),
        cmocka_unit_test(what_is_said_of_a_batch_is_read),
        cmocka_unit_test(only_an_end_ends_a_batch),
        cmocka_unit_test(the_first_error_of_a_batch_counts),
        cmocka_unit_test(ids_that_could_lead_elsewhere_are_none),
        cmocka_unit_test(results_have_what_a_response_would_have),
        cmocka_unit_test(what_was_not_asked_says_why),
        cmocka_unit_test(lines_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
