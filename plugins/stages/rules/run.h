/* One turn in the rules: which rule is tried, the coroutine of its function, what it waits for, what it said.
 *
 * Lives in the turn's arena. One attempt is one rule's (or generate's) functions, in one coroutine, on one account. */
#ifndef RULES_RUN_H
#define RULES_RUN_H

#include <repartee/http_client.h>
#include <repartee/plugin.h>

#include "fill.h"
#include "guard.h"
#include "options.h"

enum run_state {
    RUN_PASSES,  /* no rule answered */
    RUN_ANSWERS, /* with `reply` */
    RUN_FAILS,   /* with `fault` */
    RUN_WAITS,   /* stage_continue comes later */
};
enum verdict {
    VERDICT_DECLINED, /* the next rule tries */
    VERDICT_UNWILLING, /* the same, by `when` */
    VERDICT_FIXED,    /* `when` agreed: take the fixed reply */
    VERDICT_REPLY,
    VERDICT_PASS, /* no rule shall answer */
};

struct wait {
    struct rp_fetch *fetch; /* at most one of these two is under way */
    struct rp_timer timer;
    struct rp_buf body;
    int code, status;
    char detail[256], type[128];
    struct rp_session_save save; /* of the session, in the middle of the turn */
    bool saving;
};
struct asking;
struct runner;
struct rp_tool_run;
struct run {
    struct rp_stage *stage;
    struct rp_turn *turn;
    const struct rules *rules;
    struct vm *vm;
    struct rp_normalised text; /* the message, as patterns see it */
    struct matcher_cursor cursor;
    struct rp_regex_budget regex;
    struct rp_match match;
    size_t pattern;
    uint32_t tried;          /* the rule that had its try last; UINT32_MAX: none */
    const struct rule *rule; /* the attempt's: one of these three */
    const struct generate *generate;
    const struct guard *guard; /* with `then`; for a run of its own, guard_ask.c's */
    const struct tool *tool;   /* the same, tool_run.c's */
    void (*then)(struct run *run, enum run_state state); /* instead of stage_continue's payment; NULL: none */
    void *then_arg;
    const struct shape *passed; /* t:pass has left it for the model */
    size_t next_generate;
    lua_State *co; /* NULL: no attempt */
    int co_ref, object_ref;
    struct run **object; /* what the script's `t` holds; cleared at the end of the attempt */
    struct account account;
    int64_t waits;
    struct wait wait;
    struct asking *asking; /* a model; NULL: none */
    struct rp_timer wall;
    enum verdict verdict;
    struct dialogs *dialogs; /* dialog.h: what the session has of them; NULL: nothing */
    struct journal *journal; /* of the dialog whose function runs; NULL: it is no dialog's */
    struct told *told;       /* event.h: what the function has told */
    const char *key;         /* for the next request: its Idempotency-Key; NULL: none was chosen */
    bool shielded;           /* the turn is, on behalf of a dialog */
    bool owes_save;          /* the attempt is over; the store must have the session before the turn goes on */
    enum run_state after_save;
    bool handed_off;  /* in this attempt */
    bool with_person; /* a person has the conversation: only rules marked so may answer */
    struct rp_str reply;
    enum rp_finish finish; /* of the reply */
    struct rp_fault fault;
};

struct run *run_create(struct rp_stage *stage, struct rp_turn *turn, struct vm *vm);
enum run_state run_start(struct run *run);
enum run_state run_own(struct run *run);                    /* only the functions of run->guard or run->tool */
enum run_state run_start_event(struct run *run);            /* the event "timeout" */
enum run_state run_resume(struct run *run);                 /* what was waited for is there */
enum run_state run_expire(struct run *run);                 /* the wall time is over */
void run_drop(struct run *run);                             /* the turn has ended meanwhile */
void stage_continue(struct run *run, enum run_state state); /* stage.c: pays for a turn that waited */

/* For those who have a part in the order of a turn: attempts of run->rule or run->generate. */
bool run_attempt(struct run *run, enum run_state *out_state); /* false: the next one may try */
enum run_state run_wait(struct run *run);                     /* the function has yielded */
void run_end_attempt(struct run *run, bool clean);            /* `clean`: the function has returned */
/* Logs it and ends it; the code of the error. `failed`: the coroutine with the error on its top, or NULL. */
int run_attempt_failed(struct run *run, int status, lua_State *failed);
void run_log_failure(const struct run *run, int code, const char *text);
enum run_state run_fail(struct run *run, int code); /* what a failure comes to, by the options */
void run_match_again(struct run *run);              /* all rules may try, from the first */
/* Writes the session to the store; then run_resume, or, when no attempt is under way any more, stage_continue with
 * run->after_save. */
void run_save(struct run *run);

/* rp_regex_match on the budget that all patterns of the turn share. */
static inline int run_match(struct run *run, const struct rp_regex *regex, struct rp_str text, struct rp_match *out_match) {
    rp_regex_budget_resume(&run->regex);
    return rp_regex_match_within(regex, text, 0, RP_MATCH_TRUSTED, &run->regex, out_match);
}
static inline const struct origin *run_origin(const struct run *run) {
    if (run->guard) return &run->guard->origin;
    if (run->tool) return &run->tool->origin;
    return run->rule ? &run->rule->origin : &run->generate->origin;
}
/* What the rule, generate or dialog that makes the reply names in `guards`; NULL: there is none. */
static inline const struct guard_names *run_guards(const struct run *run) {
    if (run->rule) return &run->rule->guards;
    return run->generate ? &run->generate->guards : NULL;
}
static inline struct captures run_captures(const struct run *run) {
    return (struct captures){matcher_regex(run->rules->program->matcher, run->pattern), &run->match, &run->text};
}

#endif
