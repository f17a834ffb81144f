/* A tool call's arguments: masked, and JSON as before. */
#include "masks.h"

#include "plugins/stages/redact/redact.h"

#include <stdlib.h>

static void expect(const char *arguments, const char *masked) {
    struct mask *mask = masks_all();
    struct rp_arena *arena = rp_arena_create();
    struct rp_str out;
    assert_int_equal(tool_mask(mask, arena, rp_str(arguments), NULL, &out), 0);
    if (!rp_str_equal(out, rp_str(masked))) fail_msg("'%s' gives '%.*s'", arguments, RP_STR_ARG(out));
    rp_arena_destroy(arena);
    mask_free(mask);
}

static void arguments_without_personal_data_stay_as_they_are(void **state) {
    (void)state;
    expect("{ \"id\" : 12,\"b\": [1.50, null] }", "{ \"id\" : 12,\"b\": [1.50, null] }");
    expect("", "");
}

static void every_value_is_masked_and_the_rest_is_json(void **state) {
    (void)state;
    expect("{\"to\": \"13812345678\", \"list\": [\"a@b.cn\", {\"x\": \"ip 10.0.0.1\"}], \"n\": 1}",
           "{\"to\":\"[phone]\",\"list\":[\"[email]\",{\"x\":\"ip [ip address]\"}],\"n\":1}");
    expect("{\"phone\": 13812345678}", "{\"phone\":\"[phone]\"}");
    expect("{\"a@b.cn\": true}", "{\"[email]\":true}");
    expect("\"13812345678\"", "\"[phone]\"");
}

static void escapes_hide_nothing(void **state) {
    (void)state;
    expect("{\"to\": \"\\u00313812345678\"}", "{\"to\":\"[phone]\"}");
    expect("{\"to\": \"a\\u0040b.cn\"}", "{\"to\":\"[email]\"}");
}

static void what_is_no_json_is_masked_as_text(void **state) {
    (void)state;
    expect("{\"to\": \"13812345678\"", "{\"to\": \"[phone]\"");
}

static void a_value_that_cannot_be_masked_fails_the_call(void **state) {
    (void)state;
    struct mask *mask = masks_own("(?:a|aa|aaa)+[xy]");
    struct rp_arena *arena = rp_arena_create();
    struct rp_str out;
    const char *arguments = "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", \"b\"]";
    assert_int_equal(tool_mask(mask, arena, rp_str(arguments), NULL, &out), -RP_EREGEX);
    rp_arena_destroy(arena);
    mask_free(mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_without_personal_data_stay_as_they_are),
        cmocka_unit_test(every_value_is_masked_and_the_rest_is_json),
        cmocka_unit_test(escapes_hide_nothing),
        cmocka_unit_test(what_is_no_json_is_masked_as_text),
        cmocka_unit_test(a_value_that_cannot_be_masked_fails_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
