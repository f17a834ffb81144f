/* Patterns rewritten for normalised messages: what changes, and that they then match whatever a user types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <repartee/normalise.h>
#include "plugins/stages/rules/pattern_text.h"
#include <repartee/unicode.h>

static const char *rewritten(const char *pattern) {
    static char text[4096];
    struct rp_arena *arena = rp_arena_create();
    struct rp_regex *regex;
    struct rp_str out = rp_str(pattern);
    struct rp_error error = {0};
    if (pattern_compile(arena, &out, 0, &regex, &error) != 0) fail_msg("%s: %s", pattern, error.text);
    assert_true(out.len < sizeof(text));
    memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    rp_regex_free(regex);
    rp_arena_destroy(arena);
    return text;
}

#define EXPECT(pattern, text) assert_string_equal(rewritten(pattern), text)

static void what_is_normalised_stays_as_it_is(void **state) {
    static const char *const patterns[] = {
        "(?i)\\border\\s*#?(?<id>\\d{6,})", "退款|退货", "[一-龥]{2,}", "caf\u00E9?", "\\x41\\x{4f60}", "(?<名>你)\\k<名>",
        "\\Q你*\\E+",  "(?#，)a", "[\\d你-我]", "😀+", "(?i)привет",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) EXPECT(patterns[i], patterns[i]);
}

static void literal_text_is_normalised_and_stays_literal(void **state) {
    (void)state;
    EXPECT("订单１００？", "订单100\\?");
    EXPECT("（退款）", "\\(退款\\)");
    EXPECT("re\u200Bfund", "refund");
    EXPECT("ﬁnd", "find");
    EXPECT("cafe\u0301", "caf\u00E9");
    EXPECT("❤\uFE0F", "❤");
    EXPECT("\\x{ff21}\\N{U+FF22}", "AB");
    EXPECT("\\Qａ+b\\E＋", "a\\+b\\+");
    EXPECT("(?x) ａ　ｂ", "(?x) a\\ b");
    EXPECT("a\\tｂ", "a\\x{9}b");
}

static void a_repeat_repeats_what_the_author_saw(void **state) {
    (void)state;
    EXPECT("cafe\u0301?", "caf\u00E9?");
    EXPECT("ﬁ+", "(?:fi)+");
    EXPECT("Ａ{2,3}", "A{2,3}");
    EXPECT("aＢ*?", "aB*?");
    EXPECT("ab\u200B?", "ab?");
    EXPECT("a❤\uFE0F+", "a❤+");
    EXPECT("\\QＡb\\E+", "Ab+");
    EXPECT("(\u200B?)", "((?:)?)");
    EXPECT("ﬁ\u200B*", "(?:fi)*");
}

static void classes_take_in_what_their_characters_become(void **state) {
    (void)state;
    EXPECT("[０-９]+", "[０-９0-9]+");
    EXPECT("[，。！？]", "[，\\,。！\\!？\\?]");
    EXPECT("[^，]", "[^，\\,]");
    EXPECT("[…]+", "[…\\x2e]+");
    EXPECT("[:：]", "[:：\\x3a]");
    EXPECT("[Ａ-Ｃx]", "[Ａ-ＣA-Cx]");
    EXPECT("[\\x{ff21}]", "[\\x{ff21}A]");
    EXPECT("[ﬁ]", "[ﬁ]"); /* two characters are no member */
    EXPECT("[］]", "[］\\]]");
}

static void mistakes_are_told_of_what_was_written(void **state) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_str pattern = RP_STR("订单（１(");
    struct rp_regex *regex;
    struct rp_error error = {0};
    (void)state;
    assert_int_equal(pattern_compile(arena, &pattern, 0, &regex, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "订单（１("));
    rp_arena_destroy(arena);
}

static bool matches(const char *pattern, const char *message) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_regex *regex;
    struct rp_match match;
    struct rp_normalised text;
    struct rp_str written = rp_str(pattern);
    rp_normalise(arena, rp_str(message), &text);
    assert_int_equal(pattern_compile(arena, &written, 0, &regex, NULL), 0);
    bool found = rp_regex_match(regex, text.text, 0, 0, &match) == RP_MATCH_FOUND;
    rp_regex_free(regex);
    rp_arena_destroy(arena);
    return found;
}

static void every_form_of_a_pattern_meets_every_form_of_a_message(void **state) {
    static const char *const forms[][3] = {
        {"订单100", "订单１００", "订单\u200B100\uFE0F"},
        {"caf\u00E9", "cafe\u0301", "ｃａｆe\u0301"},
        {"find", "ﬁnd", "ｆｉｎｄ"},
        {"ガイド", "ｶﾞｲﾄﾞ", "カ\u3099イト\u3099"},
        {"한글", "\u1112\u1161\u11AB\u1100\u1173\u11AF", "한\u200B글"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        for (int a = 0; a < 3; a++) {
            char pattern[64];
            snprintf(pattern, sizeof(pattern), "^%s$", forms[i][a]);
            for (int b = 0; b < 3; b++) {
                if (!matches(pattern, forms[i][b])) fail_msg("%s on %s", pattern, forms[i][b]);
            }
        }
    }
    assert_true(matches("^订单[０-９]+？$", "订单100?"));
    assert_true(matches("^(?:好[，。！])+$", "好，好。好!"));
    assert_false(matches("订单１００？", "订单100"));
}

/* Any text at all, escaped, is a pattern that meets that text in its normalised form, and repeated, its repetition. */
static void random_texts_meet_themselves(void **state) {
    static const int32_t odd[] = {0x301, 0x327, 0x200B, 0x200D, 0xFE0F, 0xFB01, 0xFF21, 0xFF1F, 0xFF76, 0xFF9E, 0x1100,
                                  0x1161, 0x11A8, 0xAC00, 0x304B, 0x3099, 0x1F600, 0x3164, 0xFDFA, 0xAD, 0xFF08, 0x3000};
    uint64_t seed = 20261124;
    (void)state;
    for (int round = 0; round < 5000; round++) {
        char text[64] = "", pattern[128] = "^(?:\\Q";
        size_t len = 0;
        for (int i = 0; i < 1 + round % 9; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned dice = (unsigned)(seed >> 33);
            int32_t c = dice % 3 ? odd[dice / 3 % 22] : (int32_t)(0x80 + dice / 3 % 0xD000);
            len += rp_unicode_write(c, text + len);
        }
        memcpy(pattern + 6, text, len);
        strcpy(pattern + 6 + len, "\\E)$");
        if (!matches(pattern, text)) fail_msg("round %d: %s", round, pattern);
    }
}

/* A class with a character in any form meets that character in its normalised form. */
static void every_member_of_a_class_is_met(void **state) {
    static const char *const members[] = {"：", "．", "＝", "［", "］", "＼", "＾", "－", "（", "，", "Ａ", "０", "…", "？", "ｶ", "\u3000"};
    size_t count = sizeof(members) / sizeof(members[0]);
    (void)state;
    for (size_t i = 0; i < count * count * 2; i++) {
        char pattern[64];
        const char *a = members[i % count], *b = members[i / count % count];
        snprintf(pattern, sizeof(pattern), "^[%s%s%s]+$", i % 2 ? ":" : ".", a, b);
        if (!matches(pattern, a) || !matches(pattern, b)) fail_msg("%s", pattern);
        snprintf(pattern, sizeof(pattern), "[^%s%s=]", a, b);
        if (matches(pattern, a) || matches(pattern, b)) fail_msg("%s", pattern);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_normalised_stays_as_it_is),
        cmocka_unit_test(literal_text_is_normalised_and_stays_literal),
        cmocka_unit_test(a_repeat_repeats_what_the_author_saw),
        cmocka_unit_test(classes_take_in_what_their_characters_become),
        cmocka_unit_test(mistakes_are_told_of_what_was_written),
        cmocka_unit_test(every_form_of_a_pattern_meets_every_form_of_a_message),
        cmocka_unit_test(random_texts_meet_themselves),
        cmocka_unit_test(every_member_of_a_class_is_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
