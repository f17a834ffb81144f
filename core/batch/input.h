/* The items of a batch, line by line, out of a file or a pipe. */
#ifndef CORE_BATCH_INPUT_H
#define CORE_BATCH_INPUT_H

#include <repartee/line_cutter.h>

enum input_kind {
    INPUT_TEXT,
    INPUT_LONG,   /* a line beyond the limit, which is gone */
    INPUT_WAIT,   /* a pipe that has nothing now */
    INPUT_BUSY,   /* much was read, and no line is whole yet: others first, there is more */
    INPUT_END,
    INPUT_FAILED, /* errno tells why */
};

struct input {
    const char *name; /* for messages */
    int fd, flags; /* flags: as they were */
    bool regular, ended; /* regular: a file, to be read from its start */
    struct rp_cutter cutter;
    struct rp_str rest; /* read, but not given out; in `bytes` */
    char bytes[64 << 10];
};

/* "-" is stdin. 0 or -RP_EIO. */
int input_open(struct input *input, const char *path, size_t line_max, struct rp_error *error);
int input_rewind(struct input *input); /* of a regular file: from the start again. 0 or -1 with errno */
void input_close(struct input *input);
/* Blank lines are passed over. `out_line` is good until the next call; its number is input_line(). */
enum input_kind input_next(struct input *input, struct rp_str *out_line);
static inline int64_t input_line(const struct input *input) {
    return input->cutter.number;
}
uint32_t input_hash(struct rp_str line); /* never 0: short, to see whether a line is still what it was */

#endif
