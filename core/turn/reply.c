/* A reply's way out: sources, taps, and the one request for more that travels between them. At any time at most one level
 * (the source or a tap) owes a chunk; its state says so, and every call checks it. */
#include "core/model/meter.h"
#include "core/turn/record.h"
#include "core/turn/turn.h"

#include <repartee/talk.h>

enum { OWES = 1, INPUT_ENDED = 2, ENDED = 4, CLOSED = 8, PASSED_TEXT = 16 };

const char *rp_finish_name(enum rp_finish finish) {
    static const char *const names[] = {"stop", "length", "tool_calls", "content_filter"};
    return names[finish];
}

/* ---- sources ------------------------------------------------------------------------------------------------------- */

static void source_ask(struct rp_source *source) {
    if (source->state & (OWES | ENDED | CLOSED)) return;
    source->state |= OWES;
    source->ops->more(source);
}

static void on_source_task(struct rp_task *task) {
    source_ask((struct rp_source *)((char *)task - offsetof(struct rp_source, task)));
}

void rp_source_init(struct rp_source *source, const struct rp_source_ops *ops, struct rp_turn *turn) {
    *source = (struct rp_source){.ops = ops, .turn = turn, .task = {.run = on_source_task}};
}

void rp_source_open(struct rp_source *source, struct rp_sink *sink) {
    source->sink = sink;
}

void rp_source_more(struct rp_source *source) {
    if (source->state & (OWES | ENDED | CLOSED)) {
        turn_misuse(turn_of(source->turn), "rp_source_more: a chunk is owed already, or the source has ended");
        return;
    }
    rp_task_schedule(source->turn->worker, &source->task);
}

static const struct rp_chunk broken = {.type = RP_CHUNK_ERROR, .fault = {.code = RP_EINTERNAL}};

int rp_source_write(struct rp_source *source, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (!(source->state & OWES) || source->state & CLOSED) {
        turn_misuse(turn_of(source->turn), "rp_source_write: no chunk is owed");
        return -RP_ESTATE;
    }
    source->state &= ~(unsigned)OWES;
    if (flow != RP_MORE) source->state |= ENDED;
    if ((flow == RP_ERROR) != (chunk->type == RP_CHUNK_ERROR)) {
        turn_misuse(turn_of(source->turn), "rp_source_write: RP_ERROR and an error chunk belong together");
        source->state |= ENDED;
        chunk = &broken;
        flow = RP_ERROR;
    }
    if (source->watch) model_watch_chunk(source, chunk, flow);
    source->sink->ops->write(source->sink, chunk, flow);
    return 0;
}

void rp_source_close(struct rp_source *source) {
    if (!source || source->state & CLOSED) return;
    source->state |= CLOSED;
    rp_task_cancel(source->turn->worker, &source->task);
    if (source->watch) model_watch_close(source);
    source->ops->close(source);
}

/* ---- ready-made sources ---------------------------------------------------------------------------------------------- */

struct ready_source {
    struct rp_source source;
    struct rp_chunk chunk;
    enum rp_flow flow;
};

static void ready_more(struct rp_source *source) {
    struct ready_source *ready = (struct ready_source *)source;
    rp_source_write(source, &ready->chunk, ready->flow);
}

static void ready_close(struct rp_source *source) {
    (void)source; /* all of it is in the arena */
}

static const struct rp_source_ops ready_ops = {.more = ready_more, .close = ready_close};

static struct ready_source *ready_source(struct rp_turn *turn, enum rp_chunk_type type, enum rp_flow flow) {
    struct ready_source *ready = rp_arena_zalloc(turn->arena, sizeof(*ready));
    rp_source_init(&ready->source, &ready_ops, turn);
    ready->chunk.type = type;
    ready->flow = flow;
    return ready;
}

struct rp_source *rp_source_ending(struct rp_turn *turn, struct rp_str text, enum rp_finish finish) {
    struct ready_source *ready = ready_source(turn, RP_CHUNK_TEXT, RP_END);
    ready->chunk.text = rp_arena_str(turn->arena, text);
    ready->chunk.finish = finish;
    return &ready->source;
}

struct rp_source *rp_source_text(struct rp_turn *turn, struct rp_str text) {
    return rp_source_ending(turn, text, RP_FINISH_STOP);
}

struct rp_source *rp_source_fault(struct rp_turn *turn, const struct rp_fault *fault) {
    struct ready_source *ready = ready_source(turn, RP_CHUNK_ERROR, RP_ERROR);
    ready->chunk.fault = *fault;
    if (fault->message) ready->chunk.fault.message = rp_arena_str(turn->arena, rp_str(fault->message)).data;
    return &ready->source;
}

/* ---- asking for more --------------------------------------------------------------------------------------------------- */

static void ask(struct turn *turn, struct rp_tap *tap) {
    turn->ask = ASK_LEVEL;
    turn->ask_tap = tap;
    turn_schedule(turn);
}

static void break_reply(struct turn *turn, const char *why) {
    turn_misuse(turn, why);
    turn_end(turn, &broken, RP_ERROR);
}

static void ask_level(struct turn *turn, struct rp_tap *tap) {
    while (tap && !tap->ops->more && !(tap->state & INPUT_ENDED)) tap = tap->inner;
    if (tap && !tap->ops->more) {
        break_reply(turn, "a tap forwarded the last chunk without saying that it is the last");
        return;
    }
    if (tap) {
        tap->state |= OWES;
        tap->ops->more(tap, &turn->pub);
    } else {
        source_ask(turn->source);
    }
}

void reply_step(struct turn *turn) {
    enum turn_ask what = turn->ask;
    turn->ask = ASK_NOBODY;
    if (what == ASK_LEVEL) ask_level(turn, turn->ask_tap);
    if (what == ASK_RESTART) reply_restart(turn);
}

void rp_turn_more(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    if (turn->wanted || turn->cancelled || turn->phase > TURN_REPLY) return;
    turn->wanted = true;
    if (turn->phase == TURN_REPLY) ask(turn, turn->outermost);
    if (turn->phase == TURN_BRANCHED) turn_schedule(turn);
}

/* ---- chunks on their way -------------------------------------------------------------------------------------------------- */

static const struct rp_chunk too_long = {.type = RP_CHUNK_ERROR, .fault = {.code = RP_EREPLYSIZE}};

static void deliver_last(struct turn *turn, const struct rp_chunk *chunk) {
    struct rp_chunk last = *chunk;
    bool own = chunk->type == RP_CHUNK_TOOL && chunk->tool.own;
    if (own || chunk->type == RP_CHUNK_USAGE) last = (struct rp_chunk){.finish = chunk->finish};
    turn_save_and_end(turn, &last);
}

/* What events have said in the meantime stands in front of the first text. */
static bool put_pending(struct turn *turn, struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_str pending = turn->session.pending;
    bool has_text = chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0;
    if (pending.len == 0 || turn->pub.event || turn->pending_given || chunk->type == RP_CHUNK_TOOL) return false;
    if (flow == RP_ERROR || (!has_text && flow != RP_END)) return false;
    struct rp_str text = has_text ? chunk->text : RP_STR("");
    chunk->type = RP_CHUNK_TEXT;
    chunk->text = rp_str(rp_arena_printf(turn->pub.arena, "%.*s%s%.*s", RP_STR_ARG(pending), has_text ? "\n" : "",
                                         RP_STR_ARG(text)));
    turn->pending_given = true;
    turn->pending_len = chunk->text.len - text.len;
    return true;
}

/* To the transport. Usage and what the bot does for itself stay here, and what is empty is not worth a write. */
static void deliver_outside(struct turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    bool own = chunk->type == RP_CHUNK_TOOL && chunk->tool.own;
    bool empty = own || chunk->type == RP_CHUNK_NONE || chunk->type == RP_CHUNK_USAGE;
    if (chunk->type == RP_CHUNK_USAGE) rp_turn_add_usage(&turn->pub, &chunk->usage);
    struct rp_chunk whole = *chunk;
    if (put_pending(turn, &whole, flow)) chunk = &whole;
    if (chunk->type == RP_CHUNK_TEXT) {
        empty = chunk->text.len == 0;
        if (!empty) record_text(turn);
        if (rp_buf_append_str(&turn->reply, chunk->text) != 0) {
            turn_end(turn, &too_long, RP_ERROR);
            return;
        }
    }
    if (flow == RP_ERROR) {
        turn_end(turn, chunk, flow);
    } else if (flow == RP_END) {
        deliver_last(turn, chunk);
    } else if (empty) {
        ask(turn, turn->outermost);
    } else {
        turn->wanted = false;
        turn->sink->ops->write(turn->sink, chunk, flow);
    }
}

static void deliver(struct turn *turn, struct rp_tap *tap, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (turn->phase != TURN_REPLY || turn->cancelled) return; /* it has ended; close() is on its way */
    if (!tap) {
        deliver_outside(turn, chunk, flow);
        return;
    }
    tap->state |= OWES;
    if (flow != RP_MORE) tap->state |= INPUT_ENDED;
    tap->ops->write(tap, &turn->pub, chunk, flow);
}

static void on_source_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct turn *turn = (struct turn *)((char *)sink - offsetof(struct turn, source_sink));
    deliver(turn, turn->innermost, chunk, flow);
}

static const struct rp_sink_ops source_sink_ops = {.write = on_source_write};

/* ---- taps ---------------------------------------------------------------------------------------------------------------- */

void rp_tap_push(struct rp_turn *pub, struct rp_tap *tap, const struct rp_tap_ops *ops) {
    struct turn *turn = turn_of(pub);
    *tap = (struct rp_tap){.ops = ops, .turn = pub, .outer = turn->innermost, .stage = turn->index};
    if (turn->innermost)
        turn->innermost->inner = tap;
    else
        turn->outermost = tap;
    turn->innermost = tap;
}

/* Marks the debt as paid. */
static int pay(struct rp_tap *tap, unsigned forbidden, const char *call) {
    struct turn *turn = turn_of(tap->turn);
    if (!(tap->state & OWES) || tap->state & (forbidden | CLOSED)) {
        turn_misuse(turn, call);
        return -RP_ESTATE;
    }
    tap->state &= ~(unsigned)OWES;
    return 0;
}

int rp_tap_next(struct rp_tap *tap, const struct rp_chunk *chunk, enum rp_flow flow) {
    int result = pay(tap, ENDED, "rp_tap_next: no chunk is owed");
    if (result) return result;
    if (flow != RP_MORE) tap->state |= ENDED;
    if (chunk->type == RP_CHUNK_TEXT && chunk->text.len) tap->state |= PASSED_TEXT;
    if ((flow == RP_ERROR) != (chunk->type == RP_CHUNK_ERROR)) {
        turn_misuse(turn_of(tap->turn), "rp_tap_next: RP_ERROR and an error chunk belong together");
        chunk = &broken;
        flow = RP_ERROR;
    }
    deliver(turn_of(tap->turn), tap->outer, chunk, flow);
    return 0;
}

int rp_tap_more(struct rp_tap *tap) {
    int result = pay(tap, INPUT_ENDED | ENDED, "rp_tap_more: no chunk is owed, or the reply has ended");
    if (result) return result;
    ask(turn_of(tap->turn), tap->inner);
    return 0;
}

int rp_tap_restart(struct rp_tap *tap) {
    int result = pay(tap, PASSED_TEXT | ENDED, "rp_tap_restart: no chunk is owed, or text has passed");
    if (result) return result;
    struct turn *turn = turn_of(tap->turn);
    turn->ask = ASK_RESTART;
    turn->ask_tap = tap;
    turn_schedule(turn);
    return 0;
}

/* ---- begin, again, end ----------------------------------------------------------------------------------------------------- */

void reply_begin(struct turn *turn, struct rp_source *source) {
    turn->phase = TURN_REPLY;
    turn->source = source;
    turn->source_sink.ops = &source_sink_ops;
    rp_source_open(source, &turn->source_sink);
    if (turn->wanted) ask(turn, turn->outermost);
}

static void close_source(struct turn *turn) {
    struct rp_source *source = turn->source;
    turn->source = NULL;
    rp_source_close(source);
}

static void unlink_tap(struct turn *turn, struct rp_tap *tap) {
    if (tap->inner)
        tap->inner->outer = tap->outer;
    else
        turn->innermost = tap->outer;
    if (tap->outer)
        tap->outer->inner = tap->inner;
    else
        turn->outermost = tap->inner;
}

static void close_tap(struct turn *turn, struct rp_tap *tap) {
    unlink_tap(turn, tap);
    tap->state = CLOSED;
    if (tap->ops->close) tap->ops->close(tap, &turn->pub);
}

/* The taps further in than `from`, whose own stage is not run again. */
static void renew_inside(struct turn *turn, const struct rp_tap *from) {
    for (struct rp_tap *tap = turn->innermost, *outer; tap != from; tap = outer) {
        outer = tap->outer;
        if (tap->stage != from->stage || !tap->ops->again) {
            close_tap(turn, tap);
            continue;
        }
        tap->state = 0;
        tap->ops->again(tap, &turn->pub);
    }
}

void reply_restart(struct turn *turn) {
    struct rp_tap *tap = turn->ask_tap;
    close_source(turn);
    renew_inside(turn, tap);
    tap->state = 0;
    turn->pub.by = NULL;
    turn->round_messages = 0; /* of a reply that nobody has seen */
    turn->index = tap->stage + 1;
    turn->phase = TURN_INWARD;
    turn_schedule(turn);
}

void reply_close(struct turn *turn) {
    close_source(turn);
    while (turn->innermost) close_tap(turn, turn->innermost);
}
