/* The states of a breaker and what leads from one to the next. */
#include "breaker.h"

enum breaker_answer breaker_ask(struct breaker *breaker, int64_t now_ms) {
    if (breaker->state == BREAKER_CLOSED) return BREAKER_GO;
    if (breaker->state == BREAKER_HALF || now_ms < breaker->until_ms) return BREAKER_NO;
    breaker->state = BREAKER_HALF;
    return BREAKER_LOOK;
}

static int64_t rest_ms(const struct breaker *breaker, const struct breaker_rules *rules) {
    int64_t rest = rules->rest_ms;
    for (unsigned i = 1; i < breaker->openings && rest < BREAKER_REST_MAX_MS; i++) rest *= 2;
    return rest > BREAKER_REST_MAX_MS && rules->rest_ms < BREAKER_REST_MAX_MS ? BREAKER_REST_MAX_MS : rest;
}

static void open_up(struct breaker *breaker, const struct breaker_rules *rules, int64_t now_ms) {
    breaker->state = BREAKER_OPEN;
    breaker->openings++;
    breaker->until_ms = now_ms + rest_ms(breaker, rules);
}

static bool end_look(struct breaker *breaker, const struct breaker_rules *rules, enum breaker_end end, int64_t now_ms) {
    if (end == BREAKER_WELL) {
        *breaker = (struct breaker){.state = BREAKER_CLOSED};
        return true;
    }
    if (end == BREAKER_FAILED) {
        open_up(breaker, rules, now_ms);
    } else { /* the next call looks instead */
        breaker->state = BREAKER_OPEN;
        breaker->until_ms = now_ms;
    }
    return false;
}

static unsigned failures(const struct breaker *breaker) {
    unsigned failed = 0;
    for (uint64_t bits = breaker->failed; bits; bits &= bits - 1) failed++;
    return failed;
}

static void remember(struct breaker *breaker, unsigned window, bool failed) {
    uint64_t kept = window < BREAKER_WINDOW_MAX ? (UINT64_C(1) << window) - 1 : UINT64_MAX;
    breaker->failed = (breaker->failed << 1 | failed) & kept;
    if (breaker->count < window) breaker->count++;
}

bool breaker_end(struct breaker *breaker, const struct breaker_rules *rules, bool look, enum breaker_end end,
                 int64_t now_ms) {
    if (look) return breaker->state == BREAKER_HALF && end_look(breaker, rules, end, now_ms);
    if (breaker->state != BREAKER_CLOSED || end == BREAKER_UNKNOWN) return false; /* of a call from before it opened */
    remember(breaker, rules->window, end == BREAKER_FAILED);
    if (rules->failures == 0 || failures(breaker) < rules->failures) return false;
    breaker->openings = 0;
    open_up(breaker, rules, now_ms);
    return true;
}

void breaker_hurry(struct breaker *breaker, int64_t now_ms) {
    if (breaker->state == BREAKER_OPEN) breaker->until_ms = now_ms;
}

int64_t breaker_wait_ms(const struct breaker *breaker, int64_t now_ms) {
    if (breaker->state == BREAKER_CLOSED) return 0;
    return breaker->until_ms > now_ms ? breaker->until_ms - now_ms : 0;
}
