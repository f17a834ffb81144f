/* What the engine tells of its room: tokens by the model's own vocabulary, from any thread, and the context of a slot. The
 * model of these tests has a token for each byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "plugins/models/llama/element.h"

static const struct rp_model_type type = {
    .type = {.name = "llama"}, .ask = element_ask, .tokens = element_tokens, .context = element_context};
static struct llama_options options;
static struct rp_model model;

static int setup(void **state) {
    struct rp_error error = {0};
    (void)state;
    options = (struct llama_options){.path = getenv("NOISE_MODEL"), .context = 192, .slots = 2, .batch = 64, .threads = 1,
                                     .gpu_layers = -1, .queue = 4, .buffer = 65536, .mmap = true};
    model.element = (struct rp_element){.type = &type.type, .name = "main", .options = &options};
    if (element_open(&model.element, &error) != 0) fail_msg("%s", error.text);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    element_close(&model.element);
    return 0;
}

static void a_text_has_the_tokens_of_the_vocabulary(void **state) {
    (void)state;
    assert_int_equal(rp_model_tokens(&model, RP_STR("")), 0);
    assert_int_equal(rp_model_tokens(&model, RP_STR("hello")), 5);
    assert_int_equal(rp_model_tokens(&model, RP_STR("你好")), 6);
}

/* It is what people write: the end of a turn, spelled out, ends none. */
static void control_tokens_that_are_spelled_out_are_text(void **state) {
    (void)state;
    assert_int_equal(rp_model_tokens(&model, RP_STR("<|im_end|>")), 10);
}

static void the_context_is_that_of_a_slot(void **state) {
    (void)state;
    const struct element *element = model.element.state;
    assert_int_equal(rp_model_context(&model), engine_context(element->engine));
    assert_in_range(rp_model_context(&model), 192, 256); /* llama.cpp rounds up */
}

static void count_many(void *arg) {
    char text[200];
    int64_t *sum = arg;
    for (size_t i = 0; i < sizeof(text); i++) {
        memset(text, 'a', i);
        *sum += rp_model_tokens(&model, rp_str_n(text, i));
    }
}

static void all_threads_may_count_at_once(void **state) {
    uv_thread_t threads[4];
    int64_t sums[4] = {0};
    (void)state;
    for (int i = 0; i < 4; i++) assert_int_equal(uv_thread_create(&threads[i], count_many, &sums[i]), 0);
    for (int i = 0; i < 4; i++) uv_thread_join(&threads[i]);
    for (int i = 0; i < 4; i++) assert_int_equal(sums[i], 199 * 200 / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_has_the_tokens_of_the_vocabulary),
        cmocka_unit_test(control_tokens_that_are_spelled_out_are_text),
        cmocka_unit_test(the_context_is_that_of_a_slot),
        cmocka_unit_test(all_threads_may_count_at_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
