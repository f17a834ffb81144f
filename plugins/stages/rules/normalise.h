/* Texts as patterns see them: NFKC, so that full-width letters become half-width ones and a letter with its accent one
 * character, and without the characters that nobody sees (zero-width ones, variation selectors and the rest of
 * Unicode's Default_Ignorable_Code_Point). Everything in this stage that matches what a user wrote goes through here.
 *
 * What a match captured is given back as the user's own bytes: a span of the normalised text stands for every original
 * character that it touches. Capital and small letters stay; (?i) in a pattern folds them. */
#ifndef RULES_NORMALISE_H
#define RULES_NORMALISE_H

#include <repartee/base.h>

struct normal_change { /* a place where the two texts differ; all in bytes */
    uint32_t at, len;        /* of the normalised text; len 0: something was left out */
    uint32_t from, from_len; /* of the original */
};
struct normalised {
    struct rp_str text;     /* normalised; the original's own bytes when nothing had to change */
    struct rp_str original; /* borrowed */
    const struct normal_change *changes; /* in order; between them the texts are equal */
    size_t change_count;
};

/* `text` is valid UTF-8 and stays where it is as long as *out is used. ASCII costs nothing but a look. The time is
 * linear in the length, whatever the text; the result has at most 12 bytes for one. */
void normalise_text(struct rp_arena *arena, struct rp_str text, struct normalised *out);
/* The same with capitals and small letters made alike in full ("Straße", "STRASSE"): for comparing whole texts. */
struct rp_str normalise_folded(struct rp_arena *arena, struct rp_str text);
/* The original bytes for bytes `start` to `end` of the normalised text, both of which lie between characters, and so
 * will the result. */
struct rp_str normalise_original(const struct normalised *text, size_t start, size_t end);
/* In the original: where the character starts that byte `at` belongs to, behind what was left out in front of it; and
 * behind the character whose last byte is the one in front of `at`. */
size_t normalise_start(const struct normalised *text, size_t at);
size_t normalise_end(const struct normalised *text, size_t at);
size_t normalise_changes_before(const struct normalised *text, size_t at); /* that start in front of `at` */

#endif
