/* Orders targets. Weights, by chance and by hash, come down to the same: each target draws a number, at random or from key
 * and name, and the least of -ln(number) / weight is first, which happens in proportion to the weights. */
#include "pick.h"

#include <math.h>

#define TARGETS_MAX 32

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static uint64_t hash(uint64_t start, struct rp_str text) {
    uint64_t value = start ^ 0xCBF29CE484222325u;
    for (size_t i = 0; i < text.len; i++) value = (value ^ (unsigned char)text.data[i]) * 0x100000001B3u;
    return mix(value);
}

static double draw(uint64_t bits, double weight) {
    double number = ((double)(bits >> 11) + 0.5) * 0x1p-53; /* between 0 and 1, neither of them */
    return weight > 0 ? -log(number) / weight : INFINITY;
}

static double rank(enum strategy strategy, const struct candidate *candidate, size_t place, uint64_t random,
                   struct rp_str key) {
    switch (strategy) {
    case STRATEGY_WEIGHTED:
        return draw(mix(random + place * 0x9E3779B97F4A7C15u), candidate->weight);
    case STRATEGY_HASH:
        return draw(hash(hash(0, key), rp_str(candidate->name)), candidate->weight);
    case STRATEGY_LEAST_LATENCY:
        return candidate->score;
    case STRATEGY_FALLBACK:
        break;
    }
    return (double)place;
}

/* Equals stay in the order that the bot file has them in. */
void pick_order(enum strategy strategy, const struct candidate *candidates, size_t count, uint64_t random,
                struct rp_str key, unsigned char *order) {
    double ranks[TARGETS_MAX];
    for (size_t i = 0; i < count; i++) {
        double own = rank(strategy, &candidates[i], i, random, key);
        size_t at = i;
        for (; at > 0 && ranks[at - 1] > own; at--) {
            ranks[at] = ranks[at - 1];
            order[at] = order[at - 1];
        }
        ranks[at] = own;
        order[at] = (unsigned char)i;
    }
}
