/* An entry: one allocation, freed by whoever lets go of it last. */
#include "memory.h"

#include <stdlib.h>

#define OVERHEAD (sizeof(struct entry) + 16 + 2 * sizeof(void *)) /* with its part of heap and buckets */

size_t entry_cost(struct rp_str key, struct rp_str value) {
    if (key.len > SIZE_MAX / 4 || value.len > SIZE_MAX / 4) return SIZE_MAX;
    return OVERHEAD + key.len + value.len;
}

/* NULL when memory is out: a value's size is the peer's, so that is no reason to give up. */
struct entry *entry_create(struct rp_str key, struct rp_str value, uint64_t hash, int64_t expires_ms) {
    struct entry *entry = malloc(sizeof *entry + key.len + value.len);

    if (!entry) return NULL;
    *entry = (struct entry){
        .hash = hash,
        .expires_ms = expires_ms,
        .key_len = key.len,
        .value_len = value.len,
    };
    atomic_init(&entry->refs, 1);
    if (key.len) memcpy(entry->bytes, key.data, key.len);
    if (value.len) memcpy(entry->bytes + key.len, value.data, value.len);
    return entry;
}

void entry_ref(struct entry *entry) {
    atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
}

void entry_unref(struct entry *entry) {
    if (entry && atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) == 1) free(entry);
}

void entry_unref_chain(struct entry *entry) {
    while (entry) {
        struct entry *next = entry->chain;
        entry_unref(entry);
        entry = next;
    }
}
