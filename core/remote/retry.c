/* The decision about another attempt: the rules that clients of this API follow, with an end to patience. */
#include "core/remote/retry.h"

static bool worth_it(const struct attempt_result *result) {
    if (result->started || result->code == RP_EUPQUOTA || result->code == RP_EUPCERT) return false;
    if (result->should_retry >= 0) return result->should_retry == 1;
    if (result->status == 0) return true;              /* refused, reset, not connected in time */
    if (result->status >= 200 && result->status < 300) /* broken off before a word came; nonsense stays nonsense */
        return result->code == RP_ETRUNCATED || result->code == RP_EUPTIMEOUT || result->code == RP_EUPRATE;
    return result->status == 408 || result->status == 409 || result->status == 429 || result->status >= 500;
}

static int64_t backoff(const struct retry_rules *rules, int64_t retries) {
    int64_t wait = rules->base_ms;
    for (int64_t i = 0; i < retries && wait < rules->max_ms; i++) wait *= 2;
    if (wait > rules->max_ms) wait = rules->max_ms;
    return (int64_t)((double)wait * (1.0 - 0.25 * rules->jitter));
}

static int in_seconds(int64_t ms) {
    int64_t seconds = (ms + 999) / 1000;
    return ms <= 0 ? 0 : seconds > 86400 ? 86400 : (int)seconds;
}

struct retry_plan retry_decide(const struct attempt_result *result, const struct retry_rules *rules) {
    struct retry_plan plan = {.retry_after = in_seconds(result->retry_after_ms)};
    if (!worth_it(result) || result->retries >= rules->retries) return plan;
    bool told = result->retry_after_ms >= 0;
    int64_t most = rules->after_max_ms ? rules->after_max_ms : RETRY_AFTER_CAP_MS;
    if (told && result->retry_after_ms > most) return plan;
    plan.wait_ms = told ? result->retry_after_ms : backoff(rules, result->retries);
    plan.again = plan.wait_ms < rules->left_ms;
    return plan;
}
