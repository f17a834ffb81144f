/* What is masked and what is not, for whole texts and for streams that fail. */
#include "masks.h"

#include <stdlib.h>

struct example {
    const char *text, *masked; /* NULL: unchanged */
};

static void expect_all(const struct mask *mask, const struct example *examples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *masked = masks_whole(mask, examples[i].text);
        assert_string_equal(masked, examples[i].masked ? examples[i].masked : examples[i].text);
        free(masked);
    }
}
#define EXPECT_ALL(mask, examples) expect_all(mask, examples, sizeof(examples) / sizeof(examples[0]))

static void each_built_in_pattern_finds_what_it_is_for(void **state) {
    static const struct example examples[] = {
        {"call 13812345678 now", "call [phone] now"},
        {"我的手机号是13812345678，谢谢", "我的手机号是[phone]，谢谢"},
        {"+8613812345678", "[phone]"},
        {"+86 138 1234 5678", "[phone]"},
        {"(+86)138-1234-5678", "(+86)[phone]"},
        {"0086-138-1234-5678", "[phone]"},
        {"8613812345678", "[phone]"},
        {"138\u20111234\u20115678", "[phone]"},
        {"138\u200B12345678", "[phone]"},
        {"１３８１２３４５６７８", "[phone]"},
        {"身份证11010519491231002X。", "身份证[id card]。"},
        {"110105 19491231 002X", "[id card]"},
        {"card 4111 1111 1111 1111, thanks", "card [bank card], thanks"},
        {"6222021234567890128", "[bank card]"},
        {"4111-1111-1111-1111 100 yuan", "[bank card] 100 yuan"},
        {"mail a.b+c@mail.example.co.uk.", "mail [email]."},
        {"邮箱abc@qq.com谢谢", "邮箱[email]谢谢"},
        {"from 192.168.0.1:8080", "from [ip address]:8080"},
        {"It was 10.0.0.255.", "It was [ip address]."},
        {"13812345678 13912345678", "[phone] [phone]"},
        {"13812345678abc@qq.com", "[email]"},
    };
    (void)state;
    struct mask *mask = masks_all();
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

static void near_misses_stay(void **state) {
    static const struct example examples[] = {
        {"", NULL},
        {"1381234567", NULL},
        {"138123456789", NULL},
        {"12812345678", NULL},
        {"order 110105194912310021", NULL}, /* wrong check digit, and no Luhn */
        {"4111111111111112", NULL},
        {"a@b", NULL},
        {"@example.com", NULL},
        {"a@.com", NULL},
        {"a @ b.com", NULL},
        {"256.1.1.1", NULL},
        {"1.2.3", NULL},
        {"1.2.3.4.5", NULL},
        {"version 10.20.30", NULL},
        {"今天天气很好，明天呢？", NULL},
    };
    (void)state;
    struct mask *mask = masks_all();
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

/* After a check that fails the search goes on at the next character, and other patterns get their turn. */
static void a_failed_check_hides_nothing_behind_it(void **state) {
    static const struct example examples[] = {
        {"100 4111 1111 1111 1111", "100 [bank card]"},
        {"6222 0212 3456 7890 123 then 4111111111111111", "6222 0212 3456 7890 123 then [bank card]"},
        {"4111 1111 1111 1112 13812345678", "4111 1111 1111 1112 [phone]"},
        {"440308199901101513 440308199901101512", "440308199901101513 [id card]"},
    };
    (void)state;
    struct mask *mask = masks_all();
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

static void overlapping_matches_become_one_mask(void **state) {
    static const struct rp_pattern patterns[] = {
        {.name = "a", .match = "ab+c"},
        {.name = "b", .match = "b+cd"},
        {.name = "c", .match = "ab", .mask = "<{name}>"},
        {.name = "d", .match = "xy"},
        {.name = "e", .match = "xy"},
    };
    static const struct example examples[] = {
        {"-abbcd-", "-[a]-"}, /* the tail of b's match does not stay behind */
        {"-bcd-", "-[b]-"},   {"-abd-", "-<c>d-"}, {"-abcabc-", "-[a][a]-"}, /* touching is not overlapping */
        {"xy", "[d]"},                                                       /* the first in the list */
    };
    (void)state;
    struct mask *mask = masks_of(patterns, 5);
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

static void patterns_see_the_text_as_it_was(void **state) {
    static const struct rp_pattern patterns[] = {{.name = "n", .match = "\\d{3}"}, {.name = "w", .match = "(?<=5)x"}};
    static const struct example examples[] = {{"345x", "[n][w]"}, {"346x", "[n]x"}};
    (void)state;
    struct mask *mask = masks_of(patterns, 2);
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

static void empty_matches_mask_nothing_and_end(void **state) {
    static const struct example examples[] = {
        {"abc", NULL}, {"a11b2", "a[own]b[own]"}, {"", NULL}, {"中1文", "中[own]文"}};
    (void)state;
    struct mask *mask = masks_own("\\d*");
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

static void back_references_count_within_their_own_pattern(void **state) {
    static const struct rp_pattern patterns[] = {{.name = "a", .match = "(x)y"}, {.name = "b", .match = "(\\w)\\1{2}"}};
    static const struct example examples[] = {{"xy zzz zzy", "[a] [b] zzy"}};
    (void)state;
    struct mask *mask = masks_of(patterns, 2);
    EXPECT_ALL(mask, examples);
    mask_free(mask);
}

static void unmasked_text_is_not_copied(void **state) {
    (void)state;
    struct mask *mask = masks_all();
    struct rp_arena *arena = rp_arena_create();
    static const char *const texts[] = {"hello there", "order 12", "a@b", "你好，世界"};
    for (size_t i = 0; i < 4; i++) {
        struct rp_str text = rp_str(texts[i]), masked;
        assert_int_equal(mask_text(mask, arena, text, &masked), 0);
        assert_ptr_equal(masked.data, text.data);
    }
    rp_arena_destroy(arena);
    mask_free(mask);
}

static void long_text_is_masked_to_its_end(void **state) {
    (void)state;
    struct mask *mask = masks_all();
    size_t len = 1 << 20;
    char *text = malloc(len + 1);
    for (size_t i = 0; i < len; i++) text[i] = "lorem ipsum 12 "[i % 15];
    memcpy(text + len - 20, " a@b.example.com    ", 21);
    char *masked = masks_whole(mask, text);
    assert_non_null(strstr(masked, " [email]    "));
    free(masked);
    free(text);
    mask_free(mask);
}

static void what_waits_is_bounded(void **state) {
    (void)state;
    struct mask *mask = masks_own("a.*b");
    struct mask_stream *stream = mask_stream_create(mask);
    struct rp_str out;
    int code = mask_feed(stream, RP_STR("xa"), false, &out);
    assert_int_equal(code, 0);
    assert_int_equal(out.len, 1);
    size_t fed = 1;
    for (; code == 0; fed++) {
        assert_true(fed <= 4096);
        code = mask_feed(stream, RP_STR("c"), false, &out);
        if (code == 0) assert_int_equal(out.len, 0);
    }
    assert_int_equal(code, -RP_EREGEX);
    assert_int_equal(fed, 4097);
    mask_stream_destroy(stream);
    mask_free(mask);
}

static void built_in_patterns_hold_a_line_at_most(void **state) {
    static const char *const stuffing[] = {"1", "a", "1 ", "a.", "1.", "aB9-", "+", "0", "@a", "a@a.", "1-", "4111 "};
    (void)state;
    struct mask *mask = masks_all();
    for (size_t i = 0; i < sizeof(stuffing) / sizeof(stuffing[0]); i++) {
        struct mask_stream *stream = mask_stream_create(mask);
        size_t fed = 0, given = 0;
        for (size_t n = 0; n < 1000; n++) {
            struct rp_str out;
            assert_int_equal(mask_feed(stream, rp_str(stuffing[i]), false, &out), 0);
            fed += strlen(stuffing[i]);
            given += out.len;
            if (!memchr(out.data ? out.data : "", '[', out.len)) assert_true(fed - given <= 80);
            given = memchr(out.data ? out.data : "", '[', out.len) ? fed : given;
        }
        mask_stream_destroy(stream);
    }
    mask_free(mask);
}

static void a_pattern_out_of_steps_fails_the_text(void **state) {
    (void)state;
    struct mask *mask = masks_own("(?:a|aa|aaa)+[xy]");
    struct rp_arena *arena = rp_arena_create();
    struct rp_str masked = RP_STR("untouched");
    int code =
        mask_text(mask, arena, RP_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &masked);
    assert_int_equal(code, -RP_EREGEX);
    assert_string_equal(masked.data, "untouched");
    rp_arena_destroy(arena);
    mask_free(mask);
}

static void broken_characters_are_refused(void **state) {
    (void)state;
    struct mask *mask = masks_all();
    struct mask_stream *stream = mask_stream_create(mask);
    struct rp_str out;
    assert_int_equal(mask_feed(stream, RP_STR("a\xE4\xB8"), false, &out), -RP_EUTF8);
    mask_stream_destroy(stream);
    mask_free(mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_built_in_pattern_finds_what_it_is_for),
        cmocka_unit_test(near_misses_stay),
        cmocka_unit_test(a_failed_check_hides_nothing_behind_it),
        cmocka_unit_test(overlapping_matches_become_one_mask),
        cmocka_unit_test(patterns_see_the_text_as_it_was),
        cmocka_unit_test(empty_matches_mask_nothing_and_end),
        cmocka_unit_test(back_references_count_within_their_own_pattern),
        cmocka_unit_test(unmasked_text_is_not_copied),
        cmocka_unit_test(long_text_is_masked_to_its_end),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(built_in_patterns_hold_a_line_at_most),
        cmocka_unit_test(a_pattern_out_of_steps_fails_the_text),
        cmocka_unit_test(broken_characters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
