#include "tests/core/turn/script.h"

struct script_source {
    struct rp_source source;
    struct script *script;
    struct rp_task task;
    size_t next;
};

struct script_held {
    struct rp_tap tap;
    struct script *script;
    struct rp_buf held;
    struct rp_chunk chunk;
    enum rp_flow flow;
    struct rp_task task;
    bool retried;
};

struct script_later {
    struct rp_task task;
    struct rp_turn *turn;
    struct script *script;
};

/* ---- the source ---------------------------------------------------------------------------------------------------- */

static void write_piece(struct script_source *mine) {
    const char *piece = mine->script->pieces[mine->next++];
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str(piece)};
    enum rp_flow flow = piece && mine->script->pieces[mine->next] ? RP_MORE : RP_END;
    if (piece && strcmp(piece, "!") == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = RP_EUPSTREAM, .retry_after = 7}};
        flow = RP_ERROR;
    }
    if (rp_source_write(&mine->source, &chunk, flow) != 0) mine->script->refused++;
    if (mine->script->source_double && rp_source_write(&mine->source, &chunk, flow) != 0) mine->script->refused++;
}

static void on_source_task(struct rp_task *task) {
    write_piece((struct script_source *)((char *)task - offsetof(struct script_source, task)));
}

static void more(struct rp_source *source) {
    struct script_source *mine = (struct script_source *)source;
    if (mine->script->source_silent) return;
    mine->task.run = on_source_task;
    if (mine->script->source_later)
        rp_task_schedule(source->turn->worker, &mine->task);
    else
        write_piece(mine);
}

static void source_close(struct rp_source *source) {
    struct script_source *mine = (struct script_source *)source;
    rp_task_cancel(source->turn->worker, &mine->task);
    mine->script->source_closes++;
}

static const struct rp_source_ops source_ops = {.more = more, .close = source_close};

static struct rp_source *script_source(struct rp_turn *turn, struct script *script) {
    struct script_source *mine = rp_arena_zalloc(turn->arena, sizeof(*mine));
    rp_source_init(&mine->source, &source_ops, turn);
    mine->script = script;
    script->sources++;
    rp_turn_set_by(turn, "script");
    return &mine->source;
}

/* ---- the tap ------------------------------------------------------------------------------------------------------- */

static void next(struct script_held *mine, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (rp_tap_next(&mine->tap, chunk, flow) != 0) mine->script->refused++;
}

static void on_tap_task(struct rp_task *task) {
    struct script_held *mine = (struct script_held *)((char *)task - offsetof(struct script_held, task));
    next(mine, &mine->chunk, mine->flow);
}

static void hold(struct script_held *mine, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (chunk->type == RP_CHUNK_TEXT) rp_buf_append_str(&mine->held, chunk->text);
    if (flow == RP_MORE) {
        rp_tap_more(&mine->tap);
        return;
    }
    struct rp_chunk all = *chunk;
    if (flow == RP_END) {
        all.type = RP_CHUNK_TEXT;
        all.text = rp_buf_str(&mine->held);
    }
    next(mine, &all, flow);
}

/* The first character of what is held; the rest when asked for more. */
static void split_next(struct script_held *mine) {
    if (mine->held.len == 0 && mine->flow == RP_MORE) {
        rp_tap_more(&mine->tap);
        return;
    }
    if (mine->flow == RP_ERROR) {
        next(mine, &mine->chunk, RP_ERROR);
        return;
    }
    char first[1] = {mine->held.len ? mine->held.data[0] : 0};
    size_t len = mine->held.len ? 1 : 0;
    rp_buf_consume(&mine->held, len);
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = {first, len}};
    next(mine, &chunk, mine->held.len ? RP_MORE : mine->flow);
}

static void split(struct script_held *mine, const struct rp_chunk *chunk, enum rp_flow flow) {
    mine->flow = flow;
    mine->chunk = *chunk;
    if (chunk->type == RP_CHUNK_TEXT) rp_buf_append_str(&mine->held, chunk->text);
    split_next(mine);
}

static void on_tap_write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct script_held *mine = (struct script_held *)tap;
    switch (mine->script->tap) {
    case TAP_HOLD: hold(mine, chunk, flow); break;
    case TAP_SPLIT: split(mine, chunk, flow); break;
    case TAP_LATER:
        mine->chunk = *chunk;
        if (chunk->type == RP_CHUNK_TEXT) mine->chunk.text = rp_arena_str(turn->arena, chunk->text);
        mine->flow = flow;
        mine->task.run = on_tap_task;
        rp_task_schedule(turn->worker, &mine->task);
        break;
    case TAP_NEVER: break;
    case TAP_TWICE:
        next(mine, chunk, flow);
        next(mine, chunk, flow);
        break;
    case TAP_CUT: next(mine, chunk, RP_END); break;
    case TAP_RETRY:
        if (!mine->retried)
            mine->retried = rp_tap_restart(tap) == 0;
        else if (rp_tap_next(tap, chunk, flow) == 0 && rp_tap_restart(tap) != 0)
            mine->script->refused++;
        break;
    case TAP_LOSE_END: next(mine, chunk, RP_MORE); break;
    default: next(mine, chunk, flow); break;
    }
}

static void on_tap_more(struct rp_tap *tap, struct rp_turn *turn) {
    (void)turn;
    split_next((struct script_held *)tap);
}

static void on_tap_close(struct rp_tap *tap, struct rp_turn *turn) {
    struct script_held *mine = (struct script_held *)tap;
    rp_task_cancel(turn->worker, &mine->task);
    rp_buf_finish(&mine->held);
    mine->script->tap_closes++;
}

static const struct rp_tap_ops tap_ops = {.write = on_tap_write, .close = on_tap_close};
static const struct rp_tap_ops split_ops = {.write = on_tap_write, .more = on_tap_more, .close = on_tap_close};

static void push_tap(struct rp_turn *turn, struct script *script) {
    struct script_held *mine = rp_arena_zalloc(turn->arena, sizeof(*mine));
    rp_buf_init(&mine->held, 1 << 20);
    mine->script = script;
    rp_tap_push(turn, &mine->tap, script->tap == TAP_SPLIT ? &split_ops : &tap_ops);
}

/* ---- the stage ------------------------------------------------------------------------------------------------------ */

static void on_later(struct rp_task *task) {
    struct script_later *later = (struct script_later *)task;
    if (later->script->act == ACT_RESUME_LATER)
        rp_turn_resume(later->turn);
    else
        rp_turn_reply(later->turn, script_source(later->turn, later->script));
}

static void pay_later(struct rp_stage *stage, struct rp_turn *turn, struct script *script) {
    struct script_later *later = rp_arena_zalloc(turn->arena, sizeof(*later));
    *later = (struct script_later){.task = {.run = on_later}, .turn = turn, .script = script};
    *rp_turn_slot(turn, stage) = later;
    rp_task_schedule(turn->worker, &later->task);
}

static void reply(struct rp_turn *turn, struct script *script) {
    if (rp_turn_reply(turn, script_source(turn, script)) != 0) script->refused++;
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    struct script *script = (struct script *)stage->element.options;
    script->turns++;
    if (script->tap) push_tap(turn, script);
    switch (script->act) {
    case ACT_PASS: return RP_PASS;
    case ACT_KEEP: return RP_KEEP;
    case ACT_RESUME_TWICE:
        rp_turn_resume(turn);
        if (rp_turn_resume(turn) != 0) script->refused++;
        return RP_KEEP;
    case ACT_RESUME_NOW: rp_turn_resume(turn); return RP_KEEP;
    case ACT_RESUME_LATER:
    case ACT_REPLY_LATER: pay_later(stage, turn, script); return RP_KEEP;
    case ACT_REPLY_TWICE:
        reply(turn, script);
        reply(turn, script);
        return RP_KEEP;
    case ACT_REPLY_AND_PASS: reply(turn, script); return RP_PASS;
    case ACT_FAIL: rp_turn_fail(turn, &(struct rp_fault){.code = RP_ERATE, .retry_after = 3}); return RP_KEEP;
    default: reply(turn, script); return RP_KEEP;
    }
}

static void cancel(struct rp_stage *stage, struct rp_turn *turn) {
    struct script *script = (struct script *)stage->element.options;
    struct script_later *later = *rp_turn_slot(turn, stage);
    if (later) rp_task_cancel(turn->worker, &later->task);
    script->cancels++;
}

const struct rp_stage_type script_stage = {
    .type = {.name = "script", .summary = "does what a test says"}, .on_turn = on_turn, .cancel = cancel};
