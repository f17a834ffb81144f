/* In which order a turn tries the targets. Pure. */
#ifndef ROUTE_PICK_H
#define ROUTE_PICK_H

#include <repartee/base.h>

enum strategy { STRATEGY_FALLBACK, STRATEGY_WEIGHTED, STRATEGY_LEAST_LATENCY, STRATEGY_HASH };

struct candidate {
    const char *name;
    double weight; /* 0: only when all others have failed */
    double score;  /* of its latency */
};
/* Fills `order` with 0 to count - 1. `random` is for STRATEGY_WEIGHTED; `key`, for STRATEGY_HASH: the same key meets the
 * same target as long as that is there, and when it is not, the keys of it are spread over the others. */
void pick_order(enum strategy strategy, const struct candidate *candidates, size_t count, uint64_t random,
                struct rp_str key, unsigned char *order);

#endif
