/* Tells by matching once more, which only a turn that is explained pays for. */
#include "rule_tell.h"

#define TOLD_MAX 50 /* of each sort: rules that do not match, rules that are not tried */

static json_t *text_of(struct rp_str text) {
    return json_stringn(text.data ? text.data : "", text.len);
}

static json_t *describe(const char *kind, const struct origin *origin, const char *outcome) {
    json_t *detail = json_pack("{s:s, s:s}", kind, origin->name, "outcome", outcome);
    json_object_set_new(detail, "at", json_sprintf("%s:%d", origin->file, origin->line));
    return detail;
}

static const char *kind_of(const struct rule *rule) {
    return rule->dialog ? "dialog" : "rule";
}

static void tell_rule(const struct run *run, const struct rule *rule, const char *outcome) {
    rp_turn_note(run->turn, &run->stage->element, kind_of(rule), describe(kind_of(rule), &rule->origin, outcome));
}

/* Which of the rule's patterns it was. */
static size_t pattern_in_rule(const struct run *run) {
    const uint32_t *owners = run->rules->program->owners;
    size_t first = run->pattern;
    while (first > 0 && owners[first - 1] == owners[run->pattern]) first--;
    return run->pattern - first;
}

void rule_tell(const struct run *run, const char *outcome, const char *more) {
    if (!rp_turn_explained(run->turn)) return;
    const char *kind = run->rule ? kind_of(run->rule) : "generate";
    json_t *detail = describe(kind, run_origin(run), outcome);
    if (run->rule && run->rule->pattern_count > 1)
        json_object_set_new(detail, "pattern", text_of(run->rule->patterns[pattern_in_rule(run)]));
    if (more) json_object_set_new(detail, "why", json_string(more));
    rp_turn_note(run->turn, &run->stage->element, kind, detail);
}

/* ---- rules that were not tried ----------------------------------------------------------------------------------- */

/* The candidates of a cursor that has not been moved, in their order, with the patterns without literals. */
struct walk {
    const struct matcher_cursor *cursor;
    size_t next, next_bare;
};

static bool walk_next(struct walk *walk, size_t *out_pattern) {
    const struct matcher_cursor *cursor = walk->cursor;
    bool more = walk->next < cursor->count, more_bare = walk->next_bare < matcher_bare_count(cursor->matcher);
    if (!more && !more_bare) return false;
    size_t bare = more_bare ? matcher_bare(cursor->matcher, walk->next_bare) : SIZE_MAX;
    size_t candidate = more ? cursor->candidates[walk->next] : SIZE_MAX;
    *out_pattern = candidate < bare ? candidate : bare;
    if (candidate < bare)
        walk->next++;
    else
        walk->next_bare++;
    return true;
}

static bool matches(const struct run *run, size_t pattern) {
    struct rp_match match;
    const struct rp_regex *regex = matcher_regex(run->rules->program->matcher, pattern);
    return rp_regex_match(regex, run->text.text, 0, RP_MATCH_TRUSTED, &match) != RP_MATCH_NONE; /* a limit: not known */
}

static size_t count_candidates(const struct run *run) {
    struct walk walk = {.cursor = &run->cursor};
    const uint32_t *owners = run->rules->program->owners;
    size_t pattern, count = 0;
    for (uint32_t rule = UINT32_MAX; walk_next(&walk, &pattern); rule = owners[pattern])
        count += owners[pattern] != rule;
    return count;
}

static void tell_text(const struct run *run) {
    json_t *detail = json_pack("{s:I, s:I}", "rules", (json_int_t)run->vm->set->rule_count, "candidates",
                               (json_int_t)count_candidates(run));
    if (run->text.text.data != run->text.original.data)
        json_object_set_new(detail, "text", text_of(run->text.text));
    rp_turn_note(run->turn, &run->stage->element, "matching", detail);
}

void rule_tell_misses(const struct run *run) {
    if (!rp_turn_explained(run->turn)) return;
    struct walk walk = {.cursor = &run->cursor};
    const uint32_t *owners = run->rules->program->owners;
    size_t pattern, told = 0;
    uint32_t rule = UINT32_MAX;
    bool matched = true; /* the one in `rule` */
    tell_text(run);
    while (walk_next(&walk, &pattern)) {
        if (owners[pattern] != rule && !matched && told++ < TOLD_MAX)
            tell_rule(run, run->vm->set->rules[rule], "no pattern matches");
        matched = (owners[pattern] == rule && matched) || matches(run, pattern);
        rule = owners[pattern];
    }
    if (!matched && told < TOLD_MAX) tell_rule(run, run->vm->set->rules[rule], "no pattern matches");
}

void rule_tell_rest(const struct run *run) {
    if (!rp_turn_explained(run->turn) || !run->rule) return;
    struct matcher_cursor cursor = run->cursor;
    struct rp_match match;
    uint32_t told = run->tried;
    size_t pattern, count = 0;
    while (count < TOLD_MAX && matcher_next(&cursor, &pattern, &match) != RP_MATCH_NONE) {
        uint32_t owner = run->rules->program->owners[pattern];
        if (owner == told) continue;
        told = owner;
        count++;
        tell_rule(run, run->vm->set->rules[owner], "matches too, but comes later");
    }
}
