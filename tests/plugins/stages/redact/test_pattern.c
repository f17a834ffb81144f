/* Which patterns are taken, what a mistake is called, and which word appears. */
#include "masks.h"

#include <stdlib.h>

static void expect_refused(const struct rp_pattern *pattern, const char *reason) {
    struct rp_pattern_list list = {pattern, 1};
    struct rp_error error = {0};
    struct mask *mask = NULL;
    assert_int_equal(mask_create(&list, NULL, 4096, &mask, &error), -RP_ECONFIG);
    assert_null(mask);
    if (!strstr(error.text, reason)) fail_msg("'%s' does not tell '%s'", error.text, reason);
}

static void mistakes_are_named(void **state) {
    (void)state;
    expect_refused(&(struct rp_pattern){.name = "phnoe"}, "there is no built-in pattern 'phnoe'; there are phone_cn, ");
    expect_refused(&(struct rp_pattern){.name = "x", .match = "(a"}, "pattern 'x': ");
    expect_refused(&(struct rp_pattern){.name = "x", .match = "a\\Gb"}, "'\\G' cannot be used");
    expect_refused(&(struct rp_pattern){.name = "x", .match = "a", .mask = "\xFF"}, "not valid UTF-8");
}

static void words_come_from_the_pattern_the_option_or_the_default(void **state) {
    static const struct rp_pattern patterns[] = {{.name = "phone_cn"},
                                                 {.name = "email", .mask = "<mail>"},
                                                 {.name = "order", .match = "#\\d+"},
                                                 {.name = "coupon", .match = "C\\d", .mask = "{name}{name}"},
                                                 {.name = "gone", .match = "!", .mask = ""}};
    const struct rp_pattern_list list = {patterns, 5};
    static const struct {
        const char *word, *masked;
    } cases[] = {{NULL, "[phone] <mail> [order] couponcoupon"},
                 {"*", "* <mail> * couponcoupon"},
                 {"{{name}", "{phone_cn <mail> {order couponcoupon"}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mask *mask;
        assert_int_equal(mask_create(&list, cases[i].word, 4096, &mask, NULL), 0);
        char *masked = masks_whole(mask, "13812345678 a@b.cn #77 C5!");
        assert_string_equal(masked, cases[i].masked);
        free(masked);
        mask_free(mask);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(words_come_from_the_pattern_the_option_or_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
