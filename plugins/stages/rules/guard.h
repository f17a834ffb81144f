/* Guards as they are declared: what is looked for in messages or replies, and what is done about it.
 *
 * The guards of a message or a reply stand in a row, by priority, then file and line. Each sees the text as the ones
 * before it have left it. What a guard does to a text, said for the whole text:
 *
 *   replace   puts `with` in the place of each match; without patterns, of all of it
 *   block     ends the text before the first match and puts `with` behind; a message, and a reply that is held whole,
 *             is answered with `with` alone
 *   flag      changes nothing
 *   reply     answers `with` instead
 *   retry     asks the model again, as long as there are tries left; then it is `block`
 *   handoff   hands the conversation to a person and answers `with`
 *
 * On a reply that comes in pieces replace, block and flag come to exactly that, however it is cut, and hold back only
 * what is not decided. Everything else needs the whole reply and must say so. */
#ifndef RULES_GUARD_H
#define RULES_GUARD_H

#include <repartee/sieve.h>

#include "ruleset.h"

#define GUARD_TRIES_MAX 5

struct rp_metric;
struct program;

enum guard_on { GUARD_ON_MESSAGE, GUARD_ON_REPLY };
enum guard_action { GUARD_BLOCK, GUARD_REPLACE, GUARD_REPLY, GUARD_RETRY, GUARD_HANDOFF, GUARD_FLAG };

struct guard {
    struct origin origin;
    const char *by; /* "guard:NAME" */
    size_t number;  /* in the order of the set */
    int64_t priority;
    enum guard_on on;
    enum guard_action action;
    struct rp_str *patterns;
    size_t pattern_count;
    struct rp_str with, note;
    bool has_with;
    int64_t tries;
    bool whole, always;
    int when_ref, check_ref; /* LUA_NOREF: none */
};
extern const char *const guard_actions[]; /* names, by enum; ends in NULL */

struct guard *guard_add(struct ruleset *set);
/* Puts the guards in their order and finds those that rules and generates name. */
void guard_order(struct ruleset *set, struct mistakes *mistakes);
void guard_find(const struct ruleset *set, struct guard_names *names, const char *kind, const struct origin *origin,
                struct mistakes *mistakes);
/* Whether the guard looks at replies of a rule, generate or dialog that names these; NULL: it names none. */
bool guard_applies(const struct guard *guard, const struct guard_names *names);

/* ---- compiled, one for each guard, shared by all workers --------------------------------------------------------- */

struct guard_patterns {
    struct rp_sieve_set set;
    struct rp_sieve_pattern *patterns;
    struct rp_regex **own; /* NULL: borrowed from the matcher of messages */
    size_t first;          /* its first pattern in that matcher */
    struct rp_metric *verdicts;
};
/* Compiles the patterns of all guards into program->guards; reports what cannot be. */
void guard_compile(struct program *program, const struct ruleset *set, struct mistakes *mistakes);
void guard_patterns_free(struct program *program);

#endif
