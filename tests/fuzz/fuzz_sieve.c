/* Sieves: whatever the patterns, the text and the cuts, the parts that come of the pieces are those of the whole text.
 * The input is cuts, two patterns that end in a line feed each, and the text. */
#include <repartee/sieve.h>
#include <stdlib.h>

#define CUTS 6
#define PATTERN_MAX 60

struct set {
    struct rp_sieve_set set;
    struct rp_sieve_pattern patterns[3];
    struct rp_regex *regexes[3];
};

static void add(struct set *set, const char *pattern) {
    struct rp_regex *regex;
    if (rp_sieve_compile(pattern, &set->set, &regex, NULL)) return;
    set->regexes[set->set.count] = regex;
    set->patterns[set->set.count++].regex = regex;
}

/* Takes a pattern off the front of the text. */
static void take_pattern(struct set *set, struct rp_str *text) {
    char pattern[PATTERN_MAX + 1];
    const char *end = memchr(text->data, '\n', text->len);
    if (!end || end - text->data > PATTERN_MAX) return;
    size_t len = (size_t)(end - text->data);
    memcpy(pattern, text->data, len);
    pattern[len] = '\0';
    *text = rp_str_n(end + 1, text->len - len - 1);
    if (len && strlen(pattern) == len) add(set, pattern);
}

/* The parts as text: a taking as <its place:the pattern's number:what was taken:group 1>. 0, or an error of the sieve. */
static int drain(struct rp_sieve *sieve, struct rp_buf *out) {
    struct rp_sieve_part part;
    int kind;
    while ((kind = rp_sieve_next(sieve, &part)) > 0) {
        struct rp_match match;
        struct rp_str text;
        if (kind == RP_SIEVE_TEXT) {
            rp_buf_append_str(out, part.text);
            continue;
        }
        int code = rp_sieve_groups(sieve, &part, &match, &text);
        if (code) return code;
        rp_buf_printf(out, "<%zu:%zu:%.*s:", part.at, part.pattern, RP_STR_ARG(part.text));
        if (match.count > 1 && match.group[1].start != SIZE_MAX)
            rp_buf_append(out, text.data + match.group[1].start, match.group[1].end - match.group[1].start);
        rp_buf_append(out, ">", 1);
    }
    return kind;
}

static int feed(struct rp_sieve *sieve, struct rp_str piece, bool final, struct rp_buf *out) {
    int code = rp_sieve_feed(sieve, piece, final);
    return code ? code : drain(sieve, out);
}

static int feed_cut(struct rp_sieve *sieve, const uint8_t *cuts, struct rp_str text, struct rp_buf *out) {
    size_t from = 0;
    int code = 0;
    for (size_t i = 0; i < CUTS && code == 0; i++) {
        size_t to = from + cuts[i] % 32;
        if (to >= text.len) break;
        to = from + rp_utf8_whole(text.data + from, to - from);
        code = feed(sieve, rp_str_n(text.data + from, to - from), false, out);
        from = to;
    }
    return code ? code : feed(sieve, rp_str_n(text.data + from, text.len - from), true, out);
}

static void compare(const struct set *set, const uint8_t *cuts, struct rp_str text) {
    struct rp_sieve *whole = rp_sieve_create(&set->set), *pieces = rp_sieve_create(&set->set);
    struct rp_buf expected, given;
    rp_buf_init(&expected, 1 << 24);
    rp_buf_init(&given, 1 << 24);
    int code = feed(whole, text, true, &expected);
    /* A limit counts for each match by itself: pieces may need more of them, or fewer. */
    if (code != -RP_EREGEX && feed_cut(pieces, cuts, text, &given) == 0 &&
        (code || !rp_str_equal(rp_buf_str(&expected), rp_buf_str(&given))))
        abort();
    rp_buf_finish(&expected);
    rp_buf_finish(&given);
    rp_sieve_destroy(whole);
    rp_sieve_destroy(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct set set = {.set = {.hold = SIZE_MAX}};
    if (size < CUTS) return 0;
    struct rp_str text = {(const char *)data + CUTS, size - CUTS};
    if (!rp_utf8_valid(text.data, text.len)) return 0;
    set.set.patterns = set.patterns;
    take_pattern(&set, &text);
    take_pattern(&set, &text);
    add(&set, "(?<!\\w)gua(rantee)?\\b");
    compare(&set, data, text);
    for (size_t i = 0; i < set.set.count; i++) rp_regex_free(set.regexes[i]);
    return 0;
}
