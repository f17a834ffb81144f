/* A hash table with open addresses. */
#include "popularity.h"

#include <stdlib.h>

struct slot {
    struct rp_str text;
    uint32_t count; /* 0: free */
};
struct popularity {
    struct slot *slots;
    size_t used, size; /* size is a power of two */
};

struct popularity *popularity_create(void) {
    struct popularity *popularity = rp_calloc(1, sizeof(*popularity));
    popularity->size = 1024;
    popularity->slots = rp_calloc(popularity->size, sizeof(*popularity->slots));
    return popularity;
}

void popularity_destroy(struct popularity *popularity) {
    free(popularity->slots);
    free(popularity);
}

static uint64_t hash(struct rp_str text) {
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < text.len; i++) value = (value ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
    return value ^ value >> 32;
}

static struct slot *find(const struct popularity *popularity, struct rp_str text) {
    for (uint64_t at = hash(text);; at++) {
        struct slot *slot = &popularity->slots[at & (popularity->size - 1)];
        if (slot->count == 0 || rp_str_equal(slot->text, text)) return slot;
    }
}

static void grow(struct popularity *popularity) {
    struct popularity old = *popularity;
    popularity->size *= 2;
    popularity->slots = rp_calloc(popularity->size, sizeof(*popularity->slots));
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i].count) *find(popularity, old.slots[i].text) = old.slots[i];
    }
    free(old.slots);
}

void popularity_add(struct popularity *popularity, struct rp_str text) {
    if (popularity->used * 2 >= popularity->size) grow(popularity);
    struct slot *slot = find(popularity, text);
    if (slot->count == 0) popularity->used++;
    slot->text = text;
    slot->count++;
}

uint32_t popularity_of(const struct popularity *popularity, struct rp_str text) {
    return find(popularity, text)->count;
}
