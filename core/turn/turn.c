/* A turn's way in: the start, the session, the stages; and turn_finish, where every turn ends. All that continues a turn
 * meets in one task, so that nothing here is ever entered from inside itself. */
#include <math.h>
#include <repartee/talk.h>
#include <stdio.h>

#include "core/turn/event.h"
#include "core/turn/generation.h"
#include "core/turn/record.h"
#include "core/turn/session_timer.h"
#include "core/turn/turn.h"

#define MAX_NAME 128 /* bytes of a session's or a user's name */
#define SUMMARY_SHARE 8 /* what part of a session its summary may be */

static void turn_finish(struct turn *turn);

void turn_schedule(struct turn *turn) {
    rp_task_schedule(turn->pub.worker, &turn->task);
}

static const char *stage_name(const struct turn *turn) {
    return turn->index < turn->pipeline->count ? turn->pipeline->stages[turn->index]->element.type->name : "no stage";
}

void turn_misuse(struct turn *turn, const char *what) {
    struct rp_log_line line;
    rp_log_open(&line, RP_LOG_ERROR, "turn");
    rp_log_str(&line, "request_id", rp_str(turn->pub.id));
    rp_log_str(&line, "message", rp_str(what));
    rp_log_str(&line, "stage", rp_str(stage_name(turn)));
    rp_log_close(&line);
}

/* ---- the stages ---------------------------------------------------------------------------------------------------- */

static const struct rp_stage_type *stage_type(const struct turn *turn) {
    return (const struct rp_stage_type *)(const void *)turn->pipeline->stages[turn->index]->element.type;
}

static void pay_with_fault(struct turn *turn, int code) {
    struct rp_fault fault = {.code = code};
    turn->payment = PAID_REPLY;
    turn->source = rp_source_fault(&turn->pub, &fault);
}

static enum rp_outcome call_stage(struct turn *turn) {
    struct rp_stage *stage = turn->pipeline->stages[turn->index];
    const struct rp_stage_type *type = stage_type(turn);
    turn->phase = TURN_CALLING;
    turn->payment = PAID_NOTHING;
    if (turn->pub.event && !type->on_event) return RP_PASS;
    int64_t before = turn->stage_ns ? rp_now_ns() : 0;
    record_enter(turn);
    enum rp_outcome outcome = turn->pub.event ? type->on_event(stage, &turn->pub) : type->on_turn(stage, &turn->pub);
    record_leave(turn, turn->payment == PAID_REPLY ? "answered" : outcome == RP_PASS ? "passed" : "kept");
    if (turn->stage_ns) turn->stage_ns[turn->index] = rp_now_ns() - before;
    return outcome;
}

/* No stage has answered: an event need not be, a message must. */
static void answer_for_nobody(struct turn *turn) {
    if (turn->pub.event)
        turn->source = rp_source_text(&turn->pub, RP_STR(""));
    else
        pay_with_fault(turn, RP_ENOREPLY);
}

/* Calls stages until one keeps the turn without having paid, or answers. */
static void go_inward(struct turn *turn) {
    while (turn->index < turn->pipeline->count) {
        enum rp_outcome outcome = call_stage(turn);
        if (outcome == RP_PASS && turn->payment == PAID_REPLY) turn_misuse(turn, "a stage answered and passed as well");
        if (turn->payment == PAID_REPLY) break;
        turn->phase = TURN_KEPT;
        if (outcome == RP_KEEP && turn->payment == PAID_NOTHING) return;
        turn->index++;
    }
    if (turn->payment != PAID_REPLY) answer_for_nobody(turn);
    turn->payment = PAID_NOTHING;
    reply_begin(turn, turn->source);
}

static void take_payment(struct turn *turn) {
    if (turn->payment == PAID_RESUME) {
        record_pay(turn, "passed");
        turn->index++;
        turn->phase = TURN_INWARD;
        go_inward(turn);
    } else if (turn->payment == PAID_REPLY) {
        record_pay(turn, "answered");
        turn->payment = PAID_NOTHING;
        reply_begin(turn, turn->source);
    }
}

/* A stage that pays for a turn whose client has just left does nothing wrong: it cannot know yet. Its payment counts, so
 * that it is not told to cancel() as well. */
static bool owes(const struct turn *turn) {
    return (turn->phase == TURN_CALLING || turn->phase == TURN_KEPT) && turn->payment == PAID_NOTHING &&
           !turn->finishing;
}

int rp_turn_resume(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    if (!owes(turn)) {
        turn_misuse(turn, "rp_turn_resume: no payment is owed");
        return -RP_ESTATE;
    }
    turn->payment = PAID_RESUME;
    if (turn->phase == TURN_KEPT) turn_schedule(turn);
    return 0;
}

int rp_turn_reply(struct rp_turn *pub, struct rp_source *source) {
    struct turn *turn = turn_of(pub);
    if (!owes(turn)) {
        turn_misuse(turn, "rp_turn_reply: no payment is owed");
        rp_source_close(source);
        return -RP_ESTATE;
    }
    turn->payment = PAID_REPLY;
    turn->source = source;
    if (turn->phase == TURN_KEPT) turn_schedule(turn);
    return 0;
}

int rp_turn_fail(struct rp_turn *pub, const struct rp_fault *fault) {
    return rp_turn_reply(pub, rp_source_fault(pub, fault));
}

/* ---- the session ----------------------------------------------------------------------------------------------------- */

void turn_fail_early(struct turn *turn, int code, const char *message) {
    struct rp_fault fault = {.code = code, .message = message, .retry_after = code == RP_EBUSY};
    reply_begin(turn, rp_source_fault(&turn->pub, &fault));
}

static void end_quietly(struct turn *turn) {
    struct rp_chunk chunk = {.type = RP_CHUNK_NONE};
    turn_end(turn, &chunk, RP_END);
}

static struct rp_pipeline *pipeline_named(const struct turn *turn, struct rp_str name) {
    const struct turn_runtime *runtime = turn->runtime;
    for (size_t i = 0; i < runtime->pipeline_count; i++)
        if (rp_str_equal(rp_str(runtime->pipelines[i]->name), name)) return runtime->pipelines[i];
    return turn->pipeline;
}

/* Whether it is time; otherwise the turn is over. */
static bool take_timeout(struct turn *turn) {
    struct session *session = &turn->session;
    if (session->wake_ms > rp_wall_ms()) session_timer_arm(turn->pub.worker, turn->pub.session, session->wake_ms);
    if (session->wake_ms == 0 || session->wake_ms > rp_wall_ms()) {
        end_quietly(turn);
        return false;
    }
    turn->pipeline = pipeline_named(turn, session->pipeline);
    session->wake_ms = 0;
    session->wake_changed = true;
    return true;
}

/* The first who gives a name owns the session; from then on no other name will do, and neither will none. An event is
 * for whoever owns it. */
static bool take_ownership(struct turn *turn) {
    struct session *session = &turn->session;
    if (turn->pub.event && session->user.len) turn->pub.user = session->user;
    if (session->user.len && !rp_str_equal(turn->pub.user, session->user)) {
        turn_fail_early(turn, RP_EFORBIDDEN, "this session belongs to another user");
        return false;
    }
    session->user = turn->pub.user;
    return true;
}

/* The event that was due stands in front of this message, in the same session. */
static void on_woken(struct turn *turn) {
    turn->event_runs = false;
    turn->woken = true;
    if (turn->cancelled)
        turn_schedule(turn);
    else
        turn_take_session(turn);
}

static bool wake_first(struct turn *turn) {
    struct session *session = &turn->session;
    if (session->wake_ms == 0 || session->wake_ms > rp_wall_ms()) return false;
    if (turn->woken) { /* it went wrong; it is not tried for ever */
        session->wake_ms = 0;
        session->wake_changed = true;
        return false;
    }
    turn->phase = TURN_WAITING;
    turn->event_runs = true;
    session_timer_run_first(turn, on_woken);
    return true;
}

static void make_slots(struct turn *turn) {
    size_t count = turn->pipeline->count + 1;
    turn->slots = rp_arena_zalloc(turn->pub.arena, count * sizeof(*turn->slots));
    if (rp_log_enabled(RP_LOG_DEBUG)) turn->stage_ns = rp_arena_zalloc(turn->pub.arena, count * sizeof(*turn->stage_ns));
}

/* All that is ready in front of the stages. */
static void begin_inward(struct turn *turn) {
    turn->phase = TURN_INWARD;
    make_slots(turn);
    go_inward(turn);
}

void turn_session_ready(struct turn *turn) {
    turn->phase = TURN_INWARD;
    if (turn->session_error) {
        turn_fail_early(turn, turn->session_error, "the session could not be read");
        return;
    }
    if (turn->timeout && !take_timeout(turn)) return;
    if (turn->pub.event && turn->pub.user.len == 0) turn->pub.user = turn->session.user;
    if (!turn->pub.event && (!take_ownership(turn) || wake_first(turn))) return;
    begin_inward(turn);
}

/* ---- the end ----------------------------------------------------------------------------------------------------------- */

void turn_end(struct turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    turn->phase = TURN_ENDED;
    turn->wanted = false;
    if (flow == RP_ERROR) {
        turn->fault = chunk->fault;
        if (chunk->fault.message) turn->fault.message = rp_arena_str(turn->pub.arena, rp_str(chunk->fault.message)).data;
    } else {
        turn->finish = chunk->finish;
    }
    turn->sink->ops->write(turn->sink, chunk, flow);
    turn_schedule(turn);
}

static void drop_stage(struct turn *turn) {
    if (turn->phase != TURN_KEPT) return;
    if (turn->payment == PAID_REPLY) rp_source_close(turn->source); /* paid, but never taken */
    if (turn->payment == PAID_REPLY) turn->source = NULL;
    if (turn->payment == PAID_NOTHING && stage_type(turn)->cancel)
        stage_type(turn)->cancel(turn->pipeline->stages[turn->index], &turn->pub);
}

static void turn_finish(struct turn *turn) {
    struct rp_worker *worker = turn->pub.worker;
    const struct turn_runtime *runtime = turn->runtime;
    bool branch = turn->branch;
    turn->finishing = true;
    rp_timer_stop(worker, &turn->deadline);
    rp_task_cancel(worker, &turn->task);
    rp_task_cancel(worker, &turn->save_task);
    drop_stage(turn);
    reply_close(turn);
    if (turn->session_held || turn->session_queued)
        session_hub_release(runtime->hub, &turn->pub, turn->session_held);
    record_keep(turn);
    if (!branch) turn_log(turn);
    event_send_all(turn);
    session_finish(&turn->session);
    if (turn->sink->ops->done) turn->sink->ops->done(turn->sink);
    json_decref((json_t *)turn->pub.metadata);
    turn_table_give(worker, turn);
    if (!branch) atomic_fetch_sub(&worker->group->turns, 1);
    rp_worker_release(worker);
    generation_release(runtime->generation, worker);
}

static void turn_step(struct rp_task *task) {
    struct turn *turn = (struct turn *)((char *)task - offsetof(struct turn, task));
    if (turn->cancelled || turn->phase == TURN_ENDED) {
        /* A store that is at work has a pointer into the turn: its answer schedules this step again. */
        if (!turn_store_is_busy(turn) && !turn->event_runs && !turn->shielded) turn_finish(turn);
        return;
    }
    switch (turn->phase) {
    case TURN_START: turn_take_session(turn); break;
    case TURN_BRANCHED: begin_inward(turn); break;
    case TURN_READY: turn_session_ready(turn); break;
    case TURN_INWARD: go_inward(turn); break;
    case TURN_KEPT: take_payment(turn); break;
    case TURN_REPLY: reply_step(turn); break;
    default: break;
    }
}

void rp_turn_cancel(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    if (turn->cancelled || turn->finishing) return;
    if (turn->phase != TURN_ENDED && turn->fault.code == 0) turn->fault.code = RP_ECANCELLED;
    turn->cancelled = true;
    turn_schedule(turn);
}

/* Whoever is late is passed over: the client hears of it from here, not through the taps, which may be what is late. */
void turn_break(struct turn *turn, int code) {
    turn->shielded = false;
    if (turn->cancelled) turn_schedule(turn);
    if (turn->phase == TURN_ENDED || turn->cancelled) return;
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR, .fault = {.code = code, .retry_after = code == RP_EDRAINING}};
    drop_stage(turn);
    turn_end(turn, &chunk, RP_ERROR);
}

static void on_deadline(struct rp_timer *timer) {
    struct turn *turn = (struct turn *)((char *)timer - offsetof(struct turn, deadline));
    if (turn->shielded)
        turn->late = true;
    else
        turn_break(turn, RP_EDEADLINE);
}

bool turn_is_deadline(const struct rp_timer *timer) {
    return timer->run == on_deadline;
}

void rp_turn_shield(struct rp_turn *turn) {
    turn_of(turn)->shielded = true;
}

void rp_turn_unshield(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    if (!turn->shielded) return;
    turn->shielded = false;
    if (turn->cancelled)
        turn_schedule(turn);
    else if (turn->late)
        rp_timer_start(pub->worker, &turn->deadline, 0);
}

/* ---- the start ------------------------------------------------------------------------------------------------------- */

static bool name_ok(struct rp_str name) {
    if (name.len > MAX_NAME) return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f) return false;
    return rp_utf8_valid(name.data, name.len);
}

static bool blank(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(" \t\r\n", text.data[i], 4)) return false;
    return true;
}

static bool message_ok(const struct rp_turn_start *start) {
    if (start->event) return start->message.len == 0 && start->session.len > 0 && start->event[0];
    return !blank(start->message) && !memchr(start->message.data, 0, start->message.len);
}

static int check_start(struct rp_worker *worker, const struct turn_runtime *runtime,
                       const struct rp_turn_start *start) {
    if (worker->draining) return -RP_EDRAINING;
    if (!message_ok(start)) return -RP_EINVALID;
    if (start->message.len > (size_t)runtime->limits.message) return -RP_ETOOLARGE;
    if (!rp_utf8_valid(start->message.data, start->message.len)) return -RP_EUTF8;
    if (!name_ok(start->session) || !name_ok(start->user)) return -RP_EINVALID;
    if (start->metadata && !json_is_object(start->metadata)) return -RP_EINVALID;
    return 0;
}

static void fill(struct turn *turn, const struct rp_turn_start *start) {
    struct rp_turn *pub = &turn->pub;
    char id[RP_ID_SIZE], session[RP_ID_SIZE];
    if (!start->id) rp_id(id);
    pub->id = rp_arena_str(pub->arena, rp_str(start->id ? start->id : id)).data;
    pub->original = pub->message = rp_arena_str(pub->arena, start->message);
    pub->event = start->event ? rp_arena_str(pub->arena, rp_str(start->event)).data : NULL;
    pub->user = rp_arena_str(pub->arena, start->user);
    turn->session_fresh = start->session.len == 0;
    if (turn->session_fresh) rp_id(session); /* whoever knows it can go on with the conversation: no other id will do */
    pub->session = rp_arena_str(pub->arena, turn->session_fresh ? rp_str(session) : start->session);
    pub->address = rp_arena_str(pub->arena, start->address);
    pub->metadata = start->metadata ? json_incref(start->metadata) : NULL;
    pub->stream = start->stream;
    pub->patient = start->patient;
    pub->started_ns = rp_now_ns();
}

static void set_deadline(struct turn *turn, int64_t ms) {
    turn->pub.deadline_ms = rp_worker_now_ms(turn->pub.worker) + ms;
    rp_timer_start(turn->pub.worker, &turn->deadline, ms);
}

struct turn *turn_make(struct rp_worker *worker, struct turn_runtime *runtime, struct rp_pipeline *pipeline) {
    struct turn *turn = turn_table_take(worker);
    turn->pipeline = pipeline;
    turn->runtime = runtime;
    turn->task.run = turn_step;
    turn->deadline.run = on_deadline;
    turn->reply.max = (size_t)runtime->limits.reply;
    rp_buf_clear(&turn->reply);
    turn->pub.reply_max = turn->reply.max;
    set_deadline(turn, runtime->limits.turn_ms);
    rp_worker_hold(worker);
    generation_hold(runtime->generation, worker);
    return turn;
}

static struct turn *start_turn(struct rp_worker *worker, struct turn_runtime *runtime, struct rp_pipeline *pipeline,
                               const struct rp_turn_start *start) {
    struct turn *turn = turn_make(worker, runtime, pipeline);
    turn->wanted = true;
    fill(turn, start);
    if (start->time_ms) set_deadline(turn, start->time_ms);
    turn->explain = start->explain;
    if (start->explain || runtime->trace) record_begin(turn);
    turn_schedule(turn);
    return turn;
}

int rp_turn_start(struct rp_transport *transport, struct rp_worker *worker, const struct rp_turn_start *start,
                  struct rp_sink *sink, struct rp_turn **out_turn) {
    struct turn_runtime *runtime = transport->pipeline->runtime;
    if (!runtime) runtime = worker->runtime;
    int result = check_start(worker, runtime, start);
    if (result) return result;
    if (atomic_fetch_add(&worker->group->turns, 1) >= runtime->limits.turns) {
        atomic_fetch_sub(&worker->group->turns, 1);
        return -RP_EBUSY;
    }
    struct turn *turn = start_turn(worker, runtime, transport->pipeline, start);
    turn->sink = sink;
    *out_turn = &turn->pub;
    return 0;
}

struct rp_fault rp_turn_start_fault(int code) {
    struct rp_fault fault = {.code = code < 0 ? -code : code};
    if (fault.code == RP_EINVALID) fault.message = "the message is empty or has a NUL character in it";
    if (fault.code == RP_ETOOLARGE) fault.message = "the message is too long";
    if (fault.code == RP_EBUSY || fault.code == RP_EDRAINING) fault.retry_after = 1;
    return fault;
}

struct turn *turn_start_timeout(struct rp_worker *worker, struct rp_str session, struct turn *parent) {
    struct rp_turn_start start = {.session = session, .event = "timeout"};
    struct turn_runtime *runtime = parent ? parent->runtime : worker->runtime;
    atomic_fetch_add(&worker->group->turns, 1);
    struct turn *turn = start_turn(worker, runtime, runtime->pipelines[0], &start);
    turn->timeout = true;
    turn->session_lent = parent != NULL;
    return turn;
}

/* ---- what stages read and set ------------------------------------------------------------------------------------------ */

void rp_turn_set_message(struct rp_turn *turn, struct rp_str text) {
    turn->message = rp_arena_str(turn->arena, text);
}

void rp_turn_set_by(struct rp_turn *turn, const char *format, ...) {
    char by[256];
    va_list args;
    va_start(args, format);
    vsnprintf(by, sizeof(by), format, args);
    va_end(args);
    turn->by = rp_arena_str(turn->arena, rp_str_n(by, rp_utf8_whole(by, strlen(by)))).data;
}

struct rp_prompt *rp_turn_prompt(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    if (!turn->prompt) {
        turn->prompt = rp_arena_zalloc(pub->arena, sizeof(*turn->prompt));
        turn->prompt->temperature = turn->prompt->top_p = NAN;
    }
    return turn->prompt;
}

void **rp_turn_slot(struct rp_turn *pub, const struct rp_stage *stage) {
    struct turn *turn = turn_of(pub);
    for (size_t i = 0; i < turn->pipeline->count; i++)
        if (turn->pipeline->stages[i] == stage) return &turn->slots[i];
    return &turn->slots[turn->pipeline->count];
}

size_t rp_session_history(struct rp_turn *pub, size_t max, const struct rp_message **out_messages) {
    struct session *session = &turn_of(pub)->session;
    size_t count = session->said < max ? session->said : max;
    *out_messages = NULL;
    if (count > 0) *out_messages = session_texts(session, pub->arena) + (session->said - count);
    return count;
}

size_t rp_session_messages(struct rp_turn *pub, const struct rp_message **out_messages) {
    size_t count;
    *out_messages = session_messages(&turn_of(pub)->session, pub->arena, &count);
    return count;
}

bool rp_session_is_kept(const struct rp_turn *pub) {
    const struct turn *turn = (const struct turn *)pub;
    return turn->runtime->store != NULL && !turn->branch;
}

size_t rp_session_summary(struct rp_turn *pub, struct rp_str *out_text) {
    const struct session *session = &turn_of(pub)->session;
    *out_text = session->summary;
    return session_summed(session);
}

void rp_session_set_summary(struct rp_turn *pub, struct rp_str text, size_t texts) {
    struct turn *turn = turn_of(pub);
    struct session *session = &turn->session;
    size_t most = (size_t)turn->runtime->limits.session / SUMMARY_SHARE;
    if (text.len > most) text.len = rp_utf8_whole(text.data, most);
    session->summary = rp_arena_str(pub->arena, turn_mask(turn, text));
    session->summed = session->begins + (texts < session->said ? texts : session->said);
}

const json_t *rp_session_vars(struct rp_turn *pub) {
    return session_vars(&turn_of(pub)->session);
}

const json_t *rp_session_get(struct rp_turn *pub, const char *name) {
    return session_get(&turn_of(pub)->session, name);
}

int rp_session_set(struct rp_turn *pub, const char *name, json_t *value) {
    struct turn *turn = turn_of(pub);
    return session_set(&turn->session, name, value, (size_t)turn->runtime->limits.session / 2);
}

void rp_session_wake(struct rp_turn *pub, int64_t at_ms) {
    struct turn *turn = turn_of(pub);
    if (turn->session.wake_ms == at_ms) return;
    turn->session.wake_ms = at_ms;
    turn->session.pipeline = at_ms ? rp_str(turn->pipeline->name) : RP_STR("");
    turn->session.wake_changed = true;
}

struct rp_str rp_turn_reply_text(const struct rp_turn *turn) {
    return rp_buf_str(&((const struct turn *)turn)->reply);
}

struct rp_usage rp_turn_usage(const struct rp_turn *turn) {
    return ((const struct turn *)turn)->usage;
}

void rp_turn_add_usage(struct rp_turn *pub, const struct rp_usage *usage) {
    struct turn *turn = turn_of(pub);
    turn->usage.input_tokens += usage->input_tokens;
    turn->usage.output_tokens += usage->output_tokens;
}
