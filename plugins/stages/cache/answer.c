/* An answer in memory and in a store. There it is "RPA1", the time it was made and what it cost (64 bits each), the length
 * of its maker's name (16 bits), all little-endian, the name and the text. */
#include "answer.h"

#include <stdlib.h>

#define OVERHEAD 96 /* what keeping one costs besides: its entry, its part of the table and of the heap */
#define HEAD (sizeof magic + 3 * 8 + 2)

static const char magic[4] = "RPA1";

struct answer *answer_create(const struct key *key, int64_t created_ms, struct rp_usage usage, struct rp_str by,
                             struct rp_str text) {
    struct answer *answer = malloc(sizeof *answer + by.len + text.len);
    if (!answer) return NULL;
    *answer = (struct answer){
        .key = *key, .created_ms = created_ms, .usage = usage, .by_len = by.len, .text_len = text.len};
    atomic_init(&answer->refs, 1);
    atomic_init(&answer->renewal_ms, 0);
    if (by.len) memcpy(answer->bytes, by.data, by.len);
    if (text.len) memcpy(answer->bytes + by.len, text.data, text.len);
    return answer;
}

struct answer *answer_ref(struct answer *answer) {
    atomic_fetch_add_explicit(&answer->refs, 1, memory_order_relaxed);
    return answer;
}

void answer_unref(struct answer *answer) {
    if (answer && atomic_fetch_sub_explicit(&answer->refs, 1, memory_order_acq_rel) == 1) free(answer);
}

size_t answer_cost(const struct answer *answer) {
    return sizeof *answer + OVERHEAD + answer->by_len + answer->text_len;
}

/* ---- in a store ---------------------------------------------------------------------------------------------------- */

static int put_number(struct rp_buf *out, uint64_t number, size_t size) {
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = number >> 8 * i & 255;
    return rp_buf_append(out, bytes, size);
}

int answer_encode(const struct answer *answer, struct rp_buf *out) {
    int code = rp_buf_append(out, magic, sizeof magic);
    if (code == 0) code = put_number(out, (uint64_t)answer->created_ms, 8);
    if (code == 0) code = put_number(out, (uint64_t)answer->usage.input_tokens, 8);
    if (code == 0) code = put_number(out, (uint64_t)answer->usage.output_tokens, 8);
    if (code == 0) code = put_number(out, answer->by_len, 2);
    return code ? code : rp_buf_append(out, answer->bytes, answer->by_len + answer->text_len);
}

static int64_t take_number(const char **at, size_t size) {
    uint64_t number = 0;
    for (size_t i = size; i > 0; i--) number = number << 8 | (unsigned char)(*at)[i - 1];
    *at += size;
    return (int64_t)number;
}

struct answer *answer_decode(const struct key *key, struct rp_str bytes) {
    struct rp_usage usage;
    const char *at = bytes.data + sizeof magic;
    if (bytes.len < HEAD || memcmp(bytes.data, magic, sizeof magic) != 0) return NULL;
    int64_t created_ms = take_number(&at, 8);
    usage.input_tokens = take_number(&at, 8);
    usage.output_tokens = take_number(&at, 8);
    size_t by_len = (size_t)take_number(&at, 2), rest = bytes.len - HEAD;
    if (by_len >= rest || usage.input_tokens < 0 || usage.output_tokens < 0) return NULL;
    if (!rp_utf8_valid(at, by_len) || !rp_utf8_valid(at + by_len, rest - by_len)) return NULL;
    return answer_create(key, created_ms, usage, rp_str_n(at, by_len), rp_str_n(at + by_len, rest - by_len));
}
