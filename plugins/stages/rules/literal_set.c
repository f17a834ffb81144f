/* Sets are small, so everything compares each with each. */
#define _GNU_SOURCE /* memmem */
#include "literal_set.h"

static bool contains(struct rp_str text, struct rp_str part) {
    return part.len == 0 || (text.len >= part.len && memmem(text.data, text.len, part.data, part.len));
}

static bool is_member(const struct literal_set *set, struct rp_str text) {
    for (size_t i = 0; i < set->count; i++) {
        if (rp_str_equal(set->items[i], text)) return true;
    }
    return false;
}

struct literal_set set_of_nothing(void) {
    static const struct rp_str nothing = {"", 0};
    return (struct literal_set){1, &nothing};
}

bool set_has_empty(const struct literal_set *set) {
    return is_member(set, RP_STR(""));
}

static struct rp_str join(struct rp_arena *arena, struct rp_str a, struct rp_str b) {
    if (a.len == 0) return b;
    char *text = rp_arena_alloc(arena, a.len + b.len + 1);
    memcpy(text, a.data, a.len);
    memcpy(text + a.len, b.data, b.len);
    return rp_str_n(text, a.len + b.len);
}

bool set_product(struct rp_arena *arena, const struct literal_set *a, const struct literal_set *b,
                 struct literal_set *out) {
    if (a->count * b->count > TEXTS_MAX) return false;
    struct rp_str *items = rp_arena_alloc(arena, (a->count * b->count + 1) * sizeof(*items));
    struct literal_set made = {0, items};
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            if (a->items[i].len + b->items[k].len > LITERAL_BYTES) return false;
            struct rp_str text = join(arena, a->items[i], b->items[k]);
            if (!is_member(&made, text)) items[made.count++] = text;
        }
    }
    *out = made;
    return true;
}

bool set_union(struct rp_arena *arena, const struct literal_set *a, const struct literal_set *b, size_t most,
               struct literal_set *out) {
    struct rp_str *items = rp_arena_alloc(arena, (a->count + b->count + 1) * sizeof(*items));
    struct literal_set made = {a->count, items};
    if (a->count) memcpy(items, a->items, a->count * sizeof(*items));
    for (size_t i = 0; i < b->count; i++) {
        if (!is_member(&made, b->items[i])) items[made.count++] = b->items[i];
    }
    if (made.count > most) return false;
    *out = made;
    return true;
}

static bool is_redundant(const struct literal_set *set, size_t index) {
    for (size_t i = 0; i < set->count; i++) {
        if (i == index || !contains(set->items[index], set->items[i])) continue;
        if (set->items[i].len < set->items[index].len || i < index) return true;
    }
    return false;
}

struct literal_set set_reduce(struct rp_arena *arena, const struct literal_set *set) {
    struct rp_str *items = rp_arena_alloc(arena, (set->count + 1) * sizeof(*items));
    struct literal_set made = {0, items};
    for (size_t i = 0; i < set->count; i++) {
        if (!is_redundant(set, i)) items[made.count++] = set->items[i];
    }
    return made;
}

static bool contains_one(struct rp_str text, const struct literal_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        if (contains(text, set->items[i])) return true;
    }
    return false;
}

bool set_implies(const struct literal_set *a, const struct literal_set *b) {
    for (size_t i = 0; i < a->count; i++) {
        if (!contains_one(a->items[i], b)) return false;
    }
    return true;
}

double set_chance(const struct literal_set *set) {
    double chance = 0;
    for (size_t i = 0; i < set->count; i++) chance += literal_chance(set->items[i]);
    return chance < 1 ? chance : 1;
}
