/* The longest common subsequence of words, behind what both texts begin with and in front of what both end with. A word
 * is a run of letters and digits; where a script has no blanks between words, each character is one. */
#include "core/testing/diff.h"

#include <stdlib.h>

#define CELLS_MAX ((size_t)1 << 20)

struct words {
    struct rp_str *items;
    size_t count;
};

static size_t character_length(const unsigned char *at, size_t left) {
    size_t len = *at < 0x80 ? 1 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
    return len < left ? len : left;
}

/* Letters of alphabets; from U+2E80 on (three bytes from E2 BA 80) each character is a word. */
static bool in_word(const unsigned char *at, size_t len) {
    if (len == 1) return (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
    return len == 2 || (len == 3 && *at < 0xE2);
}

static size_t word_length(const unsigned char *at, size_t left) {
    size_t len = character_length(at, left);
    if (!in_word(at, len)) return len;
    while (len < left) {
        size_t next = character_length(at + len, left - len);
        if (!in_word(at + len, next)) break;
        len += next;
    }
    return len;
}

static struct words split(struct rp_arena *arena, struct rp_str text) {
    struct words words = {.items = rp_arena_alloc(arena, (text.len + 1) * sizeof(*words.items))};
    for (size_t at = 0; at < text.len; at += words.items[words.count++].len)
        words.items[words.count] =
            rp_str_n(text.data + at, word_length((const unsigned char *)text.data + at, text.len - at));
    return words;
}

struct parts {
    struct diff_part *items;
    size_t count;
};

/* Words of one kind lie behind one another, so a part only grows. */
static void add(struct parts *parts, enum diff_kind kind, struct rp_str word) {
    struct diff_part *last = parts->count ? &parts->items[parts->count - 1] : NULL;
    if (last && last->kind == kind && last->text.data + last->text.len == word.data)
        last->text.len += word.len;
    else
        parts->items[parts->count++] = (struct diff_part){kind, word};
}

/* lengths[i * (m + 1) + j]: of the longest subsequence of a[i…] and b[j…]. */
static void compare(struct parts *parts, const struct rp_str *a, size_t n, const struct rp_str *b, size_t m) {
    uint32_t *lengths = n * m <= CELLS_MAX ? rp_calloc((n + 1) * (m + 1), sizeof(*lengths)) : NULL;
    size_t i = 0, j = 0;
    for (size_t row = lengths ? n : 0; row-- > 0;) {
        for (size_t col = m; col-- > 0;) {
            uint32_t down = lengths[(row + 1) * (m + 1) + col], right = lengths[row * (m + 1) + col + 1];
            lengths[row * (m + 1) + col] =
                rp_str_equal(a[row], b[col]) ? lengths[(row + 1) * (m + 1) + col + 1] + 1 : down > right ? down : right;
        }
    }
    while (lengths && i < n && j < m) {
        if (rp_str_equal(a[i], b[j])) {
            add(parts, DIFF_SAME, a[i++]);
            j++;
        } else if (lengths[(i + 1) * (m + 1) + j] >= lengths[i * (m + 1) + j + 1]) {
            add(parts, DIFF_GONE, a[i++]);
        } else {
            add(parts, DIFF_NEW, b[j++]);
        }
    }
    while (i < n) add(parts, DIFF_GONE, a[i++]);
    while (j < m) add(parts, DIFF_NEW, b[j++]);
    free(lengths);
}

size_t diff_words(struct rp_arena *arena, struct rp_str before, struct rp_str after, struct diff_part **out_parts) {
    struct words a = split(arena, before), b = split(arena, after);
    size_t most = a.count < b.count ? a.count : b.count, front = 0, back = 0;
    while (front < most && rp_str_equal(a.items[front], b.items[front])) front++;
    while (back < most - front && rp_str_equal(a.items[a.count - 1 - back], b.items[b.count - 1 - back])) back++;
    struct parts parts = {.items = rp_arena_alloc(arena, (a.count + b.count + 1) * sizeof(*parts.items))};
    for (size_t i = 0; i < front; i++) add(&parts, DIFF_SAME, a.items[i]);
    compare(&parts, a.items + front, a.count - front - back, b.items + front, b.count - front - back);
    for (size_t i = a.count - back; i < a.count; i++) add(&parts, DIFF_SAME, a.items[i]);
    *out_parts = parts.items;
    return parts.count;
}
