/* Goes through the guards on messages in their order. A message is whole, so each match is decided at once; only a guard's
 * own functions can make it wait. Whatever cannot be decided is not let through. */
#include "guard_message.h"

#include "guard_ask.h"
#include "guard_tell.h"
#include "guard_text.h"
#include "handoff.h"
#include "reply.h"

struct passage { /* one message on its way through the guards */
    struct guard_asking asking; /* first: its `then` finds the passage by it */
    struct run *run;
    size_t next;
    struct matcher_cursor cursor; /* which patterns of the matcher can be in the message */
    struct guard_use use;
    struct guard_found found;
};

#define UNSHOWN RP_STR("[blocked]") /* what models and people see of such a message later */

static struct rp_str sentence(const struct run *run, const struct guard *guard) {
    const struct rules_options *options = run->rules->options;
    return rp_str(guard->action == GUARD_HANDOFF ? options->handoff : options->blocked);
}

/* ---- what a guard does ------------------------------------------------------------------------------------------- */

static enum run_state answer(struct passage *passage, enum rp_finish finish) {
    struct run *run = passage->run;
    run->reply = passage->found.with;
    run->finish = finish;
    rp_turn_set_by(run->turn, "%s", passage->use.guard->by);
    return RUN_ANSWERS;
}

static enum run_state fail(struct passage *passage, int code) {
    struct run *run = passage->run;
    rp_turn_set_by(run->turn, "%s", passage->use.guard->by);
    return run_fail(run, code);
}

/* Finds out which patterns can be in the message. */
static void scan(struct passage *passage) {
    const struct run *run = passage->run;
    matcher_start(run->rules->program->guard_matcher, run->text.text, run->turn->arena, NULL, &passage->cursor);
}

static void set_text(struct passage *passage, struct rp_str text) {
    struct run *run = passage->run;
    rp_turn_set_message(run->turn, text);
    rp_normalise(run->turn->arena, run->turn->message, &run->text);
    scan(passage);
}

static enum run_state replace(struct passage *passage) {
    struct rp_str text = passage->use.guard->with;
    if (passage->use.guard->pattern_count) {
        int code = guard_replace(&passage->use, &passage->run->text, &passage->found, &text);
        if (code) guard_tell_limit(passage->run, passage->use.guard, -code);
        if (code) return fail(passage, code == -RP_EREPLYSIZE ? RP_ETOOLARGE : -code);
    }
    set_text(passage, text);
    return RUN_PASSES;
}

static enum run_state hand_off(struct passage *passage) {
    struct run *run = passage->run;
    const char *reason = rp_arena_printf(run->turn->arena, "guard '%s'", passage->use.guard->origin.name);
    if (handoff_begin(run, passage->use.guard->origin.name, rp_str(reason)) != 0) return fail(passage, RP_ETOOLARGE);
    return answer(passage, RP_FINISH_STOP);
}

static enum run_state act(struct passage *passage) {
    struct run *run = passage->run;
    guard_tell(run, passage->use.guard, passage->found.matched, passage->asking.reason, NULL);
    switch (passage->use.guard->action) {
    case GUARD_REPLACE: return replace(passage);
    case GUARD_FLAG: return RUN_PASSES;
    case GUARD_REPLY: return answer(passage, RP_FINISH_STOP);
    case GUARD_HANDOFF: return hand_off(passage);
    default: break;
    }
    rp_turn_set_message(run->turn, UNSHOWN);
    return answer(passage, RP_FINISH_FILTER);
}

/* ---- whether it does --------------------------------------------------------------------------------------------- */

static bool may_match(const struct passage *passage) {
    const struct guard_patterns *patterns = passage->use.patterns;
    return matcher_may_match(&passage->cursor, patterns->first, patterns->set.count);
}

/* 1: the patterns match, or there are none; 0: they do not; or an error. */
static int look(struct passage *passage) {
    const struct guard *guard = passage->use.guard;
    bool has_patterns = guard->pattern_count > 0;
    passage->found = (struct guard_found){.with = guard->has_with ? guard->with : passage->use.sentence};
    if (!has_patterns) return 1;
    if (!may_match(passage)) return 0;
    int code = guard_look(&passage->use, &passage->run->text, &passage->found);
    if (code == 0) return passage->found.found;
    guard_tell_limit(passage->run, guard, -code);
    return guard->action == GUARD_REPLACE || guard->action == GUARD_FLAG ? code : 1;
}

/* A person answers already, and is not to be interrupted. */
static bool is_idle(const struct passage *passage, const struct guard *guard) {
    return passage->run->with_person && (guard->action == GUARD_REPLY || guard->action == GUARD_HANDOFF);
}

static void on_answer(struct guard_asking *asking, enum guard_answer answer);

static enum run_state on_asked(struct passage *passage, enum guard_answer answer) {
    if (answer == GUARD_WAITS) return RUN_WAITS;
    if (answer == GUARD_FAILED) return fail(passage, passage->asking.code);
    if (answer == GUARD_ACTS) return act(passage);
    guard_tell_clear(passage->run, passage->use.guard, "clear");
    return RUN_PASSES;
}

static enum run_state try_guard(struct passage *passage, const struct guard *guard) {
    struct run *run = passage->run;
    passage->use.guard = guard;
    passage->use.patterns = &run->rules->program->guards[guard->number];
    passage->use.sentence = sentence(run, guard);
    passage->asking = (struct guard_asking){.run = run, .guard = guard, .text = run->text.original, .then = on_answer};
    int found = look(passage);
    if (found < 0) return fail(passage, -found);
    if (found == 0) {
        guard_tell_clear(run, guard, "no match");
        return RUN_PASSES;
    }
    return guard_has_functions(guard) ? on_asked(passage, guard_ask(&passage->asking)) : act(passage);
}

static enum run_state go_on(struct passage *passage) {
    struct run *run = passage->run;
    const struct ruleset *set = run->vm->set;
    while (passage->next < set->guard_count) {
        const struct guard *guard = set->guards[passage->next++];
        if (guard->on != GUARD_ON_MESSAGE || is_idle(passage, guard)) continue;
        enum run_state state = try_guard(passage, guard);
        if (state == RUN_WAITS) *rp_turn_slot(run->turn, run->stage) = passage->asking.own;
        if (state != RUN_PASSES) return state;
    }
    return RUN_PASSES;
}

static void on_answer(struct guard_asking *asking, enum guard_answer answer) {
    struct passage *passage = (struct passage *)asking;
    enum run_state state = on_asked(passage, answer);
    if (state == RUN_PASSES) state = go_on(passage);
    if (state != RUN_WAITS) stage_guarded(passage->run, state);
}

enum run_state guard_message(struct run *run) {
    const struct program *program = run->rules->program;
    if (program->message_guards == 0) return RUN_PASSES;
    struct passage *passage = rp_arena_zalloc(run->turn->arena, sizeof(*passage));
    passage->run = run;
    passage->use = (struct guard_use){.arena = run->turn->arena, .max = run->text.original.len + REPLY_BYTES};
    scan(passage);
    return go_on(passage);
}
