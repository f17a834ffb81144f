/* One guard's patterns on one text, apart from turns: on a text that is whole, and on one that comes in pieces. */
#ifndef RULES_GUARD_TEXT_H
#define RULES_GUARD_TEXT_H

#include "guard.h"
#include "normal_stream.h"

struct guard_use { /* borrowed as long as it is used */
    const struct guard *guard;
    const struct guard_patterns *patterns;
    struct rp_arena *arena;
    struct rp_str sentence; /* what stands for `with` where the guard has none */
    size_t max;             /* bytes that a text may have */
};
struct guard_found { /* the first match; in the arena */
    bool found;
    struct rp_str matched; /* as it was written */
    struct rp_str with;    /* filled from its captures */
};

/* A whole text. 0, or -RP_EREGEX when a pattern hit a limit. */
int guard_look(const struct guard_use *use, const struct rp_normalised *text, struct guard_found *out);
/* The same, and each match replaced; the text itself where there is none. -RP_EREPLYSIZE when it gets too long. */
int guard_replace(const struct guard_use *use, const struct rp_normalised *text, struct guard_found *out,
                  struct rp_str *out_text);

/* A text in pieces, for the actions replace, block and flag. */
struct guard_stream {
    const struct guard_use *use;
    struct rp_sieve *sieve;
    struct normal_stream normal; /* what the sieve gets of the text */
    size_t given;                /* of that, what is decided */
    size_t copied;               /* of the original, what is out or taken */
    bool taken;                  /* what was taken last goes on to where the next part begins */
    struct rp_buf out;
    struct guard_found found; /* so far */
};
void guard_stream_init(struct guard_stream *stream, const struct guard_use *use);
void guard_stream_finish(struct guard_stream *stream); /* also after zeroing alone */
enum guard_piece {
    GUARD_PIECE_OPEN,    /* what follows may join its last character */
    GUARD_PIECE_SETTLED, /* that has been waited for */
    GUARD_PIECE_LAST,    /* nothing follows */
};
bool guard_settles(const struct guard_use *use); /* what it gives in pieces is settled */
/* The next piece. Gives what is decided, until the next call. *out_ended: the guard blocks, and
 * what was given is the end. 0, -RP_EREGEX when a pattern hit a limit (a guard that blocks takes that for a match),
 * -RP_EREPLYSIZE when too much would have to wait, or comes out; -RP_EUTF8. */
int guard_stream_feed(struct guard_stream *stream, struct rp_str piece, enum guard_piece kind, struct rp_str *out_text,
                      bool *out_ended);

#endif
