/* Which patterns a sieve takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/sieve.h>
#include <string.h>

#include "core/text/sieve_lint.h"

static void what_depends_on_more_than_the_text_is_refused(void **state) {
    static const struct {
        const char *pattern, *refused;
    } cases[] = {
        {"a(*COMMIT)b", "(*"}, {"(*UTF)a", "(*"}, {"a\\Kb", "\\K"},   {"\\X", "\\X"},        {"\\C", "\\C"},
        {"\\(*a", NULL},       {"[(*]", NULL},    {"[](*]", NULL},    {"[^](*]", NULL},      {"[[:alpha:](*]", NULL},
        {"\\\\(*A)", "(*"},    {"[\\](*]", NULL}, {"\\Q(*\\E", NULL}, {"\\Q(*", NULL},       {"\\c[(*A)", "(*"},
        {"[a](*A)", "(*"},     {"a\\", NULL},     {"[a", NULL},       {"\\QG\\E\\G", "\\G"}, {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sieve_lint lint;
        const char *refused = sieve_lint(cases[i].pattern, &lint);
        if (!refused != !cases[i].refused || (refused && strcmp(refused, cases[i].refused) != 0)) {
            fail_msg("'%s': %s", cases[i].pattern, refused ? refused : "taken");
        }
    }
}

static void look_behinds_are_counted(void **state) {
    struct sieve_lint lint;
    (void)state;
    assert_null(sieve_lint("(?<=a(?<!b))(?<name>c)\\(?<=[(?<=]", &lint));
    assert_int_equal(lint.lookbehinds, 2);
}

static void beginnings_of_lines_are_seen(void **state) {
    static const struct {
        const char *pattern;
        bool lines;
    } cases[] = {{"(?m)^a", true}, {"a(?i-sm:\\n^b)", true}, {"^a", false}, {"(?m)a$", false}, {"a\\R", true}, {"[^m](?:m)", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sieve_lint lint;
        assert_null(sieve_lint(cases[i].pattern, &lint));
        if (lint.lines != cases[i].lines) fail_msg("'%s'", cases[i].pattern);
    }
}

/* What looks like a class or a quote may be a comment, and end where nobody reads it. */
static void comments_shelter_nothing(void **state) {
    static const struct {
        const char *pattern, *refused;
    } cases[] = {
        {"(?x)a # [\n b\\Kc # ]", "\\K"}, {"(?x)a # \\Q\n b\\Kc", "\\K"}, {"(?#[)a(*COMMIT)b", "(*"},
        {"(?i-sx: #[\n (*PRUNE))", "(*"}, {"(?#\\)\\K", "\\K"},           {"(?<x>[(*])", NULL},
        {"\\\\K", NULL},                  {"\\c\\K", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sieve_lint lint;
        const char *refused = sieve_lint(cases[i].pattern, &lint);
        if (!refused != !cases[i].refused || (refused && strcmp(refused, cases[i].refused) != 0)) {
            fail_msg("'%s': %s", cases[i].pattern, refused ? refused : "taken");
        }
    }
}

static void patterns_that_hold_all_prose_are_known(void **state) {
    static const struct {
        const char *pattern;
        bool holds;
    } cases[] = {
        {".*refund", true},      {"(?s).*", true},          {"[^\\n]+refund", true},  {"(?m)^.*refund", true},
        {"(?=.*refund)\\w", true}, {"[^.]*refund", false},    {"(?:\\w|\\W)+?x", true}, {"\\brefund\\b.*", false},
        {"\\w+ refund", false},  {".{0,500}refund", false}, {"The.*refund", false},   {"^Sorry.*", false},
        {"[^.]*refund", false},   {"(?i)your.*", false},     {"a.{1,20}b", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rp_sieve_set set = {.count = 0};
        struct rp_regex *regex;
        assert_int_equal(rp_sieve_compile(cases[i].pattern, &set, &regex, NULL), 0);
        if (rp_sieve_holds_all(regex) != cases[i].holds) fail_msg("'%s'", cases[i].pattern);
        rp_regex_free(regex);
    }
}

static void mistakes_are_told(void **state) {
    struct rp_regex *regex;
    struct rp_error error = {0};
    struct rp_sieve_set set = {.count = 0};
    (void)state;
    assert_int_equal(rp_sieve_compile("a\\Kb", &set, &regex, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "'\\K' cannot be used where text comes in pieces"));
    assert_int_equal(rp_sieve_compile("(a", &set, &regex, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "missing closing parenthesis"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_depends_on_more_than_the_text_is_refused),
        cmocka_unit_test(look_behinds_are_counted),
        cmocka_unit_test(beginnings_of_lines_are_seen),
        cmocka_unit_test(comments_shelter_nothing),
        cmocka_unit_test(patterns_that_hold_all_prose_are_known),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
