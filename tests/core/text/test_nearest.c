/* The nearest name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <repartee/base.h>

static const char *const names[] = {"redact", "ratelimit", "rules", "cache", "ask", "auth"};

static const char *nearest(const char *wanted) {
    return rp_nearest_name(wanted, names, sizeof names / sizeof names[0]);
}

static void slips_of_the_finger_are_found(void **state) {
    (void)state;
    assert_string_equal(nearest("redcat"), "redact"); /* swapped */
    assert_string_equal(nearest("redac"), "redact");
    assert_string_equal(nearest("rredact"), "redact");
    assert_string_equal(nearest("rate_limit"), "ratelimit");
    assert_string_equal(nearest("Rules"), "rules");
    assert_string_equal(nearest("asl"), "ask");
    assert_string_equal(nearest("aks"), "ask");
    assert_string_equal(nearest("cache"), "cache");
}

static void what_is_far_away_is_not_guessed(void **state) {
    (void)state;
    assert_null(nearest("filter"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
    assert_null(nearest("askxx"));
    assert_null(nearest("openai"));
    assert_null(rp_nearest_name("a", names, 0));
}

static void the_first_of_equals_wins(void **state) {
    (void)state;
    const char *const equal[] = {"bat", "cat", "hat"};
    assert_string_equal(rp_nearest_name("rat", equal, 3), "bat");
    const char *const better[] = {"bat", "rate", "rat"};
    assert_string_equal(rp_nearest_name("rat", better, 3), "rat");
}

static void names_of_any_length_are_safe(void **state) {
    (void)state;
    char wanted[200];
    for (size_t len = 0; len < sizeof wanted - 1; len++) {
        memset(wanted, 'q', len);
        wanted[len] = '\0';
        const char *const one[] = {wanted};
        const char *found = rp_nearest_name(wanted, one, 1);
        assert_true(found == (len < 64 ? wanted : NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_of_the_finger_are_found),
        cmocka_unit_test(what_is_far_away_is_not_guessed),
        cmocka_unit_test(the_first_of_equals_wins),
        cmocka_unit_test(names_of_any_length_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
