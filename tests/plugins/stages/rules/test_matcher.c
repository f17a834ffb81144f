/* The prefilter and the plain loop over all patterns find the same, on random patterns and messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/stages/rules/matcher.h"

#define SETS 2500
#define PATTERNS 24
#define MESSAGES 20

static uint64_t seed;

static unsigned pick(unsigned n) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % n;
}

static const char *const words[] = {
    "a",      "b",      "c",      "k",      "s",      "K",  "S",  "ab", "order", "Ask", "kiss", "款", "退",  "退款", "你",
    "好",     "\u00E9", "\u00C9", "\u017F", "\u212A", "😀", "1",  "2",  " ",     "-",   "ß",    "ﬁ",  "Ａ",  "ａ",   "İ",
    "ı",      "ж",      "Ж",      "σ",      "ς",      "Σ",  "\u1E9E", "µ", "μ",  "ǆ",   "ǅ",    "\u2C30", "\u2C00", "ᲀ", "в",
    "👨\u200D👩", "\n",  "ﾊ",      "한",     "θ",      "ϑ"};
static const char *const atoms[] = {
    ".",       "\\d",     "\\w",    "\\s",       "\\b",       "\\B",      "[abc]",     "[^a]",        "[k-s]",
    "[退款]",  "^",       "$",      "\\x{4f60}", "\\x61",     "\\p{L}",   "\\R",       "\\Qa.k\\E",   "\\.",
    "\\K",     "(?i)",    "(?-i)",  "(?=a)",     "(?!ab)",    "(?<=s)",   "(?<!退)",   "\\N",         "\\h",
    "[]a]",    "[\\]k]",  "(?s)",   "\\1",       "(?:)",      "\\Qs\\E",  "[[:alpha:]]", "(?^)",      "\\t",
    "(?x) a b #c\n", "(?-x)", "(?#退)", "\\E",    "\\Q\\E",   "\\X",      "\\pL",      "\\P{Lu}",     "[a-]",
    "[^退b]",  "[Kk]",    "[ж-и]",  "[\\x{e9}]", "[\\d退]",   "[\\Qab\\E]", "\\N{U+e9}", "\\o{141}",  "\\061",
    "\\cI",    "(?1)",    "(?R)?",  "\\g{-1}",   "\\k<n>",    "(?&n)",    "(?P>n)",    "(?m)",        "(?U)",
    "(?J)",    "\\A",     "\\Z",    "\\z",       "\\G",       "[a-c\\-]", "[+--]",     "[^\\W_]",     "(?n)",
    "(*COMMIT)", "(*SKIP)", "\\H",  "\\V",       "\\u",       "(?C1)",    "[\\b]",     "(?xx)",       "[σ]"};
static const char *const repeats[] = {"?",  "*",  "+",  "{0,2}", "{1,2}", "{2}",  "{0}",   "+?", "*+",
                                      "??", "{x}", "{,2}", "{3,}", "{2}?", "{2}+", "{1}{0}", " +", "(?#)*"};
static const char *const openers[] = {"(",    "(?:",    "(?i:",  "(?-i:", "(?>",  "(?|",      "(?=",     "(?!",
                                      "(?<=", "(?<!",   "(?s-i:", "(?<n>", "(?^:", "(?'m'",    "(?P<p>",  "(?x:",
                                      "(*pla:", "(*nlb:", "(*atomic:", "(?(1)", "(?(?=a)", "(?(<n>)", "(?*", "(?(DEFINE)"};

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

static size_t tried, skipped; /* patterns that matched nothing, and those of them that were no candidates */

static void compare(const struct matcher *matcher, char **patterns, struct rp_str text) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_regex_budget budget = {.ns = INT64_C(60000000000)};
    struct matcher_cursor cursor;
    struct rp_match match, plain;
    size_t found = 0;
    matcher_start(matcher, text, arena, pick(2) ? &budget : NULL, &cursor);
    int rc = matcher_next(&cursor, &found, &match);
    for (size_t i = 0; i < matcher_count(matcher); i++) {
        int expected = rp_regex_match(matcher_regex(matcher, i), text, 0, RP_MATCH_TRUSTED, &plain);
        tried += expected == RP_MATCH_NONE;
        skipped += expected == RP_MATCH_NONE && !matcher_may_match(&cursor, i, 1);
        if (expected == RP_MATCH_NONE) continue;
        if (expected < 0 && (rc == RP_MATCH_NONE || found != i)) continue; /* undecided by the plain loop */
        if (rc != expected || found != i)
            fail_msg("seed %llu: /%s/ on \"%.*s\"", (unsigned long long)seed, patterns[i], RP_STR_ARG(text));
        if (rc == RP_MATCH_FOUND) assert_int_equal(match.group[0].start, plain.group[0].start);
        rc = matcher_next(&cursor, &found, &match);
    }
    assert_int_equal(rc, RP_MATCH_NONE);
    rp_arena_destroy(arena);
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
        filtered += PATTERNS - matcher_bare_count(matcher);
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
    assert_true(filtered > SETS * PATTERNS / 2);
    assert_true(skipped > tried / 2);
}

struct asked {
    struct rp_arena *arena;
    struct matcher *matcher;
    struct matcher_cursor cursor;
};

static void ask(struct asked *asked, const char *const *patterns, size_t count) {
    asked->arena = rp_arena_create();
    asked->matcher = matcher_create();
    for (size_t i = 0; i < count; i++) assert_int_equal(matcher_add(asked->matcher, rp_str(patterns[i]), NULL), 0);
    matcher_build(asked->matcher);
}

static void finish(struct asked *asked) {
    matcher_destroy(asked->matcher);
    rp_arena_destroy(asked->arena);
}

static void about(struct asked *asked, const char *text) {
    matcher_start(asked->matcher, rp_str(text), asked->arena, NULL, &asked->cursor);
}

/* The candidates as bits. */
static uint64_t candidates(struct asked *asked, const char *text) {
    uint64_t bits = 0;
    about(asked, text);
    for (size_t i = 0; i < matcher_count(asked->matcher); i++) {
        if (matcher_may_match(&asked->cursor, i, 1)) bits |= UINT64_C(1) << i;
    }
    return bits;
}

static void patterns_come_in_the_order_they_were_added(void **state) {
    static const char *const patterns[] = {"b", "a", ".", "(?i)A", "zz"};
    static const size_t expected[] = {1, 2, 3};
    struct asked asked;
    struct rp_match match;
    size_t found;
    (void)state;
    ask(&asked, patterns, 5);
    about(&asked, "a");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(matcher_next(&asked.cursor, &found, &match), RP_MATCH_FOUND);
        assert_int_equal(found, expected[i]);
    }
    assert_int_equal(matcher_next(&asked.cursor, &found, &match), RP_MATCH_NONE);
    finish(&asked);
}

static void a_pattern_without_its_literals_is_no_candidate(void **state) {
    static const char *const patterns[] = {"(?i)order", "退款", "\\d+", "she", "he", "hers", "(?i)\u212Aelvin"};
    struct asked asked;
    (void)state;
    ask(&asked, patterns, 7);
    assert_int_equal(matcher_bare_count(asked.matcher), 1);
    assert_int_equal(matcher_bare(asked.matcher, 0), 2);
    assert_int_equal(candidates(&asked, "ushers"), 0x3C); /* \d+, she, he, hers */
    assert_int_equal(candidates(&asked, "我要退款 ORDER"), 0x07);
    assert_int_equal(candidates(&asked, "KELVIN"), 0x44);
    assert_int_equal(candidates(&asked, ""), 0x04);
    finish(&asked);
}

static void where_many_share_a_literal_the_others_count_too(void **state) {
    static const char *const patterns[] = {"order.*late", "order.*lost", "order.*(?:blue|red)", "order.*gone",
                                           "order.*x",    "order",       "order \\d"};
    struct asked asked;
    (void)state;
    ask(&asked, patterns, 7);
    assert_int_equal(candidates(&asked, "an order"), 0x20);
    assert_int_equal(candidates(&asked, "an order that is late and red"), 0x65);
    assert_int_equal(candidates(&asked, "late"), 0x01);
    finish(&asked);
}

static void no_patterns_match_nothing(void **state) {
    struct asked asked;
    struct rp_match match;
    size_t found;
    (void)state;
    ask(&asked, NULL, 0);
    about(&asked, "\u017F");
    assert_int_equal(matcher_next(&asked.cursor, &found, &match), RP_MATCH_NONE);
    finish(&asked);
}

static void ten_thousand_patterns_are_found_each(void **state) {
    struct asked asked;
    (void)state;
    ask(&asked, NULL, 0);
    matcher_destroy(asked.matcher);
    asked.matcher = matcher_create();
    for (int i = 0; i < 10000; i++) {
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "(?i)\\bitem-%d\\b", i);
        assert_int_equal(matcher_add(asked.matcher, rp_str(pattern), NULL), 0);
    }
    matcher_build(asked.matcher);
    assert_int_equal(matcher_bare_count(asked.matcher), 0);
    for (int i = 0; i < 10000; i += 7) {
        char text[64];
        struct rp_match match;
        size_t found = 0;
        snprintf(text, sizeof(text), "do you have ITEM-%d?", i);
        about(&asked, text);
        assert_int_equal(matcher_next(&asked.cursor, &found, &match), RP_MATCH_FOUND);
        assert_int_equal(found, i);
        assert_int_equal(matcher_next(&asked.cursor, &found, &match), RP_MATCH_NONE);
    }
    finish(&asked);
}

static void matches_share_one_budget(void **state) {
    static const char *const patterns[] = {"a+b", "a+c", "a+d"};
    struct rp_regex_budget budget = {.ns = -1};
    struct asked asked;
    struct rp_match match;
    size_t found = SIZE_MAX;
    (void)state;
    ask(&asked, patterns, 3);
    char *text = rp_calloc(1, 100001);
    memset(text, 'a', 99997);
    memcpy(text + 99997, "bcd", 3);
    matcher_start(asked.matcher, rp_str(text), asked.arena, &budget, &asked.cursor);
    assert_int_equal(matcher_next(&asked.cursor, &found, &match), -RP_EBUDGET);
    assert_int_equal(found, 0);
    free(text);
    finish(&asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_patterns_match_as_in_a_plain_loop),
        cmocka_unit_test(enough_of_those_patterns_had_literals),
        cmocka_unit_test(patterns_come_in_the_order_they_were_added),
        cmocka_unit_test(a_pattern_without_its_literals_is_no_candidate),
        cmocka_unit_test(where_many_share_a_literal_the_others_count_too),
        cmocka_unit_test(no_patterns_match_nothing),
        cmocka_unit_test(ten_thousand_patterns_are_found_each),
        cmocka_unit_test(matches_share_one_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
