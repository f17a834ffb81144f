/* The life of the dialogs of a session: found, gone on with, put down again. What a function does in between is the
 * business of journal.h and of those who use it; the order of a turn is run.c's. */
#include "dialog.h"

#include <repartee/log.h>

#include "frame.h"
#include "inventory.h"
#include "meter.h"
#include "object.h"
#include "packed.h"
#include "progress.h"
#include "reply.h"
#include "ruleset.h"

#define VARIABLE "@dialog"

/* ---- the log ----------------------------------------------------------------------------------------------------- */

static void log_line(const struct run *run, enum rp_log_level level, const char *message, const char *name,
                     const char *why) {
    struct rp_log_line line;
    rp_log_open(&line, level, "rules");
    rp_log_str(&line, "message", rp_str(message));
    rp_log_str(&line, "request_id", rp_str(run->turn->id));
    rp_log_str(&line, "session", run->turn->session);
    rp_log_str(&line, "dialog", rp_str(name));
    if (why) rp_log_str(&line, "why", rp_str(why));
    rp_log_close(&line);
}

void dialog_tell(struct run *run, const char *outcome) {
    const struct origin *origin = &run->rule->origin;
    inventory_reached(run->vm, origin);
    if (!rp_turn_explained(run->turn)) return;
    json_t *detail = json_pack("{s:s, s:s}", "dialog", origin->name, "outcome", outcome);
    json_object_set_new(detail, "at", json_sprintf("%s:%d", origin->file, origin->line));
    if (run->journal) {
        json_object_set_new(detail, "entries", json_integer((json_int_t)json_array_size(run->journal->entries)));
        json_object_set_new(detail, "bytes", json_integer((json_int_t)run->journal->bytes));
    }
    rp_turn_note(run->turn, &run->stage->element, "dialog", detail);
}

/* ---- the stack --------------------------------------------------------------------------------------------------- */

static void forget(void *arg) {
    struct dialogs *dialogs = arg;
    journal_finish(&dialogs->journal);
    json_decref(dialogs->others);
    json_decref(dialogs->stack);
    json_decref(dialogs->record);
    json_decref(dialogs->saved);
}

static json_t *copy_vars(struct rp_turn *turn) {
    return json_copy((json_t *)(uintptr_t)rp_session_vars(turn));
}

static void open_dialogs(struct run *run) {
    struct dialogs *dialogs = rp_arena_zalloc(run->turn->arena, sizeof(*dialogs));
    dialogs->others = json_array();
    dialogs->stack = json_array();
    dialogs->saved = copy_vars(run->turn);
    dialogs->said_end = &dialogs->said;
    rp_arena_defer(run->turn->arena, forget, dialogs);
    run->dialogs = dialogs;
}

static json_t *top(const struct dialogs *dialogs) {
    return json_array_get(dialogs->stack, json_array_size(dialogs->stack) - 1);
}

static void drop_top(struct dialogs *dialogs) {
    json_array_remove(dialogs->stack, json_array_size(dialogs->stack) - 1);
}

/* Into the session, with the record of the running dialog on top, if there is one. */
static int store(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    json_t *stack = json_copy(dialogs->others);
    json_array_extend(stack, dialogs->stack);
    if (dialogs->record) json_array_append_new(stack, json_copy(dialogs->record));
    int rc = rp_session_set(run->turn, VARIABLE, json_array_size(stack) ? stack : NULL);
    json_decref(stack);
    return rc;
}

static bool stack_valid(const json_t *stored) {
    for (size_t i = 0; i < json_array_size(stored); i++)
        if (!progress_valid(json_array_get(stored, i))) return false;
    return json_array_size(stored) > 0;
}

void dialog_load(struct run *run) {
    const json_t *stored = rp_session_get(run->turn, VARIABLE);
    if (!stored) return;
    if (!stack_valid(stored)) {
        log_line(run, RP_LOG_ERROR, "the session's dialogs are broken and were dropped", "?", NULL);
        rp_session_set(run->turn, VARIABLE, NULL);
        return;
    }
    open_dialogs(run);
    for (size_t i = 0; i < json_array_size(stored); i++) {
        json_t *record = json_array_get(stored, i);
        json_array_append(progress_is_of(record, run) ? run->dialogs->stack : run->dialogs->others, record);
    }
}

bool dialog_waits(const struct run *run) {
    return run->dialogs && json_array_size(run->dialogs->stack) > 0;
}

bool dialog_broken_off(const struct run *run) {
    return dialog_waits(run) && !progress_question(top(run->dialogs)).data;
}

static bool in_progress(const struct dialogs *dialogs, const char *name) {
    for (size_t i = 0; i < json_array_size(dialogs->stack); i++)
        if (strcmp(progress_name(json_array_get(dialogs->stack, i)), name) == 0) return true;
    return false;
}

bool dialog_lets(const struct run *run, const struct rule *rule) {
    if (!dialog_waits(run)) return true;
    if (!rule->interrupt) return false;
    if (!rule->dialog) return true;
    return json_array_size(run->dialogs->stack) < DIALOG_DEPTH && !in_progress(run->dialogs, rule->origin.name);
}

/* ---- what the turn says ------------------------------------------------------------------------------------------ */

bool dialog_say(struct run *run, struct rp_str text) {
    struct said *said = rp_arena_alloc(run->turn->arena, sizeof(*said));
    *said = (struct said){.text = text};
    run->dialogs->said_bytes += text.len + 1;
    *run->dialogs->said_end = said;
    run->dialogs->said_end = &said->next;
    return run->dialogs->said_bytes <= REPLY_BYTES;
}

/* All that was said, a line each: into run->reply. */
static void join(struct run *run) {
    size_t len = 0;
    for (const struct said *said = run->dialogs->said; said; said = said->next) len += said->text.len + 1;
    char *text = rp_arena_alloc(run->turn->arena, len + 1), *at = text;
    for (const struct said *said = run->dialogs->said; said; said = said->next) {
        if (said->text.len) memcpy(at, said->text.data, said->text.len);
        at += said->text.len;
        *at++ = '\n';
    }
    run->reply = rp_str_n(text, len ? len - 1 : 0);
}

/* The dialog that waits asks once more: gives its question, if there is one, and sets when its time is over. */
static struct rp_str ask_again(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    struct rp_str question = {0};
    int64_t due = 0;
    if (dialog_waits(run) && !dialog_broken_off(run)) {
        json_t *record = json_copy(top(dialogs));
        due = progress_ask_again(record);
        json_array_set_new(dialogs->stack, json_array_size(dialogs->stack) - 1, record);
        question = rp_arena_str(run->turn->arena, progress_question(record));
    }
    rp_session_wake(run->turn, due);
    dialogs->asked = true;
    return question;
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static void open_journal(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    journal_finish(&dialogs->journal);
    progress_open(dialogs->record, &dialogs->journal, (size_t)run->rules->options->journal);
    rp_normalise(run->turn->arena, progress_text(dialogs->record), &dialogs->text);
    dialogs->fresh = true;
    run->journal = &dialogs->journal;
}

void dialog_close(struct run *run) {
    if (!run->journal) return;
    run->journal = NULL;
    json_decref(run->dialogs->record);
    run->dialogs->record = NULL;
    run->dialogs->asks = false;
}

/* The running dialog is over. True: something is to be said. */
static bool end(struct run *run, const char *how, bool passes) {
    dialog_tell(run, how);
    rp_turn_set_by(run->turn, "%s", run->rule->by);
    dialog_close(run);
    if (run->handed_off) json_array_clear(run->dialogs->stack);
    if (!passes) {
        struct rp_str question = ask_again(run);
        if (question.len) dialog_say(run, question);
    }
    store(run); /* what is there grows smaller: it fits */
    join(run);
    return run->dialogs->said != NULL;
}

static enum dialog_next end_with(struct run *run, const char *how, const char *text) {
    if (text) dialog_say(run, rp_str(text));
    return end(run, how, false) ? DIALOG_SAYS : DIALOG_NONE;
}

/* Takes the record off the stack and finds its dialog. False: the rules have it no more. */
static bool take_top(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    const struct rule *rule = ruleset_dialog(run->vm->set, progress_name(top(dialogs)));
    dialogs->resumed = true;
    if (!rule) {
        log_line(run, RP_LOG_WARN, "a dialog in progress is gone from the rules: it is over", progress_name(top(dialogs)),
                 NULL);
        drop_top(dialogs);
        return false;
    }
    dialogs->record = json_copy(top(dialogs));
    drop_top(dialogs);
    dialogs->rule = run->rule = rule;
    run->generate = NULL;
    return true;
}

static bool cancelled(const struct run *run) {
    struct rp_match match;
    const struct dialog *dialog = run->rule->dialog;
    for (size_t i = 0; i < dialog->cancel_count; i++)
        if (rp_regex_match(dialog->cancel[i], run->text.text, 0, RP_MATCH_TRUSTED, &match) == RP_MATCH_FOUND) return true;
    return false;
}

/* The answer goes in front of the replay, which then takes it like all others. */
static enum dialog_next answer(struct run *run, json_t *text) {
    json_int_t hash = json_integer_value(json_object_get(json_object_get(run->dialogs->record, "ask"), "hash"));
    json_object_del(run->dialogs->record, "ask");
    if (journal_append(run->journal, JOURNAL_ASK, (uint32_t)hash, text) == 0) return DIALOG_RUNS;
    return DIALOG_FULL;
}

static json_t *message_of(const struct run *run) {
    return json_stringn(run->text.original.data, run->text.original.len);
}

enum dialog_next dialog_go_on(struct run *run) {
    while (dialog_waits(run)) {
        if (!take_top(run)) continue;
        open_journal(run);
        if (cancelled(run)) return end_with(run, "cancelled", run->rule->dialog->cancelled);
        if (!progress_question(run->dialogs->record).data) return DIALOG_RUNS;
        return answer(run, message_of(run));
    }
    store(run);
    return DIALOG_NONE;
}

enum dialog_next dialog_expire(struct run *run) {
    if (!dialog_waits(run)) return DIALOG_NONE;
    int64_t due = progress_due(top(run->dialogs));
    if (due == 0 || rp_wall_ms() < due) return DIALOG_NONE;
    if (!take_top(run)) {
        rp_session_wake(run->turn, 0);
        store(run);
        return DIALOG_NONE;
    }
    open_journal(run);
    return answer(run, json_null());
}

/* ---- for its function -------------------------------------------------------------------------------------------- */

void dialog_begin(lua_State *L, struct run *run) {
    inventory_reached(run->vm, &run->rule->origin);
    if (!run->dialogs) open_dialogs(run);
    run->dialogs->record = progress_create(run);
    run->dialogs->rule = run->rule;
    run->dialogs->resumed = false;
    open_journal(run);
    object_forget(L, 1); /* what `when` has seen of `t` was not journalled */
}

int dialog_leave(lua_State *L, struct run *run, struct rp_str text) {
    if (!journal_live(run->journal)) {
        journal_differ(run->journal, "ends");
        return dialog_differs(L, run);
    }
    run->dialogs->left = text;
    run->account.over = METER_LEFT;
    return meter_raise(L);
}

static int raise_final(lua_State *L, struct run *run, enum meter_over over) {
    if (run->account.over == METER_FINE) run->account.over = over;
    return meter_raise(L);
}

int dialog_differs(lua_State *L, struct run *run) {
    return raise_final(L, run, METER_CHANGED);
}

int dialog_full(lua_State *L, struct run *run) {
    return raise_final(L, run, METER_JOURNAL);
}

int dialog_crowded(lua_State *L, struct run *run) {
    return raise_final(L, run, METER_SESSION);
}

const json_t *dialog_read(lua_State *L, struct run *run, const char *name, const json_t *actual) {
    const json_t *value;
    switch (journal_read(run->journal, name, actual, &value)) {
    case JOURNAL_HAS: return value;
    case JOURNAL_FULL: dialog_full(L, run); break;
    default: dialog_differs(L, run);
    }
    return NULL;
}

bool dialog_writes(lua_State *L, struct run *run, const char *name, int index, const json_t *value) {
    if (!run->journal) return true;
    journal_trace(run->journal, packed_hash(L, index, packed_hash_text(PACKED_HASH_START, rp_str(name))));
    journal_wrote(run->journal, name, value);
    return journal_live(run->journal);
}

int dialog_save(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    progress_keep(dialogs->record, run->journal);
    int rc = store(run);
    if (rc != 0) return rc;
    json_decref(dialogs->saved);
    dialogs->saved = copy_vars(run->turn);
    dialog_shield(run);
    run_save(run);
    return 0;
}

void dialog_shield(struct run *run) {
    if (!run->shielded) rp_turn_shield(run->turn);
    run->shielded = true;
}

void dialog_unshield(struct run *run) {
    if (run->shielded) rp_turn_unshield(run->turn);
    run->shielded = false;
}

/* ---- after its function ------------------------------------------------------------------------------------------ */

int dialog_asked(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    dialog_say(run, dialogs->question.now);
    journal_settle(run->journal);
    progress_keep(dialogs->record, run->journal);
    progress_ask(dialogs->record, &dialogs->question);
    int rc = store(run);
    if (rc != 0) return rc;
    rp_session_wake(run->turn, progress_due(dialogs->record));
    dialog_tell(run, "asked, and waits for an answer");
    rp_turn_set_by(run->turn, "%s", run->rule->by);
    json_array_append(dialogs->stack, dialogs->record);
    dialogs->asked = true;
    dialog_close(run);
    join(run);
    return 0;
}

bool dialog_ended(struct run *run, bool replied, bool passes) {
    if (replied) dialog_say(run, run->reply);
    return end(run, "ended", passes);
}

enum dialog_next dialog_changed(struct run *run) {
    struct dialogs *dialogs = run->dialogs;
    const struct dialog *dialog = run->rule->dialog;
    bool restart = dialog->restart && !progress_has_sent(dialogs->record);
    json_int_t code = json_integer_value(json_object_get(dialogs->record, "code"));
    log_line(run, RP_LOG_WARN,
             code == (json_int_t)dialog->code ? "a dialog did not go the same way twice" : "a dialog's code has changed",
             run->rule->origin.name, run->journal->differs);
    dialogs->said = NULL;
    dialogs->said_end = &dialogs->said;
    dialogs->said_bytes = 0;
    if (!restart) return end_with(run, "does not fit its journal, and ends", dialog->changed);
    dialog_tell(run, "does not fit its journal, and begins anew");
    json_t *record = progress_again(dialogs->record);
    json_object_set_new(record, "code", json_integer((json_int_t)dialog->code));
    dialog_close(run);
    dialogs->record = record;
    if (dialog->changed) dialog_say(run, rp_str(dialog->changed));
    open_journal(run);
    return DIALOG_RUNS;
}

/* The session's variables as they were when the store last had them. */
static void restore(struct run *run) {
    json_t *now = copy_vars(run->turn), *before = run->dialogs->saved, *value;
    const char *name;
    json_object_foreach(now, name, value) {
        if (!json_object_get(before, name)) rp_session_set(run->turn, name, NULL);
    }
    json_object_foreach(before, name, value) {
        if (json_object_get(now, name) != value) rp_session_set(run->turn, name, value);
    }
    json_decref(now);
}

bool dialog_failed(struct run *run, bool final) {
    restore(run);
    dialog_close(run);
    run->dialogs = NULL;
    dialog_load(run);
    if (!dialog_waits(run) || strcmp(progress_name(top(run->dialogs)), run->rule->origin.name) != 0)
        return false; /* it had not begun */
    json_t *record = json_copy(top(run->dialogs));
    drop_top(run->dialogs);
    if (final || progress_count_failure(record) >= (unsigned)run->rules->options->dialog_failures) {
        log_line(run, RP_LOG_ERROR, "a dialog has failed and is over", progress_name(record), NULL);
        rp_session_wake(run->turn, json_array_size(run->dialogs->stack) ? progress_due(top(run->dialogs)) : 0);
        json_decref(record);
    } else {
        json_array_append_new(run->dialogs->stack, record);
    }
    store(run);
    return true;
}

/* ---- beside it --------------------------------------------------------------------------------------------------- */

void dialog_frame(struct run *run, bool passes) {
    struct dialogs *dialogs = run->dialogs;
    if (!dialogs) return;
    struct rp_str before = {0}, behind = {0};
    if (passes && dialogs->said) {
        join(run);
        before = run->reply;
    }
    if (!dialogs->asked && dialog_waits(run)) {
        behind = ask_again(run);
        store(run);
    }
    if (before.len || behind.len) frame_reply(run->turn, before, behind);
}

void dialog_end_all(struct run *run) {
    run->dialogs = NULL;
    if (!rp_session_get(run->turn, VARIABLE)) return;
    rp_session_set(run->turn, VARIABLE, NULL);
    rp_session_wake(run->turn, 0);
}
