/* What all workers share of a bot's rules: the bytes of its files and the compiled patterns. Immutable once made. */
#ifndef RULES_PROGRAM_H
#define RULES_PROGRAM_H

#include <repartee/option.h>

#include "matcher.h"
#include "vm.h"

struct program_options {
    struct vm_options vm;
    const struct rp_element *teller; /* in whose name mistakes are told; NULL: they go to the log */
    const char *folder;          /* of the bot file */
    const char *dir;             /* with the rule files; NULL: `files` says which */
    struct rp_option_list files; /* relative to `folder` */
};
struct program {
    struct vm_options vm;
    const struct rp_element *teller;
    struct sources *sources;
    struct matcher *matcher; /* all patterns, rule by rule in their order */
    uint32_t *owners;        /* the rule of each pattern */
    struct guard_patterns *guards; /* by number */
    size_t guard_count, message_guards;
    struct matcher *guard_matcher; /* the patterns of the guards on messages */
    size_t rule_count;
    uint64_t fingerprint;
};

/* Loads everything once, into a state that is thrown away, and reports every mistake. */
int program_create(const struct program_options *options, struct program **out, struct rp_error *error);
void program_destroy(struct program *program); /* takes NULL */
/* A state for a worker, from the same bytes. Any thread. */
int program_attach(struct program *program, struct vm **out, struct rp_error *error);

#endif
