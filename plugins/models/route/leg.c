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
        return BREAKER_UNKNOWN;
    default:
        return BREAKER_FAILED;
    }
}

static void fail(struct leg *leg, const struct rp_fault *fault) {
    end(leg, judge(fault->code));
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
    if (ms == 0) return;
    leg->clock.run = on_clock;
    rp_timer_start(worker_of(leg), &leg->clock, ms);
}

void leg_more(struct leg *leg) {
    if (leg->ask->speaker == leg) start_clock(leg, leg->target->stall_ms);
    rp_source_more(leg->source);
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void on_first(struct leg *leg) {
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

struct leg *leg_start(struct route_ask *ask, struct target *target, bool look, bool hedge) {
    struct rp_turn *turn = ask->source.turn;
    struct leg *leg = rp_arena_zalloc(turn->arena, sizeof(*leg));
    const struct rp_call_limits *outer = ask->call->limits;
    int64_t connect = target->connect_ms;
    if (outer && outer->connect_ms && (connect == 0 || outer->connect_ms < connect)) connect = outer->connect_ms;
    leg->sink.ops = &sink_ops;
    leg->ask = ask;
    leg->target = target;
    leg->look = look;
    leg->hedge = hedge;
    leg->before = ask->legs;
    ask->legs = leg;
    leg->started_ms = rp_worker_now_ms(turn->worker);
    leg->shut.run = on_shut;
    leg->limits = (struct rp_call_limits){.connect_ms = connect, .once = true};
    leg->call = *ask->call;
    leg->call.limits = &leg->limits;
    if (ask->given > 0)
        leg->call.prefix = rp_str(rp_arena_printf(turn->arena, "%.*s%.*s", RP_STR_ARG(ask->call->prefix),
                                                  (int)ask->given, ask->said.data));
    leg->source = rp_model_ask(target->model, turn, &leg->call);
    rp_source_open(leg->source, &leg->sink);
    start_clock(leg, target->first_ms);
    rp_source_more(leg->source);
    return leg;
}
