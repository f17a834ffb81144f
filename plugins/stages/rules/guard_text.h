/* One guard's patterns on one text, apart from turns: on a text that is whole, and on one that comes in pieces. */
#ifndef RULES_GUARD_TEXT_H
#define RULES_GUARD_TEXT_H

#include "guard.h"
#include "normalise.h"

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
int guard_look(const struct guard_use *use, const struct normalised *text, struct guard_found *out);
/* The same, and each match replaced; the text itself where there is none. -RP_EREPLYSIZE when it gets too long. */
int guard_replace(const struct guard_use *use, const struct normalised *text, struct guard_found *out,
                  struct rp_str *out_text);

/* A text in pieces, for the actions replace, block and flag. */
struct guard_stream {
    const struct guard_use *use;
    struct rp_sieve *sieve;
    struct rp_buf out;
    struct guard_found found; /* so far */
};
void guard_stream_init(struct guard_stream *stream, const struct guard_use *use);
void guard_stream_finish(struct guard_stream *stream); /* also after zeroing alone */
/* The next piece; `final`: nothing follows. Gives what is decided, until the next call. *out_ended: the guard blocks, and
 * what was given is the end. 0, -RP_EREGEX when a pattern hit a limit (a guard that blocks takes that for a match),
 * -RP_EREPLYSIZE when too much would have to wait, or comes out; -RP_EUTF8. */
int guard_stream_feed(struct guard_stream *stream, struct rp_str piece, bool final, struct rp_str *out_text,
                      bool *out_ended);

#endif
