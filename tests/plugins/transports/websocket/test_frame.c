/* JSON frames: what is understood, what is refused with which sentence, and what goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/transports/websocket/frame.h"

/* frame.c is compiled with this in the place of rp_turn_json: a turn cannot be made without an engine. */
int scripted_turn_json(const struct rp_turn *turn, enum rp_finish finish, struct rp_buf *out);
int scripted_turn_json(const struct rp_turn *turn, enum rp_finish finish, struct rp_buf *out) {
    (void)turn;
    return rp_buf_printf(out, "{\"id\": \"r1\", \"finish\": \"%s\"}", finish == RP_FINISH_STOP ? "stop" : "other");
}

static void a_message_gives_all_its_fields(void **state) {
    (void)state;
    struct frame frame;
    assert_int_equal(frame_parse(RP_STR("{\"type\":\"message\",\"text\":\"你好\",\"session\":\"s1\",\"user\":\"u1\","
                                        "\"id\":\"a.B-9_\",\"metadata\":{\"a\":1},\"later\":[]}"),
                                 &frame, NULL),
                     0);
    assert_int_equal(frame.type, FRAME_MESSAGE);
    assert_true(rp_str_equal(frame.text, RP_STR("你好")));
    assert_true(rp_str_equal(frame.session, RP_STR("s1")));
    assert_true(rp_str_equal(frame.user, RP_STR("u1")));
    assert_true(rp_str_equal(frame.id, RP_STR("a.B-9_")));
    assert_int_equal(json_integer_value(json_object_get(frame.metadata, "a")), 1);
    frame_finish(&frame);
}

static void the_text_may_be_called_message(void **state) {
    (void)state;
    struct frame frame;
    assert_int_equal(frame_parse(RP_STR("{\"type\":\"message\",\"message\":\"hi\",\"user\":null}"), &frame, NULL), 0);
    assert_true(rp_str_equal(frame.text, RP_STR("hi")));
    assert_null(frame.session.data);
    assert_null(frame.user.data);
    frame_finish(&frame);
}

static void an_empty_session_is_not_a_missing_one(void **state) {
    (void)state;
    struct frame frame;
    assert_int_equal(frame_parse(RP_STR("{\"type\":\"message\",\"text\":\"hi\",\"session\":\"\"}"), &frame, NULL), 0);
    assert_non_null(frame.session.data);
    assert_int_equal(frame.session.len, 0);
    frame_finish(&frame);
}

static void cancel_and_ping_need_nothing_else(void **state) {
    (void)state;
    struct frame frame;
    assert_int_equal(frame_parse(RP_STR("{\"type\":\"cancel\"}"), &frame, NULL), 0);
    assert_int_equal(frame.type, FRAME_CANCEL);
    assert_int_equal(frame.id.len, 0);
    frame_finish(&frame);
    assert_int_equal(frame_parse(RP_STR(" {\"type\":\"ping\"} "), &frame, NULL), 0);
    assert_int_equal(frame.type, FRAME_PING);
    frame_finish(&frame);
}

static void every_mistake_has_its_sentence(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *sentence; /* part of it */
    } cases[] = {
        {"", RP_EJSON, "empty"},
        {"{", RP_EJSON, "line 1"},
        {"{\"type\":\"ping\"} x", RP_EJSON, "line 1"},
        {"{\"type\":\"ping\",\"type\":\"ping\"}", RP_EJSON, "duplicate"},
        {"[]", RP_EINVALID, "object"},
        {"\"hello\"", RP_EINVALID, "object"},
        {"{}", RP_EINVALID, "'type'"},
        {"{\"type\":1}", RP_EINVALID, "'type'"},
        {"{\"type\":\"Message\"}", RP_EINVALID, "'type'"},
        {"{\"type\":\"message\"}", RP_EINVALID, "'text'"},
        {"{\"type\":\"message\",\"text\":null}", RP_EINVALID, "'text'"},
        {"{\"type\":\"message\",\"text\":7}", RP_EINVALID, "'text' must be a string"},
        {"{\"type\":\"message\",\"message\":[]}", RP_EINVALID, "'message' must be a string"},
        {"{\"type\":\"message\",\"text\":\"a\",\"session\":1}", RP_EINVALID, "'session'"},
        {"{\"type\":\"message\",\"text\":\"a\",\"user\":{}}", RP_EINVALID, "'user'"},
        {"{\"type\":\"message\",\"text\":\"a\",\"metadata\":\"x\"}", RP_EINVALID, "'metadata'"},
        {"{\"type\":\"message\",\"text\":\"a\",\"id\":\"a b\"}", RP_EINVALID, "'id'"},
        {"{\"type\":\"cancel\",\"id\":\"\\n\"}", RP_EINVALID, "'id'"},
        {"{\"type\":\"cancel\",\"id\":5}", RP_EINVALID, "'id'"},
        {"{\"type\":\"cancel\",\"id\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}",
         RP_EINVALID, "'id'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame frame;
        struct rp_error error = {0};
        assert_int_equal(frame_parse(rp_str(cases[i].text), &frame, &error), -cases[i].code);
        if (!strstr(error.text, cases[i].sentence)) fail_msg("%s: %s", cases[i].text, error.text);
    }
}

static void nesting_to_death_is_refused(void **state) {
    (void)state;
    char text[4096];
    memset(text, '[', sizeof text);
    struct frame frame;
    assert_int_equal(frame_parse(rp_str_n(text, sizeof text), &frame, NULL), -RP_EJSON);
}

static void no_cut_of_a_frame_is_a_frame(void **state) {
    (void)state;
    const struct rp_str whole = RP_STR("{\"type\":\"message\",\"text\":\"a\\u4f60 b\",\"metadata\":{\"k\":[1,2]}}");
    for (size_t len = 0; len < whole.len; len++) {
        struct frame frame;
        assert_int_equal(frame_parse(rp_str_n(whole.data, len), &frame, NULL), -RP_EJSON);
    }
}

/* What was appended, as JSON. */
static json_t *parsed(struct rp_buf *buf) {
    json_t *value = NULL;
    assert_int_equal(rp_json_parse(buf->data, buf->len, &value, NULL), 0);
    rp_buf_finish(buf);
    return value;
}

static void a_delta_carries_any_text(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 1024);
    assert_int_equal(frame_delta(&buf, RP_STR("\"quoted\"\n\x01 你")), 0);
    json_t *delta = parsed(&buf);
    assert_string_equal(json_string_value(json_object_get(delta, "type")), "delta");
    assert_string_equal(json_string_value(json_object_get(delta, "text")), "\"quoted\"\n\x01 你");
    json_decref(delta);
}

static void a_reply_is_the_core_s_object_with_a_type(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 1024);
    assert_int_equal(frame_reply(&buf, NULL, RP_FINISH_STOP), 0);
    json_t *reply = parsed(&buf);
    assert_string_equal(json_string_value(json_object_get(reply, "type")), "reply");
    assert_string_equal(json_string_value(json_object_get(reply, "id")), "r1");
    assert_string_equal(json_string_value(json_object_get(reply, "finish")), "stop");
    json_decref(reply);
}

static void an_error_names_code_sentence_and_request(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 1024);
    assert_int_equal(frame_error(&buf, &(struct rp_fault){.code = RP_ERATE, .retry_after = 7}, "r9"), 0);
    json_t *frame = parsed(&buf), *error = json_object_get(frame, "error");
    assert_string_equal(json_string_value(json_object_get(frame, "type")), "error");
    assert_int_equal(json_integer_value(json_object_get(frame, "retry_after")), 7);
    assert_string_equal(json_string_value(json_object_get(error, "code")), "rate_limited");
    assert_string_equal(json_string_value(json_object_get(error, "message")), rp_error_text(RP_ERATE));
    assert_string_equal(json_string_value(json_object_get(error, "request_id")), "r9");
    json_decref(frame);
}

static void a_full_buffer_is_reported(void **state) {
    (void)state;
    for (size_t max = 0; max < 40; max++) {
        struct rp_buf buf;
        rp_buf_init(&buf, max);
        assert_int_equal(frame_delta(&buf, RP_STR("0123456789012345678901234567890123456789")), -RP_ETOOLARGE);
        rp_buf_clear(&buf);
        assert_int_equal(frame_error(&buf, &(struct rp_fault){.code = RP_ERATE}, "r9"), -RP_ETOOLARGE);
        rp_buf_finish(&buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_gives_all_its_fields),
        cmocka_unit_test(the_text_may_be_called_message),
        cmocka_unit_test(an_empty_session_is_not_a_missing_one),
        cmocka_unit_test(cancel_and_ping_need_nothing_else),
        cmocka_unit_test(every_mistake_has_its_sentence),
        cmocka_unit_test(nesting_to_death_is_refused),
        cmocka_unit_test(no_cut_of_a_frame_is_a_frame),
        cmocka_unit_test(a_delta_carries_any_text),
        cmocka_unit_test(a_reply_is_the_core_s_object_with_a_type),
        cmocka_unit_test(an_error_names_code_sentence_and_request),
        cmocka_unit_test(a_full_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
