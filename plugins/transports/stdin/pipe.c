/* Lines from a pipe, a file, or whatever else is no terminal. */
#include <repartee/line_cutter.h>
#include "stdin.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct pipe_input {
    struct rp_cutter lines;
    struct rp_str rest; /* of `bytes`: read, but not looked at */
    bool ended;
    char bytes[4096];
};

struct pipe_input *pipe_input_create(size_t max_line) {
    struct pipe_input *input = rp_calloc(1, sizeof *input);
    rp_cutter_init(&input->lines, max_line);
    return input;
}

void pipe_input_destroy(struct pipe_input *input) {
    if (!input) return;
    rp_cutter_finish(&input->lines);
    free(input);
}

static enum input fill(struct pipe_input *input, struct console *console) {
    for (;;) {
        if (!console_may_read(console)) return INPUT_STOPPED;
        if (console_wait(console, STDIN_FILENO, POLLIN) != WAIT_READY) continue;
        ssize_t got = read(STDIN_FILENO, input->bytes, sizeof input->bytes);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got <= 0) return INPUT_END;
        input->rest = rp_str_n(input->bytes, (size_t)got);
        return INPUT_LINE;
    }
}

enum input pipe_input_read(struct pipe_input *input, struct console *console, struct rp_str *out_line) {
    for (;;) {
        enum rp_line_kind kind = input->ended ? RP_LINE_NONE : rp_cutter_next(&input->lines, &input->rest, out_line);
        if (kind == RP_LINE_NONE && input->ended) return INPUT_END;
        if (kind == RP_LINE_NONE) {
            enum input filled = fill(input, console);
            if (filled == INPUT_STOPPED) return filled;
            input->ended = filled == INPUT_END;
            if (input->ended) kind = rp_cutter_rest(&input->lines, out_line);
        }
        if (kind != RP_LINE_NONE) return kind == RP_LINE_TEXT ? INPUT_LINE : INPUT_LONG;
    }
}
