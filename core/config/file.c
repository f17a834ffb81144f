/* Small files read whole at load time: bot files, secrets, keys. */
#include "core/config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, char *data, size_t size, size_t *out_len) {
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, data + len, size - len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -RP_EIO;
        if (got == 0) break;
        len += (size_t)got;
    }
    *out_len = len;
    return 0;
}

static int read_open(struct rp_arena *arena, int fd, size_t max, struct rp_str *out_text, const char **out_why) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        *out_why = strerror(errno);
        return -RP_EIO;
    }
    if (!S_ISREG(status.st_mode) || (uintmax_t)status.st_size > max) {
        *out_why = S_ISREG(status.st_mode) ? "the file is too large" : "it is not a regular file";
        return -RP_EIO;
    }
    size_t size = (size_t)status.st_size, len;
    char *data = rp_arena_alloc(arena, size + 1);
    if (read_all(fd, data, size, &len)) {
        *out_why = strerror(errno);
        return -RP_EIO;
    }
    data[len] = '\0';
    *out_text = rp_str_n(data, len);
    return 0;
}

int file_read(struct rp_arena *arena, const char *path, size_t max, struct rp_str *out_text, const char **out_why) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* non-blocking: a FIFO must not hold us up */
    if (fd < 0) {
        *out_why = strerror(errno);
        return -RP_EIO;
    }
    int code = read_open(arena, fd, max, out_text, out_why);
    close(fd);
    return code;
}
