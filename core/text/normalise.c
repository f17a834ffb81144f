/* Walks through a text from one start of a character to the next. What is normalised already is passed over; a stretch
 * that is not (a character with all that joins it) is taken apart, put in order, composed, and noted as a change. */
#include <repartee/normalise.h>

#include <stdlib.h>

#include <repartee/unicode.h>

#define OWN 32 /* characters of a stretch that need no other memory */

struct stretch { /* what is being put together */
    int32_t own[OWN], *characters;
    size_t count, cap;
};
struct place { /* in the text: a character */
    size_t at, len;
    int32_t character;
    enum rp_unicode_class class;
};
struct walk {
    struct rp_arena *arena;
    const uint8_t *table; /* of classes */
    struct rp_str text;
    bool fold;
    size_t copied; /* the original's bytes that are in `out` already, as they are or replaced */
    char *out;
    size_t len, cap;
    struct rp_normal_change *changes;
    size_t change_count, change_cap;
};

/* ---- growing in the arena ---------------------------------------------------------------------------------------- */

static void *grow(struct rp_arena *arena, const void *items, size_t count, size_t *cap, size_t need, size_t size) {
    while (*cap < need) *cap = *cap ? *cap * 2 : 16;
    void *grown = rp_arena_alloc(arena, *cap * size);
    if (count) memcpy(grown, items, count * size);
    return grown;
}

static void append(struct walk *walk, const char *data, size_t len) {
    if (walk->len + len > walk->cap) {
        if (!walk->cap) walk->cap = walk->text.len + 16;
        walk->out = grow(walk->arena, walk->out, walk->len, &walk->cap, walk->len + len, 1);
    }
    if (len) memcpy(walk->out + walk->len, data, len);
    walk->len += len;
}

/* Everything up to `end` that was passed over. */
static void copy_until(struct walk *walk, size_t end) {
    append(walk, walk->text.data + walk->copied, end - walk->copied);
    walk->copied = end;
}

static void note_change(struct walk *walk, size_t len, size_t from, size_t from_len) {
    if (walk->change_count == walk->change_cap) {
        walk->changes = grow(walk->arena, walk->changes, walk->change_count, &walk->change_cap, walk->change_count + 1,
                             sizeof(*walk->changes));
    }
    walk->changes[walk->change_count++] =
        (struct rp_normal_change){(uint32_t)walk->len, (uint32_t)len, (uint32_t)from, (uint32_t)from_len};
}

/* ---- canonical order --------------------------------------------------------------------------------------------- */

static uint64_t order_key(int32_t character, size_t place) {
    return (uint64_t)rp_unicode_combining_class(character) << 56 | (uint64_t)place << 24 | (uint64_t)character;
}

static int by_key(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Marks by their class, those of one class as they stand. A user can send thousands of them: no sorting by swaps. */
static void sort_marks(struct rp_arena *arena, int32_t *marks, size_t count) {
    uint64_t own[OWN], *keys = count <= OWN ? own : rp_arena_alloc(arena, count * sizeof(*keys));
    for (size_t i = 0; i < count; i++) keys[i] = order_key(marks[i], i);
    qsort(keys, count, sizeof(*keys), by_key);
    for (size_t i = 0; i < count; i++) marks[i] = (int32_t)(keys[i] & 0xFFFFFF);
}

static void reorder(struct rp_arena *arena, int32_t *characters, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t first = i;
        bool ordered = true;
        for (int last = 0, class; i < count && (class = rp_unicode_combining_class(characters[i])) > 0; i++) {
            ordered &= class >= last;
            last = class;
        }
        if (!ordered) sort_marks(arena, characters + first, i - first);
    }
}

/* ---- a stretch --------------------------------------------------------------------------------------------------- */

static void add_parts(struct walk *walk, struct stretch *stretch, const int32_t *parts, size_t count) {
    if (stretch->count + count > stretch->cap) {
        stretch->characters = grow(walk->arena, stretch->characters, stretch->count, &stretch->cap,
                                   stretch->count + count, sizeof(*stretch->characters));
    }
    if (count) memcpy(stretch->characters + stretch->count, parts, count * sizeof(*parts));
    stretch->count += count;
}

/* Reads the stretch that begins at `start`. *out_end: behind its last character that anybody sees, or marks something
 * that is seen; *out_next: where the next stretch begins. Between the two lies what is left out. */
static void read_stretch(struct walk *walk, size_t start, struct stretch *stretch, size_t *out_end, size_t *out_next) {
    int32_t parts[RP_UNICODE_EXPANSION];
    size_t at = start, len;
    *out_end = start;
    while (at < walk->text.len) {
        int32_t c = rp_unicode_read(walk->text.data + at, &len);
        if (at > start && rp_unicode_class(walk->table, c) != RP_UNICODE_JOINS) break;
        size_t count = rp_unicode_decompose(c, walk->fold, parts);
        add_parts(walk, stretch, parts, count);
        at += len;
        if (count > 0 || (*out_end > start && rp_unicode_is_mark(c))) *out_end = at;
    }
    *out_next = at;
}

static bool equals(struct rp_str text, const struct stretch *stretch) {
    size_t at = 0, len;
    for (size_t i = 0; i < stretch->count; i++, at += len) {
        if (at >= text.len || rp_unicode_read(text.data + at, &len) != stretch->characters[i]) return false;
    }
    return at == text.len;
}

static void replace(struct walk *walk, size_t from, size_t end, const struct stretch *stretch) {
    char bytes[4];
    copy_until(walk, from);
    size_t before = walk->len;
    note_change(walk, 0, from, end - from);
    for (size_t i = 0; i < stretch->count; i++) append(walk, bytes, rp_unicode_write(stretch->characters[i], bytes));
    walk->changes[walk->change_count - 1].len = (uint32_t)(walk->len - before);
    walk->copied = end;
}

static size_t take_stretch(struct walk *walk, size_t start) {
    struct stretch stretch = {.characters = stretch.own, .cap = OWN};
    size_t end, next;
    read_stretch(walk, start, &stretch, &end, &next);
    reorder(walk->arena, stretch.characters, stretch.count);
    stretch.count = rp_unicode_compose(stretch.characters, stretch.count);
    if (!equals(rp_str_n(walk->text.data + start, end - start), &stretch)) replace(walk, start, end, &stretch);
    stretch.count = 0;
    if (next > end) replace(walk, end, next, &stretch);
    return next;
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

/* The character at `at`; at the end of the text, one that joins nothing. */
static struct place look(const struct walk *walk, size_t at) {
    struct place place = {.at = at, .class = RP_UNICODE_STABLE};
    if (at == walk->text.len) return place;
    place.character = rp_unicode_read(walk->text.data + at, &place.len);
    place.class = rp_unicode_class(walk->table, place.character);
    return place;
}

static bool passes(const struct walk *walk, const struct place *place) {
    if (!walk->fold) return place->class == RP_UNICODE_STABLE;
    return place->character < 0x80 && !(place->character >= 'A' && place->character <= 'Z');
}

/* The full-width forms of ASCII, which Chinese texts are full of: '\0' for anything else. */
static char narrow_form(int32_t c) {
    if (c == 0x3000) return ' ';
    return (char)(c >= 0xFF01 && c <= 0xFF5E ? c - 0xFF01 + '!' : 0);
}

static void replace_wide(struct walk *walk, const struct place *place, char narrow) {
    copy_until(walk, place->at);
    note_change(walk, 1, place->at, place->len);
    append(walk, &narrow, 1);
    walk->copied = place->at + place->len;
}

/* Passes over a row of stable characters, up to the last one: what follows that may join it. */
static size_t skip_row(const struct walk *walk, size_t at) {
    const uint8_t *table = walk->table;
    struct rp_str text = walk->text;
    size_t last = at, len;
    for (; at < text.len; at += len) {
        if (rp_unicode_class(table, rp_unicode_read(text.data + at, &len)) != RP_UNICODE_STABLE) return last;
        last = at;
    }
    return at;
}

static void walk_text(struct walk *walk) {
    for (struct place place = look(walk, 0); place.at < walk->text.len;) {
        if (!walk->fold && place.class == RP_UNICODE_STABLE) place = look(walk, skip_row(walk, place.at));
        if (place.at == walk->text.len) break;
        struct place next = look(walk, place.at + place.len);
        char narrow = walk->fold ? '\0' : narrow_form(place.character);
        if (next.class != RP_UNICODE_JOINS && passes(walk, &place)) {
            place = next;
        } else if (next.class != RP_UNICODE_JOINS && narrow) {
            replace_wide(walk, &place, narrow);
            place = next;
        } else {
            place = look(walk, take_stretch(walk, place.at));
        }
    }
    if (walk->change_count) copy_until(walk, walk->text.len);
}

static bool is_ascii(struct rp_str text) {
    size_t i = 0;
    for (uint64_t word; i + sizeof(word) <= text.len; i += sizeof(word)) {
        memcpy(&word, text.data + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080)) return false;
    }
    for (; i < text.len; i++) {
        if ((unsigned char)text.data[i] >= 0x80) return false;
    }
    return true;
}

void rp_normalise(struct rp_arena *arena, struct rp_str text, struct rp_normalised *out) {
    *out = (struct rp_normalised){.text = text, .original = text};
    if (is_ascii(text)) return;
    struct walk walk = {.arena = arena, .table = rp_unicode_table(), .text = text};
    walk_text(&walk);
    if (walk.change_count == 0) return;
    out->text = rp_str_n(walk.out, walk.len);
    out->changes = walk.changes;
    out->change_count = walk.change_count;
}

struct rp_str rp_normalise_folded(struct rp_arena *arena, struct rp_str text) {
    struct walk walk = {.arena = arena, .table = rp_unicode_table(), .text = text, .fold = true};
    walk_text(&walk);
    return walk.change_count ? rp_str_n(walk.out, walk.len) : text;
}

/* ---- the way back ------------------------------------------------------------------------------------------------ */

/* How many changes lie in front of `at`: those that start before it, and with `equal` those that start there too. */
static size_t changes_before(const struct rp_normalised *text, size_t at, bool equal) {
    size_t low = 0, high = text->change_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t place = text->changes[middle].at;
        if (place < at || (equal && place == at)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t rp_normalised_changes_before(const struct rp_normalised *text, size_t at) {
    return changes_before(text, at, false);
}

size_t rp_normalised_start(const struct rp_normalised *text, size_t at) {
    size_t before = changes_before(text, at, true);
    if (before == 0) return at;
    const struct rp_normal_change *last = &text->changes[before - 1];
    if (at < last->at + last->len) return last->from;
    return last->from + last->from_len + (at - last->at - last->len);
}

size_t rp_normalised_end(const struct rp_normalised *text, size_t at) {
    size_t before = changes_before(text, at, false);
    if (before == 0) return at;
    const struct rp_normal_change *last = &text->changes[before - 1];
    if (at < last->at + last->len) return last->from + last->from_len;
    return last->from + last->from_len + (at - last->at - last->len);
}

struct rp_str rp_normalised_original(const struct rp_normalised *text, size_t start, size_t end) {
    size_t from = rp_normalised_start(text, start), to = end > start ? rp_normalised_end(text, end) : from;
    return rp_str_n(text->original.data + from, to - from);
}
