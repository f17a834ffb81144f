/* Builds the index, and asks it. */
#include "matcher_index.h"

#include <stdlib.h>

#include "automaton.h"
#include "popularity.h"

#define POPULAR 4   /* patterns that share a literal, from which on their other sets are looked at too */
#define COMMON 0.5  /* chance from which on a set is no help */
#define FEW 16      /* candidates that are sorted by hand */

/* ---- building ---------------------------------------------------------------------------------------------------- */

struct choice { /* for a pattern: which of its sets makes it a candidate, its literals' numbers in the automaton */
    uint32_t set, *numbers;
};

static double chance_of(const struct popularity *popularity, const struct literal_set *set, size_t pattern_count) {
    double chance = 0;
    for (size_t i = 0; i < set->count; i++) {
        chance += literal_chance(set->items[i]);
        chance += (double)popularity_of(popularity, set->items[i]) / (double)pattern_count;
    }
    return chance;
}

static uint32_t choose(const struct popularity *popularity, const struct literals *literals, size_t pattern_count) {
    uint32_t best = 0;
    double least = 0;
    for (uint32_t i = 0; i < literals->count; i++) {
        double chance = chance_of(popularity, &literals->sets[i], pattern_count);
        if (i == 0 || chance < least) {
            best = i;
            least = chance;
        }
    }
    return best;
}

static void append(struct matcher_index *index, uint32_t value) {
    if (index->set_count == index->set_cap) {
        index->set_cap = index->set_cap ? index->set_cap * 2 : 64;
        index->sets = rp_realloc(index->sets, index->set_cap * sizeof(*index->sets));
    }
    index->sets[index->set_count++] = value;
}

static void append_set(struct matcher_index *index, const struct literal_set *set) {
    append(index, (uint32_t)set->count);
    for (size_t i = 0; i < set->count; i++) append(index, automaton_add(index->automaton, set->items[i]));
}

static bool is_popular(const struct popularity *popularity, const struct literal_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        if (popularity_of(popularity, set->items[i]) >= POPULAR) return true;
    }
    return false;
}

/* The sets besides the chosen one, where that one makes many patterns candidates. */
static void add_rest(struct matcher_index *index, const struct popularity *popularity, const struct literals *literals,
                     uint32_t chosen, size_t pattern) {
    if (!is_popular(popularity, &literals->sets[chosen])) return;
    size_t start = index->set_count;
    append(index, 0);
    for (uint32_t i = 0; i < literals->count; i++) {
        if (i == chosen || chance_of(popularity, &literals->sets[i], index->pattern_count) > COMMON) continue;
        append_set(index, &literals->sets[i]);
        index->sets[start]++;
    }
    if (index->sets[start] == 0) {
        index->set_count = start;
    } else {
        index->rest[pattern] = (uint32_t)start;
    }
}

/* Puts the chosen literals into the automaton, and notes their numbers. */
static void add_pattern(struct matcher_index *index, const struct popularity *popularity,
                        const struct literals *literals, size_t pattern, struct choice *choice) {
    if (literals->count == 0) {
        index->bare[index->bare_count++] = (uint32_t)pattern;
        return;
    }
    choice->set = choose(popularity, literals, index->pattern_count);
    const struct literal_set *set = &literals->sets[choice->set];
    choice->numbers = rp_alloc(set->count * sizeof(*choice->numbers));
    for (size_t i = 0; i < set->count; i++) choice->numbers[i] = automaton_add(index->automaton, set->items[i]);
    index->posting_count += set->count;
    add_rest(index, popularity, literals, choice->set, pattern);
}

/* For each literal, the patterns that it makes candidates: counted first, then put in their places. */
static void post(struct matcher_index *index, const struct literals *literals, const struct choice *choices) {
    uint32_t *first = rp_calloc(index->literal_count + 2, sizeof(*first));
    index->patterns = rp_alloc((index->posting_count + 1) * sizeof(*index->patterns));
    for (size_t p = 0; p < index->pattern_count; p++) {
        size_t count = literals[p].count ? literals[p].sets[choices[p].set].count : 0;
        for (size_t i = 0; i < count; i++) first[choices[p].numbers[i] + 2]++;
    }
    for (size_t i = 2; i < index->literal_count + 2; i++) first[i] += first[i - 1];
    for (size_t p = 0; p < index->pattern_count; p++) {
        size_t count = literals[p].count ? literals[p].sets[choices[p].set].count : 0;
        for (size_t i = 0; i < count; i++) index->patterns[first[choices[p].numbers[i] + 1]++] = (uint32_t)p;
    }
    index->first = first;
}

static void count_literals(struct popularity *popularity, const struct literals *literals, size_t count) {
    for (size_t p = 0; p < count; p++) {
        for (size_t s = 0; s < literals[p].count; s++) {
            const struct literal_set *set = &literals[p].sets[s];
            for (size_t i = 0; i < set->count; i++) popularity_add(popularity, set->items[i]);
        }
    }
}

void matcher_index_build(struct matcher_index *index, const struct literals *literals, size_t count) {
    struct popularity *popularity = popularity_create();
    struct choice *choices = rp_calloc(count + 1, sizeof(*choices));
    count_literals(popularity, literals, count);
    *index = (struct matcher_index){.automaton = automaton_create(), .pattern_count = count};
    index->rest = rp_calloc(count + 1, sizeof(*index->rest));
    index->bare = rp_alloc((count + 1) * sizeof(*index->bare));
    append(index, 0); /* place 0 means none */
    for (size_t p = 0; p < count; p++) add_pattern(index, popularity, &literals[p], p, &choices[p]);
    index->bare = rp_realloc(index->bare, (index->bare_count + 1) * sizeof(*index->bare));
    index->sets = rp_realloc(index->sets, (index->set_cap = index->set_count) * sizeof(*index->sets));
    index->literal_count = automaton_count(index->automaton);
    automaton_build(index->automaton);
    post(index, literals, choices);
    for (size_t p = 0; p < count; p++) free(choices[p].numbers);
    free(choices);
    popularity_destroy(popularity);
}

void matcher_index_finish(struct matcher_index *index) {
    automaton_destroy(index->automaton);
    free(index->first);
    free(index->patterns);
    free(index->rest);
    free(index->sets);
    free(index->bare);
}

size_t matcher_index_bytes(const struct matcher_index *index) {
    size_t numbers = index->literal_count + 2 + index->posting_count + index->pattern_count + index->set_cap +
                     index->bare_count + 3;
    return automaton_bytes(index->automaton) + numbers * sizeof(uint32_t);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

struct sighting { /* the literals that were seen */
    const struct matcher_index *index;
    uint64_t *bits;
    size_t words;
};

static bool is_seen(const struct sighting *sighting, uint32_t literal) {
    return sighting->bits[literal / 64] >> literal % 64 & 1;
}

/* Was one literal of each of the pattern's other sets seen? */
static bool rest_is_seen(const struct sighting *sighting, uint32_t pattern) {
    const uint32_t *at = sighting->index->sets + sighting->index->rest[pattern];
    for (uint32_t sets = *at++; sets > 0; sets--) {
        bool seen = false;
        for (uint32_t count = *at++; count > 0; count--) seen |= is_seen(sighting, *at++);
        if (!seen) return false;
    }
    return true;
}

/* How many patterns the literals that were seen lead to. */
static size_t count_postings(const struct sighting *sighting) {
    size_t sum = 0;
    for (size_t w = 0; w < sighting->words; w++) {
        for (uint64_t word = sighting->bits[w]; word; word &= word - 1) {
            size_t literal = w * 64 + (size_t)__builtin_ctzll(word);
            sum += sighting->index->first[literal + 1] - sighting->index->first[literal];
        }
    }
    return sum;
}

static size_t collect(const struct sighting *sighting, uint32_t *out) {
    const struct matcher_index *index = sighting->index;
    size_t count = 0;
    for (size_t w = 0; w < sighting->words; w++) {
        for (uint64_t word = sighting->bits[w]; word; word &= word - 1) {
            size_t literal = w * 64 + (size_t)__builtin_ctzll(word);
            for (uint32_t i = index->first[literal]; i < index->first[literal + 1]; i++) {
                if (rest_is_seen(sighting, index->patterns[i])) out[count++] = index->patterns[i];
            }
        }
    }
    return count;
}

static int by_number(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void sort(uint32_t *items, size_t count) {
    if (count > FEW) {
        qsort(items, count, sizeof(*items), by_number);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint32_t item = items[i];
        size_t k = i;
        for (; k > 0 && items[k - 1] > item; k--) items[k] = items[k - 1];
        items[k] = item;
    }
}

/* Several literals of one set may have been seen. */
static size_t drop_twins(uint32_t *items, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || items[kept - 1] != items[i]) items[kept++] = items[i];
    }
    return kept;
}

size_t matcher_index_find(const struct matcher_index *index, struct rp_str text, struct rp_arena *arena,
                          const uint32_t **out_candidates) {
    *out_candidates = NULL;
    if (index->literal_count == 0) return 0;
    struct sighting sighting = {.index = index, .words = index->literal_count / 64 + 1};
    sighting.bits = rp_arena_zalloc(arena, sighting.words * sizeof(*sighting.bits));
    automaton_scan(index->automaton, text, sighting.bits);
    size_t most = count_postings(&sighting);
    if (most == 0) return 0;
    uint32_t *candidates = rp_arena_alloc(arena, most * sizeof(*candidates));
    size_t count = collect(&sighting, candidates);
    sort(candidates, count);
    *out_candidates = candidates;
    return drop_twins(candidates, count);
}
