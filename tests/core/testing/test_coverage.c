/* What coverage tells of an inventory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/testing/coverage.h"

static struct coverage coverage;

static const char *tell(const char *json) {
    static char *text;
    size_t len;
    free(text);
    FILE *out = open_memstream(&text, &len);
    json_t *items = json_loads(json, 0, NULL);
    assert_non_null(items);
    coverage = (struct coverage){0};
    coverage_items(items, &coverage, out);
    json_decref(items);
    fclose(out);
    return text;
}

static void what_was_not_reached_is_named(void **state) {
    (void)state;
    assert_string_equal(tell("[{\"kind\": \"rule\", \"name\": \"a\", \"file\": \"r.lua\", \"line\": 3, \"reached\": 0},"
                             " {\"kind\": \"guard\", \"name\": \"b\", \"file\": \"r.lua\", \"line\": 5, \"reached\": 2}]"),
                        "r.lua:3: rule 'a' was not reached\n");
    assert_int_equal(coverage.items, 2);
    assert_int_equal(coverage.reached, 1);
}

static void lines_are_joined_where_nothing_ran_between(void **state) {
    (void)state;
    assert_string_equal(tell("[{\"kind\": \"dialog\", \"name\": \"d\", \"file\": \"d.lua\", \"line\": 1, \"reached\": 1,"
                             "  \"lines\": [[2, 1], [3, 0], [5, 0], [6, 4], [9, 0]]}]"),
                        "d.lua:1: dialog 'd': these lines did not run: 3-5, 9\n");
    assert_int_equal(coverage.lines, 5);
    assert_int_equal(coverage.ran, 2);
    assert_string_equal(tell("[{\"kind\": \"dialog\", \"name\": \"d\", \"file\": \"d.lua\", \"line\": 1, \"reached\": 1,"
                             "  \"lines\": [[2, 1], [3, 0]]}]"),
                        "d.lua:1: dialog 'd': this line did not run: 3\n");
}

static void functions_count_by_their_lines_only(void **state) {
    (void)state;
    assert_string_equal(tell("[{\"kind\": \"function\", \"name\": \"\", \"file\": \"l.lua\", \"line\": 7, \"reached\": 0,"
                             "  \"lines\": [[8, 0], [9, 0]]}]"),
                        "");
    assert_int_equal(coverage.items, 0);
    assert_int_equal(coverage.lines, 2);
    assert_string_equal(tell("[{\"kind\": \"function\", \"name\": \"\", \"file\": \"l.lua\", \"line\": 7, \"reached\": 0,"
                             "  \"lines\": [[8, 1], [9, 0]]}]"),
                        "l.lua:7: function: this line did not run: 9\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_reached_is_named),
        cmocka_unit_test(lines_are_joined_where_nothing_ran_between),
        cmocka_unit_test(functions_count_by_their_lines_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
