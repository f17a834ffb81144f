/* Reply templates: text with {name} for captures and values, {{ and }} for braces. */
#ifndef RULES_FILL_H
#define RULES_FILL_H

#include <repartee/regex.h>

#include <repartee/normalise.h>

struct fill_piece {
    bool placeholder; /* `text` is the name: a word with dots, or a number */
    struct rp_str text;
};
/* Takes the next piece off the front of *rest; false at the end. A brace that opens no placeholder is plain text. */
bool fill_next(struct rp_str *rest, struct fill_piece *out_piece);

/* Whether a capture of this pattern can be meant by the name: a group's, or a number. */
bool fill_has_group(const struct rp_regex *regex, struct rp_str name);

/* A match with what is needed to name its groups; all borrowed. */
struct captures {
    const struct rp_regex *regex;
    const struct rp_match *match;
    const struct rp_normalised *text;
};
/* What the group captured, as the user wrote it; false: there is none, or it took no part in the match. */
bool captures_group(const struct captures *captures, size_t group, struct rp_str *out_text);
/* The group called `name`, or the number; false: there is none, or it took no part in the match. */
bool captures_find(const struct captures *captures, struct rp_str name, struct rp_str *out_text);
/* The template with its captures filled in, in the arena; those that took no part are empty. */
struct rp_str captures_fill(const struct captures *captures, struct rp_str template, struct rp_arena *arena);

#endif
