/* Reads a PCRE2 pattern (UTF and UCP on, no other option) piece by piece, for those who look at what is written in it:
 * literal.c for the texts it needs, pattern_text.c to normalise them. Only PCRE2 decides what a pattern means; what is
 * not understood here for sure is a piece of its own kind, and a reader treats it as such.
 *
 * The pattern is valid UTF-8 and one that PCRE2 takes; of others the pieces say nothing. */
#ifndef RULES_PATTERN_H
#define RULES_PATTERN_H

#include <repartee/base.h>

#define PATTERN_DEPTH 250 /* groups in groups, as in PCRE2 */
#define PATTERN_NO_END UINT32_MAX

enum pattern_kind {
    PATTERN_END,
    PATTERN_CHARACTER, /* `character`, or its other case if `caseless` */
    PATTERN_CLASS,     /* […]: class_open and class_next go through it */
    PATTERN_ANY,       /* takes some text: . \d \X \1 (?1) */
    PATTERN_NOTHING,   /* takes none: ^ \b \K */
    PATTERN_SKIPPED,   /* says nothing about the text: comments, (?i), \Q, white space under (?x) */
    PATTERN_OPEN,
    PATTERN_BAR,
    PATTERN_CLOSE,
    PATTERN_REPEAT, /* of the piece or group in front of it: `least` to `most` times */
    PATTERN_VERB,   /* (*ACCEPT) and the like: can change anything */
    PATTERN_LOST,   /* the rest cannot be read */
};
enum pattern_group {
    GROUP_PLAIN,
    GROUP_LOOK,   /* what is in it must be there, but takes no text */
    GROUP_NOT,    /* what is in it must not be there */
    GROUP_OPAQUE, /* conditions: what is in it may or may not be there */
};
struct pattern_piece {
    enum pattern_kind kind;
    struct rp_str text; /* as it is written */
    int32_t character;
    bool caseless, quoted; /* quoted: between \Q and \E */
    enum pattern_group group;
    uint32_t least, most;
};
struct pattern_reader {
    const char *at, *end;
    bool quoted;
    uint8_t flags, outer[PATTERN_DEPTH]; /* flags of the groups around */
    unsigned depth;
};

struct pattern_reader pattern_open(struct rp_str pattern);
void pattern_next(struct pattern_reader *reader, struct pattern_piece *out);

enum class_kind { CLASS_END, CLASS_CHARACTER, CLASS_RANGE, CLASS_SET, CLASS_LOST };
struct class_item {
    enum class_kind kind;
    struct rp_str text;
    int32_t first, last; /* equal for one character */
};
struct class_reader {
    const char *at, *end;
    bool negated, begun;
};

struct class_reader class_open(struct rp_str text); /* which begins at the bracket */
void class_next(struct class_reader *reader, struct class_item *out);

#endif
