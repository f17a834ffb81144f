/* How often each of very many keys was asked for lately, about: a count-min sketch of 4-bit counters, which are halved
 * from time to time, so that what was popular once is forgotten. */
#ifndef CACHE_SKETCH_H
#define CACHE_SKETCH_H

#include <stddef.h>
#include <stdint.h>

struct sketch {
    uint64_t *words; /* 16 counters each */
    size_t mask;     /* of words */
    size_t added, sample; /* counted since the last halving; when the next one is due */
};

void sketch_init(struct sketch *sketch, size_t keys); /* about as many as are to be told apart */
void sketch_finish(struct sketch *sketch);
void sketch_add(struct sketch *sketch, uint64_t hash);
unsigned sketch_count(const struct sketch *sketch, uint64_t hash); /* 0 to 15; rather too many than too few */

#endif
