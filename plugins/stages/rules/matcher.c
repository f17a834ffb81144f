/* Holds the compiled patterns and walks over the candidates of a message. The automaton finds them, PCRE2 decides. */
#include "matcher.h"

#include <stdlib.h>

#include "automaton.h"

struct matcher {
    struct rp_regex **patterns;
    size_t count, cap;
    uint64_t *always; /* the patterns without literals; made by matcher_build */
    struct literals *scratch;
    uint32_t *bare; /* numbers of those patterns */
    size_t bare_count, bare_cap;
    struct automaton *automaton;
};

struct matcher *matcher_create(void) {
    struct matcher *matcher = rp_calloc(1, sizeof(*matcher));
    matcher->automaton = automaton_create();
    matcher->scratch = rp_alloc(sizeof(*matcher->scratch));
    return matcher;
}

void matcher_destroy(struct matcher *matcher) {
    if (!matcher) return;
    for (size_t i = 0; i < matcher->count; i++) rp_regex_free(matcher->patterns[i]);
    automaton_destroy(matcher->automaton);
    free(matcher->patterns);
    free(matcher->always);
    free(matcher->bare);
    free(matcher->scratch);
    free(matcher);
}

static void add_bare(struct matcher *matcher, uint32_t pattern) {
    if (matcher->bare_count == matcher->bare_cap) {
        matcher->bare_cap = matcher->bare_cap ? matcher->bare_cap * 2 : 16;
        matcher->bare = rp_realloc(matcher->bare, matcher->bare_cap * sizeof(*matcher->bare));
    }
    matcher->bare[matcher->bare_count++] = pattern;
}

int matcher_add(struct matcher *matcher, struct rp_str pattern, struct rp_error *error) {
    struct rp_regex *regex;
    int rc = rp_regex_compile(pattern, 0, &regex, error);
    if (rc != 0) return rc;
    if (matcher->count == matcher->cap) {
        matcher->cap = matcher->cap ? matcher->cap * 2 : 32;
        matcher->patterns = rp_realloc(matcher->patterns, matcher->cap * sizeof(*matcher->patterns));
    }
    uint32_t number = (uint32_t)matcher->count;
    matcher->patterns[matcher->count++] = regex;
    literals_find(pattern, matcher->scratch);
    if (matcher->scratch->count == 0) add_bare(matcher, number);
    for (size_t i = 0; i < matcher->scratch->count; i++) {
        automaton_add(matcher->automaton, &matcher->scratch->items[i], number);
    }
    return 0;
}

void matcher_build(struct matcher *matcher) {
    automaton_build(matcher->automaton);
    matcher->always = rp_calloc(matcher_words(matcher), sizeof(*matcher->always));
    for (size_t i = 0; i < matcher->bare_count; i++) {
        matcher->always[matcher->bare[i] / 64] |= UINT64_C(1) << matcher->bare[i] % 64;
    }
}

size_t matcher_count(const struct matcher *matcher) {
    return matcher->count;
}

size_t matcher_unfiltered(const struct matcher *matcher) {
    return matcher->bare_count;
}

const struct rp_regex *matcher_regex(const struct matcher *matcher, size_t pattern) {
    return matcher->patterns[pattern];
}

size_t matcher_words(const struct matcher *matcher) {
    return matcher->count / 64 + 1;
}

static void set_all(const struct matcher *matcher, uint64_t *bits) {
    memset(bits, 0xFF, matcher->count / 64 * sizeof(*bits));
    bits[matcher->count / 64] = (UINT64_C(1) << matcher->count % 64) - 1;
}

void matcher_start(const struct matcher *matcher, struct rp_str text, uint64_t *bits, struct matcher_cursor *out) {
    memcpy(bits, matcher->always, matcher_words(matcher) * sizeof(*bits));
    if (!automaton_scan(matcher->automaton, text, bits)) set_all(matcher, bits);
    *out = (struct matcher_cursor){.matcher = matcher, .text = text, .bits = bits};
}

int matcher_next(struct matcher_cursor *cursor, size_t *out_pattern, struct rp_match *out_match) {
    size_t words = matcher_words(cursor->matcher);
    for (; cursor->word < words; cursor->word++) {
        uint64_t *word = &cursor->bits[cursor->word];
        while (*word) {
            size_t pattern = cursor->word * 64 + (size_t)__builtin_ctzll(*word);
            *word &= *word - 1;
            int rc = rp_regex_match(cursor->matcher->patterns[pattern], cursor->text, 0, RP_MATCH_TRUSTED, out_match);
            if (rc == RP_MATCH_NONE) continue;
            *out_pattern = pattern;
            return rc;
        }
    }
    return RP_MATCH_NONE;
}

bool matcher_candidate(const struct matcher_cursor *cursor, size_t pattern) {
    return cursor->bits[pattern / 64] >> pattern % 64 & 1;
}
