/* Cuts a byte stream into lines: the part of the pipe that needs no file descriptor. */
#ifndef STDIN_LINES_H
#define STDIN_LINES_H

#include <repartee/base.h>

enum line_kind {
    LINE_NONE, /* more bytes are needed */
    LINE_TEXT,
    LINE_LONG, /* this line was longer than the limit and is gone */
};

struct lines {
    struct rp_buf buf;
    size_t max;    /* bytes of a line, without its end */
    bool too_long; /* the rest of this line is thrown away */
    bool given;    /* what `buf` holds has been handed out */
};

void lines_init(struct lines *lines, size_t max);
void lines_finish(struct lines *lines);
/* Takes bytes off `input` up to the end of the next line that is not blank. LF and CRLF end a line. `out_line` is good
 * until the next call. */
enum line_kind lines_next(struct lines *lines, struct rp_str *input, struct rp_str *out_line);
/* What stood behind the last line end, once the input is over. */
enum line_kind lines_rest(struct lines *lines, struct rp_str *out_line);

#endif
