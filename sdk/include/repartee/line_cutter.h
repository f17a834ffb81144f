/* Cuts a stream of bytes into lines and counts them: what reads JSON lines or a pipe needs no more. Nothing is allocated
 * beyond one line, whose length has a limit; a line that is longer costs only itself. One thread at a time. */
#ifndef REPARTEE_LINE_CUTTER_H
#define REPARTEE_LINE_CUTTER_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rp_line_kind {
    RP_LINE_NONE, /* more bytes are needed */
    RP_LINE_TEXT,
    RP_LINE_LONG, /* this line was longer than the limit and is gone */
};

struct rp_cutter {
    struct rp_buf buf;
    size_t max;     /* bytes of a line, without its end */
    int64_t number; /* of the line that was given last, from 1; blank ones count */
    bool too_long;  /* the rest of this line is thrown away */
    bool given;     /* what `buf` holds has been handed out */
};

RP_EXPORT void rp_cutter_init(struct rp_cutter *cutter, size_t max);
RP_EXPORT void rp_cutter_finish(struct rp_cutter *cutter);
/* Takes bytes off `input` up to the end of the next line that is not blank. LF and CRLF end a line. `out_line` is good
 * until the next call, and as long as the input's bytes are. */
RP_EXPORT enum rp_line_kind rp_cutter_next(struct rp_cutter *cutter, struct rp_str *input, struct rp_str *out_line);
/* What stood behind the last line end, once the input is over. */
RP_EXPORT enum rp_line_kind rp_cutter_rest(struct rp_cutter *cutter, struct rp_str *out_line);

#ifdef __cplusplus
}
#endif
#endif
