/* The prefilter and the plain loop over all patterns find the same, on random patterns and messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/stages/rules/matcher.h"

#define SETS 1500
#define PATTERNS 24
#define MESSAGES 20

static uint64_t seed;

static unsigned pick(unsigned n) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % n;
}

static const char *const words[] = {
    "a",  "b",    "c",  "k",  "s",        "K",        "S",        "ab",           "order", "Ask", "kiss", "款",
    "退", "退款", "你", "好", "\xC3\xA9", "\xC3\x89", "\xC5\xBF", "\xE2\x84\xAA", "😀",     "1",   "2",    " ",
    "-",  "ß",    "ﬁ",  "Ａ", "ａ",       "İ",        "ı"};
static const char *const atoms[] = {
    ".",      "\\d",    "\\w",   "\\s",       "\\b",    "\\B",     "[abc]",       "[^a]",      "[k-s]",
    "[退款]", "^",      "$",     "\\x{4f60}", "\\x61",  "\\p{L}",  "\\R",         "\\Qa.k\\E", "\\.",
    "\\K",    "(?i)",   "(?-i)", "(?=a)",     "(?!ab)", "(?<=s)",  "(?<!退)",     "\\N",       "\\h",
    "[]a]",   "[\\]k]", "(?s)",  "\\1",       "(?:)",   "\\Qs\\E", "[[:alpha:]]", "(?^)",      "\\t"};
static const char *const repeats[] = {"?", "*", "+", "{0,2}", "{1,2}", "{2}", "{0}", "+?", "*+", "??", "{x}", "{,2}"};
static const char *const openers[] = {
    "(", "(?:", "(?i:", "(?-i:", "(?>", "(?|", "(?=", "(?!", "(?<=", "(?<!", "(?s-i:", "(?<n>", "(?^:", "(?'m'"};

#define ANY(list) list[pick(sizeof(list) / sizeof(list[0]))]

static void append(struct rp_buf *out, const char *text) {
    assert_int_equal(rp_buf_append(out, text, strlen(text)), 0);
}

static void make_pattern(struct rp_buf *out, int depth) {
    for (unsigned pieces = 1 + pick(4); pieces > 0; pieces--) {
        unsigned kind = pick(10);
        if (kind < 5) {
            append(out, ANY(words));
        } else if (kind < 7) {
            append(out, ANY(atoms));
        } else if (kind < 9 && depth > 0) {
            append(out, ANY(openers));
            make_pattern(out, depth - 1);
            append(out, ")");
        } else {
            append(out, "|");
        }
        if (pick(4) == 0) append(out, ANY(repeats));
    }
}

static void make_message(struct rp_buf *out) {
    for (unsigned n = pick(12); n > 0; n--) append(out, ANY(words));
}

/* Adds random patterns until there are enough that PCRE2 takes. */
static void fill(struct matcher *matcher, char **patterns) {
    struct rp_buf pattern;
    rp_buf_init(&pattern, 4096);
    while (matcher_count(matcher) < PATTERNS) {
        rp_buf_clear(&pattern);
        if (pick(3) == 0) append(&pattern, "(?i)");
        make_pattern(&pattern, 3);
        size_t number = matcher_count(matcher);
        if (matcher_add(matcher, rp_buf_str(&pattern), NULL) == 0) patterns[number] = rp_strdup(pattern.data);
    }
    rp_buf_finish(&pattern);
    matcher_build(matcher);
}

static void compare(const struct matcher *matcher, char **patterns, struct rp_str text) {
    uint64_t bits[PATTERNS / 64 + 1];
    struct matcher_cursor cursor;
    struct rp_match match, plain;
    size_t found = 0;
    matcher_start(matcher, text, bits, &cursor);
    int rc = matcher_next(&cursor, &found, &match);
    for (size_t i = 0; i < matcher_count(matcher); i++) {
        int expected = rp_regex_match(matcher_regex(matcher, i), text, 0, RP_MATCH_TRUSTED, &plain);
        if (expected == RP_MATCH_NONE) continue;
        if (expected < 0 && (rc == RP_MATCH_NONE || found != i)) continue; /* undecided by the plain loop */
        if (rc != expected || found != i)
            fail_msg("seed %llu: /%s/ on \"%.*s\"", (unsigned long long)seed, patterns[i], RP_STR_ARG(text));
        if (rc == RP_MATCH_FOUND) assert_int_equal(match.group[0].start, plain.group[0].start);
        rc = matcher_next(&cursor, &found, &match);
    }
    assert_int_equal(rc, RP_MATCH_NONE);
}

static size_t filtered;

static void random_patterns_match_as_in_a_plain_loop(void **state) {
    (void)state;
    seed = 20261122;
    for (int set = 0; set < SETS; set++) {
        struct matcher *matcher = matcher_create();
        char *patterns[PATTERNS];
        struct rp_buf text;
        fill(matcher, patterns);
        filtered += PATTERNS - matcher_unfiltered(matcher);
        rp_buf_init(&text, 4096);
        for (int i = 0; i < MESSAGES; i++) {
            rp_buf_clear(&text);
            make_message(&text);
            compare(matcher, patterns, text.data ? rp_buf_str(&text) : RP_STR(""));
        }
        for (int i = 0; i < PATTERNS; i++) free(patterns[i]);
        rp_buf_finish(&text);
        matcher_destroy(matcher);
    }
}

/* Otherwise the test before this one would prove nothing. */
static void enough_of_those_patterns_had_literals(void **state) {
    (void)state;
    assert_true(filtered > SETS * PATTERNS / 3);
}

static struct matcher *matcher_of(const char *const *patterns, size_t count) {
    struct matcher *matcher = matcher_create();
    for (size_t i = 0; i < count; i++) assert_int_equal(matcher_add(matcher, rp_str(patterns[i]), NULL), 0);
    matcher_build(matcher);
    return matcher;
}

static void patterns_come_in_the_order_they_were_added(void **state) {
    static const char *const patterns[] = {"b", "a", ".", "(?i)A", "zz"};
    static const size_t expected[] = {1, 2, 3};
    struct matcher *matcher = matcher_of(patterns, 5);
    uint64_t bits[1];
    struct matcher_cursor cursor;
    struct rp_match match;
    size_t found;
    (void)state;
    matcher_start(matcher, RP_STR("a"), bits, &cursor);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(matcher_next(&cursor, &found, &match), RP_MATCH_FOUND);
        assert_int_equal(found, expected[i]);
    }
    assert_int_equal(matcher_next(&cursor, &found, &match), RP_MATCH_NONE);
    matcher_destroy(matcher);
}

static void a_pattern_without_its_literal_is_no_candidate(void **state) {
    static const char *const patterns[] = {"(?i)order",
                                           "退款",
                                           "\\d+",
                                           "she",
                                           "he",
                                           "hers",
                                           "\xE2\x84\xAA"
                                           "elvin"};
    struct matcher *matcher = matcher_of(patterns, 7);
    uint64_t bits[1];
    struct matcher_cursor cursor;
    (void)state;
    assert_int_equal(matcher_unfiltered(matcher), 1);
    matcher_start(matcher, RP_STR("ushers"), bits, &cursor);
    assert_int_equal(bits[0], 0x3C); /* \d+, she, he, hers */
    matcher_start(matcher, RP_STR("我要退款 ORDER"), bits, &cursor);
    assert_int_equal(bits[0], 0x07);
    matcher_start(matcher, RP_STR("\xE2\x84\xAA"), bits, &cursor);
    assert_int_equal(bits[0], 0x7F);
    matcher_destroy(matcher);
}

static void no_patterns_match_nothing(void **state) {
    struct matcher *matcher = matcher_of(NULL, 0);
    uint64_t bits[1];
    struct matcher_cursor cursor;
    struct rp_match match;
    size_t found;
    (void)state;
    matcher_start(matcher, RP_STR("\xC5\xBF"), bits, &cursor);
    assert_int_equal(matcher_next(&cursor, &found, &match), RP_MATCH_NONE);
    matcher_destroy(matcher);
}

static void ten_thousand_patterns_are_found_each(void **state) {
    struct matcher *matcher = matcher_create();
    uint64_t bits[10000 / 64 + 1];
    (void)state;
    for (int i = 0; i < 10000; i++) {
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "(?i)\\bitem-%d\\b", i);
        assert_int_equal(matcher_add(matcher, rp_str(pattern), NULL), 0);
    }
    matcher_build(matcher);
    assert_int_equal(matcher_unfiltered(matcher), 0);
    for (int i = 0; i < 10000; i += 7) {
        char text[64];
        struct matcher_cursor cursor;
        struct rp_match match;
        size_t found = 0;
        snprintf(text, sizeof(text), "do you have ITEM-%d?", i);
        matcher_start(matcher, rp_str(text), bits, &cursor);
        assert_int_equal(matcher_next(&cursor, &found, &match), RP_MATCH_FOUND);
        assert_int_equal(found, i);
        assert_int_equal(matcher_next(&cursor, &found, &match), RP_MATCH_NONE);
    }
    matcher_destroy(matcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_patterns_match_as_in_a_plain_loop),
        cmocka_unit_test(enough_of_those_patterns_had_literals),
        cmocka_unit_test(patterns_come_in_the_order_they_were_added),
        cmocka_unit_test(a_pattern_without_its_literal_is_no_candidate),
        cmocka_unit_test(no_patterns_match_nothing),
        cmocka_unit_test(ten_thousand_patterns_are_found_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
