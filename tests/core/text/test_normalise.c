/* Normalised texts: what becomes of them, and that every span leads back to whole characters of the original. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <utf8proc.h>

#include <repartee/normalise.h>
#include <repartee/unicode.h>

#define ROUNDS 20000
#define NFKC (UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE | UTF8PROC_IGNORE)

static uint64_t seed = 20261123;

static unsigned pick(unsigned n) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % n;
}

static int set_up(void **state) {
    *state = rp_arena_create();
    return 0;
}

static int tear_down(void **state) {
    rp_arena_destroy(*state);
    return 0;
}

static void assert_text(struct rp_str text, const char *expected) {
    if (!rp_str_equal(text, rp_str(expected))) fail_msg("'%.*s' is not '%s'", RP_STR_ARG(text), expected);
}

static void english_and_chinese_become_what_patterns_are_written_in(void **state) {
    static const struct {
        const char *from, *to;
    } samples[] = {
        {"Where is order 100202?", "Where is order 100202?"},
        {"订单 100202 到哪了？", "订单 100202 到哪了?"},
        {"Ｏｒｄｅｒ　１００２０２", "Order 100202"},
        {"订单１００２０２，谢谢！", "订单100202,谢谢!"},
        {"re\u200Bfund", "refund"},
        {"退\u200B款\uFEFF", "退款"},
        {"ﬁnd my oﬃce", "find my office"},
        {"㈱ ㍿ ① ½", "(株) 株式会社 1 1\u20442"},
        {"cafe\u0301", "caf\u00E9"},
        {"caf\u00E9", "caf\u00E9"},
        {"❤\uFE0F", "❤"},
        {"👨\u200D👩\u200D👧", "👨👩👧"},
        {"ｶﾞｷﾞｸﾞ", "ガギグ"},
        {"\u1112\u1161\u11AB\u1100\u1173\u11AF", "한글"},
        {"q\u0307\u0323", "q\u0323\u0307"},
        {"\u212Aelvin, \u017Fea", "Kelvin, sea"},
        {"", ""},
        {"\u200B", ""},
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct rp_normalised text;
        rp_normalise(*state, rp_str(samples[i].from), &text);
        assert_text(text.text, samples[i].to);
    }
}

/* `needle` is looked for in the normalised text; its original is `expected`. */
static void assert_original(struct rp_arena *arena, const char *original, const char *needle, const char *expected) {
    struct rp_normalised text;
    rp_normalise(arena, rp_str(original), &text);
    for (size_t at = 0; at + strlen(needle) <= text.text.len; at++) {
        if (memcmp(text.text.data + at, needle, strlen(needle)) != 0) continue;
        assert_text(rp_normalised_original(&text, at, at + strlen(needle)), expected);
        return;
    }
    fail_msg("'%s' is not in '%.*s'", needle, RP_STR_ARG(text.text));
}

static void a_span_gives_the_original_back(void **state) {
    assert_original(*state, "Where is order 100202?", "100202", "100202");
    assert_original(*state, "订单 100202 到哪了？", "到哪", "到哪");
    assert_original(*state, "Ｏｒｄｅｒ　１００２０２, please", "100202", "１００２０２");
    assert_original(*state, "Ｏｒｄｅｒ　１００２０２, please", "please", "please");
    assert_original(*state, "I want a re\u200Bfund\u200B now", "refund", "re\u200Bfund");
    assert_original(*state, "我要退\u200B款。", "退款", "退\u200B款");
    assert_original(*state, "我要\u200B退款\u200B吗", "退款", "退款");
    assert_original(*state, "an oﬃce", "fic", "ﬃc");
    assert_original(*state, "a ﬁne cafe\u0301!", "in", "ﬁn");
    assert_original(*state, "a ﬁne cafe\u0301!", "caf\u00E9", "cafe\u0301");
    assert_original(*state, "I ❤\uFE0F it", "❤", "❤\uFE0F");
    assert_original(*state, "👨\u200D👩\u200D👧!", "👩", "👩");
    assert_original(*state, "👨\u200D👩\u200D👧!", "👨👩👧", "👨\u200D👩\u200D👧");
    assert_original(*state, "ｶﾞ", "ガ", "ｶﾞ");
    assert_original(*state, "e\u200B\u0301x", "\u00E9", "e\u200B\u0301");
}

static void an_empty_span_is_empty(void **state) {
    struct rp_normalised text;
    rp_normalise(*state, RP_STR("a\u200Bb"), &text);
    for (size_t at = 0; at <= text.text.len; at++) assert_int_equal(rp_normalised_original(&text, at, at).len, 0);
}

static void what_is_normalised_stays_where_it_is(void **state) {
    struct rp_str plain = RP_STR("plain text"), chinese = RP_STR("你好，我的朋友");
    struct rp_normalised text;
    rp_normalise(*state, plain, &text);
    assert_ptr_equal(text.text.data, plain.data);
    rp_normalise(*state, RP_STR("caf\u00E9 你好 😀 привет"), &text);
    assert_int_equal(text.change_count, 0);
    rp_normalise(*state, chinese, &text);
    assert_int_equal(text.change_count, 1); /* the comma */
}

static void folding_makes_capitals_and_small_letters_alike(void **state) {
    assert_text(rp_normalise_folded(*state, RP_STR("STRASSE")), "strasse");
    assert_text(rp_normalise_folded(*state, RP_STR("Straße")), "strasse");
    assert_text(rp_normalise_folded(*state, RP_STR("ПРИВЕТ ＹＥＳ")), "привет yes");
    assert_text(rp_normalise_folded(*state, RP_STR("是的")), "是的");
}

/* ---- against utf8proc, on random texts --------------------------------------------------------------------------- */

static int32_t random_character(void) {
    static const int32_t odd[] = {0x301,  0x327,  0x323,  0x345,   0x200B,  0x200D,  0xFE0F, 0xFB01,  0xFF21,
                                  0xFF76, 0xFF9E, 0x1100, 0x1161,  0x11A8,  0xAC00,  0xAC01, 0x3099,  0x304B,
                                  0x9C7,  0x9BE,  0x9D7,  0x1D15F, 0x1F600, 0xE0101, 0x3164, 0x16D67, 0xFDFA,
                                  0xAD,   0x34F,  0x180B, 0x2126,  0xF900,  0x2F800, 0xA0,   0x115F,  0x16D63};
    switch (pick(6)) {
    case 0:
        return (int32_t)(' ' + pick(95));
    case 1:
        return (int32_t)(0x4E00 + pick(0x5000));
    case 2:
        return (int32_t)pick(0x2000);
    case 3: {
        int32_t c = (int32_t)pick(0x110000);
        return c >= 0xD800 && c <= 0xDFFF ? 'x' : c;
    }
    default:
        return odd[pick(sizeof(odd) / sizeof(odd[0]))];
    }
}

static size_t random_text(char *out, unsigned most) {
    size_t len = 0;
    for (unsigned n = pick(most + 1); n > 0; n--) len += rp_unicode_write(random_character(), out + len);
    return len;
}

static struct rp_str map(struct rp_arena *arena, struct rp_str text, int options) {
    utf8proc_uint8_t *mapped;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)text.data, (utf8proc_ssize_t)text.len, &mapped, options);
    assert_true(len >= 0);
    struct rp_str copy = rp_arena_str(arena, rp_str_n((const char *)mapped, (size_t)len));
    free(mapped);
    return copy;
}

static bool at_character(struct rp_str text, size_t at) {
    return at == text.len || ((unsigned char)text.data[at] & 0xC0) != 0x80;
}

/* Spans begin and end at characters, stand in order, and normalised again are what they stand for or more. */
static void check_spans(struct rp_arena *arena, const struct rp_normalised *text) {
    size_t length = text->text.len;
    for (int i = 0; i < 8; i++) {
        size_t start = pick((unsigned)length + 1), end = start + pick((unsigned)(length - start) + 1);
        while (!at_character(text->text, start)) start--;
        while (!at_character(text->text, end)) end++;
        struct rp_str span = rp_normalised_original(text, start, end);
        size_t from = (size_t)(span.data - text->original.data);
        assert_true(from + span.len <= text->original.len);
        assert_true(at_character(text->original, from));
        assert_true(at_character(text->original, from + span.len));
        struct rp_normalised again;
        rp_normalise(arena, span, &again);
        struct rp_str wanted = rp_str_n(text->text.data + start, end - start);
        if (end > start) assert_non_null(memmem(again.text.data, again.text.len, wanted.data, wanted.len));
    }
}

static void random_texts_are_what_utf8proc_makes_of_them(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    for (int round = 0; round < ROUNDS; round++) {
        char bytes[4 * 24];
        struct rp_str original = rp_str_n(bytes, random_text(bytes, 24));
        struct rp_normalised text, again;
        rp_normalise(arena, original, &text);
        struct rp_str expected = map(arena, original, NFKC);
        if (!rp_str_equal(text.text, expected))
            fail_msg("round %d: '%.*s' became '%.*s', not '%.*s'", round, RP_STR_ARG(original), RP_STR_ARG(text.text),
                     RP_STR_ARG(expected));
        assert_true(rp_utf8_valid(text.text.data, text.text.len));
        rp_normalise(arena, text.text, &again);
        assert_int_equal(again.change_count, 0);
        check_spans(arena, &text);
        assert_true(rp_str_equal(rp_normalise_folded(arena, original), map(arena, original, NFKC | UTF8PROC_CASEFOLD)));
        rp_arena_reset(arena);
    }
    rp_arena_destroy(arena);
}

static void every_character_is_what_utf8proc_makes_of_it(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    for (int32_t c = 0; c < 0x110000; c++) {
        char bytes[8] = "k";
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        struct rp_str original = rp_str_n(bytes, 1 + rp_unicode_write(c, bytes + 1));
        struct rp_normalised text;
        rp_normalise(arena, original, &text);
        assert_true(rp_str_equal(text.text, map(arena, original, NFKC)));
        assert_true(text.text.len <= 12 * original.len);
        rp_arena_reset(arena);
    }
    rp_arena_destroy(arena);
}

/* Sorted by swaps, this would take minutes. */
static void thousands_of_marks_are_put_in_order(void **state) {
    size_t count = 100000;
    char *bytes = rp_alloc(2 * count + 1);
    struct rp_normalised text;
    bytes[0] = 'q';
    for (size_t i = 0; i < count; i++) memcpy(bytes + 1 + 2 * i, i % 2 ? "\u0323" : "\u0307", 2);
    rp_normalise(*state, rp_str_n(bytes, 2 * count + 1), &text);
    assert_int_equal(text.text.len, 2 * count + 1);
    assert_memory_equal(text.text.data + 1, "\u0323\u0323", 4);
    assert_memory_equal(text.text.data + 2 * count - 1, "\u0307", 2);
    assert_int_equal(rp_normalised_original(&text, 1, 3).len, 2 * count + 1);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(english_and_chinese_become_what_patterns_are_written_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_span_gives_the_original_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_span_is_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_normalised_stays_where_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folding_makes_capitals_and_small_letters_alike, set_up, tear_down),
        cmocka_unit_test(random_texts_are_what_utf8proc_makes_of_them),
        cmocka_unit_test(every_character_is_what_utf8proc_makes_of_it),
        cmocka_unit_test_setup_teardown(thousands_of_marks_are_put_in_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
