/* What is known of a target, by whoever has asked it: each call takes its lock for a moment. */
#include "route.h"

#define CHECKS_UNTIL_DOWN 2

enum breaker_answer target_ask(const struct route *route, struct target *target, bool desperate, int64_t now_ms) {
    (void)route;
    uv_mutex_lock(&target->lock);
    bool down = target->checks_failed >= CHECKS_UNTIL_DOWN && !desperate;
    enum breaker_answer answer = down ? BREAKER_NO : breaker_ask(&target->breaker, now_ms);
    uv_mutex_unlock(&target->lock);
    return answer;
}

static bool resting(const struct target *target) {
    return target->breaker.state != BREAKER_CLOSED || target->checks_failed >= CHECKS_UNTIL_DOWN;
}

void target_end(const struct route *route, struct target *target, bool look, enum breaker_end end, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    bool changed = breaker_end(&target->breaker, &route->rules, look, end, now_ms);
    bool opened = target->breaker.state != BREAKER_CLOSED;
    rp_metric_set(target->resting, resting(target));
    uv_mutex_unlock(&target->lock);
    if (changed) tell_breaker(route, target, opened);
}

void target_first(struct target *target, int64_t ms, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    latency_add(&target->latency, ms, now_ms);
    uv_mutex_unlock(&target->lock);
}

int64_t target_p95(struct target *target) {
    uv_mutex_lock(&target->lock);
    int64_t ms = latency_p95(&target->latency);
    uv_mutex_unlock(&target->lock);
    return ms;
}

double target_score(struct target *target, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    double score = latency_score(&target->latency, now_ms);
    uv_mutex_unlock(&target->lock);
    return score;
}

int64_t target_wait_ms(struct target *target, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    int64_t wait = breaker_wait_ms(&target->breaker, now_ms);
    uv_mutex_unlock(&target->lock);
    return wait;
}

/* That a target can be reached does not mean that it replies: an open breaker only gets its look sooner. */
void target_checked(const struct route *route, struct target *target, int code, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    bool was_down = target->checks_failed >= CHECKS_UNTIL_DOWN;
    if (code)
        target->checks_failed += target->checks_failed < CHECKS_UNTIL_DOWN;
    else
        target->checks_failed = 0;
    if (!code) breaker_hurry(&target->breaker, now_ms);
    bool down = target->checks_failed >= CHECKS_UNTIL_DOWN;
    rp_metric_set(target->resting, resting(target));
    uv_mutex_unlock(&target->lock);
    if (down != was_down) tell_check(route, target, code);
}
