/* The body of POST /v1/chat: what is read out of it, and that whatever is wrong is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <repartee/chat_body.h>

static struct rp_buf space;

static int parse(struct rp_str body, struct rp_chat_body *out_message, struct rp_error *error) {
    return rp_chat_body_parse(body, "the body", &space, out_message, error);
}

static void assert_text(struct rp_str text, const char *wanted) {
    assert_int_equal(text.len, strlen(wanted));
    assert_memory_equal(text.data ? text.data : "", wanted, text.len);
}

static void every_field_is_read(void **state) {
    (void)state;
    struct rp_chat_body message;
    const char *body = "{\"message\":\"hi\",\"session\":\"s\",\"user\":\"u\",\"stream\":true,\"metadata\":{\"a\":1},\"x\":[]}";
    assert_int_equal(parse(rp_str(body), &message, NULL), 0);
    assert_text(message.text, "hi");
    assert_text(message.session, "s");
    assert_text(message.user, "u");
    assert_true(message.stream);
    assert_int_equal(json_object_size(message.metadata), 1);
    rp_chat_body_finish(&message);
}

static void what_is_absent_or_null_is_unset(void **state) {
    static const char *const bodies[] = {
        "{\"message\":\"hi\"}", " {\"prompt\" : \"hi\"} ", "{\"message\":null,\"prompt\":\"hi\"}",
        "{\"message\":\"hi\",\"prompt\":\"other\",\"session\":null,\"user\":null,\"stream\":null,\"metadata\":null}"};
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct rp_chat_body message;
        assert_int_equal(parse(rp_str(bodies[i]), &message, NULL), 0);
        assert_text(message.text, "hi");
        assert_int_equal(message.session.len + message.user.len, 0);
        assert_false(message.stream);
        assert_null(message.metadata);
        rp_chat_body_finish(&message);
    }
}

static void what_is_wrong_is_named(void **state) {
    static const struct { const char *body; int code; const char *names; } cases[] = {
        {"", RP_EJSON, ""}, {"{", RP_EJSON, ""}, {"{}x", RP_EJSON, ""}, {"\xff", RP_EUTF8, "UTF-8"},
        {"{\"message\":\"\xed\xa0\x80\"}", RP_EUTF8, "UTF-8"},
        {"{\"message\":\"a\",\n\"x\":[1,]}", RP_EJSON, "line 2"},
        {"{\"message\":\"a\"} {}", RP_EJSON, "line 1"},
        {"{\"message\":\"a\\u0000\"}", RP_EJSON, "u0000"},
        {"{\"message\":\"a\",\"x\":\"\\u0000\"}", RP_EJSON, "u0000"},
        {"{\"message\":\"\\ud83d\"}", RP_EJSON, "line 1"},
        {"{\"message\":\"a\",\"message\":\"b\"}", RP_EJSON, "duplicate"},
        {"{\"message\":\"a\",\"mess\\u0061ge\":\"b\"}", RP_EJSON, "duplicate"},
        {"{\"message\":\"a\",\"metadata\":{\"b\":1,\"b\":2}}", RP_EJSON, "duplicate"},
        {"{\"message\":\"a\",\"session\":1,\"x\":}", RP_EJSON, "line 1"},
        {"[]", RP_EINVALID, "object"}, {"\"message\"", RP_EINVALID, "object"},
        {"{}", RP_EINVALID, "'message'"}, {"{\"message\":1}", RP_EINVALID, "'message'"},
        {"{\"prompt\":{}}", RP_EINVALID, "'prompt'"}, {"{\"message\":\"a\",\"session\":1}", RP_EINVALID, "'session'"},
        {"{\"message\":\"a\",\"session\":\"\\u0007\"}", RP_EINVALID, "'session'"},
        {"{\"message\":\"a\",\"user\":false}", RP_EINVALID, "'user'"},
        {"{\"message\":\"a\",\"stream\":1}", RP_EINVALID, "'stream'"},
        {"{\"message\":\"a\",\"metadata\":\"x\"}", RP_EINVALID, "'metadata'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rp_chat_body message;
        struct rp_error error = {0};
        assert_int_equal(parse(rp_str(cases[i].body), &message, &error), -cases[i].code);
        assert_int_equal(error.code, cases[i].code);
        assert_non_null(strstr(error.text, cases[i].names));
    }
}

static void escapes_are_decoded(void **state) {
    (void)state;
    struct rp_chat_body message;
    const char *body = "{\"mess\\u0061ge\":\"a\\n\\ud83d\\ude00\\\"\",\"session\":\"\\u0073\",\"user\":\"u\","
                       "\"metadata\":{\"a\":\"\\t\"}}";
    assert_int_equal(parse(rp_str(body), &message, NULL), 0);
    assert_text(message.text, "a\n\xF0\x9F\x98\x80\"");
    assert_text(message.session, "s");
    assert_text(message.user, "u");
    assert_string_equal(json_string_value(json_object_get(message.metadata, "a")), "\t");
    rp_chat_body_finish(&message);
}

static void a_beginning_of_a_body_is_refused(void **state) {
    (void)state;
    const char *body = "{\"message\":\"a\\u00e9\",\"session\":\"s\",\"stream\":false,"
                       "\"metadata\":{\"a\":[1]},\"x\":null}";
    for (size_t len = 0; len < strlen(body); len++) {
        struct rp_chat_body message;
        char *exact = memcpy(malloc(len ? len : 1), body, len); /* for the sanitizer */
        assert_int_equal(parse(rp_str_n(exact, len), &message, NULL), -RP_EJSON);
        free(exact);
    }
}

static void depth_is_bounded(void **state) {
    (void)state;
    for (int depth = RP_JSON_DEPTH - 1; depth <= RP_JSON_DEPTH; depth++) {
        struct rp_buf body;
        struct rp_chat_body message;
        struct rp_error error = {0};
        rp_buf_init(&body, 1024);
        rp_buf_append_str(&body, RP_STR("{\"message\":\"a\",\"x\":"));
        for (int i = 0; i < depth; i++) rp_buf_append(&body, "[", 1);
        for (int i = 0; i < depth; i++) rp_buf_append(&body, "]", 1);
        rp_buf_append(&body, "}", 1);
        int status = parse(rp_buf_str(&body), &message, &error);
        assert_int_equal(status, depth < RP_JSON_DEPTH ? 0 : -RP_EJSON);
        if (status) assert_non_null(strstr(error.text, "deeper"));
        rp_buf_finish(&body);
    }
}

static void names_have_a_length(void **state) {
    (void)state;
    for (int len = 128; len <= 129; len++) {
        struct rp_buf body;
        struct rp_chat_body message;
        rp_buf_init(&body, 1024);
        rp_buf_printf(&body, "{\"message\":\"a\",\"session\":\"%0*d\"}", len, 0);
        int status = parse(rp_buf_str(&body), &message, NULL);
        assert_int_equal(status, len == 128 ? 0 : -RP_EINVALID);
        if (status == 0) rp_chat_body_finish(&message);
        rp_buf_finish(&body);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(what_is_absent_or_null_is_unset),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(a_beginning_of_a_body_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(names_have_a_length),
    };
    rp_buf_init(&space, 4096);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rp_buf_finish(&space);
    return failed;
}
