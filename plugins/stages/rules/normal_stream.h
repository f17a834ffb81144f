/* A text that comes in pieces, as patterns see it: what repartee/normalise.h says of a whole text, the same for every way to cut it.
 *
 * The last character of a piece waits for the next one, since a mark may follow that joins it; not where the piece is
 * `settled`, because somebody has waited already. Places are counted in bytes
 * from the beginning of all that came, in the normalised text or in the original; the original is kept until it is
 * dropped. */
#ifndef RULES_NORMAL_STREAM_H
#define RULES_NORMAL_STREAM_H

#include <repartee/normalise.h>

struct normal_stream {
    struct rp_arena *arena;
    struct rp_buf original; /* what has not been dropped */
    size_t from;            /* where that begins */
    size_t done;            /* the original up to here is normalised */
    size_t len;             /* of the normalised text */
    size_t dropped;         /* and how much of it is dropped */
    struct rp_normal_change *changes; /* the last one that has been dropped, if any, and all since */
    size_t change_count, change_cap;
};

void normal_stream_init(struct normal_stream *stream, struct rp_arena *arena, size_t max); /* bytes that may be kept */
void normal_stream_finish(struct normal_stream *stream);
/* The next piece; `settled`: what follows joins nothing in it, or nothing follows. *out_text: what is certain now of the normalised text, until the next call.
 * 0, -RP_EUTF8 for broken text, -RP_EREPLYSIZE when too much would have to be kept. */
int normal_stream_feed(struct normal_stream *stream, struct rp_str piece, bool settled, struct rp_str *out_text);
bool normal_starts_anew(struct rp_str text); /* its first character joins nothing in front of it */

/* The original's place for a place between characters of the normalised text, as the start or the end of a stretch: what
 * is left out there lies in front of a start and behind an end. */
size_t normal_stream_start(const struct normal_stream *stream, size_t at);
size_t normal_stream_end(const struct normal_stream *stream, size_t at);
struct rp_str normal_stream_original(const struct normal_stream *stream, size_t from, size_t to);
size_t normal_stream_total(const struct normal_stream *stream); /* bytes of the original that came */
/* `text`: a stretch of the normalised text that begins at `at`. Makes of it a text of its own with the way back; where the
 * original is dropped already, the text stands for itself. */
void normal_stream_view(const struct normal_stream *stream, size_t at, struct rp_str text, struct rp_normalised *out);
/* Nobody asks any more for what lies in front of both these places. */
void normal_stream_drop(struct normal_stream *stream, size_t original, size_t normalised);

#endif
