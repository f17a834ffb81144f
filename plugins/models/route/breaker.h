/* A circuit breaker: a target that fails too often is left alone for a while, then one call looks whether it is well again.
 * Pure functions of a struct; who shares it locks it. */
#ifndef ROUTE_BREAKER_H
#define ROUTE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_WINDOW_MAX 64
#define BREAKER_REST_MAX_MS (5 * 60 * 1000) /* the rest doubles with each look that fails, up to this */

enum breaker_state {
    BREAKER_CLOSED, /* calls go through */
    BREAKER_OPEN,   /* none does */
    BREAKER_HALF,   /* one is out, to look */
};
struct breaker_rules {
    unsigned failures, window; /* opens at that many failures among the last `window` calls; 0 failures: never */
    int64_t rest_ms;
};
/* Zero-initialise. */
struct breaker {
    enum breaker_state state;
    uint64_t failed; /* the last calls, the newest lowest: 1 for a failure */
    unsigned count;  /* of them, at most the window */
    unsigned openings;
    int64_t until_ms; /* when the next look is due, while open */
};

enum breaker_answer { BREAKER_NO, BREAKER_GO, BREAKER_LOOK };
enum breaker_end {
    BREAKER_WELL,
    BREAKER_FAILED,
    BREAKER_UNKNOWN, /* given up for another reason: says nothing about the target */
};

/* Whether a call may go out now. BREAKER_LOOK: as the one that looks. Each GO and LOOK is followed by breaker_end. */
enum breaker_answer breaker_ask(struct breaker *breaker, int64_t now_ms);
/* True: it has just opened, or closed again. */
bool breaker_end(struct breaker *breaker, const struct breaker_rules *rules, bool look, enum breaker_end end,
                 int64_t now_ms);
void breaker_hurry(struct breaker *breaker, int64_t now_ms); /* somebody has seen it well: the look is due at once */
int64_t breaker_wait_ms(const struct breaker *breaker, int64_t now_ms); /* until it may be asked; 0: now */

#endif
