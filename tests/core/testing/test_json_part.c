/* What counts as part of a JSON value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/testing/json_part.h"

static bool part(const char *part_text, const char *whole_text) {
    json_t *a = json_loads(part_text, JSON_DECODE_ANY, NULL), *b = json_loads(whole_text, JSON_DECODE_ANY, NULL);
    assert_non_null(a);
    assert_non_null(b);
    bool result = json_part_of(a, b);
    json_decref(a);
    json_decref(b);
    return result;
}

static void fields_may_be_more(void **state) {
    (void)state;
    assert_true(part("{}", "{\"a\": 1}"));
    assert_true(part("{\"a\": {\"b\": 2}}", "{\"a\": {\"b\": 2, \"c\": 3}, \"d\": 4}"));
    assert_false(part("{\"a\": 1}", "{}"));
    assert_false(part("{\"a\": 1}", "{\"a\": 2}"));
    assert_false(part("{\"a\": 1}", "{\"a\": \"1\"}"));
    assert_false(part("{\"a\": 1}", "[1]"));
}

static void entries_must_all_be_there(void **state) {
    (void)state;
    assert_true(part("[{\"a\": 1}, 2]", "[{\"a\": 1, \"b\": 0}, 2]"));
    assert_false(part("[1]", "[1, 2]"));
    assert_false(part("[1, 2]", "[2, 1]"));
    assert_true(part("null", "null"));
    assert_true(part("\"x\"", "\"x\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_may_be_more),
        cmocka_unit_test(entries_must_all_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
