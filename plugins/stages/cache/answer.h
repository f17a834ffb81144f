/* Answers: a question's key, and what was said. Immutable and counted, so that any worker may play one back while another
 * throws it out. */
#ifndef CACHE_ANSWER_H
#define CACHE_ANSWER_H

#include <repartee/turn.h>
#include <stdatomic.h>

#define KEY_SIZE 32
struct key {
    unsigned char bytes[KEY_SIZE];
};
static inline bool key_equal(const struct key *a, const struct key *b) {
    return memcmp(a->bytes, b->bytes, KEY_SIZE) == 0;
}
/* A key is a hash already. */
static inline uint64_t key_hash(const struct key *key) {
    uint64_t hash;
    memcpy(&hash, key->bytes, sizeof hash);
    return hash;
}

struct answer {
    atomic_uint refs;
    _Atomic int64_t renewal_ms; /* rp_wall_ms() before which a stale one is not renewed again */
    struct key key;
    int64_t created_ms; /* rp_wall_ms() */
    struct rp_usage usage; /* what it cost */
    size_t by_len, text_len;
    char bytes[]; /* by, then text */
};

/* NULL: memory is out. */
struct answer *answer_create(const struct key *key, int64_t created_ms, struct rp_usage usage, struct rp_str by,
                             struct rp_str text);
struct answer *answer_ref(struct answer *answer);
void answer_unref(struct answer *answer); /* takes NULL */
size_t answer_cost(const struct answer *answer); /* bytes */

static inline struct rp_str answer_by(const struct answer *answer) {
    return rp_str_n(answer->bytes, answer->by_len);
}
static inline struct rp_str answer_text(const struct answer *answer) {
    return rp_str_n(answer->bytes + answer->by_len, answer->text_len);
}

/* As it stands in a store. */
int answer_encode(const struct answer *answer, struct rp_buf *out);
/* NULL: these bytes are no answer. */
struct answer *answer_decode(const struct key *key, struct rp_str bytes);

#endif
