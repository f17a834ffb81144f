/* Holds and orders what was declared. Reading the declarations is declare.c's part. */
#include "ruleset.h"

#include <stdlib.h>

#include "guard.h"

struct ruleset *ruleset_create(void) {
    struct ruleset *set = rp_calloc(1, sizeof(*set));
    set->arena = rp_arena_create();
    return set;
}

void ruleset_destroy(struct ruleset *set) {
    if (!set) return;
    rp_arena_destroy(set->arena);
    free(set->rules);
    free(set->generates);
    free(set->guards);
    free(set->tools);
    free(set);
}

struct rule *ruleset_add_rule(struct ruleset *set) {
    struct rule *rule = rp_arena_zalloc(set->arena, sizeof(*rule));
    if (set->rule_count == set->rule_cap) {
        set->rule_cap = set->rule_cap ? set->rule_cap * 2 : 32;
        set->rules = rp_realloc(set->rules, set->rule_cap * sizeof(struct rule *));
    }
    rule->origin.serial = set->serial++;
    rule->reply_ref = rule->when_ref = LUA_NOREF;
    set->rules[set->rule_count++] = rule;
    return rule;
}

const struct rule *ruleset_dialog(const struct ruleset *set, const char *name) {
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct rule *rule = set->rules[i];
        if (rule->dialog && strcmp(rule->origin.name, name) == 0) return rule;
    }
    return NULL;
}

struct generate *ruleset_add_generate(struct ruleset *set) {
    struct generate *generate = rp_arena_zalloc(set->arena, sizeof(*generate));
    if (set->generate_count == set->generate_cap) {
        set->generate_cap = set->generate_cap ? set->generate_cap * 2 : 4;
        set->generates = rp_realloc(set->generates, set->generate_cap * sizeof(struct generate *));
    }
    generate->origin.serial = set->serial++;
    generate->shape.system_ref = generate->when_ref = LUA_NOREF;
    set->generates[set->generate_count++] = generate;
    return generate;
}

struct tool *ruleset_add_tool(struct ruleset *set) {
    struct tool *tool = rp_arena_zalloc(set->arena, sizeof(*tool));
    if (set->tool_count == set->tool_cap) {
        set->tool_cap = set->tool_cap ? set->tool_cap * 2 : 4;
        set->tools = rp_realloc(set->tools, set->tool_cap * sizeof(struct tool *));
    }
    tool->origin.serial = set->serial++;
    tool->run_ref = LUA_NOREF;
    set->tools[set->tool_count++] = tool;
    return tool;
}

const struct tool *ruleset_tool(const struct ruleset *set, struct rp_str name) {
    for (size_t i = 0; i < set->tool_count; i++)
        if (rp_str_equal(rp_str(set->tools[i]->origin.name), name)) return set->tools[i];
    return NULL;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

int origin_compare(const struct origin *a, const struct origin *b) {
    int files = strcmp(a->file, b->file);
    if (files != 0) return files;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return a->serial < b->serial ? -1 : 1;
}

static int compare_rules(const void *left, const void *right) {
    const struct rule *a = *(struct rule *const *)left, *b = *(struct rule *const *)right;
    if (a->priority != b->priority) return a->priority > b->priority ? -1 : 1;
    return origin_compare(&a->origin, &b->origin);
}

static int compare_generates(const void *left, const void *right) {
    return origin_compare(&(*(struct generate *const *)left)->origin, &(*(struct generate *const *)right)->origin);
}

static int compare_names(const void *left, const void *right) {
    const struct origin *a = *(const struct origin *const *)left, *b = *(const struct origin *const *)right;
    int names = strcmp(a->name, b->name);
    return names ? names : origin_compare(a, b);
}

/* `origins` is scratch: sorted by name here, so that thousands of rules are no matter. */
static void find_twins(const struct origin **origins, size_t count, const char *kind, struct mistakes *mistakes) {
    qsort(origins, count, sizeof(*origins), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(origins[i - 1]->name, origins[i]->name) != 0) continue;
        mistakes_add(mistakes, origins[i]->file, origins[i]->line, "%s '%s': the name is taken already, by %s:%d", kind,
                     origins[i]->name, origins[i - 1]->file, origins[i - 1]->line);
    }
}

void ruleset_order(struct ruleset *set, struct mistakes *mistakes) {
    size_t most = set->rule_count + set->generate_count + set->guard_count + set->tool_count;
    const struct origin **origins = rp_alloc((most + 1) * sizeof(*origins));
    size_t dialogs = 0, rules = 0;
    for (size_t i = 0; i < set->rule_count; i++)
        if (set->rules[i]->dialog) origins[dialogs++] = &set->rules[i]->origin;
    find_twins(origins, dialogs, "dialog", mistakes);
    for (size_t i = 0; i < set->rule_count; i++)
        if (!set->rules[i]->dialog) origins[rules++] = &set->rules[i]->origin;
    find_twins(origins, rules, "rule", mistakes);
    for (size_t i = 0; i < set->generate_count; i++) origins[i] = &set->generates[i]->origin;
    find_twins(origins, set->generate_count, "generate", mistakes);
    for (size_t i = 0; i < set->guard_count; i++) origins[i] = &set->guards[i]->origin;
    find_twins(origins, set->guard_count, "guard", mistakes);
    for (size_t i = 0; i < set->tool_count; i++) origins[i] = &set->tools[i]->origin;
    find_twins(origins, set->tool_count, "tool", mistakes);
    free(origins);
    if (set->rule_count) qsort(set->rules, set->rule_count, sizeof(struct rule *), compare_rules);
    if (set->generate_count) qsort(set->generates, set->generate_count, sizeof(struct generate *), compare_generates);
    guard_order(set, mistakes);
}

/* ---- fingerprint ------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *data, size_t len) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    return (hash ^ len) * UINT64_C(0x100000001B3);
}

static uint64_t mix_origin(uint64_t hash, const struct origin *origin) {
    hash = mix(hash, origin->name, strlen(origin->name));
    hash = mix(hash, origin->file, strlen(origin->file));
    return mix(hash, &origin->line, sizeof(origin->line));
}

uint64_t ruleset_fingerprint(const struct ruleset *set) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct rule *rule = set->rules[i];
        hash = mix_origin(hash, &rule->origin);
        for (size_t k = 0; k < rule->pattern_count; k++)
            hash = mix(hash, rule->patterns[k].data, rule->patterns[k].len);
    }
    for (size_t i = 0; i < set->generate_count; i++) hash = mix_origin(hash, &set->generates[i]->origin);
    for (size_t i = 0; i < set->guard_count; i++) {
        const struct guard *guard = set->guards[i];
        hash = mix_origin(hash, &guard->origin);
        for (size_t k = 0; k < guard->pattern_count; k++)
            hash = mix(hash, guard->patterns[k].data, guard->patterns[k].len);
    }
    for (size_t i = 0; i < set->tool_count; i++) hash = mix_origin(hash, &set->tools[i]->origin);
    return hash;
}
