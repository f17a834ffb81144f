/* The law of streams: however a text is cut, what comes out is what the whole text gives, and at no time has anything
 * left that is not a beginning of that. And the whole text gives what sieve.h says, told here a second time and plainly. */
#include "masks.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 400

/* ---- what sieve.h says, without streams ------------------------------------------------------------------------------ */

struct span {
    size_t start, end;
};

/* The rule's takings in the whole text. */
static size_t takings(const struct rp_sieve_pattern *rule, struct rp_str text, struct span *out) {
    size_t count = 0;
    struct rp_match match;
    for (size_t from = 0; rp_regex_match(rule->regex, text, from, 0, &match) == RP_MATCH_FOUND;) {
        struct span span = {match.group[0].start, match.group[0].end};
        struct rp_str found = rp_str_n(text.data + span.start, span.end - span.start);
        if (found.len) span.end = span.start + (rule->check ? rule->check(found) : found.len);
        if (span.end > span.start) out[count++] = span;
        from = span.end;
        if (span.end == span.start) {
            do from++;
            while (from < text.len && !masks_is_boundary(text.data, from));
        }
        if (from >= text.len) break;
    }
    return count;
}

/* The earliest, longest, first of all takings from `from` on; then everything that overlaps. */
static char *expected(const struct mask *mask, const char *text) {
    static struct span spans[8][TEXT_MAX];
    size_t counts[8], len = strlen(text), at = 0;
    char *out = calloc(1, len * 20 + 1);
    assert_true(mask->set.count <= 8);
    for (size_t r = 0; r < mask->set.count; r++) counts[r] = takings(&mask->patterns[r], rp_str(text), spans[r]);
    while (at < len) {
        const char *word = NULL;
        size_t end = 0;
        for (size_t r = 0; r < mask->set.count; r++) {
            for (size_t i = 0; i < counts[r]; i++) {
                if (spans[r][i].start != at || spans[r][i].end <= end) continue;
                word = mask->rules[r].word;
                end = spans[r][i].end;
            }
        }
        if (!word) {
            strncat(out, text + at++, 1);
            continue;
        }
        strcat(out, word);
        for (size_t r = 0; r < mask->set.count * (len + 1); r++) { /* often enough for any chain of overlaps */
            size_t rule = r % mask->set.count;
            for (size_t i = 0; i < counts[rule]; i++) {
                if (spans[rule][i].start < end && spans[rule][i].end > end && spans[rule][i].start >= at) {
                    end = spans[rule][i].end;
                }
            }
        }
        at = end;
    }
    return out;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static const char *const fragments[] = {
    "13812345678",
    "+86 138-1234-5678",
    "1381234567",
    "138123456789",
    "008613912345678",
    "+",
    "86",
    "+86",
    "11010519491231002X",
    "110105194912310021",
    "110105 19491231 002X",
    "440308199901101512",
    "4111 1111 1111 1111",
    "4111111111111112",
    "6222021234567890128",
    "4111-1111-1111-1112",
    "100",
    "4111",
    "a.b@mail.example.com",
    "abc@qq.com",
    "x@y",
    "@",
    "john",
    "a@b.c.",
    ".",
    "co.uk",
    "192.168.0.1",
    "256.1.1.1",
    "1.2.3.4.5",
    "1.2.3.",
    "10.0.0.255",
    "我的手机号是",
    "，谢谢。",
    "中",
    "é",
    "😀",
    "\u00A0",
    "\u2011",
    "１３８",
    "５",
    "\u200B",
    " ",
    "-",
    "  ",
    "\n",
    "1",
    "0",
    "X",
    "x",
};
static const char *const words[] = {
    "foo", "foobar", "Foo", "barfoo", "ba", "ac",   "bac",     "bbac", "id:", "id: ",  "A1",  "42",
    "元",  " 元",    "aaa", "aa",     "\n", "\r\n", "- ",      "<",    ">",   "start", "end", "Ünder",
    "ß",   "ſ",      "K",   "中文",   "😀",  "é",    "e\u0301", " ",    ".",   "!",     "_",   "",
};

static uint64_t seed = 88172645463325252u;

static size_t below(size_t bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % bound;
}

static void make_text(char *text, const char *const *parts, size_t count, size_t most) {
    text[0] = '\0';
    for (size_t n = 1 + below(most); n > 0; n--) {
        const char *part = parts[below(count)];
        if (strlen(text) + strlen(part) < TEXT_MAX) strcat(text, part);
    }
}

static void make_cuts(bool *cut, const char *text) {
    size_t often = 1 + below(12);
    for (size_t i = 0; text[i]; i++) cut[i] = masks_is_boundary(text, i + 1) && below(often) == 0;
}

static void expect_random_cuts(const struct mask *mask, const char *const *parts, size_t count, size_t texts) {
    char text[TEXT_MAX + 1];
    bool cut[TEXT_MAX + 1];
    for (size_t n = 0; n < texts; n++) {
        make_text(text, parts, count, 9);
        if (!text[0]) continue;
        char *whole = masks_whole(mask, text), *plain = expected(mask, text);
        if (strcmp(whole, plain) != 0) fail_msg("'%s' gives '%s', not '%s'", text, whole, plain);
        for (size_t i = 0; i < 8; i++) {
            make_cuts(cut, text);
            masks_expect_pieces(mask, text, cut, whole);
        }
        free(whole);
        free(plain);
    }
}

/* All ways to cut a text in up to three, and into single characters. */
static void expect_every_cut(const struct mask *mask, const char *text) {
    size_t len = strlen(text);
    bool cut[TEXT_MAX + 1] = {false};
    char *whole = masks_whole(mask, text);
    for (size_t i = 1; i < len; i++) {
        if (!masks_is_boundary(text, i)) continue;
        for (size_t j = i; j < len; j++) {
            if (!masks_is_boundary(text, j)) continue;
            cut[i - 1] = cut[j - 1] = true;
            masks_expect_pieces(mask, text, cut, whole);
            cut[i - 1] = cut[j - 1] = false;
        }
    }
    for (size_t i = 1; i < len; i++) cut[i - 1] = masks_is_boundary(text, i);
    masks_expect_pieces(mask, text, cut, whole);
    free(whole);
}

/* ---- the tests ------------------------------------------------------------------------------------------------------ */

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static void every_cut_of_short_texts_gives_the_whole(void **state) {
    static const char *const texts[] = {
        "13812345678",
        "+86 138-1234-5678.",
        "1138123456781",
        "id 11010519491231002X!",
        "110105194912310021 13812345678",
        "100 4111 1111 1111 1111 100",
        "4111 1111 1111 1112 139 1234 5678",
        "4111111111111111411",
        "mail abc@mail.example.co.uk, ok",
        "13812345678@qq.com",
        "ip 10.0.0.255, 1.2.3.4.5",
        "1.2.3.4@x.org",
        "手机１３８１２３４５６７８或13812345678，完",
        "6222021234567890128 6222021234567890123",
    };
    (void)state;
    struct mask *mask = masks_all();
    for (size_t i = 0; i < COUNT(texts); i++) expect_every_cut(mask, texts[i]);
    mask_free(mask);
}

static void random_cuts_of_near_misses_give_the_whole(void **state) {
    (void)state;
    struct mask *mask = masks_all();
    expect_random_cuts(mask, fragments, COUNT(fragments), 20000);
    mask_free(mask);
}

static void own_patterns_with_context_are_exact(void **state) {
    static const struct rp_pattern patterns[] = {
        {.name = "word", .match = "\\bfoo\\b"},
        {.name = "nested", .match = "(?<=a(?<=ba))c"},
        {.name = "unicode", .match = "(?<!\\p{L})\\p{Lu}\\p{Ll}+(?!\\w)"},
        {.name = "price", .match = "\\d+(?=\\s*元)"},
        {.name = "twice", .match = "(\\w)\\1{2,}"},
        {.name = "line", .match = "(?m)^- .{1,6}$"},
        {.name = "fold", .match = "(?i)ſs?|k"},
        {.name = "tag", .match = "(?s)<.{0,20}?>"},
    };
    static const struct rp_pattern others[] = {
        {.name = "first", .match = "\\Astart"},    {.name = "begin", .match = "^(?:foo|id)"},
        {.name = "last", .match = "end\\z"},       {.name = "close", .match = "\\w$"},
        {.name = "inner", .match = "\\Boo\\B"},    {.name = "lines", .match = "\\R+"},
        {.name = "named", .match = "(?<x>id): ?"}, {.name = "id", .match = "(?<=id:)\\s?(?<!: )[A-Z]\\d"},
    };
    (void)state;
    struct mask *mask = masks_of(patterns, COUNT(patterns));
    expect_random_cuts(mask, words, COUNT(words), 6000);
    mask_free(mask);
    mask = masks_of(others, COUNT(others));
    expect_random_cuts(mask, words, COUNT(words), 6000);
    mask_free(mask);
}

static void nested_look_behinds_see_far_enough(void **state) {
    (void)state;
    struct mask *mask = masks_own("(?<=(?<=(?<=xab)b)b)c");
    char *whole = masks_whole(mask, "-xabbbc-");
    assert_string_equal(whole, "-xabbb[own]-");
    free(whole);
    expect_every_cut(mask, "-xabbbc-");
    mask_free(mask);
}

/* Own and built-in patterns overlap in all ways, and pieces that hold nothing a built-in one needs lie between. */
static void overlaps_are_exact(void **state) {
    static const struct rp_pattern patterns[] = {
        ALL_BUILT_IN,
        {.name = "tail", .match = "\\d{4}\\D{1,4}\\d?"},
        {.name = "pair", .match = "[a-z]@[a-z]"},
        {.name = "row", .match = "\\d{2,}[ -]\\d{2,}"},
    };
    (void)state;
    struct mask *mask = masks_of(patterns, COUNT(patterns));
    expect_random_cuts(mask, fragments, COUNT(fragments), 6000);
    mask_free(mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_of_short_texts_gives_the_whole),
        cmocka_unit_test(random_cuts_of_near_misses_give_the_whole),
        cmocka_unit_test(own_patterns_with_context_are_exact),
        cmocka_unit_test(nested_look_behinds_see_far_enough),
        cmocka_unit_test(overlaps_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
