/* Builds and runs the automaton: first a trie of all literals, then its states laid out in a double array with failure
 * links, breadth first. The trie is dropped once the array stands. */
#include "automaton.h"

#include <stdlib.h>

#include "fold.h"
#include <repartee/unicode.h>

#define FREE UINT32_MAX
#define TRIES_MAX 48 /* places looked at before the search moves on for good */

struct node { /* of the trie; number 0 is the root */
    uint32_t child, sibling;
    uint32_t literal; /* its number and one, or 0 */
    uint32_t state;
    unsigned char letter;
};
struct state { /* number 0 is the root; the successor by a letter is base + letter if its `parent` agrees */
    uint32_t base, parent, fail;
    uint32_t literal; /* the longest that ends here, its number and one; 0: none */
};

struct automaton {
    struct node *nodes;
    size_t node_count, node_cap;
    struct state *states;
    size_t state_cap;
    uint32_t *shorter; /* for each literal the next longest that it ends in, its number and one */
    size_t literal_count;
    uint32_t cursor;            /* no state below it is worth a look */
    uint8_t pairs[65536 / 8];   /* bits: can a literal begin with these two bytes? */
    unsigned char letters[256]; /* 0: in no literal */
    unsigned letter_count;
};

static void *grow(void *items, size_t count, size_t *cap, size_t size) {
    if (count < *cap) return items;
    *cap = *cap ? *cap * 2 : 64;
    return rp_realloc(items, *cap * size);
}

/* ---- the trie ---------------------------------------------------------------------------------------------------- */

static uint32_t add_node(struct automaton *a, unsigned char letter) {
    a->nodes = grow(a->nodes, a->node_count, &a->node_cap, sizeof(*a->nodes));
    a->nodes[a->node_count] = (struct node){.letter = letter};
    return (uint32_t)a->node_count++;
}

static unsigned char letter_of(struct automaton *a, unsigned char byte) {
    if (a->letters[byte] == 0) a->letters[byte] = (unsigned char)++a->letter_count;
    return a->letters[byte];
}

static uint32_t descend(struct automaton *a, uint32_t from, unsigned char letter) {
    for (uint32_t n = a->nodes[from].child; n; n = a->nodes[n].sibling) {
        if (a->nodes[n].letter == letter) return n;
    }
    uint32_t made = add_node(a, letter);
    a->nodes[made].sibling = a->nodes[from].child;
    a->nodes[from].child = made;
    return made;
}

uint32_t automaton_add(struct automaton *a, struct rp_str literal) {
    uint32_t node = 0;
    for (size_t i = 0; i < literal.len; i++) node = descend(a, node, letter_of(a, (unsigned char)literal.data[i]));
    if (a->nodes[node].literal == 0) a->nodes[node].literal = (uint32_t)++a->literal_count;
    return a->nodes[node].literal - 1;
}

struct automaton *automaton_create(void) {
    struct automaton *a = rp_calloc(1, sizeof(*a));
    add_node(a, 0);
    return a;
}

void automaton_destroy(struct automaton *a) {
    if (!a) return;
    free(a->nodes);
    free(a->states);
    free(a->shorter);
    free(a);
}

/* ---- the double array -------------------------------------------------------------------------------------------- */

static void reserve_states(struct automaton *a, size_t count) {
    size_t old = a->state_cap;
    if (count <= old) return;
    a->state_cap = count + count / 4 + 256;
    a->states = rp_realloc(a->states, a->state_cap * sizeof(*a->states));
    for (size_t i = old; i < a->state_cap; i++) a->states[i] = (struct state){.parent = FREE};
}

static bool fits(const struct automaton *a, uint32_t base, uint32_t child) {
    for (uint32_t n = child; n; n = a->nodes[n].sibling) {
        if (a->states[base + a->nodes[n].letter].parent != FREE) return false;
    }
    return true;
}

static uint32_t find_base(struct automaton *a, uint32_t child) {
    unsigned char first = a->nodes[child].letter;
    unsigned tries = 0;
    for (uint32_t slot = a->cursor > first ? a->cursor : first;; slot++) {
        reserve_states(a, slot + 256);
        if (a->states[slot].parent != FREE) continue;
        if (fits(a, slot - first, child)) return slot - first;
        if (++tries > TRIES_MAX) a->cursor = slot;
    }
}

static uint32_t step(const struct state *states, uint32_t from, unsigned char letter) {
    for (;;) {
        uint32_t to = states[from].base + letter;
        if (states[to].parent == from) return to;
        if (from == 0) return 0;
        from = states[from].fail;
    }
}

static void place_children(struct automaton *a, uint32_t node) {
    uint32_t from = a->nodes[node].state, base = find_base(a, a->nodes[node].child);
    a->states[from].base = base;
    for (uint32_t n = a->nodes[node].child; n; n = a->nodes[n].sibling) {
        a->nodes[n].state = base + a->nodes[n].letter;
        a->states[a->nodes[n].state].parent = from;
    }
    for (uint32_t n = a->nodes[node].child; n; n = a->nodes[n].sibling) {
        struct state *to = &a->states[a->nodes[n].state];
        to->fail = from == 0 ? 0 : step(a->states, a->states[from].fail, a->nodes[n].letter);
        to->literal = a->states[to->fail].literal;
        if (a->nodes[n].literal == 0) continue;
        a->shorter[a->nodes[n].literal - 1] = to->literal;
        to->literal = a->nodes[n].literal;
    }
    while (a->states[a->cursor].parent != FREE) reserve_states(a, ++a->cursor + 256);
}

/* Does the character that this byte begins perhaps fold to another? Not those of Han, kana, Hangul and emoji. */
static bool may_fold(unsigned char byte) {
    return byte >= 0xC2 && (byte < 0xE3 || byte == 0xEA || byte == 0xEF || byte == 0xF0);
}

static unsigned char small(unsigned byte) {
    return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
}

static bool has_state(const struct automaton *a, uint32_t from, unsigned char byte, uint32_t *out_to) {
    *out_to = a->states[from].base + a->letters[byte];
    return a->letters[byte] && a->states[*out_to].parent == from;
}

static void find_seconds(const struct automaton *a, uint32_t first, uint8_t *row) {
    uint32_t second;
    for (unsigned two = 0; two < 256; two++) {
        if (may_fold((unsigned char)two) || has_state(a, first, small(two), &second)) row[two / 8] |= (uint8_t)(1 << two % 8);
    }
}

/* What may fold is never skipped: other bytes may stand for it. */
static void find_pairs(struct automaton *a) {
    uint32_t first;
    for (unsigned one = 0; one < 256; one++) {
        uint8_t *row = a->pairs + one * 32;
        bool begins = has_state(a, 0, small(one), &first);
        if (may_fold((unsigned char)one) || (begins && a->states[first].literal)) {
            memset(row, 0xFF, 32);
        } else if (begins) {
            find_seconds(a, first, row);
        }
    }
}

void automaton_build(struct automaton *a) {
    uint32_t *queue = rp_alloc(a->node_count * sizeof(*queue));
    size_t head = 0, tail = 0;
    a->shorter = rp_calloc(a->literal_count + 1, sizeof(*a->shorter));
    reserve_states(a, a->node_count + 256);
    a->states[0].parent = 0; /* taken; no letter is 0, so the root is nobody's successor */
    queue[tail++] = 0;
    while (head < tail) {
        uint32_t node = queue[head++];
        if (a->nodes[node].child) place_children(a, node);
        for (uint32_t n = a->nodes[node].child; n; n = a->nodes[n].sibling) queue[tail++] = n;
    }
    free(queue);
    free(a->nodes);
    a->nodes = NULL;
    find_pairs(a);
    for (int c = 'A'; c <= 'Z'; c++) a->letters[c] = a->letters[c + 'a' - 'A'];
}

size_t automaton_count(const struct automaton *a) {
    return a->literal_count;
}

/* ---- the pass over a message ------------------------------------------------------------------------------------- */

static uint32_t advance(const struct automaton *a, uint32_t at, unsigned char byte) {
    unsigned char letter = a->letters[byte];
    return letter ? step(a->states, at, letter) : 0;
}

static void mark(const struct automaton *a, uint32_t literal, uint64_t *bits) {
    for (; literal; literal = a->shorter[literal - 1]) bits[(literal - 1) / 64] |= UINT64_C(1) << (literal - 1) % 64;
}

/* The next place at which a literal can begin; or the last byte, which begins no pair. */
static size_t skip(const struct automaton *a, struct rp_str text, size_t at) {
    const unsigned char *data = (const unsigned char *)text.data;
    for (; at + 1 < text.len; at++) {
        unsigned pair = (unsigned)data[at] << 8 | data[at + 1];
        if (a->pairs[pair / 8] >> pair % 8 & 1) break;
    }
    return at;
}

void automaton_scan(const struct automaton *a, struct rp_str text, uint64_t *bits) {
    uint32_t at = 0;
    size_t len;
    char folded[4];
    for (size_t i = 0; i < text.len; i += len) {
        if (at == 0) i = skip(a, text, i);
        unsigned char byte = (unsigned char)text.data[i];
        len = 1;
        if (!may_fold(byte)) {
            at = advance(a, at, byte);
            mark(a, a->states[at].literal, bits);
            continue;
        }
        size_t bytes = rp_unicode_write(fold_beyond_ascii(rp_unicode_read(text.data + i, &len)), folded);
        for (size_t k = 0; k < bytes; k++) {
            at = advance(a, at, (unsigned char)folded[k]);
            mark(a, a->states[at].literal, bits);
        }
    }
}

size_t automaton_bytes(const struct automaton *a) {
    return sizeof(*a) + a->state_cap * sizeof(*a->states) + a->literal_count * sizeof(*a->shorter);
}
