/* SHA-1 as in FIPS 180-4, for short input: no streaming interface, no speed. */
#include "sha1.h"

#define BLOCK 64

static uint32_t rotate(uint32_t word, unsigned bits) {
    return word << bits | word >> (32 - bits);
}

static void schedule(const uint8_t block[BLOCK], uint32_t words[80]) {
    for (unsigned i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
                   block[4 * i + 3];
    }
    for (unsigned i = 16; i < 80; i++) {
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
}

static uint32_t mix(unsigned round, const uint32_t v[5]) {
    if (round < 20) return ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5a827999u;
    if (round < 40) return (v[1] ^ v[2] ^ v[3]) + 0x6ed9eba1u;
    if (round < 60) return ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8f1bbcdcu;
    return (v[1] ^ v[2] ^ v[3]) + 0xca62c1d6u;
}

static void absorb(uint32_t state[5], const uint8_t block[BLOCK]) {
    uint32_t words[80], v[5];
    schedule(block, words);
    memcpy(v, state, sizeof v);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(v[0], 5) + mix(i, v) + v[4] + words[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (unsigned i = 0; i < 5; i++) state[i] += v[i];
}

/* The rest of the data, a one bit, zeros, and the length in bits at the very end: one block or two. */
static void absorb_tail(uint32_t state[5], struct rp_str tail, uint64_t total) {
    uint8_t blocks[2 * BLOCK] = {0};
    size_t size = tail.len + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    if (tail.len) memcpy(blocks, tail.data, tail.len);
    blocks[tail.len] = 0x80;
    for (unsigned i = 0; i < 8; i++) blocks[size - 1 - i] = (uint8_t)(total * 8 >> 8 * i);
    absorb(state, blocks);
    if (size > BLOCK) absorb(state, blocks + BLOCK);
}

void sha1(struct rp_str data, uint8_t out_digest[SHA1_SIZE]) {
    uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    size_t at = 0;
    for (; data.len - at >= BLOCK; at += BLOCK) absorb(state, (const uint8_t *)data.data + at);
    absorb_tail(state, rp_str_n(at ? data.data + at : data.data, data.len - at), data.len);
    for (unsigned i = 0; i < SHA1_SIZE; i++) out_digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
