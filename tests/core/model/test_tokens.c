/* Tokens of a text: the model's own count where it has one, else an estimate that keeps to what vocabularies in use give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <repartee/plugin.h>

static const struct rp_model_type plain = {.type = {.name = "plain"}};
static struct rp_model model = {.element = {.type = &plain.type}};

/* `real`: what the vocabulary cl100k_base makes of it. */
static void expect_near(const char *text, int64_t real) {
    int64_t tokens = rp_model_tokens(&model, rp_str(text));
    if (tokens < real || tokens > 2 * real) fail_msg("'%s': %lld, not about %lld", text, (long long)tokens, (long long)real);
}

static void an_estimate_is_rather_too_high_than_too_low(void **state) {
    (void)state;
    expect_near("The quick brown fox jumps over the lazy dog.", 10);
    expect_near("Where is my order number 100234? I have waited for two weeks now.", 16);
    expect_near("{\"order\": 42, \"open\": true}", 11);
    expect_near("我想退货，请问怎么办理？", 12);
    assert_int_equal(rp_model_tokens(&model, RP_STR("")), 0);
    assert_int_equal(rp_model_tokens(&model, RP_STR("a")), 1);
}

static void a_text_cut_inside_a_character_is_no_trouble(void **state) {
    (void)state;
    assert_int_equal(rp_model_tokens(&model, RP_STR("\xE4\xBD")), 1);
}

static int64_t bytes(const struct rp_model *of, struct rp_str text) {
    (void)of;
    return (int64_t)text.len;
}
static int64_t small(const struct rp_model *of) {
    (void)of;
    return 512;
}

static void a_model_that_can_count_is_asked(void **state) {
    static const struct rp_model_type counting = {.type = {.name = "counting"}, .tokens = bytes, .context = small};
    struct rp_model other = {.element = {.type = &counting.type}};
    (void)state;
    assert_int_equal(rp_model_tokens(&other, RP_STR("hello")), 5);
    assert_int_equal(rp_model_context(&other), 512);
    assert_int_equal(rp_model_context(&model), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_estimate_is_rather_too_high_than_too_low),
        cmocka_unit_test(a_text_cut_inside_a_character_is_no_trouble),
        cmocka_unit_test(a_model_that_can_count_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
