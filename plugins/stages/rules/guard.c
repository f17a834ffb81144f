/* The guards of a ruleset: their order, and which of them a rule names. */
#include "guard.h"

#include <stdlib.h>

const char *const guard_actions[] = {"block", "replace", "reply", "retry", "handoff", "flag", NULL};

struct guard *guard_add(struct ruleset *set) {
    struct guard *guard = rp_arena_zalloc(set->arena, sizeof(*guard));
    if (set->guard_count == set->guard_cap) {
        set->guard_cap = set->guard_cap ? set->guard_cap * 2 : 8;
        set->guards = rp_realloc(set->guards, set->guard_cap * sizeof(struct guard *));
    }
    guard->origin.serial = set->serial++;
    guard->when_ref = guard->check_ref = LUA_NOREF;
    set->guards[set->guard_count++] = guard;
    return guard;
}

static int compare(const void *left, const void *right) {
    const struct guard *a = *(struct guard *const *)left, *b = *(struct guard *const *)right;
    if (a->priority != b->priority) return a->priority > b->priority ? -1 : 1;
    return origin_compare(&a->origin, &b->origin);
}

static const struct guard *find(const struct ruleset *set, const char *name) {
    for (size_t i = 0; i < set->guard_count; i++) {
        if (strcmp(set->guards[i]->origin.name, name) == 0) return set->guards[i];
    }
    return NULL;
}

static void report_unknown(const struct ruleset *set, const char *name, const char *kind, const struct origin *origin,
                           struct mistakes *mistakes) {
    const char **known = rp_alloc((set->guard_count + 1) * sizeof(*known));
    for (size_t i = 0; i < set->guard_count; i++) known[i] = set->guards[i]->origin.name;
    const char *near = rp_nearest_name(name, known, set->guard_count);
    mistakes_add(mistakes, origin->file, origin->line, "%s '%s': there is no guard '%s'%s%s%s", kind, origin->name,
                 name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    free(known);
}

void guard_find(const struct ruleset *set, struct guard_names *names, const char *kind, const struct origin *origin,
                struct mistakes *mistakes) {
    names->guards = rp_arena_zalloc(set->arena, (names->count + 1) * sizeof(*names->guards));
    for (size_t i = 0; i < names->count; i++) {
        const struct guard *guard = find(set, names->names[i].data);
        names->guards[i] = guard;
        if (!guard) report_unknown(set, names->names[i].data, kind, origin, mistakes);
        if (!guard || guard->on == GUARD_ON_REPLY) continue;
        mistakes_add(mistakes, origin->file, origin->line,
                     "%s '%s': the guard '%s' looks at messages, before any rule: only guards on replies can be named",
                     kind, origin->name, guard->origin.name);
    }
}

/* A call is decided at once. */
static void refuse_functions(const struct tool *tool, struct mistakes *mistakes) {
    for (size_t i = 0; i < tool->guards.count; i++) {
        const struct guard *guard = tool->guards.guards[i];
        if (!guard || (guard->when_ref == LUA_NOREF && guard->check_ref == LUA_NOREF)) continue;
        mistakes_add(mistakes, tool->origin.file, tool->origin.line,
                     "tool '%s': the guard '%s' has functions: a tool can name only guards with patterns alone",
                     tool->origin.name, guard->origin.name);
    }
}

void guard_order(struct ruleset *set, struct mistakes *mistakes) {
    if (set->guard_count) qsort(set->guards, set->guard_count, sizeof(struct guard *), compare);
    for (size_t i = 0; i < set->guard_count; i++) set->guards[i]->number = i;
    for (size_t i = 0; i < set->rule_count; i++) {
        guard_find(set, &set->rules[i]->guards, set->rules[i]->dialog ? "dialog" : "rule", &set->rules[i]->origin, mistakes);
    }
    for (size_t i = 0; i < set->generate_count; i++) {
        guard_find(set, &set->generates[i]->guards, "generate", &set->generates[i]->origin, mistakes);
    }
    for (size_t i = 0; i < set->tool_count; i++) {
        guard_find(set, &set->tools[i]->guards, "tool", &set->tools[i]->origin, mistakes);
        refuse_functions(set->tools[i], mistakes);
    }
}

bool guard_applies(const struct guard *guard, const struct guard_names *names) {
    if (guard->always) return true;
    for (size_t i = 0; names && i < names->count; i++) {
        if (names->guards[i] == guard) return true;
    }
    return false;
}
