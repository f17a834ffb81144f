/* The tap. It hands pieces to the row of guards and takes out what the row gives, one chunk for each request. */
#include "guard_reply.h"

#include "guard_row.h"
#include "guard_tell.h"

struct guarded {
    struct rp_tap tap;
    struct guard_row row;
    struct guard_asking asking; /* whether a guard applies at all */
    enum run_state state;       /* what the turn goes on with then */
    size_t next;                /* the guard to be looked at */
    struct rp_usage usage;      /* comes last, when it came with the end */
    bool has_usage, ends;
};

/* ---- out --------------------------------------------------------------------------------------------------------- */

/* The next chunk of an end that the row has given: text, tool calls, usage. */
static void give_end(struct guarded *guarded) {
    struct guard_row *row = &guarded->row;
    struct rp_chunk chunk = {.type = RP_CHUNK_NONE};
    if (row->text.len) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_TEXT, .text = row->text};
        row->text = RP_STR("");
    } else if (row->calls) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_TOOL, .tool = row->calls->tool};
        row->calls = row->calls->next;
    } else if (guarded->has_usage) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = guarded->usage};
        guarded->has_usage = false;
    }
    bool last = !row->calls && !guarded->has_usage;
    chunk.finish = row->finish;
    rp_tap_next(&guarded->tap, &chunk, last ? RP_END : RP_MORE);
}

static void fail(struct guarded *guarded) {
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR, .fault = {.code = guarded->row.code}};
    rp_tap_next(&guarded->tap, &chunk, RP_ERROR);
}

static void give_piece(struct guarded *guarded) {
    struct guard_row *row = &guarded->row;
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = row->text};
    if (row->call) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_TOOL, .tool = row->call->tool};
        row->call = NULL;
    } else if (row->text.len == 0) {
        rp_tap_more(&guarded->tap);
        return;
    }
    rp_tap_next(&guarded->tap, &chunk, RP_MORE);
}

static void take(struct guarded *guarded, enum guard_row_state state) {
    switch (state) {
    case GUARD_ROW_GOES_ON: give_piece(guarded); break;
    case GUARD_ROW_ENDS:
        guarded->ends = true;
        give_end(guarded);
        break;
    case GUARD_ROW_RESTARTS: rp_tap_restart(&guarded->tap); break;
    case GUARD_ROW_FAILS: fail(guarded); break;
    case GUARD_ROW_WAITS: break;
    }
}

static void on_decided(struct guard_row *row, enum guard_row_state state) {
    take((struct guarded *)(void *)((char *)row - offsetof(struct guarded, row)), state);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

/* Also what was spent on a reply that is asked for again. */
static void add_usage(struct guarded *guarded, const struct rp_usage *usage) {
    guarded->usage.input_tokens += usage->input_tokens;
    guarded->usage.output_tokens += usage->output_tokens;
    guarded->has_usage = true;
}

static void on_end(struct guarded *guarded, const struct rp_chunk *chunk) {
    struct rp_str piece = chunk->type == RP_CHUNK_TEXT ? chunk->text : RP_STR("");
    if (chunk->type == RP_CHUNK_TOOL) guard_row_keep(&guarded->row, &chunk->tool);
    if (chunk->type == RP_CHUNK_USAGE) add_usage(guarded, &chunk->usage);
    take(guarded, guard_row_end(&guarded->row, piece, chunk->finish));
}

static void on_write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct guarded *guarded = (struct guarded *)tap;
    (void)turn;
    if (flow == RP_ERROR) {
        rp_tap_next(tap, chunk, flow); /* what waits is not decided and never will be */
    } else if (flow == RP_END) {
        on_end(guarded, chunk);
    } else if (chunk->type == RP_CHUNK_TEXT) {
        take(guarded, guard_row_text(&guarded->row, chunk->text));
    } else if (chunk->type == RP_CHUNK_TOOL && guarded->row.has_whole && !chunk->tool.own) {
        guard_row_keep(&guarded->row, &chunk->tool);
        rp_tap_more(tap);
    } else if (chunk->type == RP_CHUNK_TOOL) {
        take(guarded, guard_row_call(&guarded->row, &chunk->tool));
    } else {
        rp_tap_next(tap, chunk, flow);
    }
}

static void on_more(struct rp_tap *tap, struct rp_turn *turn) {
    struct guarded *guarded = (struct guarded *)tap;
    (void)turn;
    if (guarded->ends) {
        give_end(guarded);
    } else {
        rp_tap_more(tap);
    }
}

static void on_close(struct rp_tap *tap, struct rp_turn *turn) {
    (void)turn;
    guard_row_finish(&((struct guarded *)tap)->row);
}

/* ---- which guards apply ------------------------------------------------------------------------------------------ */

static bool looks_at(const struct guard *guard, const struct run *run) {
    return guard->on == GUARD_ON_REPLY && guard_applies(guard, run_guards(run));
}

static size_t count_guards(const struct run *run) {
    const struct ruleset *set = run->vm->set;
    size_t count = 0;
    for (size_t i = 0; i < set->guard_count; i++) count += looks_at(set->guards[i], run);
    return count;
}

static enum run_state hang_in(struct guarded *guarded) {
    static const struct rp_tap_ops ops = {.write = on_write, .more = on_more, .close = on_close};
    if (guarded->row.count) rp_tap_push(guarded->row.run->turn, &guarded->tap, &ops);
    return guarded->state;
}

/* RUN_PASSES: the next guard. */
static enum run_state on_applies(struct guarded *guarded, enum guard_answer answer) {
    const struct guard *guard = guarded->asking.guard;
    struct run *run = guarded->row.run;
    if (answer == GUARD_ACTS) guard_row_add(&guarded->row, guard);
    if (answer == GUARD_CLEAR) guard_tell_clear(run, guard, "not asked for");
    if (answer == GUARD_WAITS) {
        *rp_turn_slot(run->turn, run->stage) = guarded->asking.own;
        return RUN_WAITS;
    }
    if (answer != GUARD_FAILED) return RUN_PASSES;
    guard_row_finish(&guarded->row);
    rp_turn_set_by(run->turn, "%s", guard->by);
    return run_fail(run, guarded->asking.code);
}

static enum run_state collect(struct guarded *guarded);

static void on_answer(struct guard_asking *asking, enum guard_answer answer) {
    struct guarded *guarded = (struct guarded *)(void *)((char *)asking - offsetof(struct guarded, asking));
    enum run_state state = on_applies(guarded, answer);
    if (state == RUN_PASSES) state = collect(guarded);
    if (state != RUN_WAITS) stage_guarded_reply(guarded->row.run, state);
}

/* A guard that wants the whole asks its `when` later, together with its `check`, and only if it must. */
static enum run_state collect(struct guarded *guarded) {
    struct run *run = guarded->row.run;
    const struct ruleset *set = run->vm->set;
    while (guarded->next < set->guard_count) {
        const struct guard *guard = set->guards[guarded->next++];
        if (!looks_at(guard, run)) continue;
        if (guard->whole || guard->when_ref == LUA_NOREF) {
            guard_row_add(&guarded->row, guard);
            continue;
        }
        guarded->asking = (struct guard_asking){.run = run, .guard = guard, .then = on_answer};
        enum run_state state = on_applies(guarded, guard_ask(&guarded->asking));
        if (state != RUN_PASSES) return state;
    }
    return hang_in(guarded);
}

enum run_state guard_reply(struct run *run, enum run_state state) {
    size_t count = state == RUN_PASSES || state == RUN_ANSWERS ? count_guards(run) : 0;
    if (count == 0) return state;
    struct guarded *guarded = rp_arena_zalloc(run->turn->arena, sizeof(*guarded));
    guarded->state = state;
    guard_row_init(&guarded->row, run, count);
    guarded->row.own = state == RUN_ANSWERS || run->with_person;
    guarded->row.then = on_decided;
    return collect(guarded);
}
