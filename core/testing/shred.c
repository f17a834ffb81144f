/* Splitmix64, and what is made of its numbers. */
#include "core/testing/shred.h"

static uint64_t next(struct shred *shred) {
    uint64_t z = shred->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void shred_seed(struct shred *shred, uint64_t seed, struct rp_str name) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < name.len; i++) hash = (hash ^ (unsigned char)name.data[i]) * UINT64_C(0x100000001B3);
    shred->state = seed ^ hash;
}

uint64_t shred_below(struct shred *shred, uint64_t bound) {
    return next(shred) % bound;
}

static size_t whole_character(struct rp_str text, size_t len) {
    while (len < text.len && ((unsigned char)text.data[len] & 0xC0) == 0x80) len++;
    return len;
}

size_t shred_cut(struct shred *shred, struct rp_str text) {
    static const unsigned sizes[] = {1, 1, 1, 4, 4, 16, 64}; /* bytes at most, before the character is made whole */
    size_t most = sizes[shred_below(shred, sizeof(sizes) / sizeof(sizes[0]))];
    size_t len = 1 + (size_t)shred_below(shred, most);
    return whole_character(text, len < text.len ? len : text.len);
}

unsigned shred_delay(struct shred *shred) {
    return shred_below(shred, 3) ? 0 : (unsigned)shred_below(shred, 4);
}
