/* What makes no difference between two questions, and what the comparison costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "plugins/stages/cache/cache.h"

static struct rp_turn turn;

static int set_up(void **state) {
    (void)state;
    turn.arena = rp_arena_create();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rp_arena_destroy(turn.arena);
    return 0;
}

static void expect(const char *message, const char *folded) {
    struct rp_str text = fold(&turn, rp_str(message));
    if (!rp_str_equal(text, rp_str(folded))) fail_msg("'%s' is '%.*s'", message, RP_STR_ARG(text));
}

static void how_it_is_written_makes_no_difference(void **state) {
    (void)state;
    expect("When do you open?", "when do you open?");
    expect("  WHEN\tdo \n\n you open? ", "when do you open?");
    expect("Ｗｈｅｎ　do you o\u200Bpen？", "when do you open?");
    expect("Straße", "strasse");
    expect("你们 几点开门", "你们 几点开门");
    expect(" \t ", "");
}

/* Putting marks in order by swapping neighbours would take an hour. */
static void a_megabyte_of_marks_is_no_burden(void **state) {
    size_t count = 1 << 19;
    char *bytes = rp_alloc(2 * count);
    (void)state;
    for (size_t i = 0; i < count; i++) memcpy(bytes + 2 * i, i < count / 2 ? "\u0301" : "\u0323", 2);
    assert_int_equal(fold(&turn, rp_str_n(bytes, 2 * count)).len, 2 * count);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(how_it_is_written_makes_no_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_megabyte_of_marks_is_no_burden, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
