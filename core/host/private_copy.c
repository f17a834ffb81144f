/* A copy of bytes in a file that nobody else can reach: in memory on Linux, elsewhere in a folder of our own. What was
 * checked is then what is loaded, whatever happens to the original meanwhile. */
#define _GNU_SOURCE /* memfd_create */
#include "core/host/private_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int write_all(int fd, struct rp_str bytes) {
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.data, bytes.len);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -RP_EIO;
        bytes = rp_str_n(bytes.data + done, bytes.len - (size_t)done);
    }
    return 0;
}

#ifdef __linux__
static int make_file(struct private_copy *copy) {
    copy->fd = memfd_create("plugin", MFD_CLOEXEC);
    snprintf(copy->path, sizeof copy->path, "/proc/self/fd/%d", copy->fd);
    return copy->fd < 0 ? -RP_EIO : 0;
}
#else
static int make_file(struct private_copy *copy) {
    const char *base = getenv("TMPDIR");
    snprintf(copy->folder, sizeof copy->folder, "%s/repartee-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(copy->folder)) {
        copy->folder[0] = '\0';
        return -RP_EIO;
    }
    if (snprintf(copy->path, sizeof copy->path, "%s/plugin.so", copy->folder) >= (int)sizeof copy->path) return -RP_EIO;
    copy->fd = open(copy->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0500);
    return copy->fd < 0 ? -RP_EIO : 0;
}
#endif

int private_copy_make(struct rp_str bytes, struct private_copy *out, struct rp_error *error) {
    struct private_copy copy = {.fd = -1};
    if (make_file(&copy) || write_all(copy.fd, bytes)) {
        int why = errno;
        private_copy_drop(&copy);
        return rp_error_set(error, RP_EPLUGIN, "cannot make a private copy of it: %s", strerror(why));
    }
    *out = copy;
    return 0;
}

void private_copy_drop(struct private_copy *copy) {
    if (copy->fd >= 0) close(copy->fd);
    copy->fd = -1;
    if (!copy->folder[0]) return;
    unlink(copy->path);
    rmdir(copy->folder);
    copy->folder[0] = '\0';
}
