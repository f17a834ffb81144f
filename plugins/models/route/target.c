/* What is known of a target, by whoever has asked it: each call takes its lock for a moment. */
#include "route.h"

#define CHECKS_UNTIL_DOWN 2
#define RESTS_MAX_MS (5 * 60 * 1000) /* what a target may ask for */

static bool is_down(const struct target *target) {
    return target->checks_failed >= CHECKS_UNTIL_DOWN;
}

enum breaker_answer target_ask(struct target *target, bool desperate, int64_t now_ms, const char **out_why) {
    uv_mutex_lock(&target->lock);
    const char *why = desperate                          ? NULL
                      : is_down(target)                  ? "it fails its checks"
                      : now_ms < target->rests_until_ms  ? "it has asked for time"
                                                         : NULL;
    enum breaker_answer answer = why ? BREAKER_NO : breaker_ask(&target->breaker, now_ms);
    if (answer != BREAKER_NO) latency_ask(&target->latency, now_ms);
    uv_mutex_unlock(&target->lock);
    if (answer == BREAKER_NO) *out_why = why ? why : "it failed too often";
    return answer;
}

static void show(const struct target *target) {
    rp_metric_set(target->resting, target->breaker.state != BREAKER_CLOSED || is_down(target));
}

void target_end(const struct route *route, struct target *target, bool look, enum breaker_end end, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    bool changed = breaker_end(&target->breaker, &route->rules, look, end, now_ms);
    bool opened = target->breaker.state != BREAKER_CLOSED;
    show(target);
    uv_mutex_unlock(&target->lock);
    if (changed) tell_breaker(route, target, opened);
}

void target_first(struct target *target, int64_t ms, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    latency_add(&target->latency, ms, now_ms);
    uv_mutex_unlock(&target->lock);
}

void target_lost(struct target *target, int64_t usual_ms, int64_t ms, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    latency_lose(&target->latency, usual_ms, ms, now_ms);
    uv_mutex_unlock(&target->lock);
}

void target_failed(struct target *target, int64_t ms, int64_t rest_ms, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    if (ms >= 0) latency_fail(&target->latency, ms, now_ms);
    if (rest_ms > RESTS_MAX_MS) rest_ms = RESTS_MAX_MS;
    if (rest_ms > 0 && now_ms + rest_ms > target->rests_until_ms) target->rests_until_ms = now_ms + rest_ms;
    uv_mutex_unlock(&target->lock);
}

int64_t target_p95(struct target *target) {
    uv_mutex_lock(&target->lock);
    struct latency latency = target->latency; /* it is sorted outside */
    uv_mutex_unlock(&target->lock);
    return latency_p95(&latency);
}

double target_score(struct target *target, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    double score = latency_score(&target->latency, now_ms);
    uv_mutex_unlock(&target->lock);
    return score;
}

int64_t target_wait_ms(struct target *target, bool desperate, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    int64_t wait = breaker_wait_ms(&target->breaker, now_ms), rest = target->rests_until_ms - now_ms;
    bool down = is_down(target) && !desperate;
    uv_mutex_unlock(&target->lock);
    return down ? INT64_MAX : wait > rest ? wait : rest > 0 ? rest : 0;
}

/* That a target can be reached does not mean that it replies: where it could not be before, an open breaker only gets its
 * look sooner. */
void target_checked(const struct route *route, struct target *target, int code, int64_t now_ms) {
    uv_mutex_lock(&target->lock);
    bool was_down = is_down(target), news = target->checks_failed > 0;
    if (code)
        target->checks_failed += !was_down;
    else
        target->checks_failed = 0;
    if (!code && news) breaker_hurry(&target->breaker, now_ms);
    bool down = is_down(target);
    show(target);
    uv_mutex_unlock(&target->lock);
    if (down != was_down) tell_check(route, target, code);
}
