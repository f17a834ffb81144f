/* Texts as patterns see them: NFKC, so that full-width letters become half-width ones and a letter with its accent one
 * character, and without the characters that nobody sees (zero-width ones, variation selectors and the rest of
 * Unicode's Default_Ignorable_Code_Point). Whatever compares or searches what a user wrote goes through here. Any thread.
 *
 * What a match captured is given back as the user's own bytes: a span of the normalised text stands for every original
 * character that it touches. Capital and small letters stay; (?i) in a pattern folds them. */
#ifndef REPARTEE_NORMALISE_H
#define REPARTEE_NORMALISE_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_normal_change { /* a place where the two texts differ; all in bytes */
    uint32_t at, len;        /* of the normalised text; len 0: something was left out */
    uint32_t from, from_len; /* of the original */
};
struct rp_normalised {
    struct rp_str text;     /* normalised; the original's own bytes when nothing had to change */
    struct rp_str original; /* borrowed */
    const struct rp_normal_change *changes; /* in order; between them the texts are equal */
    size_t change_count;
};

/* `text` is valid UTF-8 and stays where it is as long as *out is used. ASCII costs nothing but a look. The time is
 * linear in the length, whatever the text; the result has at most 12 bytes for one. */
RP_EXPORT void rp_normalise(struct rp_arena *arena, struct rp_str text, struct rp_normalised *out);
/* The same with capitals and small letters made alike in full ("Straße", "STRASSE"): for comparing whole texts. */
RP_EXPORT struct rp_str rp_normalise_folded(struct rp_arena *arena, struct rp_str text);
/* The original bytes for bytes `start` to `end` of the normalised text, both of which lie between characters, and so
 * will the result. */
RP_EXPORT struct rp_str rp_normalised_original(const struct rp_normalised *text, size_t start, size_t end);
/* In the original: where the character starts that byte `at` belongs to, behind what was left out in front of it; and
 * behind the character whose last byte is the one in front of `at`. */
RP_EXPORT size_t rp_normalised_start(const struct rp_normalised *text, size_t at);
RP_EXPORT size_t rp_normalised_end(const struct rp_normalised *text, size_t at);
RP_EXPORT size_t rp_normalised_changes_before(const struct rp_normalised *text, size_t at); /* that start in front of `at` */

#ifdef __cplusplus
}
#endif
#endif
