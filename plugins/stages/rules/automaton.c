/* Builds and runs the automaton: first a trie of all literals, then its states laid out in a double array with failure
 * links, breadth first. The trie is dropped once the array stands. */
#include "automaton.h"

#include <stdlib.h>

#define ANY_PATTERN UINT32_MAX /* the output of the two characters that fold to ASCII letters */
#define FREE UINT32_MAX
#define TRIES_MAX 48 /* places looked at before the search moves on for good */

struct node { /* of the trie; number 0 is the root */
    uint32_t child, sibling;
    uint32_t output;
    uint32_t state;
    unsigned char letter;
};
struct state { /* number 0 is the root; the successor by a letter is base + letter if its `parent` agrees */
    uint32_t base, parent, fail, output;
};
struct output { /* a chain ends in 0 and goes on into that of the failure link */
    uint32_t pattern, next;
};

struct automaton {
    struct node *nodes;
    size_t node_count, node_cap;
    struct state *states;
    size_t state_cap;
    struct output *outputs;
    size_t output_count, output_cap;
    uint32_t cursor;            /* no state below it is worth a look */
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
    if (a->letters[byte] == 0) {
        a->letters[byte] = (unsigned char)++a->letter_count;
        if (byte >= 'a' && byte <= 'z') a->letters[byte - 32] = a->letters[byte];
    }
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

void automaton_add(struct automaton *a, const struct literal *literal, uint32_t pattern) {
    uint32_t node = 0;
    for (size_t i = 0; i < literal->len; i++) {
        node = descend(a, node, letter_of(a, (unsigned char)literal->text[i]));
    }
    for (uint32_t o = a->nodes[node].output; o; o = a->outputs[o].next) {
        if (a->outputs[o].pattern == pattern) return;
    }
    a->outputs = grow(a->outputs, a->output_count, &a->output_cap, sizeof(*a->outputs));
    a->outputs[a->output_count] = (struct output){pattern, a->nodes[node].output};
    a->nodes[node].output = (uint32_t)a->output_count++;
}

struct automaton *automaton_create(void) {
    static const struct literal folding[] = {{2, "\xC5\xBF"}, {3, "\xE2\x84\xAA"}};
    struct automaton *a = rp_calloc(1, sizeof(*a));
    add_node(a, 0);
    a->outputs = grow(a->outputs, 0, &a->output_cap, sizeof(*a->outputs));
    a->output_count = 1; /* number 0 ends a chain */
    for (size_t i = 0; i < 2; i++) automaton_add(a, &folding[i], ANY_PATTERN);
    return a;
}

void automaton_destroy(struct automaton *a) {
    if (!a) return;
    free(a->nodes);
    free(a->states);
    free(a->outputs);
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

/* The own outputs of a state stand in front of those of its failure link. */
static uint32_t join_outputs(struct automaton *a, uint32_t own, uint32_t inherited) {
    if (own == 0) return inherited;
    uint32_t last = own;
    while (a->outputs[last].next) last = a->outputs[last].next;
    a->outputs[last].next = inherited;
    return own;
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
        to->output = join_outputs(a, a->nodes[n].output, a->states[to->fail].output);
    }
    while (a->states[a->cursor].parent != FREE) reserve_states(a, ++a->cursor + 256);
}

void automaton_build(struct automaton *a) {
    uint32_t *queue = rp_alloc(a->node_count * sizeof(*queue));
    size_t head = 0, tail = 0;
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
}

/* ---- the pass over a message ------------------------------------------------------------------------------------- */

bool automaton_scan(const struct automaton *a, struct rp_str text, uint64_t *bits) {
    const struct state *states = a->states;
    uint32_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char letter = a->letters[(unsigned char)text.data[i]];
        at = letter ? step(states, at, letter) : 0;
        for (uint32_t o = states[at].output; o; o = a->outputs[o].next) {
            uint32_t pattern = a->outputs[o].pattern;
            if (pattern == ANY_PATTERN) return false;
            bits[pattern / 64] |= UINT64_C(1) << pattern % 64;
        }
    }
    return true;
}

size_t automaton_bytes(const struct automaton *a) {
    return sizeof(*a) + a->state_cap * sizeof(*a->states) + a->output_cap * sizeof(*a->outputs);
}
