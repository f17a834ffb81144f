/* Sieves: parts and groups, the same for every cut, and work in proportion to the text. That the takings are the right
 * ones is tested with redact (test_cuts.c), which is a sieve with words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/sieve.h>
#include <stdlib.h>

#define PATTERNS 4

struct set {
    struct rp_sieve_set set;
    struct rp_sieve_pattern patterns[PATTERNS];
    struct rp_regex *regexes[PATTERNS];
};

static void open_set(struct set *set, const char *const *patterns, size_t hold) {
    *set = (struct set){.set = {.patterns = set->patterns, .hold = hold}};
    for (; patterns[set->set.count]; set->set.count++) {
        size_t i = set->set.count;
        struct rp_error error;
        if (rp_sieve_compile(patterns[i], &set->set, &set->regexes[i], &error)) fail_msg("%s", error.text);
        set->patterns[i].regex = set->regexes[i];
    }
}

static void close_set(struct set *set) {
    for (size_t i = 0; i < set->set.count; i++) rp_regex_free(set->regexes[i]);
}

/* Writes every part down: plain text as it is, a match as <pattern:taken:first group>. */
static int drain(struct rp_sieve *sieve, struct rp_buf *out) {
    struct rp_sieve_part part;
    int found;
    while ((found = rp_sieve_next(sieve, &part)) > 0) {
        struct rp_match match;
        struct rp_str text;
        if (found == RP_SIEVE_TEXT) {
            rp_buf_append_str(out, part.text);
            continue;
        }
        assert_int_equal(rp_sieve_groups(sieve, &part, &match, &text), 0);
        bool has_group = match.count > 1;
        rp_buf_printf(out, "<%zu:%.*s:%.*s>", part.pattern, RP_STR_ARG(part.text),
                      has_group ? (int)(match.group[1].end - match.group[1].start) : 0,
                      has_group ? text.data + match.group[1].start : "");
    }
    return found;
}

static void expect_cut(const struct set *set, const char *text, size_t size, const char *expected) {
    struct rp_sieve *sieve = rp_sieve_create(&set->set);
    struct rp_buf out;
    rp_buf_init(&out, 1 << 20);
    for (size_t at = 0, len = strlen(text); at < len; at += size) {
        size_t piece = len - at < size ? len - at : size;
        assert_int_equal(rp_sieve_feed(sieve, rp_str_n(text + at, piece), at + piece == len), 0);
        assert_int_equal(drain(sieve, &out), RP_SIEVE_DONE);
    }
    assert_string_equal(out.data, expected);
    rp_buf_finish(&out);
    rp_sieve_destroy(sieve);
}

static void parts_and_groups_do_not_depend_on_the_cut(void **state) {
    static const char *const patterns[] = {"order #(\\d+)\\b", "(?<=(\\w) )guarantee\\w*", "\\d+", NULL};
    (void)state;
    struct set set;
    open_set(&set, patterns, 100);
    for (size_t size = 1; size < 50; size++) {
        expect_cut(&set, "I guarantee that order #123 comes, 45.", size,
                   "I <1:guarantee:I> that <0:order #123:123> comes, <2:45:>.");
    }
    close_set(&set);
}

/* PCRE2 says of ^ behind a line feed that it fails where the text ends, and not that it would like to see more. And \R
 * takes both halves of a line break, whether the JIT is there or not. */
static void a_line_begins_with_its_first_byte(void **state) {
    static const char *const patterns[] = {"(?m)\\.\n+^- \\w", "(?m)(?<=^)x", NULL};
    (void)state;
    struct set set;
    open_set(&set, patterns, 100);
    assert_true(set.set.lines);
    for (size_t size = 1; size < 20; size++) {
        expect_cut(&set, "a.\n\n- b.\nx.\n", size, "a<0:.\n\n- b:>.\n<1:x:>.\n");
    }
    close_set(&set);
    static const char *const breaks[] = {"\\R+?", NULL};
    open_set(&set, breaks, 100);
    for (size_t size = 1; size < 8; size++) expect_cut(&set, "a\r\nb\r\r\n", size, "a<0:\r\n:>b<0:\r:><0:\r\n:>");
    close_set(&set);
}

static void only_what_is_undecided_waits(void **state) {
    static const char *const patterns[] = {"guarantee", NULL};
    (void)state;
    struct set set;
    open_set(&set, patterns, 100);
    struct rp_sieve *sieve = rp_sieve_create(&set.set);
    struct rp_sieve_part part;
    assert_int_equal(rp_sieve_feed(sieve, RP_STR("I gua"), false), 0);
    assert_int_equal(rp_sieve_next(sieve, &part), RP_SIEVE_TEXT);
    assert_true(rp_str_equal(part.text, RP_STR("I ")));
    assert_int_equal(rp_sieve_next(sieve, &part), RP_SIEVE_DONE);
    assert_true(rp_str_equal(rp_sieve_waiting(sieve), RP_STR("gua")));
    assert_int_equal(rp_sieve_feed(sieve, RP_STR("rd"), false), 0);
    assert_int_equal(rp_sieve_next(sieve, &part), RP_SIEVE_TEXT);
    assert_true(rp_str_equal(part.text, RP_STR("guard")));
    rp_sieve_destroy(sieve);
    close_set(&set);
}

static void too_much_that_waits_is_an_error(void **state) {
    static const char *const patterns[] = {"a[^z]*z", NULL};
    (void)state;
    struct set set;
    open_set(&set, patterns, 5);
    struct rp_sieve *sieve = rp_sieve_create(&set.set);
    struct rp_sieve_part part = {.pattern = 9};
    assert_int_equal(rp_sieve_feed(sieve, RP_STR("a1234"), false), 0);
    assert_int_equal(rp_sieve_next(sieve, &part), RP_SIEVE_DONE);
    assert_int_equal(rp_sieve_feed(sieve, RP_STR("5"), false), 0);
    assert_int_equal(rp_sieve_next(sieve, &part), -RP_ETOOLARGE);
    assert_int_equal(part.pattern, 0);
    rp_sieve_destroy(sieve);
    close_set(&set);
}

static size_t looks;
static unsigned count_looks(struct rp_str text) {
    (void)text;
    looks++;
    return 0;
}

/* A long text that stays undecided, in small pieces: it is given whole in the end, and was not searched with each. */
static void long_waiting_costs_in_proportion(void **state) {
    static const char *const patterns[] = {"<[^>]*>", NULL};
    (void)state;
    struct set set;
    open_set(&set, patterns, 1 << 20);
    set.set.classes = count_looks; /* asked for whenever something is searched */
    struct rp_sieve *sieve = rp_sieve_create(&set.set);
    struct rp_sieve_part part;
    struct rp_buf out;
    rp_buf_init(&out, 1 << 20);
    rp_sieve_feed(sieve, RP_STR("<"), false);
    assert_int_equal(drain(sieve, &out), RP_SIEVE_DONE);
    for (size_t i = 0; i < 50000; i++) {
        if (i == 2047) assert_int_equal(looks, 2048); /* up to 4 KiB with every piece */
        assert_int_equal(rp_sieve_feed(sieve, RP_STR("x."), false), 0);
        assert_int_equal(rp_sieve_next(sieve, &part), RP_SIEVE_DONE);
    }
    assert_int_equal(rp_sieve_waiting(sieve).len, 100001);
    assert_true(looks > 2048 && looks < 2100);
    assert_int_equal(rp_sieve_feed(sieve, RP_STR(">!"), true), 0);
    assert_int_equal(drain(sieve, &out), RP_SIEVE_DONE);
    assert_int_equal(out.len, strlen("<0:") + 100002 + strlen(":>!"));
    rp_buf_finish(&out);
    rp_sieve_destroy(sieve);
    close_set(&set);
}

static void broken_text_is_refused(void **state) {
    static const char *const patterns[] = {"a", NULL};
    (void)state;
    struct set set;
    open_set(&set, patterns, 5);
    struct rp_sieve *sieve = rp_sieve_create(&set.set);
    assert_int_equal(rp_sieve_feed(sieve, RP_STR("\xFF"), false), -RP_EUTF8);
    rp_sieve_destroy(sieve);
    close_set(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_groups_do_not_depend_on_the_cut),
        cmocka_unit_test(a_line_begins_with_its_first_byte),
        cmocka_unit_test(only_what_is_undecided_waits),
        cmocka_unit_test(too_much_that_waits_is_an_error),
        cmocka_unit_test(long_waiting_costs_in_proportion),
        cmocka_unit_test(broken_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
