/* What is told of a route: every try to the explanation of its turn, changes of targets to the log, both to the metrics. */
#include "route.h"

void tell_open(struct route *route) {
    const char *name = route->element->name;
    route->hedged = rp_metric(RP_COUNTER, "repartee_route_hedges_total", "Second calls because the first was late", "route",
                              name, NULL);
    route->resumed = rp_metric(RP_COUNTER, "repartee_route_resumed_total",
                               "Replies that were cut off and went on with another target", "route", name, NULL);
    for (size_t i = 0; i < route->count; i++) {
        route->targets[i].resting = rp_metric(RP_GAUGE, "repartee_route_target_resting",
                                              "1 while the route does not ask this target", "route", name, "target",
                                              route->targets[i].name, NULL);
        rp_metric_set(route->targets[i].resting, 0);
    }
}

/* Among what is told of the stage that asks. */
static void note(const struct route_ask *ask, const char *what, json_t *detail) {
    const struct rp_element *self = ask->route->element, *by = ask->call->by;
    json_object_set_new(detail, "route", json_string(self->name));
    rp_turn_note(ask->source.turn, by ? by : self, what, detail);
}

void tell_end(const struct leg *leg, const char *outcome, const struct rp_fault *fault) {
    const struct route_ask *ask = leg->ask;
    struct rp_turn *turn = ask->source.turn;
    rp_metric_add(rp_metric(RP_COUNTER, "repartee_route_tries_total", "Targets that routes have tried", "route",
                            ask->route->element->name, "target", leg->target->name, "outcome", outcome, NULL),
                  1);
    if (!rp_turn_explained(turn)) return;
    int64_t ms = rp_worker_now_ms(turn->worker) - leg->started_ms;
    json_t *detail = json_pack("{s:s, s:s, s:I}", "target", leg->target->name, "outcome", outcome, "ms", (json_int_t)ms);
    if (fault) json_object_set_new(detail, "code", json_string(rp_error_code(fault->code)));
    if (leg->hedge) json_object_set_new(detail, "hedge", json_true());
    if (leg->look) json_object_set_new(detail, "look", json_true());
    if (leg->call.prefix.len) json_object_set_new(detail, "from", json_integer((json_int_t)leg->call.prefix.len));
    note(ask, "try", detail);
}

void tell_skipped(const struct route_ask *ask, const struct target *target, const char *why) {
    if (!rp_turn_explained(ask->source.turn)) return;
    note(ask, "skipped", json_pack("{s:s, s:s}", "target", target->name, "why", why));
}

void tell_round(const struct route_ask *ask, int64_t wait_ms) {
    if (!rp_turn_explained(ask->source.turn)) return;
    note(ask, "all have failed",
         json_pack("{s:I, s:I}", "next_round_ms", (json_int_t)wait_ms, "retries", (json_int_t)ask->retries));
}

void tell_given_up(const struct route_ask *ask, const char *why) {
    if (rp_turn_explained(ask->source.turn)) note(ask, "given up", json_pack("{s:s}", "why", why));
}

void tell_breaker(const struct route *route, const struct target *target, bool opened) {
    if (opened)
        rp_log(RP_LOG_WARN, "route", "%s: '%s' is left alone for a while: %u of its last %u calls failed",
               route->element->name, target->name, route->rules.failures, route->rules.window);
    else
        rp_log(RP_LOG_INFO, "route", "%s: '%s' replies again", route->element->name, target->name);
}

void tell_check(const struct route *route, const struct target *target, int code) {
    if (code)
        rp_log(RP_LOG_WARN, "route", "%s: '%s' fails its checks: %s", route->element->name, target->name,
               rp_error_code(code));
    else
        rp_log(RP_LOG_INFO, "route", "%s: '%s' passes its checks again", route->element->name, target->name);
}
