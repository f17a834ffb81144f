/* Word-level differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/testing/diff.h"

/* The difference as text: [gone]{new}. */
static const char *marked(struct rp_arena *arena, const char *before, const char *after) {
    static const char *const open[] = {"", "[", "{"}, *const close[] = {"", "]", "}"};
    struct diff_part *parts;
    size_t count = diff_words(arena, rp_str(before), rp_str(after), &parts);
    char *out = rp_arena_copy(arena, "", 0);
    for (size_t i = 0; i < count; i++)
        out = rp_arena_printf(arena, "%s%s%.*s%s", out, open[parts[i].kind], RP_STR_ARG(parts[i].text),
                              close[parts[i].kind]);
    return out;
}

static void words_are_marked(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    assert_string_equal(marked(arena, "Which order?", "What order?"), "[Which]{What} order?");
    assert_string_equal(marked(arena, "a b c", "a c"), "a [b ]c");
    assert_string_equal(marked(arena, "a c", "a b c"), "a {b }c");
    assert_string_equal(marked(arena, "same", "same"), "same");
    assert_string_equal(marked(arena, "", "new"), "{new}");
    assert_string_equal(marked(arena, "old", ""), "[old]");
    assert_string_equal(marked(arena, "", ""), "");
    rp_arena_destroy(arena);
}

static void scripts_without_blanks_differ_by_character(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    assert_string_equal(marked(arena, "订单已发出", "订单未发出"), "订单[已]{未}发出");
    assert_string_equal(marked(arena, "größer 🙂", "größter 🙂"), "[größer]{größter} 🙂");
    rp_arena_destroy(arena);
}

/* Whatever the texts: SAME and GONE make up the first, SAME and NEW the second. */
static void parts_make_up_both_texts(void **state) {
    (void)state;
    static const char *const words[] = {"a", "b", " ", "订", "\n", "ö", ".", "🙂"};
    srand(7);
    for (int round = 0; round < 2000; round++) {
        struct rp_arena *arena = rp_arena_create();
        char texts[2][200];
        for (int side = 0; side < 2; side++) {
            texts[side][0] = '\0';
            for (int i = rand() % 30; i > 0; i--) strcat(texts[side], words[rand() % 8]);
        }
        char first[200] = "", second[200] = "";
        struct diff_part *parts;
        size_t count = diff_words(arena, rp_str(texts[0]), rp_str(texts[1]), &parts);
        for (size_t i = 0; i < count; i++) {
            if (parts[i].kind != DIFF_NEW) strncat(first, parts[i].text.data, parts[i].text.len);
            if (parts[i].kind != DIFF_GONE) strncat(second, parts[i].text.data, parts[i].text.len);
        }
        assert_string_equal(first, texts[0]);
        assert_string_equal(second, texts[1]);
        rp_arena_destroy(arena);
    }
}

static void long_texts_are_not_compared_word_by_word(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    struct rp_buf a, b;
    struct diff_part *parts;
    rp_buf_init(&a, 1 << 20);
    rp_buf_init(&b, 1 << 20);
    for (int i = 0; i < 5000; i++) {
        rp_buf_printf(&a, "a%d ", i);
        rp_buf_printf(&b, "b%d ", i);
    }
    assert_int_equal(diff_words(arena, rp_buf_str(&a), rp_buf_str(&b), &parts), 3); /* gone, new, the last blank */
    rp_buf_finish(&a);
    rp_buf_finish(&b);
    rp_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_marked),
        cmocka_unit_test(scripts_without_blanks_differ_by_character),
        cmocka_unit_test(parts_make_up_both_texts),
        cmocka_unit_test(long_texts_are_not_compared_word_by_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
