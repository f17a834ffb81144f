/* Which literals a pattern is found to need. Whether the prefilter as a whole agrees with PCRE2, test_matcher proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/stages/rules/fold.h"
#include "plugins/stages/rules/literal.h"
#include <repartee/unicode.h>

/* The sets as "a|b & c", in the order in which they were found. */
static const char *found(const char *pattern) {
    static char text[4096];
    struct rp_arena *arena = rp_arena_create();
    struct literals literals;
    size_t len = 0;
    literals_find(rp_str(pattern), arena, &literals);
    text[0] = '\0';
    for (size_t s = 0; s < literals.count; s++) {
        for (size_t i = 0; i < literals.sets[s].count; i++) {
            struct rp_str item = literals.sets[s].items[i];
            const char *between = i ? "|" : s ? " & " : "";
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", between, RP_STR_ARG(item));
        }
    }
    rp_arena_destroy(arena);
    return text;
}

#define EXPECT(pattern, literals) assert_string_equal(found(pattern), literals)

static void characters_in_a_row_make_a_literal(void **state) {
    (void)state;
    EXPECT("order", "order");
    EXPECT("(?i)ORDER", "order");
    EXPECT("\\border\\b", "order");
    EXPECT("^order$", "order");
    EXPECT("退款", "退款");
    EXPECT("(?i)退款", "退款");
    EXPECT("a\\.b", "a.b");
    EXPECT("\\Qa.b*\\E", "a.b*");
    EXPECT("ab{x}", "ab{x}");
    EXPECT("a\\x62\\x{63}\\N{U+64}\\o{145}\\tf", "abcde\tf");
    EXPECT("a\\E\\Q\\Eb(?#note)c", "abc");
    EXPECT("(?x) o r d e r # not this\n s", "orders");
}

static void all_that_is_needed_is_found_the_rarest_first(void **state) {
    (void)state;
    EXPECT("my.*order\\s+is", "order & my & is");
    EXPECT("(?i)\\b(?:where|status|track)\\b.*\\border\\s*#?(?<id>\\d{6,})", "order & where|status|track");
    EXPECT("(?=.*hello)(?=.*world)", "world & hello");
    EXPECT("(?<=hello) x", "hello &  x");
    EXPECT("怎么.{0,4}退货", "怎么 & 退货");
}

static void what_can_only_be_a_few_texts_is_followed(void **state) {
    (void)state;
    EXPECT("colou?r", "colour|color");
    EXPECT("orders?", "order"); /* is a part of the other */
    EXPECT("ab[xy]c", "abxc|abyc");
    EXPECT("[退款]货", "退货|款货");
    EXPECT("(?i)[k-m]x", "kx|lx|mx");
    EXPECT("(?:hello|hi)\\s(?:all|world)", "all|world & hello|hi");
    EXPECT("(?:hello|hi) (?:all|world)", "hello all|hello world|hi all|hi world");
    EXPECT("(a(?i)b|cd)ef", "abef|cdef");
    EXPECT("re(?:fund|turn)(?:ing|s)?", "refund|return");
    EXPECT("ab[^x]cde", "cde & ab");
    EXPECT("[0-9a]bc", "bc");
}

static void what_may_be_missing_is_not_needed(void **state) {
    (void)state;
    EXPECT("a*", "");
    EXPECT("ab*c", "a & c");
    EXPECT("(?:order)?", "");
    EXPECT("(?:order)*x", "x");
    EXPECT("a{0,3}bc", "bc");
    EXPECT("(?:abc){0}de", "de");
    EXPECT("\\Qabc\\E?d", "abcd|abd");
    EXPECT("(?:a.b)?cd", "cd");
    EXPECT("(?=order)?cd", "cd");
    EXPECT("a(?#c)*bc", "bc");
    EXPECT("(?x) a *bc", "bc");
    EXPECT("(?:ab){2}{0}c", "c");
}

static void repeated_parts_are_needed_with_what_stands_beside_them(void **state) {
    (void)state;
    EXPECT("abc+d", "abc & cd");
    EXPECT("(?:order)+", "order");
    EXPECT("(?:ab){2,3}c", "abab & abc");
    EXPECT("(?:ab){2}c", "ababc");
}

static void alternatives_give_one_set_together(void **state) {
    (void)state;
    EXPECT("refund|退款|退货", "refund|退款|退货");
    EXPECT("order \\d+|\\d+ parcels", "order | parcels");
    EXPECT("hello|.*", "");
    EXPECT("hello|", "");
}

static void what_must_not_be_there_is_not_needed(void **state) {
    (void)state;
    EXPECT("(?<!hello)ab", "ab");
    EXPECT("(?!hello)", "");
    EXPECT("(?(?=x)yes|no)ab", "ab");
    EXPECT("(?(1)yes|no)ab", "ab");
    EXPECT("(*nla:hello)ab", "ab");
}

static void letters_fold_beyond_ascii(void **state) {
    (void)state;
    EXPECT("(?i)stra\u00DFen", "stra\u00DFen");
    EXPECT("(?i)CAF\u00C9", "caf\u00E9");
    EXPECT("\u041F\u0420\u0418\u0412\u0415\u0422", "\u043F\u0440\u0438\u0432\u0435\u0442");
    EXPECT("(?i)a\u2C00b", "a & b"); /* Glagolitic: not sure, so not followed */
}

static void what_is_not_understood_needs_nothing(void **state) {
    static const char *const patterns[] = {
        "(*ACCEPT)abc", "(?xx)a b", "a{,3}bc", "a{ 1}b", "(?C1)abc", "abc(", "abc)", "[abc", "\\", "[\\Qa\\E]b", "abc(*COMMIT)",
        "(?x)abc #\r d",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) EXPECT(patterns[i], "");
    EXPECT("abc(?R)?", "abc");
    EXPECT("(a)bc\\g{1}\\1(?1)(?&n)", "abc");
    EXPECT("[[:alpha:]]abc", "abc");
}

static void a_long_literal_is_cut_and_a_large_set_is_dropped(void **state) {
    char pattern[4096];
    (void)state;
    EXPECT("a very long literal that goes on for a while", "a very long literal that &  goes on for a while");
    size_t len = 0;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(pattern + len, sizeof(pattern) - len, "%sx%dx", i ? "|" : "", i);
    EXPECT(pattern, "");
    memset(pattern, '(', 1000);
    pattern[1000] = '\0';
    EXPECT(pattern, "");
}

/* ---- folding, against PCRE2, for every character there is -------------------------------------------------------- */

static bool is_surrogate(int32_t c) {
    return c >= 0xD800 && c <= 0xDFFF;
}

/* All characters in one text, but those whose scripts have no case. */
static struct rp_str all_characters(char *buffer) {
    size_t len = 0;
    for (int32_t c = 0x20; c < 0x20000; c++) {
        if (!is_surrogate(c) && !(c >= 0x3400 && c <= 0x9FFF)) len += rp_unicode_write(c, buffer + len);
    }
    return rp_str_n(buffer, len);
}

static void check_fold(struct rp_str all, int32_t c) {
    char pattern[32];
    struct rp_regex *regex;
    struct rp_match match;
    size_t from = 0, len;
    snprintf(pattern, sizeof(pattern), "(?i)\\x{%x}", (unsigned)c);
    assert_int_equal(rp_regex_compile(rp_str(pattern), 0, &regex, NULL), 0);
    while (rp_regex_match(regex, all, from, RP_MATCH_TRUSTED, &match) == RP_MATCH_FOUND) {
        int32_t same = rp_unicode_read(all.data + match.group[0].start, &len);
        if (fold_character(same) != fold_character(c))
            fail_msg("(?i) takes %x for %x, but %x is not %x", (unsigned)same, (unsigned)c,
                     (unsigned)fold_character(same), (unsigned)fold_character(c));
        from = match.group[0].end;
    }
    rp_regex_free(regex);
}

static void what_pcre2_takes_for_the_same_letter_folds_alike(void **state) {
    char *buffer = rp_alloc(4 * 0x20000);
    struct rp_str all = all_characters(buffer);
    unsigned cased = 0;
    (void)state;
    for (int32_t c = 0x20; c < 0x20000; c++) {
        if (!fold_sure(c) || fold_plain(c) || is_surrogate(c)) continue;
        if (c >= 0x80 && fold_character(c) == c && cased++ % 4) continue; /* small letters; signs by the dozen */
        check_fold(all, c);
    }
    free(buffer);
}

static void scripts_that_are_called_plain_have_no_case(void **state) {
    struct rp_regex *regex;
    struct rp_match match;
    (void)state;
    assert_int_equal(rp_regex_compile(RP_STR("^[\\p{Lu}\\p{Ll}\\p{Lt}]$"), 0, &regex, NULL), 0);
    for (int32_t c = 0x80; c < 0x110000; c++) {
        char text[4];
        if (is_surrogate(c) || !fold_plain(c)) continue;
        struct rp_str one = rp_str_n(text, rp_unicode_write(c, text));
        assert_int_equal(rp_regex_match(regex, one, 0, RP_MATCH_TRUSTED, &match), RP_MATCH_NONE);
        assert_int_equal(fold_character(c), c);
    }
    rp_regex_free(regex);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_in_a_row_make_a_literal),
        cmocka_unit_test(all_that_is_needed_is_found_the_rarest_first),
        cmocka_unit_test(what_can_only_be_a_few_texts_is_followed),
        cmocka_unit_test(what_may_be_missing_is_not_needed),
        cmocka_unit_test(repeated_parts_are_needed_with_what_stands_beside_them),
        cmocka_unit_test(alternatives_give_one_set_together),
        cmocka_unit_test(what_must_not_be_there_is_not_needed),
        cmocka_unit_test(letters_fold_beyond_ascii),
        cmocka_unit_test(what_is_not_understood_needs_nothing),
        cmocka_unit_test(a_long_literal_is_cut_and_a_large_set_is_dropped),
        cmocka_unit_test(what_pcre2_takes_for_the_same_letter_folds_alike),
        cmocka_unit_test(scripts_that_are_called_plain_have_no_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
