/* A turn's session: waiting for it, reading it, and writing it back. In the store a session is "session/NAME"; a session
 * that is to be woken has a key "timer/NAME" beside it, written first: one too many is harmless, one too few is not. */
#include <stdio.h>

#include "core/turn/session_timer.h"
#include "core/turn/turn.h"

#define PENDING_MAX ((size_t)16 << 10)

static const struct rp_store_type *store_type(const struct turn *turn) {
    return (const struct rp_store_type *)(const void *)turn->runtime->store->element.type;
}

static struct rp_str key_of(struct turn *turn, const char *prefix) {
    return rp_arena_join(turn->pub.arena, rp_str(prefix), turn->pub.session);
}

static struct turn *turn_of_op(struct rp_store_op *op) {
    return (struct turn *)((char *)op - offsetof(struct turn, store_op));
}

bool turn_store_is_busy(const struct turn *turn) {
    return turn->store_op.done != NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void on_read(struct rp_store_op *op, int code, struct rp_str value) {
    struct turn *turn = turn_of_op(op);
    turn->store_op.done = NULL;
    if (code == 0) {
        struct rp_str copy = rp_arena_str(turn->pub.arena, value);
        code = session_decode(&turn->session, copy);
    }
    if (turn->phase == TURN_WAITING) {
        turn->session_error = code == -RP_ENOTFOUND ? 0 : -code;
        turn->phase = TURN_READY;
    }
    turn_schedule(turn); /* a turn that has ended meanwhile only waited for this */
}

static void read_session(struct turn *turn) {
    turn->session_held = !turn->session_lent;
    if (turn->phase != TURN_WAITING) return;
    if (!turn->runtime->store) {
        turn->phase = TURN_READY;
        turn_schedule(turn);
        return;
    }
    turn->store_op.done = on_read;
    store_type(turn)->get(turn->runtime->store, turn->pub.worker, key_of(turn, "session/"), &turn->store_op);
}

static void on_granted(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    turn->session_queued = false;
    read_session(turn);
}

void turn_take_session(struct turn *turn) {
    turn->phase = TURN_WAITING;
    if (turn->session_fresh) { /* its name is not known to anybody yet */
        turn_session_ready(turn);
        return;
    }
    if (turn->session_lent || turn->session_held) {
        read_session(turn);
        return;
    }
    int result = session_hub_acquire(turn->runtime->hub, &turn->pub, on_granted);
    if (result < 0) {
        turn_fail_early(turn, -result, "too many messages wait for this session");
        return;
    }
    turn->session_queued = result == SESSION_WAIT;
    if (result == SESSION_GRANTED) read_session(turn);
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* A session that is to be woken must live that long. */
static int64_t time_to_live(const struct turn *turn) {
    int64_t left = turn->session.wake_ms ? turn->session.wake_ms - rp_wall_ms() : 0;
    return turn->runtime->limits.session_ttl_ms + (left > 0 ? left : 0);
}

static void put_session(struct turn *turn, const struct rp_message *added, size_t count,
                        void (*done)(struct rp_store_op *op, int code, struct rp_str value)) {
    const struct bot_limits *limits = &turn->runtime->limits;
    struct rp_buf bytes;
    rp_buf_init(&bytes, (size_t)limits->session);
    turn->store_op.done = done;
    if (session_encode(&turn->session, added, count, (size_t)limits->history, &bytes) == 0)
        store_type(turn)->put(turn->runtime->store, turn->pub.worker, key_of(turn, "session/"), rp_buf_str(&bytes),
                              time_to_live(turn), &turn->store_op);
    else
        done(&turn->store_op, -RP_ETOOLARGE, (struct rp_str){0});
    rp_buf_finish(&bytes);
}

static void fail(struct turn *turn) {
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR,
                             .fault = {.code = RP_EIO, .message = "the session could not be saved"}};
    turn_end(turn, &chunk, RP_ERROR);
}

/* The store has answered. False: the turn has ended and only waited for this. */
static bool still_saving(struct turn *turn) {
    turn->store_op.done = NULL;
    if (!turn->cancelled && turn->phase == TURN_SAVING) return true;
    turn_schedule(turn);
    return false;
}

static void on_written(struct rp_store_op *op, int code, struct rp_str value) {
    struct turn *turn = turn_of_op(op);
    (void)value;
    const struct session *session = &turn->session;
    if (code == 0 && session->wake_changed && session->wake_ms)
        session_timer_arm(turn->pub.worker, turn->pub.session, session->wake_ms);
    if (!still_saving(turn)) return;
    if (code == 0)
        turn_end(turn, &turn->last, RP_END);
    else
        fail(turn);
}

/* What events say waits for the next reply; there it does not stand in the history a second time. */
static void settle_pending(struct turn *turn) {
    struct session *session = &turn->session;
    struct rp_str said = rp_buf_str(&turn->reply);
    if (turn->pending_given) session->pending = RP_STR("");
    if (!turn->pub.event || said.len == 0) return;
    if (session->pending.len + said.len + 1 > PENDING_MAX) return;
    struct rp_str before = session->pending;
    if (before.len) before = rp_arena_join(turn->pub.arena, before, RP_STR("\n"));
    session->pending = rp_arena_join(turn->pub.arena, before, said);
}

static void write_exchange(struct turn *turn) {
    const struct rp_message *exchange;
    size_t count = remember_exchange(turn, &exchange);
    settle_pending(turn);
    put_session(turn, exchange, count, on_written);
}

static void on_timer_written(struct rp_store_op *op, int code, struct rp_str value) {
    struct turn *turn = turn_of_op(op);
    (void)value;
    if (!still_saving(turn)) return;
    if (code == 0)
        write_exchange(turn);
    else
        fail(turn);
}

static void write_timer(struct turn *turn) {
    struct rp_store *store = turn->runtime->store;
    struct rp_str key = key_of(turn, SESSION_TIMER_PREFIX);
    turn->store_op.done = on_timer_written;
    if (turn->session.wake_ms)
        store_type(turn)->put(store, turn->pub.worker, key, RP_STR("1"), time_to_live(turn), &turn->store_op);
    else
        store_type(turn)->del(store, turn->pub.worker, key, &turn->store_op);
}

void turn_save_and_end(struct turn *turn, const struct rp_chunk *chunk) {
    if (!turn->runtime->store || turn->branch) {
        turn_end(turn, chunk, RP_END);
        return;
    }
    turn->phase = TURN_SAVING;
    turn->last = *chunk;
    if (chunk->type == RP_CHUNK_TEXT) turn->last.text = rp_arena_str(turn->pub.arena, chunk->text);
    if (turn->session.wake_changed)
        write_timer(turn);
    else
        write_exchange(turn);
}

/* ---- in the middle of a turn --------------------------------------------------------------------------------------- */

static void on_save_task(struct rp_task *task) {
    struct turn *turn = (struct turn *)((char *)task - offsetof(struct turn, save_task));
    struct rp_session_save *save = turn->save;
    turn->save = NULL;
    save->done(save, turn->save_code);
}

static void on_saved(struct rp_store_op *op, int code, struct rp_str value) {
    struct turn *turn = turn_of_op(op);
    (void)value;
    turn->store_op.done = NULL;
    turn->save_code = code;
    if (turn->phase == TURN_ENDED || (turn->cancelled && !turn->shielded))
        turn_schedule(turn);
    else
        rp_task_schedule(turn->pub.worker, &turn->save_task);
}

void rp_session_save(struct rp_turn *pub, struct rp_session_save *save) {
    struct turn *turn = turn_of(pub);
    turn->save = save;
    turn->save_code = 0;
    turn->save_task.run = on_save_task;
    if (turn->runtime->store && !turn->branch)
        put_session(turn, NULL, 0, on_saved);
    else
        rp_task_schedule(pub->worker, &turn->save_task);
}
