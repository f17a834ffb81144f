/* Stop texts and torn characters: whatever the cuts, the same text comes out, and nothing behind a stop text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/models/llama/stop.h"

static struct rp_buf result;

/* Feeds the text in pieces of `size` bytes. True: a stop text has come. */
static bool feed(const char *const *texts, const char *data, size_t len, size_t size) {
    struct stop stop;
    struct rp_str out;
    bool stopped = false;
    stop_init(&stop, texts);
    rp_buf_finish(&result);
    rp_buf_init(&result, 1 << 20);
    for (size_t at = 0; at < len && !stopped; at += size) {
        stopped = stop_feed(&stop, data + at, len - at < size ? len - at : size, &out);
        assert_true(rp_utf8_valid(out.data, out.len));
        rp_buf_append_str(&result, out);
    }
    if (!stopped) rp_buf_append_str(&result, stop_rest(&stop));
    stop_finish(&stop);
    return stopped;
}

static void expect(const char *const *texts, const char *data, const char *wanted, bool stops) {
    for (size_t size = 1; size <= strlen(data); size++) {
        assert_int_equal(feed(texts, data, strlen(data), size), stops);
        assert_int_equal(result.len, strlen(wanted));
        assert_memory_equal(result.data, wanted, result.len);
    }
}

static void test_without_stop_texts(void **state) {
    (void)state;
    expect(NULL, "Grüße, 你好 🙂!", "Grüße, 你好 🙂!", false);
    expect((const char *[]){"", NULL}, "an empty one stops nothing", "an empty one stops nothing", false);
}

static void test_what_follows_a_stop_text_is_gone(void **state) {
    (void)state;
    expect((const char *[]){"User:", NULL}, "Hello.\nUser: and more", "Hello.\n", true);
    expect((const char *[]){"完", NULL}, "你好完了", "你好", true);
    expect((const char *[]){"ab", "b", NULL}, "xxabyy", "xx", true);
    expect((const char *[]){"aab", NULL}, "aaaab", "aa", true);
}

static void test_what_only_begins_like_one_stays(void **state) {
    (void)state;
    expect((const char *[]){"END.", NULL}, "ENDING EN", "ENDING EN", false);
    expect((const char *[]){"aaab", NULL}, "aaaaaaac", "aaaaaaac", false);
}

static void test_what_is_decided_is_not_held(void **state) {
    struct stop stop;
    struct rp_str out;
    (void)state;
    stop_init(&stop, (const char *[]){"END", NULL});
    stop_feed(&stop, "Hello EN", 8, &out);
    assert_int_equal(out.len, 6);
    stop_feed(&stop, "JOY", 3, &out);
    assert_int_equal(out.len, 5);
    stop_finish(&stop);
}

static void test_broken_bytes_are_mended(void **state) {
    (void)state;
    expect(NULL, "a\xFF" "b\xC3(c\xE4\xBD", "a\uFFFD" "b\uFFFD(c\uFFFD\uFFFD", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_stop_texts),
        cmocka_unit_test(test_what_follows_a_stop_text_is_gone),
        cmocka_unit_test(test_what_only_begins_like_one_stays),
        cmocka_unit_test(test_what_is_decided_is_not_held),
        cmocka_unit_test(test_broken_bytes_are_mended),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rp_buf_finish(&result);
    return failed;
}
