/* Moves a reply through its guards. In the middle of a reply a piece goes from guard to guard until one holds it; at the
 * end each guard in turn decides about all that it has, and the next one begins with what that leaves. So what comes out
 * is what the guards would make of the whole text one after the other, whatever the pieces were. */
#include "guard_row.h"

#include "guard_tell.h"
#include "guard_tool.h"
#include "handoff.h"

static const struct guard *guard_of(const struct guard_link *link) {
    return link->use.guard;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

void guard_row_init(struct guard_row *row, struct run *run, size_t most) {
    row->run = run;
    row->links = rp_arena_zalloc(run->turn->arena, most * sizeof(*row->links));
}

void guard_row_add(struct guard_row *row, const struct guard *guard) {
    const struct rules *rules = row->run->rules;
    struct guard_link *link = &row->links[row->count++];
    link->use = (struct guard_use){
        .guard = guard,
        .patterns = &rules->program->guards[guard->number],
        .arena = row->run->turn->arena,
        .sentence = rp_str(guard->action == GUARD_HANDOFF ? rules->options->handoff : rules->options->blocked),
        .max = row->run->turn->reply_max,
    };
    guard_stream_init(&link->stream, &link->use);
    rp_buf_init(&link->held, link->use.max);
    row->has_whole |= guard->whole;
}

static void clear(struct guard_row *row) {
    for (size_t i = 0; i < row->count; i++) {
        struct guard_link *link = &row->links[i];
        guard_stream_finish(&link->stream);
        guard_stream_init(&link->stream, &link->use);
        rp_buf_finish(&link->held);
        link->told = false;
    }
    row->text = RP_STR("");
    row->calls = row->call = NULL;
    row->stop = NULL;
}

void guard_row_finish(struct guard_row *row) {
    guard_ask_drop(&row->asking);
    clear(row);
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static enum guard_row_state fail(struct guard_row *row, const struct guard_link *link, int code) {
    guard_tell_limit(row->run, guard_of(link), code);
    row->code = code == RP_EUTF8 ? RP_EUPSTREAM : code; /* not the client's text was broken */
    return GUARD_ROW_FAILS;
}

static void tell(struct guard_row *row, struct guard_link *link, const struct guard_found *found, const char *outcome) {
    if (link->told) return;
    link->told = true;
    guard_tell(row->run, guard_of(link), found->matched, row->asking.reason, outcome);
}

/* The guard speaks in place of whoever made the reply, from here on or altogether. */
static void speak(struct guard_row *row, const struct guard_link *link, struct rp_str text, enum rp_finish finish) {
    row->text = text;
    row->calls = NULL;
    row->stop = NULL;
    row->finish = finish;
    rp_turn_set_by(row->run->turn, "%s", guard_of(link)->by);
}

/* ---- guards that take the reply in pieces ------------------------------------------------------------------------ */

/* Feeds one guard; what it gives is the row's text. *out_ended: it blocks. 0, or an error. */
static int feed(struct guard_row *row, struct guard_link *link, enum guard_piece kind, bool *out_ended) {
    int code = guard_stream_feed(&link->stream, row->text, kind, &row->text, out_ended);
    if (link->stream.found.found) tell(row, link, &link->stream.found, NULL);
    return code;
}

/* One tool call; *out_ended: the guard blocks the reply. */
static int filter_call(struct guard_row *row, struct guard_link *link, struct rp_tool_call *tool, bool *out_ended,
                       struct guard_found *found) {
    int code = guard_tool(&link->use, tool->arguments, found, &tool->arguments);
    *out_ended = (code == -RP_EREGEX || found->found) && guard_of(link)->action == GUARD_BLOCK;
    if (found->found || *out_ended) tell(row, link, found, NULL);
    return *out_ended ? 0 : code;
}

/* The guard blocks at a tool call: behind the text up to there come its own words. */
static void speak_behind(struct guard_row *row, const struct guard_link *link, struct rp_str with) {
    speak(row, link, rp_arena_join(link->use.arena, row->text, with), RP_FINISH_FILTER);
}

static enum guard_row_state end_in_pieces(struct guard_row *row, struct guard_link *link) {
    bool ended;
    int code = feed(row, link, GUARD_PIECE_LAST, &ended);
    if (code) return fail(row, link, -code);
    if (ended) speak(row, link, row->text, RP_FINISH_FILTER);
    for (struct guard_call *call = row->calls; call; call = call->next) {
        struct guard_found found;
        code = filter_call(row, link, &call->tool, &ended, &found);
        if (code) return fail(row, link, -code);
        if (!ended) continue;
        speak_behind(row, link, found.with);
        break;
    }
    if (row->stop == link) speak_behind(row, link, row->found.with);
    return GUARD_ROW_GOES_ON;
}

/* ---- guards that want the whole ---------------------------------------------------------------------------------- */

static enum guard_row_state ask_again(struct guard_row *row, const struct guard_link *link) {
    const struct guard *guard = guard_of(link);
    struct rp_str reason = row->asking.reason;
    rp_turn_prompt(row->run->turn)->note = reason.len ? reason : guard->note;
    row->restarts++;
    clear(row);
    return GUARD_ROW_RESTARTS;
}

static enum guard_row_state replace_all(struct guard_row *row, struct guard_link *link) {
    struct rp_normalised whole;
    struct guard_found found;
    if (guard_of(link)->pattern_count == 0) {
        row->text = guard_of(link)->with;
        return GUARD_ROW_GOES_ON;
    }
    rp_normalise(link->use.arena, row->text, &whole);
    int code = guard_replace(&link->use, &whole, &found, &row->text);
    for (struct guard_call *call = row->calls; call && code == 0; call = call->next) {
        code = guard_tool(&link->use, call->tool.arguments, &found, &call->tool.arguments);
    }
    return code ? fail(row, link, -code) : GUARD_ROW_GOES_ON;
}

static enum guard_row_state hand_off(struct guard_row *row, struct guard_link *link) {
    const char *name = guard_of(link)->origin.name;
    const char *reason = rp_arena_printf(link->use.arena, "guard '%s'", name);
    if (handoff_begin(row->run, name, rp_str(reason)) != 0) return fail(row, link, RP_ETOOLARGE);
    speak(row, link, row->found.with, RP_FINISH_STOP);
    return GUARD_ROW_GOES_ON;
}

static enum guard_row_state act(struct guard_row *row, struct guard_link *link) {
    enum guard_action action = guard_of(link)->action;
    bool again = action == GUARD_RETRY && !row->own && row->restarts < guard_of(link)->tries;
    tell(row, link, &row->found, action == GUARD_RETRY && !again ? "no tries left" : NULL);
    if (again) return ask_again(row, link);
    if (action == GUARD_FLAG) return GUARD_ROW_GOES_ON;
    if (action == GUARD_REPLACE) return row->call ? GUARD_ROW_GOES_ON : replace_all(row, link);
    row->call = NULL;
    if (action == GUARD_HANDOFF) return hand_off(row, link);
    speak(row, link, row->found.with, action == GUARD_REPLY ? RP_FINISH_STOP : RP_FINISH_FILTER);
    return GUARD_ROW_GOES_ON;
}

static enum guard_row_state on_asked(struct guard_row *row, struct guard_link *link, enum guard_answer answer) {
    struct run *run = row->run;
    if (answer == GUARD_WAITS) return GUARD_ROW_WAITS;
    if (answer == GUARD_ACTS) return act(row, link);
    if (answer == GUARD_CLEAR) return GUARD_ROW_GOES_ON;
    link->told = true;
    row->call = NULL;
    if (run_fail(run, row->asking.code) == RUN_ANSWERS) {
        speak(row, link, run->reply, RP_FINISH_STOP);
        return GUARD_ROW_GOES_ON;
    }
    row->code = row->asking.code;
    return GUARD_ROW_FAILS;
}

/* Whether the guard's patterns are in the text or in a call; 1 also where it has none. */
static int look(struct guard_row *row, struct guard_link *link) {
    struct rp_normalised whole;
    const struct guard *guard = guard_of(link);
    if (guard->pattern_count == 0) {
        row->found = (struct guard_found){.with = guard->has_with ? guard->with : link->use.sentence};
        return 1;
    }
    if (!rp_utf8_valid(row->text.data, row->text.len)) return -RP_EUTF8;
    rp_normalise(link->use.arena, row->text, &whole);
    int code = guard_look(&link->use, &whole, &row->found);
    for (const struct guard_call *call = row->calls; call && code == 0 && !row->found.found; call = call->next) {
        struct rp_str arguments;
        code = guard_tool(&link->use, call->tool.arguments, &row->found, &arguments);
    }
    if (code == 0) return row->found.found;
    bool harmless = guard->action == GUARD_REPLACE || guard->action == GUARD_FLAG;
    if (!harmless) guard_tell_limit(row->run, guard, -code);
    return harmless ? code : 1;
}

static void on_answer(struct guard_asking *asking, enum guard_answer answer);

/* The guard's patterns are in the text. */
static enum guard_row_state on_match(struct guard_row *row, struct guard_link *link, struct rp_str text) {
    row->asking = (struct guard_asking){.run = row->run, .guard = guard_of(link), .text = text, .then = on_answer};
    return guard_has_functions(guard_of(link)) ? on_asked(row, link, guard_ask(&row->asking)) : act(row, link);
}

static enum guard_row_state end_whole(struct guard_row *row, struct guard_link *link) {
    int code = rp_buf_append_str(&link->held, row->text);
    if (code) return fail(row, link, RP_EREPLYSIZE);
    row->text = rp_buf_str(&link->held);
    int found = look(row, link);
    if (found < 0) return fail(row, link, -found);
    return found ? on_match(row, link, row->text) : GUARD_ROW_GOES_ON;
}

/* ---- the end of the row ------------------------------------------------------------------------------------------ */

static void pass_by(struct guard_row *row) {
    const struct guard_link *link = &row->links[row->at++];
    if (!link->told) guard_tell_clear(row->run, guard_of(link), "clear");
}

static enum guard_row_state go_on(struct guard_row *row) {
    while (row->at < row->count) {
        struct guard_link *link = &row->links[row->at];
        enum guard_row_state state = guard_of(link)->whole ? end_whole(row, link) : end_in_pieces(row, link);
        if (state != GUARD_ROW_GOES_ON) return state;
        pass_by(row);
    }
    return GUARD_ROW_ENDS;
}

/* Begins the end: the guards from `at` on get the text as the last that comes. */
static enum guard_row_state end_from(struct guard_row *row, size_t at, struct rp_str text) {
    row->text = text;
    row->at = at;
    return go_on(row);
}

/* ---- a tool call in the middle of a reply ------------------------------------------------------------------------ */

/* A guard that wants the whole cannot let a call go by to be run before it has looked. It decides about the call alone,
 * and if it acts, that is the end of the reply, of which nothing has left. Nobody outside sees the call, so there is
 * nothing to replace. */
static enum guard_row_state whole_call(struct guard_row *row, struct guard_link *link) {
    struct rp_str arguments = row->call->tool.arguments, ignored;
    enum guard_action action = guard_of(link)->action;
    if (guard_of(link)->pattern_count == 0) return GUARD_ROW_GOES_ON; /* `check` alone is about what is said */
    int code = guard_tool(&link->use, arguments, &row->found, &ignored);
    if (code && (action == GUARD_REPLACE || action == GUARD_FLAG)) return fail(row, link, -code);
    if (code) guard_tell_limit(row->run, guard_of(link), -code);
    return code || row->found.found ? on_match(row, link, arguments) : GUARD_ROW_GOES_ON;
}

static enum guard_row_state call_in_pieces(struct guard_row *row, struct guard_link *link) {
    bool ended;
    int code = filter_call(row, link, &row->call->tool, &ended, &row->found);
    if (code) return fail(row, link, -code);
    if (!ended) return GUARD_ROW_GOES_ON;
    row->call = NULL;
    row->stop = link;
    return end_from(row, 0, RP_STR(""));
}

static enum guard_row_state go_on_with_call(struct guard_row *row) {
    while (row->at < row->count) {
        struct guard_link *link = &row->links[row->at];
        enum guard_row_state state = guard_of(link)->whole ? whole_call(row, link) : call_in_pieces(row, link);
        if (state != GUARD_ROW_GOES_ON) return state;
        row->at++;
        if (!row->call) return go_on(row); /* it has spoken: the others get that as the whole reply */
    }
    row->text = RP_STR("");
    return GUARD_ROW_GOES_ON;
}

static void on_answer(struct guard_asking *asking, enum guard_answer answer) {
    struct guard_row *row = (struct guard_row *)(void *)((char *)asking - offsetof(struct guard_row, asking));
    enum guard_row_state state = on_asked(row, &row->links[row->at], answer);
    if (state == GUARD_ROW_GOES_ON && row->call) {
        row->at++;
        state = go_on_with_call(row);
    } else if (state == GUARD_ROW_GOES_ON) {
        pass_by(row);
        state = go_on(row);
    }
    if (state != GUARD_ROW_WAITS) row->then(row, state);
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

enum guard_row_state guard_row_text(struct guard_row *row, struct rp_str piece) {
    enum guard_piece kind = GUARD_PIECE_OPEN;
    row->text = piece;
    for (size_t i = 0; i < row->count; i++) {
        struct guard_link *link = &row->links[i];
        bool ended = false;
        int code = 0;
        if (guard_of(link)->whole) {
            code = rp_buf_append_str(&link->held, row->text) ? -RP_EREPLYSIZE : 0;
            row->text = RP_STR("");
        } else {
            code = feed(row, link, kind, &ended);
            if (guard_settles(&link->use)) kind = GUARD_PIECE_SETTLED;
        }
        if (code) return fail(row, link, -code);
        if (!ended) continue;
        speak(row, link, row->text, RP_FINISH_FILTER);
        return end_from(row, i + 1, row->text);
    }
    return GUARD_ROW_GOES_ON;
}

static struct guard_call *copy_call(struct rp_arena *arena, const struct rp_tool_call *tool) {
    struct guard_call *call = rp_arena_zalloc(arena, sizeof(*call));
    call->tool = *tool;
    call->tool.id = rp_arena_str(arena, tool->id);
    call->tool.name = rp_arena_str(arena, tool->name);
    call->tool.arguments = rp_arena_str(arena, tool->arguments);
    return call;
}

enum guard_row_state guard_row_call(struct guard_row *row, const struct rp_tool_call *tool) {
    row->call = copy_call(row->run->turn->arena, tool);
    row->at = 0;
    return go_on_with_call(row);
}

void guard_row_keep(struct guard_row *row, const struct rp_tool_call *tool) {
    struct guard_call **last = &row->calls;
    while (*last) last = &(*last)->next;
    *last = copy_call(row->run->turn->arena, tool);
}

enum guard_row_state guard_row_end(struct guard_row *row, struct rp_str piece, enum rp_finish finish) {
    row->finish = finish;
    return end_from(row, 0, piece);
}
