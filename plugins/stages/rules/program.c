/* Loads rule files for the first time: compiles the patterns and checks what only the whole can tell. */
#include "program.h"

#include <stdlib.h>

#include "fill.h"
#include "guard.h"
#include "unreachable.h"

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

static bool compile_rule(struct program *program, const struct rule *rule, size_t number, struct mistakes *mistakes) {
    size_t before = mistakes->count;
    for (size_t i = 0; i < rule->pattern_count; i++) {
        struct rp_error error = {0};
        if (matcher_add(program->matcher, rule->patterns[i], &error) != 0) {
            mistakes_add(mistakes, rule->origin.file, rule->origin.line, "%s '%s': match: %s",
                         rule->dialog ? "dialog" : "rule", rule->origin.name, error.text);
            continue;
        }
        size_t count = matcher_count(program->matcher);
        program->owners[count - 1] = (uint32_t)number;
    }
    return mistakes->count == before;
}

/* Placeholders of a fixed reply are captures: each must be a group of one of the rule's patterns. */
static void check_reply(const struct program *program, const struct rule *rule, size_t first, struct rp_str reply,
                        struct mistakes *mistakes) {
    struct fill_piece piece;
    while (fill_next(&reply, &piece)) {
        bool known = !piece.placeholder;
        for (size_t i = first; !known && i < matcher_count(program->matcher); i++) {
            known = fill_has_group(matcher_regex(program->matcher, i), piece.text);
        }
        if (known) continue;
        mistakes_add(mistakes, rule->origin.file, rule->origin.line,
                     "rule '%s': reply: no capture (?<%.*s>…) in its patterns; write {{ for a plain brace",
                     rule->origin.name, RP_STR_ARG(piece.text));
    }
}

static void compile(struct program *program, const struct ruleset *set, struct mistakes *mistakes) {
    size_t patterns = 0;
    bool fine = true;
    for (size_t i = 0; i < set->rule_count; i++) patterns += set->rules[i]->pattern_count;
    program->owners = rp_calloc(patterns + 1, sizeof(*program->owners));
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct rule *rule = set->rules[i];
        size_t first = matcher_count(program->matcher);
        fine &= compile_rule(program, rule, i, mistakes);
        for (size_t k = 0; k < rule->reply_count; k++) check_reply(program, rule, first, rule->replies[k], mistakes);
    }
    matcher_build(program->matcher);
    if (fine) unreachable_find(set, mistakes);
}

/* ---- what is worth knowing ---------------------------------------------------------------------------------------- */

#define NOTES_MAX 5

static void tell_bare(const struct program *program, const struct ruleset *set) {
    size_t count = matcher_bare_count(program->matcher);
    const struct rule *rule = NULL;
    for (size_t i = 0; i < count && i < NOTES_MAX; i++) {
        rule = set->rules[program->owners[matcher_bare(program->matcher, i)]];
        rp_element_note(program->teller, rule->origin.file, rule->origin.line,
                        "%s '%s': a pattern of it needs no text that could be looked for, so every message tries it",
                        rule->dialog ? "dialog" : "rule", rule->origin.name);
    }
    if (count <= NOTES_MAX) return;
    rp_element_note(program->teller, program->teller->file, program->teller->line,
                    "%zu of %zu patterns need no text that could be looked for, so every message tries them", count,
                    matcher_count(program->matcher));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int list_sources(struct program *program, const struct program_options *options, struct rp_error *error) {
    int rc = sources_create(options->folder, options->dir, &program->sources, error);
    if (rc == 0 && options->dir) return sources_list(program->sources, error);
    for (size_t i = 0; rc == 0 && i < options->files.count; i++) {
        rc = sources_list_file(program->sources, options->files.items[i], error);
    }
    return rc;
}

static int load(struct program *program, struct rp_error *error) {
    struct mistakes *mistakes = rp_calloc(1, sizeof(*mistakes));
    struct vm *vm = vm_create(&program->vm, program->sources, mistakes);
    if (vm) {
        compile(program, vm->set, mistakes);
        guard_compile(program, vm->set, mistakes);
        program->rule_count = vm->set->rule_count;
        program->fingerprint = ruleset_fingerprint(vm->set);
    }
    if (vm && program->teller && mistakes->count == 0) tell_bare(program, vm->set);
    vm_destroy(vm);
    sources_seal(program->sources);
    int rc = mistakes_report(mistakes, program->teller, error);
    mistakes_finish(mistakes);
    free(mistakes);
    return rc;
}

int program_create(const struct program_options *options, struct program **out, struct rp_error *error) {
    struct program *program = rp_calloc(1, sizeof(*program));
    program->vm = options->vm;
    program->teller = options->teller;
    program->matcher = matcher_create();
    program->guard_matcher = matcher_create();
    int rc = list_sources(program, options, error);
    if (rc == 0) rc = load(program, error);
    if (rc != 0) {
        program_destroy(program);
        return rc;
    }
    *out = program;
    return 0;
}

void program_destroy(struct program *program) {
    if (!program) return;
    matcher_destroy(program->matcher);
    guard_patterns_free(program);
    sources_destroy(program->sources);
    free(program->owners);
    free(program);
}

int program_attach(struct program *program, struct vm **out, struct rp_error *error) {
    struct mistakes *mistakes = rp_calloc(1, sizeof(*mistakes));
    struct vm *vm = vm_create(&program->vm, program->sources, mistakes);
    int rc = mistakes_report(mistakes, program->teller, error);
    if (rc == 0 && ruleset_fingerprint(vm->set) != program->fingerprint) {
        rc = rp_error_set(error, RP_ECONFIG, "the rule files declare something else each time they are loaded");
    }
    mistakes_finish(mistakes);
    free(mistakes);
    if (rc != 0) {
        vm_destroy(vm);
        return rc;
    }
    *out = vm;
    return 0;
}
