/* The rules' prefilter may never lose a match: two patterns and a message, with line breaks between them. */
#include <stdlib.h>

#include "plugins/stages/rules/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct matcher *matcher, struct rp_str text) {
    struct rp_arena *arena = rp_arena_create();
    struct matcher_cursor cursor;
    struct rp_match match;
    matcher_start(matcher, text, arena, NULL, &cursor);
    for (size_t i = 0; i < matcher_count(matcher); i++) {
        int plain = rp_regex_match(matcher_regex(matcher, i), text, 0, RP_MATCH_TRUSTED, &match);
        if (plain == RP_MATCH_FOUND && !matcher_may_match(&cursor, i, 1)) abort();
    }
    rp_arena_destroy(arena);
}

/* Up to the next line break, which is passed over. */
static struct rp_str cut_line(struct rp_str *rest) {
    const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    struct rp_str line = rp_str_n(rest->data, end ? (size_t)(end - rest->data) : rest->len);
    size_t used = line.len + (end != NULL);
    *rest = rp_str_n(rest->data + used, rest->len - used);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_str text = rp_str_n((const char *)data, size);
    struct matcher *matcher = matcher_create();
    matcher_add(matcher, cut_line(&text), NULL);
    matcher_add(matcher, cut_line(&text), NULL);
    matcher_build(matcher);
    if (rp_utf8_valid(text.data, text.len)) compare(matcher, text);
    matcher_destroy(matcher);
    return 0;
}
