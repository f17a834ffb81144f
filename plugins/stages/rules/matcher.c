/* Walks over the candidates of a message. The automaton finds the literals, these the candidates; PCRE2 decides. */
#include "matcher.h"

#include <stdlib.h>

#include "matcher_index.h"
#include "pattern_text.h"

struct matcher {
    struct rp_regex **patterns;
    size_t count, cap;
    struct rp_arena *scratch;   /* until the matcher is built: the literals of all patterns */
    struct literals *literals;  /* of each pattern */
    struct matcher_index index; /* made by matcher_build */
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct matcher *matcher_create(void) {
    struct matcher *matcher = rp_calloc(1, sizeof(*matcher));
    matcher->scratch = rp_arena_create();
    return matcher;
}

void matcher_destroy(struct matcher *matcher) {
    if (!matcher) return;
    for (size_t i = 0; i < matcher->count; i++) rp_regex_free(matcher->patterns[i]);
    matcher_index_finish(&matcher->index);
    rp_arena_destroy(matcher->scratch);
    free(matcher->literals);
    free(matcher->patterns);
    free(matcher);
}

int matcher_add(struct matcher *matcher, struct rp_str pattern, struct rp_error *error) {
    struct rp_regex *regex;
    int rc = pattern_compile(matcher->scratch, &pattern, RP_REGEX_MANY, &regex, error);
    if (rc != 0) return rc;
    if (matcher->count == matcher->cap) {
        matcher->cap = matcher->cap ? matcher->cap * 2 : 32;
        matcher->patterns = rp_realloc(matcher->patterns, matcher->cap * sizeof(*matcher->patterns));
        matcher->literals = rp_realloc(matcher->literals, matcher->cap * sizeof(*matcher->literals));
    }
    literals_find(pattern, matcher->scratch, &matcher->literals[matcher->count]);
    matcher->patterns[matcher->count++] = regex;
    return 0;
}

void matcher_build(struct matcher *matcher) {
    matcher_index_build(&matcher->index, matcher->literals, matcher->count);
    free(matcher->literals);
    matcher->literals = NULL;
    rp_arena_destroy(matcher->scratch);
    matcher->scratch = NULL;
}

size_t matcher_count(const struct matcher *matcher) {
    return matcher->count;
}

const struct rp_regex *matcher_regex(const struct matcher *matcher, size_t pattern) {
    return matcher->patterns[pattern];
}

size_t matcher_bare_count(const struct matcher *matcher) {
    return matcher->index.bare_count;
}

size_t matcher_bare(const struct matcher *matcher, size_t index) {
    return matcher->index.bare[index];
}

size_t matcher_bytes(const struct matcher *matcher) {
    return sizeof(*matcher) + matcher->cap * sizeof(*matcher->patterns) + matcher_index_bytes(&matcher->index);
}

/* ---- a message --------------------------------------------------------------------------------------------------- */

void matcher_start(const struct matcher *matcher, struct rp_str text, struct rp_arena *arena,
                   struct rp_regex_budget *budget, struct matcher_cursor *out) {
    *out = (struct matcher_cursor){.matcher = matcher, .text = text, .budget = budget};
    out->count = matcher_index_find(&matcher->index, text, arena, &out->candidates);
}

/* The smaller of the next candidate and the next pattern without literals; SIZE_MAX: there is none. */
static size_t take(struct matcher_cursor *cursor) {
    const struct matcher_index *index = &cursor->matcher->index;
    size_t candidate = cursor->next < cursor->count ? cursor->candidates[cursor->next] : SIZE_MAX;
    size_t bare = cursor->next_bare < index->bare_count ? index->bare[cursor->next_bare] : SIZE_MAX;
    if (candidate < bare) {
        cursor->next++;
        return candidate;
    }
    cursor->next_bare++;
    return bare;
}

static int try_pattern(const struct matcher_cursor *cursor, size_t pattern, struct rp_match *out_match) {
    const struct rp_regex *regex = cursor->matcher->patterns[pattern];
    if (!cursor->budget) return rp_regex_match(regex, cursor->text, 0, RP_MATCH_TRUSTED, out_match);
    return rp_regex_match_within(regex, cursor->text, 0, RP_MATCH_TRUSTED, cursor->budget, out_match);
}

int matcher_next(struct matcher_cursor *cursor, size_t *out_pattern, struct rp_match *out_match) {
    if (cursor->budget) rp_regex_budget_resume(cursor->budget);
    for (size_t pattern; (pattern = take(cursor)) != SIZE_MAX;) {
        int rc = try_pattern(cursor, pattern, out_match);
        if (rc == RP_MATCH_NONE) continue;
        *out_pattern = pattern;
        return rc;
    }
    return RP_MATCH_NONE;
}

/* Is one of the numbers, which ascend, at least `first` and below `end`? */
static bool has_between(const uint32_t *numbers, size_t count, size_t first, size_t end) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (numbers[middle] < first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && numbers[low] < end;
}

bool matcher_may_match(const struct matcher_cursor *cursor, size_t first, size_t count) {
    const struct matcher_index *index = &cursor->matcher->index;
    return has_between(cursor->candidates, cursor->count, first, first + count) ||
           has_between(index->bare, index->bare_count, first, first + count);
}
