/* Compiles the patterns of the guards. Those on messages go into one matcher, which finds the candidates of a message by
 * their literals; those on replies that come in pieces must be patterns that can be decided so, or the guard must say
 * that it looks at the whole. */
#include <repartee/metrics.h>
#include <stdlib.h>

#include "fill.h"
#include "guard.h"
#include "program.h"

static void wrong(struct mistakes *mistakes, const struct guard *guard, const char *what, const char *more) {
    mistakes_add(mistakes, guard->origin.file, guard->origin.line, "guard '%s': %s%s", guard->origin.name, what, more);
}

static const struct rp_regex *compile_for_messages(struct program *program, const struct guard *guard, size_t i,
                                                   struct mistakes *mistakes) {
    struct rp_error error = {0};
    if (matcher_add(program->guard_matcher, guard->patterns[i], &error) == 0)
        return matcher_regex(program->guard_matcher, matcher_count(program->guard_matcher) - 1);
    wrong(mistakes, guard, "match: ", error.text);
    return NULL;
}

static struct rp_regex *compile_whole(const struct guard *guard, size_t i, struct mistakes *mistakes) {
    struct rp_error error = {0};
    struct rp_regex *regex = NULL;
    if (rp_regex_compile(guard->patterns[i], 0, &regex, &error) != 0) wrong(mistakes, guard, "match: ", error.text);
    return regex;
}

static struct rp_regex *compile_for_streams(struct guard_patterns *compiled, const struct guard *guard, size_t i,
                                            struct mistakes *mistakes) {
    struct rp_error error = {0};
    struct rp_regex *regex = NULL;
    if (rp_sieve_compile(guard->patterns[i].data, &compiled->set, &regex, &error) != 0) {
        wrong(mistakes, guard, "match: ", error.text);
        if (strstr(error.text, "in pieces")) wrong(mistakes, guard, "match: write whole = true to use this pattern", "");
    } else if (rp_sieve_holds_all(regex)) {
        wrong(mistakes, guard, "match: every reply would be held back up to its end, or to the end of its line: ",
              "begin the pattern with what it looks for, or write whole = true");
    }
    return regex;
}

static void compile_one(struct program *program, const struct guard *guard, struct mistakes *mistakes) {
    struct guard_patterns *compiled = &program->guards[guard->number];
    compiled->patterns = rp_calloc(guard->pattern_count + 1, sizeof(*compiled->patterns));
    compiled->set = (struct rp_sieve_set){.patterns = compiled->patterns, .hold = SIZE_MAX};
    compiled->first = matcher_count(program->guard_matcher);
    if (guard->on == GUARD_ON_REPLY) compiled->own = rp_calloc(guard->pattern_count + 1, sizeof(*compiled->own));
    for (size_t i = 0; i < guard->pattern_count; i++) {
        struct rp_regex **own = compiled->own ? &compiled->own[compiled->set.count] : NULL;
        if (own) *own = guard->whole ? compile_whole(guard, i, mistakes) : compile_for_streams(compiled, guard, i, mistakes);
        const struct rp_regex *regex = own ? *own : compile_for_messages(program, guard, i, mistakes);
        if (regex) compiled->patterns[compiled->set.count++].regex = regex;
    }
}

/* Placeholders of `with` are captures: each must be a group of one of the guard's patterns. */
static void check_with(const struct guard_patterns *compiled, const struct guard *guard, struct mistakes *mistakes) {
    struct rp_str rest = guard->with;
    struct fill_piece piece;
    while (fill_next(&rest, &piece)) {
        bool known = !piece.placeholder;
        for (size_t i = 0; !known && i < compiled->set.count; i++) {
            known = fill_has_group(compiled->patterns[i].regex, piece.text);
        }
        if (known) continue;
        mistakes_add(mistakes, guard->origin.file, guard->origin.line,
                     "guard '%s': with: no capture (?<%.*s>…) in its patterns; write {{ for a plain brace",
                     guard->origin.name, RP_STR_ARG(piece.text));
    }
}

void guard_compile(struct program *program, const struct ruleset *set, struct mistakes *mistakes) {
    program->guards = rp_calloc(set->guard_count + 1, sizeof(*program->guards));
    program->guard_count = set->guard_count;
    for (size_t i = 0; i < set->guard_count; i++) {
        const struct guard *guard = set->guards[i];
        compile_one(program, guard, mistakes);
        if (guard->on == GUARD_ON_MESSAGE) program->message_guards++;
        check_with(&program->guards[i], guard, mistakes);
        program->guards[i].verdicts =
            rp_metric(RP_COUNTER, "repartee_guard_verdicts_total", "Messages and replies that a guard acted on", "guard",
                      guard->origin.name, "action", guard_actions[guard->action], NULL);
    }
    matcher_build(program->guard_matcher);
}

void guard_patterns_free(struct program *program) {
    for (size_t i = 0; i < program->guard_count; i++) {
        struct guard_patterns *compiled = &program->guards[i];
        for (size_t k = 0; compiled->own && compiled->own[k]; k++) rp_regex_free(compiled->own[k]);
        free(compiled->own);
        free(compiled->patterns);
    }
    free(program->guards);
    matcher_destroy(program->guard_matcher);
}
