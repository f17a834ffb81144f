/* Goes through the rules in their order, and asks of each pattern what the rules in front of it always answer: the same
 * pattern (a sorted list), plain texts that it needs (an automaton), or everything. */
#include "unreachable.h"

#include <stdlib.h>

#include "automaton.h"
#include "literal.h"
#include "pattern_text.h"

#define NOBODY UINT32_MAX

struct pattern {
    struct rp_str text; /* as it is compiled */
    uint32_t rule;
    struct literals literals;
};
struct answerer { /* the first rule that always answers something, for each set of situations it answers in */
    uint32_t first[4];
};
struct finder {
    const struct ruleset *set;
    struct rp_arena *arena;
    struct pattern *patterns; /* of all rules, in their order */
    size_t count;
    const struct pattern **fixed; /* those of rules that always answer, by text and then by rule */
    size_t fixed_count;
    struct automaton *plain; /* texts that are answered wherever they stand */
    struct answerer *plain_answerers, everything;
    uint64_t *seen; /* a bit for each of those texts */
};

/* ---- what rules answer, and when --------------------------------------------------------------------------------- */

/* Bits: while a person has the conversation, while a dialog waits. */
static unsigned situations(const struct rule *rule) {
    return (rule->with_person ? 1u : 0) | (rule->interrupt ? 2u : 0);
}

static bool always_answers(const struct rule *rule) {
    bool shapes = rule->shape && rule->shape->system_ref == LUA_NOREF;
    return !rule->dialog && rule->when_ref == LUA_NOREF && (rule->reply_count > 0 || shapes);
}

static struct answerer nobody(void) {
    return (struct answerer){{NOBODY, NOBODY, NOBODY, NOBODY}};
}

static void note(struct finder *finder, struct answerer *answerer, uint32_t rule) {
    uint32_t *first = &answerer->first[situations(finder->set->rules[rule])];
    if (rule < *first) *first = rule;
}

/* Of rules in front of this one and tried in all situations in which it is, the first. */
static uint32_t first_of(const struct finder *finder, const struct answerer *answerer, uint32_t rule) {
    unsigned needed = situations(finder->set->rules[rule]);
    uint32_t best = NOBODY;
    for (unsigned s = 0; s < 4; s++) {
        if ((needed & ~s) == 0 && answerer->first[s] < rule && answerer->first[s] < best) best = answerer->first[s];
    }
    return best;
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

static bool matches_everything(struct rp_str pattern) {
    static const char *const all[] = {".*", ".*?", "(?s).*", "(?s).*?", "^", "$", "^.*", ".*$", "(?s)^.*$"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (rp_str_equal(pattern, rp_str(all[i]))) return true;
    }
    return false;
}

static void read_patterns(struct finder *finder) {
    const struct ruleset *set = finder->set;
    for (size_t i = 0; i < set->rule_count; i++) finder->count += set->rules[i]->pattern_count;
    finder->patterns = rp_alloc((finder->count + 1) * sizeof(*finder->patterns));
    struct pattern *pattern = finder->patterns;
    for (size_t i = 0; i < set->rule_count; i++) {
        for (size_t k = 0; k < set->rules[i]->pattern_count; k++, pattern++) {
            pattern->rule = (uint32_t)i;
            pattern_normalise(finder->arena, set->rules[i]->patterns[k], &pattern->text);
            literals_find(pattern->text, finder->arena, &pattern->literals);
        }
    }
}

static int by_text(const void *left, const void *right) {
    const struct pattern *a = *(const struct pattern *const *)left, *b = *(const struct pattern *const *)right;
    int order = memcmp(a->text.data, b->text.data, a->text.len < b->text.len ? a->text.len : b->text.len);
    if (order == 0 && a->text.len != b->text.len) order = a->text.len < b->text.len ? -1 : 1;
    return order ? order : a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void gather_answers(struct finder *finder) {
    size_t count = finder->count;
    finder->fixed = rp_alloc((count + 1) * sizeof(*finder->fixed));
    finder->plain = automaton_create();
    finder->everything = nobody();
    for (size_t i = 0; i < count; i++) {
        const struct pattern *pattern = &finder->patterns[i];
        if (!always_answers(finder->set->rules[pattern->rule])) continue;
        finder->fixed[finder->fixed_count++] = pattern;
        if (matches_everything(pattern->text)) note(finder, &finder->everything, pattern->rule);
    }
    if (finder->fixed_count) qsort(finder->fixed, finder->fixed_count, sizeof(*finder->fixed), by_text);
}

static void gather_plain_texts(struct finder *finder) {
    size_t cap = 0;
    for (size_t i = 0; i < finder->fixed_count; i++) {
        const struct pattern *pattern = finder->fixed[i];
        const struct literal_set *set = &pattern->literals.sets[0];
        for (size_t k = 0; pattern->literals.exact && k < set->count; k++) {
            uint32_t number = automaton_add(finder->plain, set->items[k]);
            for (; number >= cap; cap++) {
                finder->plain_answerers = rp_realloc(finder->plain_answerers, (cap + 1) * sizeof(struct answerer));
                finder->plain_answerers[cap] = nobody();
            }
            note(finder, &finder->plain_answerers[number], pattern->rule);
        }
    }
    automaton_build(finder->plain);
    finder->seen = rp_alloc((cap / 64 + 1) * sizeof(*finder->seen));
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static uint32_t find_same(const struct finder *finder, const struct pattern *pattern) {
    size_t low = 0, high = finder->fixed_count;
    const struct pattern wanted = {.text = pattern->text}, *key = &wanted;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (by_text(&finder->fixed[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    unsigned needed = situations(finder->set->rules[pattern->rule]);
    for (; low < finder->fixed_count && rp_str_equal(finder->fixed[low]->text, pattern->text); low++) {
        uint32_t rule = finder->fixed[low]->rule;
        bool covers = (needed & ~situations(finder->set->rules[rule])) == 0;
        if (rule < pattern->rule && covers) return rule;
    }
    return NOBODY;
}

/* A rule in front that answers every text with this literal in it. */
static uint32_t find_part(const struct finder *finder, struct rp_str literal, uint32_t rule) {
    size_t count = automaton_count(finder->plain);
    uint32_t best = NOBODY;
    memset(finder->seen, 0, (count / 64 + 1) * sizeof(*finder->seen));
    automaton_scan(finder->plain, literal, finder->seen);
    for (size_t i = 0; i < count / 64 + 1; i++) {
        for (uint64_t word = finder->seen[i]; word; word &= word - 1) {
            size_t number = i * 64 + (size_t)__builtin_ctzll(word);
            uint32_t found = first_of(finder, &finder->plain_answerers[number], rule);
            if (found < best) best = found;
        }
    }
    return best;
}

/* Every match has one of the set's literals, and each of them is answered by a rule in front: one of these rules. */
static uint32_t find_parts(const struct finder *finder, const struct literal_set *set, uint32_t rule) {
    uint32_t last = NOBODY;
    for (size_t i = 0; i < set->count; i++) {
        last = find_part(finder, set->items[i], rule);
        if (last == NOBODY) break;
    }
    return last;
}

/* fold.h makes more characters alike than (?i) does: these two are the ones in use. */
static bool has_odd_i(struct rp_str pattern) {
    for (size_t i = 0; i + 1 < pattern.len; i++) {
        bool odd = pattern.data[i] == '\xC4' && (pattern.data[i + 1] == '\xB0' || pattern.data[i + 1] == '\xB1');
        if (odd || (pattern.data[i] == '\\' && memchr("xoN", pattern.data[i + 1], 3))) return true;
    }
    return false;
}

static uint32_t find_answerer(const struct finder *finder, const struct pattern *pattern) {
    uint32_t found = first_of(finder, &finder->everything, pattern->rule);
    if (found == NOBODY) found = find_same(finder, pattern);
    if (found != NOBODY || has_odd_i(pattern->text)) return found;
    for (size_t i = 0; i < pattern->literals.count && found == NOBODY; i++) {
        found = find_parts(finder, &pattern->literals.sets[i], pattern->rule);
    }
    return found;
}

/* A dialog whose pattern is never reached may still be called by another. */
static void check_rule(const struct finder *finder, const struct pattern *patterns, struct mistakes *mistakes) {
    const struct rule *rule = finder->set->rules[patterns->rule];
    uint32_t answerer = NOBODY;
    if (rule->dialog) return;
    for (size_t i = 0; i < rule->pattern_count; i++) {
        answerer = find_answerer(finder, &patterns[i]);
        if (answerer == NOBODY) return;
    }
    const struct origin *by = &finder->set->rules[answerer]->origin;
    mistakes_add(mistakes, rule->origin.file, rule->origin.line,
                 "rule '%s' can never answer: rule '%s', at %s:%d, is tried before it and answers whatever it matches",
                 rule->origin.name, by->name, by->file, by->line);
}

void unreachable_find(const struct ruleset *set, struct mistakes *mistakes) {
    struct finder finder = {.set = set, .arena = rp_arena_create()};
    read_patterns(&finder);
    gather_answers(&finder);
    gather_plain_texts(&finder);
    for (size_t i = 0; i < finder.count; i += set->rules[finder.patterns[i].rule]->pattern_count) {
        check_rule(&finder, &finder.patterns[i], mistakes);
    }
    automaton_destroy(finder.plain);
    free(finder.plain_answerers);
    free(finder.seen);
    free((void *)finder.fixed);
    free(finder.patterns);
    rp_arena_destroy(finder.arena);
}
