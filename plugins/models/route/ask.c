/* The source of one turn: tries targets in the order of the strategy until one has replied. Before the first text any
 * failure leads to the next target at once; when all have been tried, the round begins again after a wait, as long as
 * retries are left. Each target makes one attempt a try, so that attempts add up and never multiply. */
#include "route.h"

#define RETRY_AFTER_CAP_MS (60 * 1000) /* who asks for more time has said no */
#define HEDGES_MAX 10                  /* saved up */

static void go_on(struct route_ask *ask);

static struct rp_worker *worker_of(const struct route_ask *ask) {
    return ask->source.turn->worker;
}

static int64_t now_ms(const struct route_ask *ask) {
    return rp_worker_now_ms(worker_of(ask));
}

/* ---- what targets say ----------------------------------------------------------------------------------------------- */

static void speak(struct route_ask *ask, struct leg *leg) {
    struct leg *other = ask->main == leg ? ask->hedge : ask->main;
    rp_timer_stop(worker_of(ask), &ask->late);
    if (other && leg->hedge) target_lost(other->target, ask->usual_ms, now_ms(ask) - other->started_ms, now_ms(ask));
    leg_drop(other, BREAKER_UNKNOWN, "lost");
    ask->speaker = ask->main = leg;
    ask->hedge = NULL;
}

void ask_on_chunk(struct leg *leg, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct route_ask *ask = leg->ask;
    bool text = chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0;
    if (chunk->type == RP_CHUNK_USAGE) {
        ask->usage.input_tokens += chunk->usage.input_tokens;
        ask->usage.output_tokens += chunk->usage.output_tokens;
        ask->usage.cached_tokens += chunk->usage.cached_tokens;
    }
    if (flow == RP_MORE && !text && chunk->type != RP_CHUNK_TOOL) {
        leg_more(leg);
        return;
    }
    if (ask->speaker != leg) speak(ask, leg);
    if (flow == RP_END) {
        ask->ended = true;
        ask->finish = chunk->finish;
    }
    if (text) {
        give_text(ask, chunk->text);
    } else if (chunk->type == RP_CHUNK_TOOL) {
        give_tool(ask, chunk);
    } else {
        give_end(ask);
    }
}

/* ---- the next target --------------------------------------------------------------------------------------------- */

static bool can_go_on(const struct route_ask *ask, const struct target *target) {
    bool goes_on = ask->given > 0 || ask->call->prefix.len > 0;
    return !goes_on || rp_model_takes(target->model) & RP_TAKES_PREFIX;
}

static bool can_try(const struct route_ask *ask, size_t which) {
    return !(ask->useless & (1u << which)) && can_go_on(ask, &ask->route->targets[which]);
}

static struct target *choose(struct route_ask *ask, bool *out_look) {
    while (ask->next < ask->route->count) {
        size_t which = ask->order[ask->next++];
        struct target *target = &ask->route->targets[which];
        const char *why = "it cannot go on from what has been said";
        if (ask->useless & (1u << which)) continue;
        if (ask->round > 0 && ask->retries == 0) return NULL;
        enum breaker_answer answer = BREAKER_NO;
        if (can_go_on(ask, target)) answer = target_ask(target, ask->desperate, now_ms(ask), &why);
        if (answer == BREAKER_NO) {
            tell_skipped(ask, target, why);
            continue;
        }
        if (ask->round > 0) ask->retries--;
        *out_look = answer == BREAKER_LOOK;
        return target;
    }
    return NULL;
}

/* A second call when the first is later than 19 of 20, from a small account that each turn pays into. */
static void pay_in(struct route *route, double hedges) {
    uv_mutex_lock(&route->lock);
    route->hedges += hedges;
    if (route->hedges > HEDGES_MAX) route->hedges = HEDGES_MAX;
    uv_mutex_unlock(&route->lock);
}

static bool take_hedge(struct route *route) {
    uv_mutex_lock(&route->lock);
    bool can = route->hedges >= 1;
    if (can) route->hedges--;
    uv_mutex_unlock(&route->lock);
    return can;
}

static void on_late(struct rp_timer *timer) {
    struct route_ask *ask = (struct route_ask *)((char *)timer - offsetof(struct route_ask, late));
    bool look;
    if (!ask->main || ask->hedge || ask->speaker || !take_hedge(ask->route)) return;
    struct target *target = choose(ask, &look);
    if (!target) {
        pay_in(ask->route, 1);
        return;
    }
    rp_metric_add(ask->route->hedged, 1);
    ask->hedge = leg_start(ask, target, look, true);
}

static void watch_for_lateness(struct route_ask *ask, struct target *target) {
    if (ask->route->options->hedge <= 0 || ask->round > 0 || ask->next == ask->route->count) return;
    if (ask->source.turn->patient) return;
    ask->usual_ms = target_p95(target);
    if (ask->usual_ms >= 0) rp_timer_start(worker_of(ask), &ask->late, ask->usual_ms + 1);
}

/* ---- the next round ---------------------------------------------------------------------------------------------- */

/* Until one of those that are left may be asked. */
static int64_t rest_ms(const struct route_ask *ask) {
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < ask->route->count; i++) {
        int64_t own = can_try(ask, i) ? target_wait_ms(&ask->route->targets[i], ask->desperate, now_ms(ask)) : INT64_MAX;
        if (own < least) least = own;
    }
    return least;
}

static int64_t wait_ms(const struct route_ask *ask) {
    const struct route_options *options = ask->route->options;
    int64_t wait = options->retry_base, rest = rest_ms(ask);
    uint32_t random;
    rp_random(&random, sizeof(random));
    for (int64_t i = 0; i < ask->round && wait < options->retry_max; i++) wait *= 2;
    if (wait > options->retry_max) wait = options->retry_max;
    wait = (int64_t)((double)wait * (1 - 0.25 * random / UINT32_MAX));
    return wait > rest ? wait : rest;
}

/* NULL: another round makes sense after `wait`. */
static const char *why_no_round(const struct route_ask *ask, int64_t wait) {
    if (ask->fault.code == 0) return "none can be asked now";
    if (ask->retries == 0 || ask->round == ask->route->options->retries) return "no retries are left";
    if (wait == INT64_MAX) return "none is left that could do it";
    bool late = wait > RETRY_AFTER_CAP_MS || wait >= ask->source.turn->deadline_ms - now_ms(ask);
    return late ? "the next could only be asked too late" : NULL;
}

static bool wait_for_round(struct route_ask *ask) {
    int64_t wait = wait_ms(ask);
    const char *why_not = why_no_round(ask, wait);
    if (why_not) {
        tell_given_up(ask, why_not);
        return false;
    }
    ask->round++;
    ask->next = 0;
    tell_round(ask, wait);
    rp_timer_start(worker_of(ask), &ask->timer, wait);
    return true;
}

static void on_round(struct rp_timer *timer) {
    go_on((struct route_ask *)((char *)timer - offsetof(struct route_ask, timer)));
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static void give_up(struct route_ask *ask) {
    if (ask->fault.code) {
        give_fault(ask, &ask->fault);
        return;
    }
    int64_t rest = rest_ms(ask);
    give_fault(ask, &(struct rp_fault){.code = RP_EUPSTREAM,
                                       .message = "none of the models can be asked at the moment",
                                       .retry_after = rest > 0 && rest < INT64_MAX ? (int)((rest + 999) / 1000) : 1});
}

static void go_on(struct route_ask *ask) {
    bool look;
    struct target *target = choose(ask, &look);
    if (!target && ask->fault.code == 0 && !ask->desperate) {
        ask->desperate = true;
        ask->next = 0;
        target = choose(ask, &look);
    }
    if (target) {
        ask->main = leg_start(ask, target, look, false);
        watch_for_lateness(ask, target);
    } else if (!wait_for_round(ask)) {
        give_up(ask);
    }
}

static bool may_pass(int code) {
    switch (code) {
    case RP_EUPSTREAM:
    case RP_EUPTIMEOUT:
    case RP_EUPRATE:
    case RP_ETRUNCATED:
    case RP_EBUSY:
        return true;
    default:
        return false;
    }
}

/* What one target cannot do at all is not what went wrong with the others. */
static void remember(struct route_ask *ask, const struct leg *leg, const struct rp_fault *fault) {
    if (ask->fault.code == 0 || fault->code != RP_EUNSUPPORTED) {
        ask->fault = *fault;
        if (fault->message) ask->fault.message = rp_arena_str(ask->source.turn->arena, rp_str(fault->message)).data;
    }
    if (!may_pass(fault->code)) ask->useless |= 1u << (leg->target - ask->route->targets);
}

/* Whether another may take over from the one that was speaking. What nobody has seen was never said. */
static bool take_over(struct route_ask *ask, const struct rp_fault *fault) {
    ask->speaker = NULL;
    if (!ask->noted || ask->called || (ask->given > 0 && !may_pass(fault->code))) return false;
    ask->said.len = ask->given;
    if (ask->given > 0) rp_metric_add(ask->route->resumed, 1);
    return true;
}

void ask_on_failure(struct leg *leg, const struct rp_fault *fault) {
    struct route_ask *ask = leg->ask;
    remember(ask, leg, fault);
    if (ask->main == leg) ask->main = ask->hedge;
    ask->hedge = NULL;
    if (ask->speaker == leg && !take_over(ask, fault)) {
        give_fault(ask, fault);
    } else if (!ask->main) {
        rp_timer_stop(worker_of(ask), &ask->late);
        go_on(ask);
    }
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void make_order(struct route_ask *ask) {
    struct route *route = ask->route;
    struct candidate candidates[TARGETS_MAX];
    struct rp_turn *turn = ask->source.turn;
    bool by_user = route->options->hash_by == HASH_USER && turn->user.len > 0;
    uint64_t random;
    rp_random(&random, sizeof(random));
    for (size_t i = 0; i < route->count; i++) {
        struct target *target = &route->targets[i];
        candidates[i] = (struct candidate){target->name, target->weight, target_score(target, now_ms(ask))};
    }
    pick_order((enum strategy)route->options->strategy, candidates, route->count, random,
               by_user ? turn->user : turn->session, ask->order);
}

static void begin(struct route_ask *ask) {
    struct route *route = ask->route;
    ask->begun = true;
    make_order(ask);
    pay_in(route, route->options->hedge);
    go_on(ask);
}

static void more(struct rp_source *source) {
    struct route_ask *ask = (struct route_ask *)source;
    ask->owed = true;
    if (!ask->begun)
        begin(ask);
    else if (ask->ended)
        give_end(ask);
    else
        leg_more(ask->speaker);
}

/* The turn ends while this one is asked. It is at fault where it had most of the turn's time and has said nothing. */
static enum breaker_end blame(const struct route_ask *ask, const struct leg *leg) {
    const struct rp_turn *turn = ask->source.turn;
    int64_t now = now_ms(ask), all = (rp_now_ns() - turn->started_ns) / 1000000;
    bool had_most = 2 * (now - leg->started_ms) > all;
    return now >= turn->deadline_ms && had_most && !leg->began ? BREAKER_FAILED : BREAKER_UNKNOWN;
}

static void close(struct rp_source *source) {
    struct route_ask *ask = (struct route_ask *)source;
    rp_timer_stop(worker_of(ask), &ask->timer);
    rp_timer_stop(worker_of(ask), &ask->late);
    for (struct leg *leg = ask->legs; leg; leg = leg->before) leg_drop(leg, blame(ask, leg), "cancelled");
    rp_buf_finish(&ask->said);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

struct rp_source *route_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    struct route_ask *ask = rp_arena_zalloc(turn->arena, sizeof(*ask));
    ask->route = model->element.state;
    ask->call = call;
    ask->retries = call->limits && call->limits->once ? 0 : ask->route->options->retries;
    ask->held = !call->stream;
    ask->noted = ask->held || ask->route->options->resume;
    ask->timer.run = on_round;
    ask->late.run = on_late;
    rp_buf_init(&ask->said, SAID_MAX);
    rp_source_init(&ask->source, &ops, turn);
    return &ask->source;
}
