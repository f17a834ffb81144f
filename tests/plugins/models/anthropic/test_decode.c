/* Messages, events and errors, as servers send them and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugins/models/anthropic/anthropic.h"

static void decode(struct rp_answer *answer, const char *json, int code) {
    char *exact = malloc(strlen(json) ? strlen(json) : 1); /* of just this size, for the sanitizer */
    memcpy(exact, json, strlen(json));
    assert_int_equal(answer_read(NULL, answer, rp_str_n(exact, strlen(json))), code);
    free(exact);
}

static void decode_all(struct rp_answer *answer, const char *const *jsons, size_t count) {
    rp_answer_init(answer, 1000);
    for (size_t i = 0; i < count; i++) decode(answer, jsons[i], 0);
}
#define DECODE(answer, list) decode_all(answer, list, sizeof(list) / sizeof(list[0]))

/* A server that lies about what it has used must not make the sums overflow, nor less than nothing. */
static void absurd_usage_is_cut(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer,
           "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":\"end_turn\","
           "\"usage\":{\"input_tokens\":4611686018427387903,\"cache_read_input_tokens\":4611686018427387903,"
           "\"cache_creation_input_tokens\":4611686018427387903,\"output_tokens\":-5}}",
           0);
    assert_int_equal(answer.usage.input_tokens, 3 * RP_SCAN_COUNT_MAX);
    assert_int_equal(answer.usage.cached_tokens, RP_SCAN_COUNT_MAX);
    assert_int_equal(answer.usage.output_tokens, 0);
    rp_answer_finish(&answer);
}

static void a_whole_message_is_read(void **state) {
    (void)state;
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode(&answer,
           "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":"
           "\"hm\",\"signature\":\"x\"},{\"type\":\"text\",\"text\":\"Hi \\u00e9\"},{\"type\":\"tool_use\",\"id\":\"t1\","
           "\"name\":\"f\",\"input\":{\"x\":[1, 2]}},{\"type\":\"text\",\"text\":\"!\"}],\"stop_reason\":\"tool_use\","
           "\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":4,\"cache_creation_input_tokens\":1,"
           "\"output_tokens\":12}}",
           0);
    assert_string_equal(answer.text.data, "Hi \xC3\xA9!");
    assert_true(answer.has_reply && answer.finished && answer.has_usage);
    assert_int_equal(answer.finish, RP_FINISH_TOOLS);
    assert_int_equal(answer.usage.input_tokens, 14);
    assert_int_equal(answer.usage.cached_tokens, 4);
    assert_int_equal(answer.usage.output_tokens, 12);
    assert_int_equal(answer.tool_count, 1);
    assert_string_equal(answer.tools[0].id.data, "t1");
    assert_string_equal(answer.tools[0].name.data, "f");
    assert_string_equal(answer.tools[0].arguments.data, "{\"x\":[1, 2]}");
    assert_true(rp_answer_tools_valid(&answer));
    rp_answer_finish(&answer);
}

static void a_stream_adds_up(void **state) {
    (void)state;
    static const char *const events[] = {
        "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],"
        "\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}",
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
        "{\"type\":\"ping\"}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}",
        "{\"delta\":{\"text\":\"lo\",\"type\":\"text_delta\"},\"index\":0,\"type\":\"content_block_delta\"}",
        "{\"type\":\"content_block_stop\",\"index\":0}",
        "{\"type\":\"something_new\",\"delta\":7}",
    };
    struct rp_answer answer;
    DECODE(&answer, events);
    assert_string_equal(answer.text.data, "Hello");
    assert_true(answer.awake && !answer.finished && !answer.whole);
    decode(&answer, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                    "\"usage\":{\"output_tokens\":15}}", 0);
    assert_true(answer.finished && !answer.whole && !answer.done);
    decode(&answer, "{\"type\":\"message_stop\"}", 0);
    assert_true(answer.whole && answer.done);
    assert_int_equal(answer.finish, RP_FINISH_STOP);
    assert_int_equal(answer.usage.input_tokens, 25);
    assert_int_equal(answer.usage.output_tokens, 15);
    rp_answer_finish(&answer);
}

static void an_end_without_a_reason_is_not_whole(void **state) {
    (void)state;
    static const char *const events[] = {"{\"type\":\"message_stop\"}"};
    struct rp_answer answer;
    DECODE(&answer, events);
    assert_true(answer.done && !answer.whole);
    rp_answer_finish(&answer);
}

static void tool_calls_are_put_together(void **state) {
    (void)state;
    static const char *const events[] = {
        "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\","
        "\"input\":{}}}",
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}",
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":\"}}",
        "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":"
        "\"web_search\",\"input\":{}}}",
        "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":1}\"}}",
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}",
        "{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"g\","
        "\"input\":{}}}",
    };
    struct rp_answer answer;
    DECODE(&answer, events);
    assert_int_equal(answer.tool_count, 2);
    assert_true(rp_answer_tools_valid(&answer));
    assert_string_equal(answer.tools[0].arguments.data, "{\"x\":1}");
    assert_string_equal(answer.tools[1].name.data, "g");
    assert_string_equal(answer.tools[1].arguments.data, "{}");
    rp_answer_finish(&answer);
}

static void a_character_torn_between_two_pieces_of_input_comes_out_whole(void **state) {
    (void)state;
    static const char *const jsons[] = {
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"[\\\"\\ud83d\"}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\ude00\\\"]\"}}",
    };
    struct rp_answer answer;
    rp_answer_init(&answer, 1000);
    decode_all(&answer, jsons, 3);
    assert_true(rp_answer_tools_valid(&answer));
    assert_string_equal(answer.tools[0].arguments.data, "[\"\xF0\x9F\x98\x80\"]");
    rp_answer_finish(&answer);
}

static void every_stop_reason_has_its_meaning(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum rp_finish finish;
    } rows[] = {
        {"end_turn", RP_FINISH_STOP},      {"stop_sequence", RP_FINISH_STOP},
        {"max_tokens", RP_FINISH_LENGTH},  {"model_context_window_exceeded", RP_FINISH_LENGTH},
        {"tool_use", RP_FINISH_TOOLS},     {"refusal", RP_FINISH_FILTER},
        {"pause_turn", RP_FINISH_STOP},    {"not known yet", RP_FINISH_STOP},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_answer answer;
        char json[200];
        snprintf(json, sizeof(json), "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"%s\"}}", rows[i].name);
        rp_answer_init(&answer, 1000);
        decode(&answer, json, 0);
        decode(&answer, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"}}", 0); /* the first counts */
        assert_true(answer.finished);
        assert_int_equal(answer.finish, rows[i].finish);
        rp_answer_finish(&answer);
    }
}

static void errors_are_read(void **state) {
    (void)state;
    static const struct {
        const char *json, *message, *type, *code;
    } rows[] = {
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"r\"}",
         "Overloaded", "overloaded_error", ""},
        {"{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\",\"details\":{\"error_code\":"
         "\"enforced_spend_limit_reached\",\"type\":\"x\"}}}",
         "m", "rate_limit_error", "enforced_spend_limit_reached"},
        {"{\"error\":\"bad gateway\"}", "bad gateway", "", ""},
        {"{\"type\":\"error\"}", "", "", ""},
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

static void nonsense_is_refused_or_passed_over(void **state) {
    (void)state;
    static const char *const odd[] = {
        "{}",
        "{\"type\":7}",
        "{\"type\":\"message_delta\",\"delta\":null,\"usage\":null}",
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null}}",
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":5},\"usage\":{\"output_tokens\":\"9\"}}",
        "{\"type\":\"content_block_delta\",\"index\":null,\"delta\":{\"text\":7}}",
        "{\"type\":\"message\",\"content\":[]}",
    };
    static const char *const broken[] = {
        "",
        "[]",
        "[DONE]",
        "<html>",
        "{\"type\":\"message_stop\"} x",
        "{\"type\":\"content_block_delta\",\"index\":0}",
        "{\"type\":\"content_block_delta\",\"delta\":\"text\"}",
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":[]}",
        "{\"type\":\"message_start\",\"message\":\"x\"}",
        "{\"type\":\"message\",\"content\":\"x\"}",
        "{\"type\":\"message\",\"content\":[7]}",
    };
    struct rp_answer answer;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        rp_answer_init(&answer, 1000);
        decode(&answer, odd[i], 0);
        assert_true(answer.text.len == 0 && !answer.finished && !answer.done);
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
    decode(&answer, "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"12345\"}}", 0);
    decode(&answer, "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"6\"}}", -RP_EJSON);
    rp_answer_finish(&answer);
    rp_answer_init(&answer, 5);
    for (int i = 0; i <= RP_ANSWER_TOOLS_MAX; i++) {
        char json[200];
        snprintf(json, sizeof(json),
                 "{\"type\":\"content_block_start\",\"index\":%d,\"content_block\":{\"type\":\"tool_use\",\"name\":\"f\"}}", i);
        decode(&answer, json, i < RP_ANSWER_TOOLS_MAX ? 0 : -RP_EJSON);
    }
    rp_answer_finish(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_message_is_read),
        cmocka_unit_test(absurd_usage_is_cut),
        cmocka_unit_test(a_stream_adds_up),
        cmocka_unit_test(an_end_without_a_reason_is_not_whole),
        cmocka_unit_test(tool_calls_are_put_together),
        cmocka_unit_test(a_character_torn_between_two_pieces_of_input_comes_out_whole),
        cmocka_unit_test(every_stop_reason_has_its_meaning),
        cmocka_unit_test(errors_are_read),
        cmocka_unit_test(nonsense_is_refused_or_passed_over),
        cmocka_unit_test(what_grows_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
