/* Answers as they stand in a store: what was written is read, and what is something else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/cache/answer.h"

static const struct key key = {{1, 2, 3}};

static void what_was_written_is_read(void **state) {
    (void)state;
    struct rp_buf bytes;
    struct rp_usage usage = {.input_tokens = 12, .output_tokens = INT64_C(1) << 40};
    struct answer *answer =
        answer_create(&key, INT64_C(1790000000123), usage, RP_STR("generate:support"), RP_STR("你们好, Ann"));
    rp_buf_init(&bytes, 4096);
    assert_int_equal(answer_encode(answer, &bytes), 0);
    struct answer *again = answer_decode(&key, rp_buf_str(&bytes));
    assert_non_null(again);
    assert_true(key_equal(&again->key, &key));
    assert_int_equal(again->created_ms, INT64_C(1790000000123));
    assert_int_equal(again->usage.input_tokens, 12);
    assert_int_equal(again->usage.output_tokens, INT64_C(1) << 40);
    assert_true(rp_str_equal(answer_by(again), RP_STR("generate:support")));
    assert_true(rp_str_equal(answer_text(again), RP_STR("你们好, Ann")));
    answer_unref(again);
    answer_unref(answer);
    rp_buf_finish(&bytes);
}

static void what_is_cut_short_is_refused_or_shorter(void **state) {
    (void)state;
    struct rp_buf bytes;
    struct answer *answer = answer_create(&key, 1, (struct rp_usage){0}, RP_STR("model:a"), RP_STR("text"));
    rp_buf_init(&bytes, 4096);
    assert_int_equal(answer_encode(answer, &bytes), 0);
    for (size_t len = 0; len < bytes.len - 3; len++) assert_null(answer_decode(&key, rp_str_n(bytes.data, len)));
    answer_unref(answer);
    rp_buf_finish(&bytes);
}

static void what_is_something_else_is_refused(void **state) {
    (void)state;
    char bytes[64] = "RPA1";
    bytes[28] = 2; /* the length of the name */
    memcpy(bytes + 30, "abtext", 6);
    struct answer *answer = answer_decode(&key, rp_str_n(bytes, 36));
    assert_non_null(answer);
    answer_unref(answer);
    bytes[0] = 'X';
    assert_null(answer_decode(&key, rp_str_n(bytes, 36)));
    bytes[0] = 'R';
    bytes[28] = 6; /* nothing would be left of the text */
    assert_null(answer_decode(&key, rp_str_n(bytes, 36)));
    bytes[28] = 2;
    bytes[33] = '\xff';
    assert_null(answer_decode(&key, rp_str_n(bytes, 36)));
    bytes[33] = 'x';
    bytes[19] = '\x80'; /* less than nothing was spent */
    assert_null(answer_decode(&key, rp_str_n(bytes, 36)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(what_is_cut_short_is_refused_or_shorter),
        cmocka_unit_test(what_is_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
