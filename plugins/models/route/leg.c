/* One try of one target: its source, the clocks that the route has for it, and its end, which comes exactly once. */
#include "route.h"

static struct rp_worker *worker_of(const struct leg *leg) {
    return leg->ask->source.turn->worker;
}

static int64_t now_ms(const struct leg *leg) {
    return rp_worker_now_ms(worker_of(leg));
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void on_shut(struct rp_task *task) {
    rp_source_close(((struct leg *)((char *)task - offsetof(struct leg, shut)))->source);
}

static void end(struct leg *leg, enum breaker_end how) {
    leg->over = true;
    rp_timer_stop(worker_of(leg), &leg->clock);
    target_end(leg->ask->route, leg->target, leg->look && !leg->looked, how, now_ms(leg));
}

void leg_drop(struct leg *leg, enum breaker_end how, const char *why) {
    if (!leg) return;
    rp_task_cancel(worker_of(leg), &leg->shut);
    if (!leg->over) {
        end(leg, how);
        tell_end(leg, why, NULL);
    }
    rp_source_close(leg->source);
}

/* What is no fault of the target: the next one may do, but this one is not worse for it. */
static enum breaker_end judge(int code) {
    switch (code) {
    case RP_EUPREQUEST:
    case RP_EUNSUPPORTED:
    case RP_ETOOLARGE:
    case RP_EINVALID:
    case RP_ESPENT:
    case RP_EIO: /* of the store that keeps the budgets */
        return BREAKER_UNKNOWN;
    default:
        return BREAKER_FAILED;
    }
}

static void fail(struct leg *leg, const struct rp_fault *fault) {
    enum breaker_end how = judge(fault->code);
    int64_t took = leg->began || leg->ask->source.turn->patient ? -1 : now_ms(leg) - leg->started_ms;
    if (how == BREAKER_FAILED) target_failed(leg->target, took, (int64_t)fault->retry_after * 1000, now_ms(leg));
    end(leg, how);
    tell_end(leg, "failed", fault);
    ask_on_failure(leg, fault);
}

/* ---- clocks ------------------------------------------------------------------------------------------------------ */

/* Perhaps it was us who stood still: the loop gets to see first what has come meanwhile. */
static void on_late(struct rp_timer *timer) {
    struct leg *leg = (struct leg *)((char *)timer - offsetof(struct leg, clock));
    rp_task_schedule(worker_of(leg), &leg->shut);
    fail(leg, &(struct rp_fault){.code = RP_EUPTIMEOUT});
}

static void on_clock(struct rp_timer *timer) {
    struct leg *leg = (struct leg *)((char *)timer - offsetof(struct leg, clock));
    timer->run = on_late;
    rp_timer_start(worker_of(leg), timer, 1);
}

static void start_clock(struct leg *leg, int64_t ms) {
    if (ms == 0 || !leg->clocked) return;
    leg->clock.run = on_clock;
    rp_timer_start(worker_of(leg), &leg->clock, ms);
}

void leg_more(struct leg *leg) {
    if (leg->ask->speaker == leg) start_clock(leg, leg->limits.stall_ms);
    rp_source_more(leg->source);
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void on_first(struct leg *leg) {
    leg->began = true;
    if (leg->ask->source.turn->patient) return;
    target_first(leg->target, now_ms(leg) - leg->started_ms, now_ms(leg));
    if (!leg->look || leg->looked) return;
    leg->looked = true; /* others need not wait for the end of this reply */
    target_end(leg->ask->route, leg->target, true, BREAKER_WELL, now_ms(leg));
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct leg *leg = (struct leg *)sink;
    if (leg->over) return; /* too late: it is about to be closed */
    if (flow != RP_MORE) rp_task_schedule(worker_of(leg), &leg->shut);
    bool said = chunk->type == RP_CHUNK_TOOL || (chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0);
    if (leg->ask->speaker == leg || said || flow != RP_MORE) rp_timer_stop(worker_of(leg), &leg->clock);
    if (flow == RP_ERROR) {
        fail(leg, &chunk->fault);
        return;
    }
    if (said && leg->ask->speaker != leg) on_first(leg);
    if (flow == RP_END) {
        end(leg, BREAKER_WELL);
        tell_end(leg, "answered", NULL);
    }
    ask_on_chunk(leg, chunk, flow);
}

static const struct rp_sink_ops sink_ops = {.write = on_write};

static int64_t least(int64_t a, int64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* A turn that has hours is not held to seconds. */
static struct rp_call_limits limits_of(const struct route_ask *ask, const struct target *target) {
    static const struct rp_call_limits none = {0};
    const struct rp_call_limits *outer = ask->call->limits ? ask->call->limits : &none;
    bool patient = ask->source.turn->patient;
    return (struct rp_call_limits){.connect_ms = least(target->connect_ms, outer->connect_ms),
                                   .first_ms = patient ? 0 : least(target->first_ms, outer->first_ms),
                                   .stall_ms = patient ? 0 : least(target->stall_ms, outer->stall_ms),
                                   .once = true};
}

static struct rp_str begun(const struct route_ask *ask) {
    struct rp_str before = ask->call->prefix;
    if (ask->given == 0) return before;
    char *text = rp_arena_alloc(ask->source.turn->arena, before.len + ask->given);
    if (before.len) memcpy(text, before.data, before.len);
    memcpy(text + before.len, ask->said.data, ask->given);
    return rp_str_n(text, before.len + ask->given);
}

/* A stream is asked for also where the client does not want one: what is known of first tokens then counts for all. */
struct leg *leg_start(struct route_ask *ask, struct target *target, bool look, bool hedge) {
    struct rp_turn *turn = ask->source.turn;
    struct leg *leg = rp_arena_zalloc(turn->arena, sizeof(*leg));
    leg->sink.ops = &sink_ops;
    leg->ask = ask;
    leg->target = target;
    leg->look = look;
    leg->hedge = hedge;
    leg->before = ask->legs;
    ask->legs = leg;
    leg->started_ms = rp_worker_now_ms(turn->worker);
    leg->shut.run = on_shut;
    leg->limits = limits_of(ask, target);
    leg->clocked = !(rp_model_takes(target->model) & RP_TAKES_LIMITS);
    leg->call = *ask->call;
    leg->call.limits = &leg->limits;
    leg->call.stream = ask->call->stream || !turn->patient;
    leg->call.prefix = begun(ask);
    leg->source = rp_model_ask(target->model, turn, &leg->call);
    rp_source_open(leg->source, &leg->sink);
    start_clock(leg, leg->limits.first_ms);
    rp_source_more(leg->source);
    return leg;
}
