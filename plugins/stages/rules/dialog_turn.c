/* What becomes of the turn: its function asks, returns, leaves, fails, or does not fit its journal. */
#include "dialog_turn.h"

#include "dialog.h"
#include "event.h"

/* No dialog has answered. One that has ended without a word leaves the message to the rules, as if it had not been. */
static bool leave_to_rules(struct run *run, enum run_state *out_state) {
    *out_state = RUN_PASSES;
    if (run->turn->event) return true;
    if (!run->dialogs || run->dialogs->resumed) run_match_again(run);
    return false;
}

static bool answers(enum run_state *out_state) {
    *out_state = RUN_ANSWERS;
    return true;
}

/* ---- failure ----------------------------------------------------------------------------------------------------- */

/* The turn goes on when the store has what it must have. */
static enum run_state after_saving(struct run *run, enum run_state state, bool save) {
    run->after_save = state;
    run->owes_save = save && run->wait.saving;
    if (save && !run->wait.saving) run_save(run);
    if (run->wait.saving) return RUN_WAITS;
    dialog_unshield(run);
    return state;
}

static bool fails(struct run *run, int code, bool final, enum run_state *out_state) {
    bool resumed = run->dialogs->resumed;
    run->told = NULL;
    dialog_tell(run, final ? "failed, and is over" : "failed, and is as it was before");
    bool known = dialog_failed(run, final); /* to the store, or soon */
    if (run->rules->options->on_error == ON_ERROR_NEXT && !resumed && !known && !run->wait.saving) return false;
    rp_turn_set_by(run->turn, "%s", run->rule->by);
    enum run_state state = run_fail(run, code);
    *out_state = after_saving(run, state, known && state == RUN_FAILS);
    return true;
}

static bool attempt_failed(struct run *run, int status, lua_State *failed, enum run_state *out_state) {
    int code = run_attempt_failed(run, status, failed);
    return fails(run, code, run->account.over == METER_JOURNAL, out_state);
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static bool take(struct run *run, enum dialog_next next, enum run_state *out_state) {
    switch (next) {
    case DIALOG_RUNS: return run_attempt(run, out_state);
    case DIALOG_SAYS: return answers(out_state);
    case DIALOG_FULL:
        run->account.over = METER_JOURNAL;
        return attempt_failed(run, LUA_OK, NULL, out_state);
    default: return leave_to_rules(run, out_state);
    }
}

bool dialog_take_message(struct run *run, enum run_state *out_state) {
    return take(run, dialog_go_on(run), out_state);
}

bool dialog_take_timeout(struct run *run, enum run_state *out_state) {
    return take(run, dialog_expire(run), out_state);
}

/* ---- the end of a slice ------------------------------------------------------------------------------------------ */

static bool asked(struct run *run, enum run_state *out_state) {
    run_end_attempt(run, false);
    if (dialog_asked(run) != 0) {
        run_log_failure(run, RP_ETOOLARGE, "the session has no room for the dialog");
        return fails(run, RP_EBUDGET, false, out_state);
    }
    event_send(run);
    return answers(out_state);
}

static bool changed(struct run *run, enum run_state *out_state) {
    run_end_attempt(run, false);
    run->told = NULL;
    return take(run, dialog_changed(run), out_state);
}

static bool ended(struct run *run, bool replied, bool passes, enum run_state *out_state) {
    event_send(run);
    bool said = dialog_ended(run, replied, passes);
    if (said && !passes) return answers(out_state);
    if (!passes) return leave_to_rules(run, out_state);
    *out_state = RUN_PASSES;
    return true;
}

static bool returned(struct run *run, enum run_state *out_state) {
    if (!journal_live(run->journal)) {
        journal_differ(run->journal, "ends");
        return changed(run, out_state);
    }
    run_end_attempt(run, true);
    return ended(run, run->verdict == VERDICT_REPLY, run->verdict == VERDICT_PASS, out_state);
}

static bool left(struct run *run, enum run_state *out_state) {
    run_end_attempt(run, false);
    run->reply = run->dialogs->left;
    return ended(run, run->reply.data != NULL, false, out_state);
}

bool dialog_settle(struct run *run, int status, lua_State *failed, enum run_state *out_state) {
    enum meter_over over = run->account.over;
    if (status == LUA_YIELD && run->dialogs->asks) return asked(run, out_state);
    if (status == LUA_YIELD) {
        *out_state = run_wait(run);
        return true;
    }
    if (status == LUA_OK && over == METER_FINE) return returned(run, out_state);
    if (over == METER_LEFT) return left(run, out_state);
    if (over == METER_FINE && status != LUA_ERRMEM && !journal_live(run->journal)) {
        journal_differ(run->journal, "fails");
        over = METER_CHANGED;
    }
    if (over == METER_CHANGED) return changed(run, out_state);
    return attempt_failed(run, status, failed, out_state);
}
