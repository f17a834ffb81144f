/* Which literals a pattern is found to need. Whether the prefilter as a whole agrees with PCRE2, test_matcher proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/regex.h>
#include <stdio.h>

#include "plugins/stages/rules/literal.h"

/* The set as "a|b|c", in the order in which it was found. */
static const char *found(const char *pattern) {
    static char text[2048];
    struct literals set;
    size_t len = 0;
    literals_find(rp_str(pattern), &set);
    text[0] = '\0';
    for (size_t i = 0; i < set.count; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i ? "|" : "", set.items[i].len,
                                set.items[i].text);
    }
    return text;
}

static void characters_in_a_row_make_a_literal(void **state) {
    (void)state;
    assert_string_equal(found("order"), "order");
    assert_string_equal(found("(?i)ORDER"), "order");
    assert_string_equal(found("\\border\\b"), "order");
    assert_string_equal(found("^order$"), "order");
    assert_string_equal(found("退款"), "退款");
    assert_string_equal(found("(?i)退款"), "退款");
    assert_string_equal(found("a\\.b"), "a.b");
    assert_string_equal(found("\\Qa.b*\\E"), "a.b*");
    assert_string_equal(found("ab{x}"), "ab{x}");
}

static void the_longest_run_is_taken(void **state) {
    (void)state;
    assert_string_equal(found("my.*order\\s+is"), "order");
    assert_string_equal(found("(?i)\\b(?:where|status|track)\\b.*\\border\\s*#?(?<id>\\d{6,})"), "order");
    assert_string_equal(found("ab[xyz]cde"), "cde");
}

static void what_may_be_missing_is_no_literal(void **state) {
    (void)state;
    assert_string_equal(found("colou?r"), "colo");
    assert_string_equal(found("a*"), "");
    assert_string_equal(found("ab*c"), "a");
    assert_string_equal(found("(?:order)?"), "");
    assert_string_equal(found("(?:order)*x"), "x");
    assert_string_equal(found("a{0,3}bc"), "bc");
    assert_string_equal(found("(?:abc){0}de"), "de");
    assert_string_equal(found("\\Qabc\\E?d"), "ab");
}

static void repeated_parts_count_once(void **state) {
    (void)state;
    assert_string_equal(found("abc+d"), "abc");
    assert_string_equal(found("(?:order)+"), "order");
    assert_string_equal(found("(?:ab){2,3}"), "ab");
}

static void alternatives_give_one_each(void **state) {
    (void)state;
    assert_string_equal(found("refund|退款|退货"), "refund|退款|退货");
    assert_string_equal(found("(?:hello|hi)\\s(?:all|world)"), "all|world");
    assert_string_equal(found("hello|.*"), "");
    assert_string_equal(found("hello|"), "");
    assert_string_equal(found("(a(?i)b|cd)ef"), "ef");
}

static void look_around_is_not_needed(void **state) {
    (void)state;
    assert_string_equal(found("a(?=hello)b"), "ab");
    assert_string_equal(found("(?<!hello)ab"), "ab");
    assert_string_equal(found("(?!hello)"), "");
}

static void letters_with_another_case_beyond_ascii_end_a_run(void **state) {
    (void)state;
    assert_string_equal(found("(?i)stra\xC3\x9F"
                              "en"),
                        "stra");
    assert_string_equal(found("stra\xC3\x9F"
                              "en"),
                        "stra\xC3\x9F"
                        "en");
    assert_string_equal(found("(?i)\xC3\xA9"), "");
}

static void what_is_not_understood_yields_nothing(void **state) {
    static const char *const patterns[] = {
        "(*ACCEPT)abc", "(?x) a b c", "(?#note)abc", "abc(?R)?",       "(?(1)a|b)", "abc\\g{1}",
        "a\\Eb",        "a{,3}bc",    "a{ 1}b",      "[[:alpha:]]abc", "\\cAbc",    "(?C1)abc",
        "(?P>name)abc", "a\\Q\\Eb",   "abc(",        "abc)",           "[abc",      "\\",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) assert_string_equal(found(patterns[i]), "");
}

static void a_long_literal_is_cut_and_a_large_set_is_dropped(void **state) {
    char pattern[4096];
    struct literals set;
    (void)state;
    memset(pattern, 'a', 100);
    literals_find(rp_str_n(pattern, 100), &set);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.items[0].len, LITERAL_BYTES);
    size_t len = 0;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(pattern + len, sizeof(pattern) - len, "%sw%d", i ? "|" : "", i);
    assert_string_equal(found(pattern), "");
    memset(pattern, '(', 1000);
    literals_find(rp_str_n(pattern, 1000), &set);
    assert_int_equal(set.count, 0);
}

static unsigned encode(uint32_t c, char *out) {
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    unsigned len = c < 0x10000 ? 3 : 4;
    for (unsigned i = len - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((len == 3 ? 0xE0 : 0xF0) | c);
    return len;
}

/* The two facts about Unicode that the folding of literals rests on, for every character there is. */
static void only_two_characters_fold_to_ascii_and_ideographs_have_no_case(void **state) {
    struct rp_regex *ascii, *cased;
    struct rp_match match;
    unsigned folding = 0;
    (void)state;
    assert_int_equal(rp_regex_compile(RP_STR("(?i)^[a-z]$"), 0, &ascii, NULL), 0);
    assert_int_equal(rp_regex_compile(RP_STR("^[\\p{Lu}\\p{Ll}\\p{Lt}]$"), 0, &cased, NULL), 0);
    for (uint32_t c = 0x80; c < 0x110000; c++) {
        char text[4];
        if (c >= 0xD800 && c < 0xE000) continue;
        struct rp_str one = rp_str_n(text, encode(c, text));
        if (rp_regex_match(ascii, one, 0, RP_MATCH_TRUSTED, &match) == RP_MATCH_FOUND) {
            assert_true(c == 0x17F || c == 0x212A);
            folding++;
        }
        if (literal_caseless(c))
            assert_int_equal(rp_regex_match(cased, one, 0, RP_MATCH_TRUSTED, &match), RP_MATCH_NONE);
    }
    assert_int_equal(folding, 2);
    rp_regex_free(ascii);
    rp_regex_free(cased);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_in_a_row_make_a_literal),
        cmocka_unit_test(the_longest_run_is_taken),
        cmocka_unit_test(what_may_be_missing_is_no_literal),
        cmocka_unit_test(repeated_parts_count_once),
        cmocka_unit_test(alternatives_give_one_each),
        cmocka_unit_test(look_around_is_not_needed),
        cmocka_unit_test(letters_with_another_case_beyond_ascii_end_a_run),
        cmocka_unit_test(what_is_not_understood_yields_nothing),
        cmocka_unit_test(a_long_literal_is_cut_and_a_large_set_is_dropped),
        cmocka_unit_test(only_two_characters_fold_to_ascii_and_ideographs_have_no_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
