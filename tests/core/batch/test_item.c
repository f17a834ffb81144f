/* Items as they come, good and bad, and the lines that errors come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/batch/item.h"

static struct rp_buf space;

static int parse(struct rp_str text, struct rp_chat_body *body, struct rp_error *error) {
    return item_parse(text, &space, body, error);
}

static void a_text_or_an_object_is_an_item(void **state) {
    (void)state;
    struct rp_chat_body body;
    assert_int_equal(parse(RP_STR(" \"a \\u00e9\\n\" "), &body, NULL), 0);
    assert_true(rp_str_is(body.text, "a \xc3\xa9\n"));
    assert_int_equal(parse(RP_STR("{\"id\":\"\\u0061\",\"prompt\":\"p\",\"session\":\"s\"}"), &body, NULL), 0);
    assert_true(rp_str_is(body.id, "\"\\u0061\""));
    assert_true(rp_str_is(body.text, "p"));
    assert_int_equal(parse(RP_STR("{\"message\":\"m\",\"id\":-12}"), &body, NULL), 0);
    assert_true(rp_str_is(body.id, "-12"));
    assert_int_equal(parse(RP_STR("{\"message\":\"m\",\"id\":null}"), &body, NULL), 0);
    assert_int_equal(body.id.len, 0);
}

static void what_is_wrong_is_named(void **state) {
    static const struct {
        const char *text;
        int code;
        const char *says, *id;
    } rows[] = {
        {"\"a", RP_EJSON, "not valid JSON", ""},
        {"\"a\" x", RP_EJSON, "not valid JSON", ""},
        {"\"\\ud800\"", RP_EJSON, "not valid JSON", ""},
        {"\"\\u0000\"", RP_EJSON, "not valid JSON", ""},
        {"17", RP_EINVALID, "a text in quotes or a JSON object", ""},
        {"[\"a\"]", RP_EINVALID, "a text in quotes or a JSON object", ""},
        {"\"\xff\"", RP_EUTF8, "UTF-8", ""},
        {"{\"id\":7}", RP_EINVALID, "'message' is missing", "7"},
        {"{\"message\":7,\"id\":\"x\"}", RP_EINVALID, "'message' must be a string", "\"x\""},
        {"{\"message\":\"m\",\"id\":1.5}", RP_EINVALID, "'id' must be", ""},
        {"{\"message\":\"m\",\"id\":1234567890123456789}", RP_EINVALID, "'id' must be", ""},
        {"{\"message\":\"m\",\"id\":true}", RP_EINVALID, "'id' must be", ""},
        {"{\"message\":\"m\",\"id\":{}}", RP_EINVALID, "'id' must be", ""},
        {"{\"message\":\"m\",\"metadata\":{\"a\":1},\"id\":[]}", RP_EINVALID, "'id' must be", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_chat_body body;
        struct rp_error error = {0};
        assert_int_equal(parse(rp_str(rows[i].text), &body, &error), -rows[i].code);
        if (!strstr(error.text, rows[i].says)) fail_msg("%s: %s", rows[i].text, error.text);
        assert_true(rp_str_is(body.id, rows[i].id));
        assert_null(body.metadata);
    }
}

static void an_id_has_a_length(void **state) {
    (void)state;
    for (int len = 254; len <= 255; len++) {
        char text[512];
        struct rp_chat_body body;
        snprintf(text, sizeof(text), "{\"message\":\"m\",\"id\":\"%0*d\"}", len, 0);
        assert_int_equal(parse(rp_str(text), &body, NULL), len == 254 ? 0 : -RP_EINVALID);
    }
}

static void errors_are_lines(void **state) {
    const struct rp_fault fault = {.code = RP_ERATE, .retry_after = 3};
    struct rp_buf out;
    (void)state;
    rp_buf_init(&out, 4096);
    assert_int_equal(item_error_line(&out, "\"line\":4", RP_STR("\"a\\n\""), &fault, "r1"), 0);
    assert_string_equal(out.data,
                        "{\"line\":4,\"status\":429,\"id\":\"a\\n\",\"error\":{\"code\":\"rate_limited\",\"message\":"
                        "\"too many messages, please slow down\",\"request_id\":\"r1\",\"retry_after\":3}}\n");
    rp_buf_finish(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_or_an_object_is_an_item),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(an_id_has_a_length),
        cmocka_unit_test(errors_are_lines),
    };
    rp_buf_init(&space, 4096);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rp_buf_finish(&space);
    return failed;
}
