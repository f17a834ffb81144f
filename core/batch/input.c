/* Reads ahead one block. A pipe is only read when it has something, so that turns under way never wait for it. */
#include "core/batch/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCKS_AT_ONCE 64 /* read for one line: it may be very long, or never end */

int input_open(struct input *input, const char *path, size_t line_max, struct rp_error *error) {
    struct stat stat;
    bool is_stdin = strcmp(path, "-") == 0;
    input->name = is_stdin ? "stdin" : path;
    input->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    input->ended = false;
    input->rest = (struct rp_str){0};
    if (input->fd < 0 || fstat(input->fd, &stat) != 0)
        return rp_error_set(error, RP_EIO, "cannot read '%s': %s", input->name, strerror(errno));
    if (S_ISDIR(stat.st_mode)) {
        close(input->fd);
        return rp_error_set(error, RP_EIO, "cannot read '%s': it is a folder", input->name);
    }
    input->regular = S_ISREG(stat.st_mode) && lseek(input->fd, 0, SEEK_CUR) == 0; /* not what somebody has begun to read */
    input->flags = fcntl(input->fd, F_GETFL);
    rp_cutter_init(&input->cutter, line_max);
    return 0;
}

void input_close(struct input *input) {
    rp_cutter_finish(&input->cutter);
    fcntl(input->fd, F_SETFL, input->flags); /* stdin is also somebody else's */
    if (input->fd != STDIN_FILENO) close(input->fd);
}

int input_rewind(struct input *input) {
    size_t max = input->cutter.max;
    if (lseek(input->fd, 0, SEEK_SET) != 0) return -1;
    rp_cutter_finish(&input->cutter);
    rp_cutter_init(&input->cutter, max);
    input->rest = (struct rp_str){0};
    input->ended = false;
    return 0;
}

static bool has_something(const struct input *input) {
    struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
    return input->regular || poll(&poll_fd, 1, 0) != 0;
}

/* INPUT_TEXT: there are bytes, or the end. */
static enum input_kind fill(struct input *input) {
    if (!has_something(input)) return INPUT_WAIT;
    ssize_t got;
    do got = read(input->fd, input->bytes, sizeof(input->bytes));
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EAGAIN ? INPUT_WAIT : INPUT_FAILED;
    input->rest = rp_str_n(input->bytes, (size_t)got);
    input->ended = got == 0;
    return INPUT_TEXT;
}

enum input_kind input_next(struct input *input, struct rp_str *out_line) {
    for (int blocks = 0; !input->ended;) {
        enum rp_line_kind kind = rp_cutter_next(&input->cutter, &input->rest, out_line);
        if (kind == RP_LINE_NONE) {
            if (blocks++ == BLOCKS_AT_ONCE) return INPUT_BUSY;
            enum input_kind filled = fill(input);
            if (filled != INPUT_TEXT) return filled;
            if (input->ended) kind = rp_cutter_rest(&input->cutter, out_line);
        }
        if (kind != RP_LINE_NONE) return kind == RP_LINE_LONG ? INPUT_LONG : INPUT_TEXT;
    }
    return INPUT_END;
}

uint32_t input_hash(struct rp_str line) {
    static const unsigned char key[crypto_shorthash_KEYBYTES];
    unsigned char bytes[crypto_shorthash_BYTES];
    crypto_shorthash(bytes, (const unsigned char *)line.data, line.len, key);
    uint32_t hash = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return hash ? hash : 1;
}
