/* Reads a pattern for the texts it needs. As long as a part of it can only be one of a few texts (letters, small classes,
 * alternatives, an optional s), these are followed exactly; where that ends, they become a set that is needed, and a new
 * run begins behind it. */
#include "literal.h"

#include "fold.h"
#include "literal_set.h"
#include "pattern.h"
#include <repartee/unicode.h>

#define CLASS_MAX 8  /* characters of a class that is followed exactly */
#define TIMES_MAX 4  /* repetitions that are written out */

struct finder {
    struct rp_arena *arena;
    struct pattern_reader reader;
    struct pattern_piece piece; /* the next one */
    bool loose; /* more than the texts themselves decides: capitals, boundaries, what stands around */
};
struct need { /* of a part of the pattern */
    bool exact;               /* it can be `texts` and nothing else */
    struct literal_set texts; /* may have the empty one among them */
    struct literals sets;     /* when it is not exact */
};
struct branch {
    struct literal_set run; /* what the pieces since the last break can be */
    bool broken;
    struct literals sets;
};

static struct need read_alternatives(struct finder *finder);

/* What says nothing about the text is passed over, also between a piece and its repeat. */
static void advance(struct finder *finder) {
    do pattern_next(&finder->reader, &finder->piece);
    while (finder->piece.kind == PATTERN_SKIPPED);
}

static bool is_lost(const struct finder *finder) {
    return finder->piece.kind == PATTERN_LOST || finder->piece.kind == PATTERN_VERB;
}

/* ---- needed sets ------------------------------------------------------------------------------------------------- */

static void remove_set(struct literals *sets, size_t at) {
    sets->count--;
    memmove(sets->sets + at, sets->sets + at + 1, (sets->count - at) * sizeof(sets->sets[0]));
}

/* The rarest first; what is least likely to help falls off the end, and what another set says as well goes. */
static void add_set(struct finder *finder, struct literals *sets, const struct literal_set *texts) {
    if (texts->count == 0 || set_has_empty(texts)) return;
    struct literal_set set = set_reduce(finder->arena, texts);
    double chance = set_chance(&set);
    for (size_t i = sets->count; i > 0; i--) {
        if (set_implies(&sets->sets[i - 1], &set)) return;
        if (set_implies(&set, &sets->sets[i - 1])) remove_set(sets, i - 1);
    }
    size_t at = sets->count;
    while (at > 0 && chance < set_chance(&sets->sets[at - 1])) at--;
    if (at == LITERAL_SETS) return;
    if (sets->count < LITERAL_SETS) sets->count++;
    memmove(sets->sets + at + 1, sets->sets + at, (sets->count - at - 1) * sizeof(set));
    sets->sets[at] = set;
}

/* Whatever the part matches contains all this. */
static void add_need(struct finder *finder, struct literals *sets, const struct need *need) {
    if (need->exact) add_set(finder, sets, &need->texts);
    for (size_t i = 0; !need->exact && i < need->sets.count; i++) add_set(finder, sets, &need->sets.sets[i]);
}

/* ---- branches ---------------------------------------------------------------------------------------------------- */

static void break_run(struct finder *finder, struct branch *branch) {
    add_set(finder, &branch->sets, &branch->run);
    branch->run = set_of_nothing();
    branch->broken = true;
}

static void extend_run(struct finder *finder, struct branch *branch, const struct literal_set *texts) {
    if (set_product(finder->arena, &branch->run, texts, &branch->run)) return;
    break_run(finder, branch);
    branch->run = *texts;
}

/* Once or more often: the last time stands right in front of what follows. */
static void repeat_exact(struct finder *finder, struct branch *branch, const struct literal_set *texts, uint32_t least,
                         uint32_t most) {
    for (uint32_t i = 0; i < least && i < TIMES_MAX; i++) extend_run(finder, branch, texts);
    if (least == most && least <= TIMES_MAX) return;
    break_run(finder, branch);
    branch->run = *texts;
}

static void add_exact(struct finder *finder, struct branch *branch, const struct literal_set *texts, uint32_t least,
                      uint32_t most) {
    struct literal_set nothing = set_of_nothing(), optional;
    if (least > 0) {
        repeat_exact(finder, branch, texts, least, most);
    } else if (most == 1 && set_union(finder->arena, texts, &nothing, TEXTS_MAX, &optional)) {
        extend_run(finder, branch, &optional);
    } else if (most > 0) {
        break_run(finder, branch);
    }
}

static void add_part(struct finder *finder, struct branch *branch, const struct need *need, uint32_t least,
                     uint32_t most) {
    if (need->exact) {
        add_exact(finder, branch, &need->texts, least, most);
        return;
    }
    break_run(finder, branch);
    if (least > 0) add_need(finder, &branch->sets, need);
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

/* Under (?i) ASCII letters are decided by their folded form; otherwise only what has no case is. */
static bool folds_exactly(int32_t c, bool caseless) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter ? caseless : c < 0x80 || fold_plain(c);
}

static struct rp_str folded(struct finder *finder, int32_t character) {
    if (!folds_exactly(character, finder->piece.caseless)) finder->loose = true;
    char *text = rp_arena_alloc(finder->arena, 4);
    return rp_str_n(text, rp_unicode_write(fold_character(character), text));
}

static struct need exact_character(struct finder *finder, int32_t character) {
    struct rp_str *item = rp_arena_alloc(finder->arena, sizeof(*item));
    *item = folded(finder, character);
    return (struct need){.exact = true, .texts = {1, item}};
}

static struct need read_character(struct finder *finder) {
    const struct pattern_piece *piece = &finder->piece;
    if (piece->caseless && !fold_sure(piece->character)) return (struct need){0};
    return exact_character(finder, piece->character);
}

/* False: too many. */
static bool add_range(struct finder *finder, struct literal_set *texts, const struct class_item *item) {
    if (item->last - item->first >= CLASS_MAX) return false;
    for (int32_t c = item->first; c <= item->last; c++) {
        struct need one = exact_character(finder, c);
        if (finder->piece.caseless && !fold_sure(c)) return false;
        if (!set_union(finder->arena, texts, &one.texts, CLASS_MAX, texts)) return false;
    }
    return true;
}

static struct need read_class(struct finder *finder) {
    struct class_reader class = class_open(finder->piece.text);
    struct need need = {.exact = !class.negated};
    struct class_item item;
    for (class_next(&class, &item); need.exact && item.kind != CLASS_END; class_next(&class, &item)) {
        bool listed = item.kind == CLASS_CHARACTER || item.kind == CLASS_RANGE;
        need.exact = listed && add_range(finder, &need.texts, &item);
    }
    return need;
}

/* The group's body, up to its closing parenthesis, which is the next piece then. */
static struct need read_body(struct finder *finder) {
    advance(finder);
    struct need need = read_alternatives(finder);
    if (finder->piece.kind != PATTERN_CLOSE) finder->piece.kind = PATTERN_LOST;
    return need;
}

/* How often the part in front comes. A repeat of a repeat is left alone: it may come not at all. */
static void read_repeats(struct finder *finder, uint32_t *out_least, uint32_t *out_most) {
    *out_least = *out_most = 1;
    for (int count = 0; finder->piece.kind == PATTERN_REPEAT; count++, advance(finder)) {
        *out_least = count ? 0 : finder->piece.least;
        *out_most = count ? PATTERN_NO_END : finder->piece.most;
    }
}

static void read_look(struct finder *finder, struct branch *branch) {
    uint32_t least, most;
    finder->loose = true;
    struct need need = read_body(finder);
    if (is_lost(finder)) return;
    advance(finder);
    read_repeats(finder, &least, &most);
    if (least > 0) add_need(finder, &branch->sets, &need);
}

static void read_nothing(struct finder *finder) {
    uint32_t least, most;
    finder->loose = true;
    if (finder->piece.kind == PATTERN_OPEN) read_body(finder);
    if (is_lost(finder)) return;
    advance(finder);
    read_repeats(finder, &least, &most);
}

static struct need read_part(struct finder *finder) {
    switch (finder->piece.kind) {
    case PATTERN_CHARACTER:
        return read_character(finder);
    case PATTERN_CLASS:
        return read_class(finder);
    case PATTERN_OPEN: {
        bool opaque = finder->piece.group == GROUP_OPAQUE;
        struct need need = read_body(finder);
        return opaque ? (struct need){0} : need;
    }
    default:
        return (struct need){0};
    }
}

static void read_piece(struct finder *finder, struct branch *branch) {
    uint32_t least, most;
    bool group = finder->piece.kind == PATTERN_OPEN;
    if (group && finder->piece.group == GROUP_LOOK) {
        read_look(finder, branch);
    } else if (finder->piece.kind == PATTERN_NOTHING || (group && finder->piece.group == GROUP_NOT)) {
        read_nothing(finder);
    } else {
        struct need need = read_part(finder);
        if (is_lost(finder)) return;
        advance(finder);
        read_repeats(finder, &least, &most);
        add_part(finder, branch, &need, least, most);
    }
}

/* ---- alternatives ------------------------------------------------------------------------------------------------ */

static bool at_branch_end(const struct finder *finder) {
    enum pattern_kind kind = finder->piece.kind;
    return kind == PATTERN_BAR || kind == PATTERN_CLOSE || kind == PATTERN_END || is_lost(finder);
}

static struct need read_branch(struct finder *finder) {
    struct branch branch = {.run = set_of_nothing()};
    while (!at_branch_end(finder)) read_piece(finder, &branch);
    if (!branch.broken && branch.sets.count == 0) return (struct need){.exact = true, .texts = branch.run};
    add_set(finder, &branch.sets, &branch.run);
    return (struct need){.sets = branch.sets};
}

/* Of each branch one set; together they are needed. */
static void unite_sets(struct finder *finder, struct need *all, const struct need *more) {
    struct literals a = {0}, b = {0};
    struct literal_set both;
    add_need(finder, &a, all);
    add_need(finder, &b, more);
    bool fine = a.count && b.count && set_union(finder->arena, &a.sets[0], &b.sets[0], LITERAL_COUNT, &both);
    *all = (struct need){0};
    if (fine) add_set(finder, &all->sets, &both);
}

static struct need read_alternatives(struct finder *finder) {
    struct need all = read_branch(finder);
    while (finder->piece.kind == PATTERN_BAR) {
        advance(finder);
        struct need more = read_branch(finder);
        bool exact = all.exact && more.exact;
        if (!exact || !set_union(finder->arena, &all.texts, &more.texts, TEXTS_MAX, &all.texts)) {
            unite_sets(finder, &all, &more);
        }
    }
    return all;
}

void literals_find(struct rp_str pattern, struct rp_arena *arena, struct literals *out) {
    struct finder finder = {.arena = arena, .reader = pattern_open(pattern)};
    *out = (struct literals){0};
    advance(&finder);
    struct need need = read_alternatives(&finder);
    if (finder.piece.kind != PATTERN_END) return;
    add_need(&finder, out, &need);
    out->exact = need.exact && !finder.loose && out->count == 1;
}
