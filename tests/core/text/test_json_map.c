/* Texts in JSON are replaced, and what comes out is JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/base.h>

/* "secret" becomes "\"x\"", 42 becomes "many", and "bad" cannot be mapped. */
static int map(void *arg, struct rp_str text, struct rp_str *out_text) {
    unsigned *calls = arg;
    ++*calls;
    if (rp_str_equal(text, RP_STR("bad"))) return -RP_EREGEX;
    *out_text = text;
    if (rp_str_equal(text, RP_STR("secret"))) *out_text = RP_STR("\"x\"");
    if (rp_str_equal(text, RP_STR("42"))) *out_text = RP_STR("many");
    return 0;
}

static int mapped(const char *json, const char *expected) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_str out = RP_STR("");
    unsigned calls = 0;
    int code = rp_json_map(arena, rp_str(json), map, &calls, &out);
    if (code == 0 && !rp_str_equal(out, rp_str(expected))) fail_msg("'%s' gives '%.*s'", json, RP_STR_ARG(out));
    if (expected == json) assert_ptr_equal(out.data, json);
    rp_arena_destroy(arena);
    return code;
}

static void every_text_is_replaced_wherever_it_stands(void **state) {
    (void)state;
    assert_int_equal(mapped("{\"a\": [\"secret\", 42, 42.5, null], \"secret\": {\"b\": \"\\u0073ecret\"}}",
                            "{\"a\":[\"\\\"x\\\"\",\"many\",42.5,null],\"\\\"x\\\"\":{\"b\":\"\\\"x\\\"\"}}"),
                     0);
    assert_int_equal(mapped("\"secret\"", "\"\\\"x\\\"\""), 0);
}

static void what_needs_no_change_is_not_touched(void **state) {
    static const char json[] = "{ \"n\" : 1.50, \"x\":[ ] }";
    (void)state;
    assert_int_equal(mapped(json, json), 0);
}

static void errors_come_through(void **state) {
    (void)state;
    assert_int_equal(mapped("[\"bad\", \"secret\"]", NULL), -RP_EREGEX);
    assert_int_equal(mapped("{\"a\": ", NULL), -RP_EJSON);
    assert_int_equal(mapped("", NULL), -RP_EJSON);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_is_replaced_wherever_it_stands),
        cmocka_unit_test(what_needs_no_change_is_not_touched),
        cmocka_unit_test(errors_come_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
