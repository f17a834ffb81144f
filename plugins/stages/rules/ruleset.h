/* What the rule files declare: rules, generates and guards, as plain data. Functions stay in the Lua state, by reference. */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include <lauxlib.h>
#include <repartee/turn.h>

#include "mistakes.h"
#include "shape.h"

struct origin {
    const char *name; /* the rule's */
    const char *file;
    int line;
    unsigned serial; /* in the order of declaration */
};
struct guard_names { /* what a rule, generate or dialog names in `guards` */
    struct rp_str *names;
    size_t count;
    const struct guard **guards; /* found by guard_find */
};
struct dialog { /* what `dialog` says besides what a rule has */
    struct rp_regex **cancel; /* words that end it */
    size_t cancel_count;
    const char *cancelled, *timed_out, *changed; /* NULL: not said */
    int timed_out_ref;                           /* LUA_NOREF: none */
    int64_t timeout_ms;                          /* of each question that has none of its own; 0: none */
    bool restart;                                /* when it does not fit its journal; else it ends */
    uint32_t code;                               /* of its function, but for line numbers; loader.c sets it */
};
struct rule {
    struct origin origin;
    const char *by; /* "rule:NAME" */
    int64_t priority;
    bool with_person; /* also answers while a person has the conversation */
    bool interrupt;   /* also answers while a dialog waits for an answer */
    struct dialog *dialog; /* it is a dialog, with `run` for a reply; NULL: it is a rule */
    struct rp_str *patterns;
    size_t pattern_count;
    struct rp_str *replies; /* one of them is taken; none: reply_ref answers */
    size_t reply_count;
    struct shape *shape;     /* `generate`: instead of a reply, the turn goes on to the model; NULL: none */
    int reply_ref, when_ref; /* LUA_NOREF: none */
    struct guard_names guards;
};
struct generate {
    struct origin origin;
    const char *by; /* "generate:NAME" */
    struct shape shape;
    int when_ref;
    struct guard_names guards;
};
struct tool { /* what models may call */
    struct origin origin;
    const char *by; /* "tool:NAME" */
    const char *description;
    struct rp_schema *parameters; /* of an object */
    struct guard_names guards;
    int run_ref;
};
struct ruleset {
    struct rp_arena *arena; /* holds all of it */
    struct rule **rules;    /* after ruleset_order: by priority, then file and line */
    struct generate **generates;
    struct tool **tools; /* in the order of declaration */
    size_t rule_count, rule_cap, generate_count, generate_cap, tool_count, tool_cap;
    struct guard **guards; /* guard.h */
    size_t guard_count, guard_cap;
    unsigned serial;
};

int origin_compare(const struct origin *a, const struct origin *b); /* by file and line */

struct ruleset *ruleset_create(void);
void ruleset_destroy(struct ruleset *set); /* takes NULL */
struct rule *ruleset_add_rule(struct ruleset *set);
const struct rule *ruleset_dialog(const struct ruleset *set, const char *name); /* NULL: there is none */
struct generate *ruleset_add_generate(struct ruleset *set);
struct tool *ruleset_add_tool(struct ruleset *set);
const struct tool *ruleset_tool(const struct ruleset *set, struct rp_str name); /* NULL: none */
/* Puts everything in its order and reports names that are used twice. */
void ruleset_order(struct ruleset *set, struct mistakes *mistakes);
/* Two loads of the same files must agree; this number tells whether they do. */
uint64_t ruleset_fingerprint(const struct ruleset *set);

#endif
