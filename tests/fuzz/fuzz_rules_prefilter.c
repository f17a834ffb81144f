/* The rules' prefilter may never lose a match: a pattern and a message, with a line break between them. */
#include <stdlib.h>

#include "plugins/stages/rules/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct matcher *matcher, struct rp_str text) {
    uint64_t bits[1];
    struct matcher_cursor cursor;
    struct rp_match match;
    matcher_start(matcher, text, bits, &cursor);
    bool candidate = matcher_candidate(&cursor, 0);
    int plain = rp_regex_match(matcher_regex(matcher, 0), text, 0, RP_MATCH_TRUSTED, &match);
    if (plain == RP_MATCH_FOUND && !candidate) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *input = (const char *)data, *end = size ? memchr(input, '\n', size) : NULL;
    if (!end) return 0;
    struct rp_str pattern = rp_str_n(input, (size_t)(end - input));
    struct rp_str text = rp_str_n(end + 1, size - pattern.len - 1);
    if (!rp_utf8_valid(text.data, text.len)) return 0;
    struct matcher *matcher = matcher_create();
    if (matcher_add(matcher, pattern, NULL) == 0) {
        matcher_build(matcher);
        compare(matcher, text);
    }
    matcher_destroy(matcher);
    return 0;
}
