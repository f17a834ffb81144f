/* Completions, chunks of a stream and errors, as servers send them and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugins/models/openai/openai.h"

#define DELTA(delta)                                                                                                   \
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":" delta                    \
    ",\"finish_reason\":null}]}"

static const struct openai_options strict = {.needs_done = true}, lenient = {.needs_done = false};

static void decode(struct rp_answer *answer, const char *json, int code) {
    char *exact = malloc(strlen(json) ? strlen(json) : 1); /* of just this size, for the sanitizer */
    memcpy(exact, json, strlen(json));
    assert_int_equal(answer_read(&strict, answer, rp_str_n(exact, strlen(json))), code);
    free(exact);
}

static void a_whole_completion_is_read(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer,
           "{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi \\u00e9\","
           "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":9,"
           "\"completion_tokens\":12,\"total_tokens\":21,\"prompt_tokens_details\":{\"audio_tokens\":0,\"cached_tokens\":4}}}",
           0);
    assert_string_equal(answer.text.data, "Hi \xC3\xA9");
    assert_true(answer.has_reply && answer.finished && answer.has_usage);
    assert_int_equal(answer.finish, RP_FINISH_LENGTH);
    assert_int_equal(answer.usage.input_tokens, 9);
    assert_int_equal(answer.usage.output_tokens, 12);
    assert_int_equal(answer.usage.cached_tokens, 4);
    assert_false(answer.error.present);
    rp_answer_finish(&answer);
}

static void deltas_add_up(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, DELTA("{\"role\":\"assistant\",\"content\":\"\"}"), 0);
    decode(&answer, DELTA("{\"content\":\"one \"}"), 0);
    decode(&answer, DELTA("{\"content\":null}"), 0);
    decode(&answer, DELTA("{\"content\":\"two\"}"), 0);
    decode(&answer, DELTA("{}"), 0);
    assert_false(answer.finished);
    decode(&answer, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}", 0);
    decode(&answer, "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}", 0);
    assert_string_equal(answer.text.data, "one two");
    assert_true(answer.finished && answer.has_usage);
    assert_int_equal(answer.finish, RP_FINISH_STOP);
    rp_answer_finish(&answer);
}

static void a_stream_is_whole_with_its_reason_and_its_end(void **state) {
    (void)state;
    static const char reason[] = "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}";
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, reason, 0);
    assert_true(answer.finished && !answer.whole && !answer.done);
    decode(&answer, "[DONE]", 0);
    assert_true(answer.whole && answer.done);
    rp_answer_finish(&answer);

    rp_answer_init(&answer, 1000);
    decode(&answer, "[DONE]", 0);
    assert_true(answer.done && !answer.whole);
    rp_answer_finish(&answer);

    rp_answer_init(&answer, 1000);
    assert_int_equal(answer_read(&lenient, &answer, RP_STR(reason)), 0);
    assert_true(answer.whole && !answer.done);
    rp_answer_finish(&answer);
}

static void of_two_reasons_the_first_counts(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}", 0);
    decode(&answer, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}", 0);
    assert_int_equal(answer.finish, RP_FINISH_LENGTH);
    rp_answer_finish(&answer);
}

static void thinking_is_awake_but_no_text(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, DELTA("{\"reasoning_content\":null}"), 0);
    assert_false(answer.awake);
    decode(&answer, DELTA("{\"reasoning_content\":\"hm\"}"), 0);
    assert_true(answer.awake);
    assert_int_equal(answer.text.len, 0);
    rp_answer_finish(&answer);
}

static void every_finish_reason_has_its_meaning(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool finished;
        enum rp_finish finish;
    } rows[] = {
        {"{\"choices\":[{\"finish_reason\":\"stop\"}]}", true, RP_FINISH_STOP},
        {"{\"choices\":[{\"finish_reason\":\"length\"}]}", true, RP_FINISH_LENGTH},
        {"{\"choices\":[{\"finish_reason\":\"tool_calls\"}]}", true, RP_FINISH_TOOLS},
        {"{\"choices\":[{\"finish_reason\":\"function_call\"}]}", true, RP_FINISH_TOOLS},
        {"{\"choices\":[{\"finish_reason\":\"content_filter\"}]}", true, RP_FINISH_FILTER},
        {"{\"choices\":[{\"finish_reason\":\"eos\"}]}", true, RP_FINISH_STOP},
        {"{\"choices\":[{\"finish_reason\":\"\"}]}", false, RP_FINISH_STOP},
        {"{\"choices\":[{\"finish_reason\":null}]}", false, RP_FINISH_STOP},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_answer answer;
        rp_answer_init(&answer, 1000);
        decode(&answer, rows[i].json, 0);
        assert_int_equal(answer.finished, rows[i].finished);
        assert_int_equal(answer.finish, rows[i].finish);
        rp_answer_finish(&answer);
    }
}

static void tool_calls_are_joined_by_index(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer,
           DELTA("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                 "\"arguments\":\"\"}}]}"),
           0);
    decode(&answer, DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":\"}}]}"), 0);
    decode(&answer,
           DELTA("{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\"}},{\"index\":0,\"id\":\"a\","
                 "\"function\":{\"name\":\"f\",\"arguments\":\"1}\"}}]}"),
           0);
    assert_true(rp_answer_tools_valid(&answer));
    assert_int_equal(answer.tool_count, 2);
    assert_string_equal(answer.tools[0].id.data, "a");
    assert_string_equal(answer.tools[0].name.data, "f");
    assert_string_equal(answer.tools[0].arguments.data, "{\"x\":1}");
    assert_string_equal(answer.tools[1].name.data, "g");
    assert_string_equal(answer.tools[1].arguments.data, "{}");
    rp_answer_finish(&answer);
}

/* Servers that write JSON in ASCII may cut between the halves of a surrogate pair. */
static void a_character_torn_between_two_pieces_of_arguments_comes_out_whole(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, DELTA("{\"tool_calls\":[{\"function\":{\"arguments\":\"[\\\"\\ud83d\",\"name\":\"f\"},\"index\":1}]}"), 0);
    decode(&answer, DELTA("{\"tool_calls\":[{\"index\":2,\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}"), 0);
    decode(&answer, DELTA("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"\\ude00 \\ud83d\"}}]}"), 0);
    decode(&answer, DELTA("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"\\\"]\"}}]}"), 0);
    assert_true(rp_answer_tools_valid(&answer));
    assert_string_equal(answer.tools[0].arguments.data, "[\"\xF0\x9F\x98\x80 \xEF\xBF\xBD\"]");
    assert_string_equal(answer.tools[1].arguments.data, "{}");
    rp_answer_finish(&answer);
}

static void a_whole_message_with_tools_needs_no_index(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer,
           "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"{}\"}},{\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}}]}",
           0);
    assert_int_equal(answer.tool_count, 2);
    assert_string_equal(answer.tools[1].arguments.data, "[1]");
    assert_true(rp_answer_tools_valid(&answer));
    rp_answer_finish(&answer);
}

static void a_tool_call_without_name_or_with_broken_arguments_is_not_valid(void **state) {
    (void)state;
    static const char *const calls[] = {
        DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}"),
        DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}]}"),
        DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{} {}\"}}]}"),
        DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"[\\\"\xFF\\\"]\"}}]}"),
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct rp_answer answer;
        rp_answer_init(&answer, 1000);
        decode(&answer, calls[i], 0);
        assert_false(rp_answer_tools_valid(&answer));
        rp_answer_finish(&answer);
    }
}

static void the_number_of_tool_calls_is_bounded(void **state) {
    (void)state;
    struct rp_answer answer;
    char json[200];
    rp_answer_init(&answer, 1000);
    for (int i = 0; i <= RP_ANSWER_TOOLS_MAX; i++) {
        snprintf(json, sizeof(json), "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d}]}}]}", i);
        decode(&answer, json, i < RP_ANSWER_TOOLS_MAX ? 0 : -RP_EJSON);
    }
    rp_answer_finish(&answer);
}

static void errors_are_read_in_every_shape(void **state) {
    (void)state;
    static const struct {
        const char *json, *message, *type, *code;
    } rows[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}", "m", "t", "c"},
        {"{\"error\":{\"message\":\"m\",\"code\":429}}", "m", "", ""},
        {"{\"error\":\"text\"}", "text", "", ""},
        {"{\"error\":{}}", "", "", ""},
        {"{\"error\":17}", "", "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_answer answer;
        rp_answer_init(&answer, 1000);
        decode(&answer, rows[i].json, 0);
        assert_true(answer.error.present);
        assert_string_equal(answer.error.message.data ? answer.error.message.data : "", rows[i].message);
        assert_string_equal(answer.error.type.data ? answer.error.type.data : "", rows[i].type);
        assert_string_equal(answer.error.code.data ? answer.error.code.data : "", rows[i].code);
        rp_answer_finish(&answer);
    }
}

static void an_error_that_is_null_is_none(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer, "{\"error\":null,\"choices\":[{\"message\":{\"content\":\"x\"}}]}", 0);
    assert_false(answer.error.present);
    rp_answer_finish(&answer);
}

static void an_error_message_of_any_length_is_survived(void **state) {
    (void)state;
    struct rp_answer answer;
    char *json = malloc(100100);
    strcpy(json, "{\"error\":{\"message\":\"");
    memset(json + 21, 'x', 100000);
    strcpy(json + 100021, "\",\"code\":\"insufficient_quota\"}}");
    rp_answer_init(&answer, 1000);
    decode(&answer, json, 0);
    assert_true(answer.error.present);
    assert_string_equal(answer.error.code.data, "insufficient_quota");
    free(json);
    rp_answer_finish(&answer);
}

static void wrong_types_are_passed_over_and_broken_json_is_refused(void **state) {
    (void)state;
    static const char *const odd[] = {
        "{}",
        "{\"choices\":null}",
        "{\"choices\":{}}",
        "{\"choices\":[],\"usage\":null}",
        "{\"usage\":[1]}",
        "{\"choices\":[{\"delta\":null,\"finish_reason\":7}]}",
        "{\"choices\":[{\"delta\":\"text\"}]}",
        "{\"choices\":[{\"delta\":{\"content\":17,\"tool_calls\":null}}]}",
        "{\"usage\":{\"prompt_tokens\":\"9\"}}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":null,\"id\":null}]}}]}",
    };
    static const char *const broken[] = {"",
                                         "[]",
                                         "null",
                                         "17",
                                         "{\"choices\":[}",
                                         "{\"choices\":[7]}",
                                         "{\"choices\":[{\"delta\":{\"content\":\"x\"",
                                         "<html>",
                                         "{} x"};
    struct rp_answer answer;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        rp_answer_init(&answer, 1000);
        decode(&answer, odd[i], 0);
        assert_int_equal(answer.text.len, 0);
        rp_answer_finish(&answer);
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        rp_answer_init(&answer, 1000);
        decode(&answer, broken[i], -RP_EJSON);
        rp_answer_finish(&answer);
    }
}

static void text_beyond_the_limit_is_refused(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 5);
    decode(&answer, DELTA("{\"content\":\"12345\"}"), 0);
    decode(&answer, DELTA("{\"content\":\"6\"}"), -RP_EJSON);
    assert_int_equal(answer.text.len, 5);
    rp_answer_finish(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_completion_is_read),
        cmocka_unit_test(deltas_add_up),
        cmocka_unit_test(a_stream_is_whole_with_its_reason_and_its_end),
        cmocka_unit_test(of_two_reasons_the_first_counts),
        cmocka_unit_test(thinking_is_awake_but_no_text),
        cmocka_unit_test(every_finish_reason_has_its_meaning),
        cmocka_unit_test(tool_calls_are_joined_by_index),
        cmocka_unit_test(a_character_torn_between_two_pieces_of_arguments_comes_out_whole),
        cmocka_unit_test(a_whole_message_with_tools_needs_no_index),
        cmocka_unit_test(a_tool_call_without_name_or_with_broken_arguments_is_not_valid),
        cmocka_unit_test(the_number_of_tool_calls_is_bounded),
        cmocka_unit_test(errors_are_read_in_every_shape),
        cmocka_unit_test(an_error_that_is_null_is_none),
        cmocka_unit_test(an_error_message_of_any_length_is_survived),
        cmocka_unit_test(wrong_types_are_passed_over_and_broken_json_is_refused),
        cmocka_unit_test(text_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
