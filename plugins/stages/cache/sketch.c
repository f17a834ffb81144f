/* Four counters for a key, in four words: the smallest is the least disturbed by other keys. */
#include "sketch.h"

#include <repartee/base.h>
#include <stdlib.h>

#define ROWS 4
#define LOWEST_BITS UINT64_C(0x1111111111111111)
#define LOWER_BITS UINT64_C(0x7777777777777777)
#define SAMPLE 10 /* times the keys */

void sketch_init(struct sketch *sketch, size_t keys) {
    size_t words = 64;
    while (words < keys) words *= 2;
    *sketch = (struct sketch){.mask = words - 1, .sample = SAMPLE * words};
    sketch->words = rp_calloc(words, sizeof *sketch->words);
}

void sketch_finish(struct sketch *sketch) {
    free(sketch->words);
}

/* The word of the row, and the place of the counter in it. */
static uint64_t *counter(const struct sketch *sketch, uint64_t hash, unsigned row, unsigned *out_shift) {
    static const uint64_t seeds[ROWS] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9),
                                         UINT64_C(0x94d049bb133111eb), UINT64_C(0xd6e8feb86659fd93)};
    uint64_t mixed = (hash ^ hash >> 32) * seeds[row];
    mixed ^= mixed >> 29;
    *out_shift = (unsigned)(mixed & 15) * 4;
    return &sketch->words[mixed >> 4 & sketch->mask];
}

unsigned sketch_count(const struct sketch *sketch, uint64_t hash) {
    unsigned least = 15, shift;
    for (unsigned row = 0; row < ROWS; row++) {
        const uint64_t *word = counter(sketch, hash, row, &shift);
        unsigned count = *word >> shift & 15;
        if (count < least) least = count;
    }
    return least;
}

static void halve(struct sketch *sketch) {
    size_t odd = 0;
    for (size_t i = 0; i <= sketch->mask; i++) {
        odd += (size_t)__builtin_popcountll(sketch->words[i] & LOWEST_BITS);
        sketch->words[i] = sketch->words[i] >> 1 & LOWER_BITS;
    }
    sketch->added = (sketch->added - odd / ROWS) / 2;
}

/* Only the smallest of the four grow: the others have counted somebody else as well. */
void sketch_add(struct sketch *sketch, uint64_t hash) {
    unsigned least = sketch_count(sketch, hash), shift;
    if (least == 15) return;
    for (unsigned row = 0; row < ROWS; row++) {
        uint64_t *word = counter(sketch, hash, row, &shift);
        if ((*word >> shift & 15) == least) *word += UINT64_C(1) << shift;
    }
    if (++sketch->added >= sketch->sample) halve(sketch);
}
