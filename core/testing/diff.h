/* What differs between two texts, word by word. */
#ifndef CORE_TESTING_DIFF_H
#define CORE_TESTING_DIFF_H

#include <repartee/base.h>

enum diff_kind { DIFF_SAME, DIFF_GONE, DIFF_NEW };
struct diff_part {
    enum diff_kind kind;
    struct rp_str text;
};

/* The parts in order, neighbours of one kind joined: SAME and GONE parts make up `before`, SAME and NEW ones `after`. They
 * point into the two texts, the array is the arena's. Texts with too many words in between are not compared: all of it
 * is GONE, and NEW. */
size_t diff_words(struct rp_arena *arena, struct rp_str before, struct rp_str after, struct diff_part **out_parts);

#endif
