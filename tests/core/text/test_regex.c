/* Regular expressions: Unicode, partial matches, and limits that hold whatever the pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <repartee/regex.h>
#include <stdio.h>
#include <stdlib.h>

static struct rp_regex *compile(const char *pattern, unsigned flags) {
    struct rp_regex *regex = NULL;
    struct rp_error error;
    if (rp_regex_compile(rp_str(pattern), flags, &regex, &error)) fail_msg("%s: %s", pattern, error.text);
    return regex;
}

static int match_once(const char *pattern, const char *text, size_t from, unsigned flags, struct rp_match *out) {
    struct rp_regex *regex = compile(pattern, RP_REGEX_STREAM);
    int result = rp_regex_match(regex, rp_str(text), from, flags, out);
    rp_regex_free(regex);
    return result;
}

static void refused(struct rp_str pattern, const char *reason) {
    struct rp_regex *regex = NULL;
    struct rp_error error = {0};
    assert_int_equal(rp_regex_compile(pattern, 0, &regex, &error), -RP_ECONFIG);
    assert_null(regex);
    if (!strstr(error.text, reason)) fail_msg("'%s' does not say '%s'", error.text, reason);
    assert_int_equal(rp_regex_compile(pattern, 0, &regex, NULL), -RP_ECONFIG);
}

static void a_match_tells_its_groups(void **state) {
    (void)state;
    struct rp_match match;
    assert_int_equal(match_once("(a)|(b)(c)?(d)?", "xxbd", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match.count, 5);
    assert_int_equal(match.group[0].start, 2);
    assert_int_equal(match.group[0].end, 4);
    assert_true(match.group[1].start == SIZE_MAX && match.group[3].start == SIZE_MAX);
    assert_int_equal(match.group[4].start, 3);
    assert_int_equal(match_once("(a)|(b)(c)?(d)?", "a", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match.count, 2);
    assert_true(match.group[4].start == SIZE_MAX); /* not reported, and still safe to look at */
    assert_int_equal(match_once("a", "xyz", 0, 0, &match), RP_MATCH_NONE);
}

static void characters_are_those_of_unicode(void **state) {
    (void)state;
    struct rp_match match;
    assert_int_equal(match_once("^.$", "\xe4\xbd\xa0", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match.group[0].end, 3);
    assert_int_equal(match_once("(?i)\xc3\x89t\xc3\xa9", "\xc3\xa9T\xc3\x89", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match_once("^\\w+$", "\xe9\x80\x80\xe6\xac\xbe", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match_once("^\\d$", "\xd9\xa3", 0, 0, &match), RP_MATCH_FOUND); /* an Arabic digit */
}

static void matching_starts_where_told_and_looks_behind(void **state) {
    (void)state;
    struct rp_match match;
    assert_int_equal(match_once("(?<=a)b", "ab", 1, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match_once("^b", "ab", 1, 0, &match), RP_MATCH_NONE);
    assert_int_equal(match_once("a", "aba", 1, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match.group[0].start, 2);
    assert_int_equal(match_once("$", "ab", 2, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match_once("$", "ab", 3, 0, &match), RP_MATCH_NONE);
}

static void look_aheads_hide_no_match(void **state) {
    (void)state;
    struct rp_match match;
    assert_int_equal(match_once("(?=ab)x?a", "ab", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match_once("(?>(?=ab)\\W??a)", "xabcc", 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(match.group[0].start, 1);
}

static void empty_text_needs_no_pointer(void **state) {
    (void)state;
    struct rp_match match;
    struct rp_regex *regex = compile("", 0);
    assert_int_equal(rp_regex_match(regex, rp_str_n(NULL, 0), 0, 0, &match), RP_MATCH_FOUND);
    assert_int_equal(rp_regex_match(regex, rp_str_n(NULL, 0), 0, RP_MATCH_TRUSTED, &match), RP_MATCH_FOUND);
    rp_regex_free(regex);
    assert_int_equal(rp_regex_compile(rp_str_n(NULL, 0), 0, &regex, NULL), 0);
    rp_regex_free(regex);
    rp_regex_free(NULL);
}

static void a_match_that_could_go_on_is_undecided(void **state) {
    (void)state;
    const unsigned partial = RP_MATCH_PARTIAL | RP_MATCH_TRUSTED;
    struct rp_match match;
    assert_int_equal(match_once("\\d{6}", "no. 12345", 0, partial, &match), RP_MATCH_UNDECIDED);
    assert_int_equal(match.group[0].start, 4);
    assert_int_equal(match_once("\\d{6}", "no. 12345", 0, 0, &match), RP_MATCH_NONE);
    assert_int_equal(match_once("\\d+", "no. 12345", 0, partial, &match), RP_MATCH_UNDECIDED);
    assert_int_equal(match_once("\\d+", "no. 12345 ", 0, partial, &match), RP_MATCH_FOUND);
    assert_int_equal(match_once("\\d+", "nothing", 0, partial, &match), RP_MATCH_NONE);
}

static void partial_matching_works_without_its_jit(void **state) {
    (void)state;
    struct rp_match match;
    struct rp_regex *regex = compile("\\d{6}", 0); /* not said that it will be matched in pieces */
    assert_int_equal(rp_regex_match(regex, RP_STR("a12"), 0, RP_MATCH_PARTIAL, &match), RP_MATCH_UNDECIDED);
    assert_int_equal(match.group[0].start, 1);
    rp_regex_free(regex);
}

static void broken_text_is_refused_unless_trusted_to_be_whole(void **state) {
    (void)state;
    const char *broken[] = {"a\xff", "\xe4\xbd", "\xed\xa0\x80", "\x80"};
    struct rp_match match;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_int_equal(match_once("x", broken[i], 0, 0, &match), -RP_EUTF8);
    }
    assert_int_equal(match_once(".", "\xe4\xbd\xa0", 1, 0, &match), -RP_EUTF8);
    assert_int_equal(match_once(".", "\xe4\xbd\xa0", 2, RP_MATCH_TRUSTED, &match), -RP_EUTF8);
}

static void bad_patterns_are_explained(void **state) {
    (void)state;
    static char big[70000];
    memset(big, 'a', sizeof big);
    refused(RP_STR("a(b"), "at character 3 of the pattern, behind 'a(b'");
    refused(RP_STR("\xe4\xbd\xa0\xe5\xa5\xbd("), "at character 3");
    refused(RP_STR("a\\Cb"), "\\C");
    refused(RP_STR("a\xff"), "UTF-8");
    refused(RP_STR("(?<=a+)b"), "lookbehind");
    refused(RP_STR("[z-a]"), "range");
    refused(RP_STR("*a"), "quantifier");
    refused(rp_str_n(big, sizeof big), "longer than 65536 bytes");
    memcpy(big + 60, "(", 1);
    refused(rp_str_n(big, 61), "behind '...aaaa");
}

/* Nested repeats on a text that almost matches: exponential but for the limits. The plain patterns run by the JIT where
 * there is one, those with (*NO_JIT) never do. */
static void hostile_patterns_fail_closed(void **state) {
    (void)state;
    const char *hostile[] = {"(a+)+$",
                             "(*NO_JIT)(a+)+$",
                             "(?:(?:a|aa)+)+[bc]",
                             "(*NO_JIT)(?:(?:a|aa)+)+[bc]",
                             "(x+x+)+[yz]|(a*)*[bc]",
                             "(*LIMIT_MATCH=4000000000)(a+)+$",
                             "(*NO_JIT)(*LIMIT_DEPTH=4000000000)(?:a|aa)*[bc]"};
    char text[101];
    memset(text, 'a', 99);
    memcpy(text + 99, "!", 2);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct rp_match match;
        int result = match_once(hostile[i], text, 0, RP_MATCH_TRUSTED, &match);
        if (result != -RP_EREGEX) fail_msg("%s gives %d", hostile[i], result);
    }
}

static void deep_recursion_ends_at_a_limit(void **state) {
    (void)state;
    static char text[200001];
    const char *deep[] = {"^(a(?1)?b)$", "(*NO_JIT)^(a(?1)?b)$", "^(?:(a)|b)*c?$", "(*NO_JIT)^(?:(a)|b)*c?$"};
    memset(text, 'a', 100000);
    memset(text + 100000, 'b', 100000);
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++) {
        struct rp_match match;
        int result = match_once(deep[i], text, 0, RP_MATCH_TRUSTED, &match);
        if (result != -RP_EREGEX) fail_msg("%s gives %d", deep[i], result);
    }
}

/* What \K can do to the start of a match must never send a caller backwards. */
static void a_reset_start_is_never_outside_the_match(void **state) {
    (void)state;
    const char *patterns[] = {"a\\Kb", "(?(DEFINE)(?<k>ab\\K))(?=(?&k))", "(?(DEFINE)(?<k>a\\K))(?<=(?&k))b",
                              "(?=(?1))(?:(ab\\K)){0}a", "\\Kab|b\\K"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct rp_regex *regex;
        if (rp_regex_compile(rp_str(patterns[i]), RP_REGEX_STREAM, &regex, NULL)) continue; /* refused: as good */
        for (size_t from = 0; from <= 4; from++) {
            for (unsigned flags = 0; flags < 2; flags++) {
                struct rp_match match;
                int result = rp_regex_match(regex, RP_STR("abab"), from, flags, &match);
                if (result <= 0) continue;
                assert_true(match.group[0].start >= from);
                assert_true(match.group[0].end >= match.group[0].start);
            }
        }
        rp_regex_free(regex);
    }
}

static void names_lead_to_groups(void **state) {
    (void)state;
    struct rp_regex *regex = compile("(?<id>\\d+)-(x)-(?<word>\\w+)", 0);
    unsigned group;
    assert_int_equal(rp_regex_name_count(regex), 2);
    assert_string_equal(rp_regex_name(regex, 0, &group), "id");
    assert_int_equal(group, 1);
    assert_string_equal(rp_regex_name(regex, 1, &group), "word");
    assert_int_equal(group, 3);
    rp_regex_free(regex);
}

static void more_groups_than_are_reported_are_no_danger(void **state) {
    (void)state;
    char pattern[256] = "";
    struct rp_match match;
    for (int i = 0; i < 40; i++) strcat(pattern, "(a)");
    assert_int_equal(match_once(pattern, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 0, &match),
                     RP_MATCH_FOUND);
    assert_int_equal(match.count, RP_REGEX_GROUPS);
    assert_int_equal(match.group[RP_REGEX_GROUPS - 1].end, RP_REGEX_GROUPS - 1);
    assert_int_equal(match.group[0].end, 40);
    strcat(pattern, "(?<late>b)");
    refused(rp_str(pattern), "the group 'late' is number 41");
}

static void the_lookbehind_is_known(void **state) {
    (void)state;
    struct rp_regex *regex = compile("(?<=abc)d", 0);
    assert_int_equal(rp_regex_lookbehind(regex), 3);
    rp_regex_free(regex);
    regex = compile("\\bd", 0);
    assert_int_equal(rp_regex_lookbehind(regex), 1);
    rp_regex_free(regex);
}

static void *match_many(void *arg) {
    const struct rp_regex *regex = arg;
    uintptr_t found = 0;
    for (int i = 0; i < 2000; i++) {
        struct rp_match match;
        int result = rp_regex_match(regex, RP_STR("order 123456, please"), 0, RP_MATCH_TRUSTED, &match);
        found += result == RP_MATCH_FOUND && match.count == 2 && match.group[1].start == 6;
    }
    return (void *)found;
}

static void one_expression_serves_all_threads(void **state) {
    (void)state;
    struct rp_regex *regex = compile("order (\\d{6})", 0);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, match_many, regex);
    for (size_t i = 0; i < 4; i++) {
        void *found;
        pthread_join(threads[i], &found);
        assert_int_equal((uintptr_t)found, 2000);
    }
    rp_regex_free(regex);
}

static void an_expression_of_many_matches_the_same_before_and_after_its_jit(void **state) {
    (void)state;
    static const char *const patterns[] = {"(?i)order (?<id>\\d+)", "^(a+)+$", "退款.{0,4}(?=吗)", "\\bx\\b|(?<=a)b"};
    static const char *const texts[] = {"my ORDER 42", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "我要退款可以吗", "ab x", ""};
    for (size_t p = 0; p < 4; p++) {
        struct rp_regex *plain = compile(patterns[p], 0), *many = compile(patterns[p], RP_REGEX_MANY);
        for (size_t i = 0; i < 50; i++) {
            struct rp_match a, b;
            struct rp_str text = rp_str(texts[i % 5]);
            int expected = rp_regex_match(plain, text, 0, 0, &a);
            assert_int_equal(rp_regex_match(many, text, 0, 0, &b), expected);
            if (expected != RP_MATCH_FOUND) continue;
            assert_int_equal(a.count, b.count);
            assert_memory_equal(a.group, b.group, a.count * sizeof(a.group[0]));
        }
        rp_regex_free(plain);
        rp_regex_free(many);
    }
}

static void *match_within(void *regex) {
    size_t found = 0;
    for (size_t i = 0; i < 2000; i++) {
        struct rp_regex_budget budget = {.ns = 1000000000};
        struct rp_match match;
        found += rp_regex_match_within(regex, RP_STR("order 123456 is late"), 0, 0, &budget, &match) == RP_MATCH_FOUND;
    }
    return (void *)found;
}

static void threads_may_meet_while_the_jit_compiles(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct rp_regex *regex = compile("order (\\d{6})", RP_REGEX_MANY);
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, match_within, regex);
        for (size_t i = 0; i < 4; i++) {
            void *found;
            pthread_join(threads[i], &found);
            assert_int_equal((uintptr_t)found, 2000);
        }
        rp_regex_free(regex);
    }
}

/* A text of this many bytes is matched piece by piece. */
static char *long_text(size_t length, const char *filler, const char *end) {
    char *text = rp_alloc(length + strlen(end) + 1);
    for (size_t i = 0, len = strlen(filler); i < length; i++) text[i] = filler[i % len];
    strcpy(text + length - length % strlen(filler), end);
    return text;
}

static void expect_the_same_in_pieces(size_t length, unsigned flags) {
    static const char *const patterns[] = {"order \\d+",  "(?i)é.{3}x",  "^退",     "\\Gx",        "(?<=你)好!",   "(?s).*order",
                                           "(?m)^order", "x(*COMMIT)y", ".*order", "\\w+\\d\\d!", "(?=.*42).*!$", "z"};
    static const char *const fillers[] = {"退é你好 ", "x", "ab\n", "你"};
    for (size_t f = 0; f < 4; f++) {
        char *text = long_text(length, fillers[f], "Éxyzx order 42 你好!");
        for (size_t p = 0; p < sizeof(patterns) / sizeof(patterns[0]); p++) {
            char verb[64]; /* with one in front the text is matched whole */
            snprintf(verb, sizeof(verb), "(*UTF)%s", patterns[p]);
            struct rp_regex *whole = compile(verb, 0), *regex = compile(patterns[p], 0);
            struct rp_regex_budget budget = {.ns = INT64_C(60000000000)};
            struct rp_match a, b, c;
            int expected = rp_regex_match(whole, rp_str(text), 0, flags, &a);
            assert_int_equal(rp_regex_match(regex, rp_str(text), 0, flags, &b), expected);
            assert_int_equal(rp_regex_match_within(regex, rp_str(text), 0, flags, &budget, &c), expected);
            if (expected > 0) assert_memory_equal(&a.group[0], &b.group[0], sizeof(a.group[0]));
            if (expected > 0) assert_memory_equal(&a.group[0], &c.group[0], sizeof(a.group[0]));
            rp_regex_free(whole);
            rp_regex_free(regex);
        }
        free(text);
    }
}

static void a_long_text_matches_in_pieces_as_it_does_whole(void **state) {
    (void)state;
    expect_the_same_in_pieces(20000, 0);
    expect_the_same_in_pieces(2500, RP_MATCH_PARTIAL);
}

/* Each of its places is tried up to the end: that is linear at one place, but not at all of them. */
static void a_match_without_a_budget_has_an_end(void **state) {
    (void)state;
    struct rp_regex *regex = compile("b+(?=c)", 0);
    struct rp_match match;
    char *text = long_text(60000, "b", " c");
    assert_int_equal(rp_regex_match(regex, rp_str(text), 0, 0, &match), -RP_EREGEX);
    assert_int_equal(rp_regex_match(regex, rp_str(text), 0, RP_MATCH_PARTIAL, &match), -RP_EREGEX);
    rp_regex_free(regex);
    free(text);
}

static void matches_end_with_their_budget(void **state) {
    (void)state;
    struct rp_regex *regex = compile("a*b", RP_REGEX_MANY);
    struct rp_regex_budget budget = {.ns = 1};
    struct rp_match match;
    char *text = long_text(20000, "a", "c");
    assert_int_equal(rp_regex_match_within(regex, rp_str(text), 0, 0, &budget, &match), -RP_EBUDGET);
    assert_int_equal(rp_regex_match_within(regex, rp_str(text), 0, 0, &budget, &match), -RP_EBUDGET);
    int result = RP_MATCH_NONE;
    for (int i = 0; i < 100 && result == RP_MATCH_NONE; i++) {
        result = rp_regex_match_within(regex, RP_STR("aac"), 0, 0, &budget, &match);
    }
    assert_int_equal(result, -RP_EBUDGET);
    rp_regex_free(regex);
    free(text);
}

static void the_steps_of_a_match_are_the_callers_to_set(void **state) {
    (void)state;
    struct rp_regex *regex = compile("(a+)+$", RP_REGEX_MANY);
    struct rp_regex_budget few = {.ns = 1000000000, .steps = 10}, enough = {.ns = 1000000000};
    struct rp_match match;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(rp_regex_match_within(regex, RP_STR("aaaaaaaaab"), 0, 0, &few, &match), -RP_EREGEX);
        assert_int_equal(rp_regex_match_within(regex, RP_STR("aaaaaaaaab"), 0, 0, &enough, &match), RP_MATCH_NONE);
    }
    rp_regex_free(regex);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_tells_its_groups),
        cmocka_unit_test(characters_are_those_of_unicode),
        cmocka_unit_test(matching_starts_where_told_and_looks_behind),
        cmocka_unit_test(look_aheads_hide_no_match),
        cmocka_unit_test(empty_text_needs_no_pointer),
        cmocka_unit_test(a_match_that_could_go_on_is_undecided),
        cmocka_unit_test(partial_matching_works_without_its_jit),
        cmocka_unit_test(broken_text_is_refused_unless_trusted_to_be_whole),
        cmocka_unit_test(bad_patterns_are_explained),
        cmocka_unit_test(hostile_patterns_fail_closed),
        cmocka_unit_test(deep_recursion_ends_at_a_limit),
        cmocka_unit_test(a_reset_start_is_never_outside_the_match),
        cmocka_unit_test(names_lead_to_groups),
        cmocka_unit_test(more_groups_than_are_reported_are_no_danger),
        cmocka_unit_test(the_lookbehind_is_known),
        cmocka_unit_test(one_expression_serves_all_threads),
        cmocka_unit_test(an_expression_of_many_matches_the_same_before_and_after_its_jit),
        cmocka_unit_test(threads_may_meet_while_the_jit_compiles),
        cmocka_unit_test(a_long_text_matches_in_pieces_as_it_does_whole),
        cmocka_unit_test(a_match_without_a_budget_has_an_end),
        cmocka_unit_test(matches_end_with_their_budget),
        cmocka_unit_test(the_steps_of_a_match_are_the_callers_to_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
