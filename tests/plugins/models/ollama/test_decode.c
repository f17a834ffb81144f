/* Lines and whole replies, as servers send them and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugins/models/ollama/ollama.h"

static void decode(struct rp_answer *answer, const char *json, int code) {
    char *exact = malloc(strlen(json) ? strlen(json) : 1); /* of just this size, for the sanitizer */
    memcpy(exact, json, strlen(json));
    assert_int_equal(answer_read(NULL, answer, rp_str_n(exact, strlen(json))), code);
    free(exact);
}

static void lines_add_up(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, "{\"model\":\"m\",\"created_at\":\"2026\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":"
                    "\"hm\"},\"done\":false}", 0);
    assert_true(answer.awake && answer.text.len == 0);
    decode(&answer, "{\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}", 0);
    decode(&answer, "{\"done\":false,\"message\":{\"content\":\"lo \\u00e9\"}}", 0);
    assert_true(!answer.finished && !answer.has_usage && !answer.has_reply);
    decode(&answer, "{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\",\"done\":true,"
                    "\"total_duration\":5,\"prompt_eval_count\":11,\"prompt_eval_duration\":1,\"eval_count\":22}", 0);
    assert_string_equal(answer.text.data, "Hello \xC3\xA9");
    assert_true(answer.finished && answer.whole && answer.done && answer.has_usage && answer.has_reply);
    assert_int_equal(answer.finish, RP_FINISH_STOP);
    assert_int_equal(answer.usage.input_tokens, 11);
    assert_int_equal(answer.usage.output_tokens, 22);
    rp_answer_finish(&answer);
}

static void the_reason_is_understood(void **state) {
    (void)state;
    static const struct {
        const char *json;
        enum rp_finish finish;
    } rows[] = {
        {"{\"done\":true}", RP_FINISH_STOP},
        {"{\"done\":true,\"done_reason\":\"load\"}", RP_FINISH_STOP},
        {"{\"done_reason\":\"length\",\"done\":true}", RP_FINISH_LENGTH},
        {"{\"done\":true,\"done_reason\":\"stop\",\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}}",
         RP_FINISH_TOOLS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_answer answer;
        rp_answer_init(&answer, 1000);
        decode(&answer, rows[i].json, 0);
        assert_true(answer.whole);
        assert_int_equal(answer.finish, rows[i].finish);
        rp_answer_finish(&answer);
    }
}

static void tool_calls_have_arguments_as_text_and_an_id(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer,
           "{\"message\":{\"tool_calls\":[{\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{\"city\": \"K\\u00f6ln\"}}}]}}", 0);
    decode(&answer, "{\"message\":{\"tool_calls\":[{\"id\":\"x\",\"function\":{\"name\":\"g\",\"arguments\":null}}]}}", 0);
    assert_int_equal(answer.tool_count, 2);
    assert_true(rp_answer_tools_valid(&answer));
    assert_string_equal(answer.tools[0].id.data, "call_1");
    assert_string_equal(answer.tools[0].arguments.data, "{\"city\": \"K\\u00f6ln\"}");
    assert_string_equal(answer.tools[1].id.data, "x");
    assert_string_equal(answer.tools[1].arguments.data, "{}");
    rp_answer_finish(&answer);
}

static void an_error_is_a_text(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, "{\"error\":\"model 'x' not found\"}", 0);
    assert_true(answer.error.present);
    assert_string_equal(answer.error.message.data, "model 'x' not found");
    rp_answer_finish(&answer);
}

static void nonsense_is_refused_or_passed_over(void **state) {
    (void)state;
    static const char *const odd[] = {
        "{}",
        "{\"message\":null,\"done\":null}",
        "{\"message\":\"x\",\"done\":false}",
        "{\"message\":{\"content\":7,\"tool_calls\":{}},\"done\":\"true\"}",
        "{\"prompt_eval_count\":\"9\",\"done_reason\":5}",
        "{\"error\":null}",
    };
    static const char *const broken[] = {"", "[]", "null", "<html>", "{\"done\":true", "{} {}",
                                         "{\"message\":{\"tool_calls\":[7]}}", "{\"message\":{\"content\":\"x}"};
    struct rp_answer answer;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        rp_answer_init(&answer, 1000);
        decode(&answer, odd[i], 0);
        assert_true(answer.text.len == 0 && !answer.whole && !answer.error.present);
        rp_answer_finish(&answer);
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        rp_answer_init(&answer, 1000);
        decode(&answer, broken[i], -RP_EJSON);
        rp_answer_finish(&answer);
    }
}

static void what_grows_too_long_is_refused(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 5);
    decode(&answer, "{\"message\":{\"content\":\"12345\"}}", 0);
    decode(&answer, "{\"message\":{\"content\":\"6\"}}", -RP_EJSON);
    rp_answer_finish(&answer);
    rp_answer_init(&answer, 5);
    for (int i = 0; i <= RP_ANSWER_TOOLS_MAX; i++)
        decode(&answer, "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}}",
               i < RP_ANSWER_TOOLS_MAX ? 0 : -RP_EJSON);
    rp_answer_finish(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_add_up),
        cmocka_unit_test(the_reason_is_understood),
        cmocka_unit_test(tool_calls_have_arguments_as_text_and_an_id),
        cmocka_unit_test(an_error_is_a_text),
        cmocka_unit_test(nonsense_is_refused_or_passed_over),
        cmocka_unit_test(what_grows_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
