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

/* ---- names: one for one thing, whatever it is, so that whoever reads a name knows what is meant ------------------ */

struct named {
    const struct origin *origin;
    const char *kind;
};
struct names {
    struct named *items;
    size_t count;
};

static void add_name(struct names *names, const struct origin *origin, const char *kind) {
    names->items[names->count++] = (struct named){origin, kind};
}

static int compare_names(const void *left, const void *right) {
    const struct named *a = left, *b = right;
    int order = strcmp(a->origin->name, b->origin->name);
    return order ? order : origin_compare(a->origin, b->origin);
}

static void find_twins(const struct names *names, struct mistakes *mistakes) {
    for (size_t i = 1; i < names->count; i++) {
        const struct named *first = &names->items[i - 1], *twin = &names->items[i];
        if (strcmp(first->origin->name, twin->origin->name) != 0) continue;
        bool alike = strcmp(first->kind, twin->kind) == 0;
        mistakes_add(mistakes, twin->origin->file, twin->origin->line, "%s '%s': the name is taken already, by %s%s%s%s:%d",
                     twin->kind, twin->origin->name, alike ? "" : "the ", alike ? "" : first->kind, alike ? "" : " at ",
                     first->origin->file, first->origin->line);
    }
}

static void check_names(const struct ruleset *set, struct mistakes *mistakes) {
    size_t most = set->rule_count + set->generate_count + set->guard_count + set->tool_count;
    struct names names = {.items = rp_alloc((most + 1) * sizeof(*names.items))};
    for (size_t i = 0; i < set->rule_count; i++)
        add_name(&names, &set->rules[i]->origin, set->rules[i]->dialog ? "dialog" : "rule");
    for (size_t i = 0; i < set->generate_count; i++) add_name(&names, &set->generates[i]->origin, "generate");
    for (size_t i = 0; i < set->guard_count; i++) add_name(&names, &set->guards[i]->origin, "guard");
    for (size_t i = 0; i < set->tool_count; i++) add_name(&names, &set->tools[i]->origin, "tool");
    qsort(names.items, names.count, sizeof(*names.items), compare_names);
    find_twins(&names, mistakes);
    free(names.items);
}

void ruleset_order(struct ruleset *set, struct mistakes *mistakes) {
    check_names(set, mistakes);
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
