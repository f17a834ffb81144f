/* Looks through what an earlier run has left, and makes it fit to go on with. Errors are taken out by writing the rest to
 * a file beside it that then takes its name, so that at no time there is less than there was. */
#include "core/batch/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <repartee/line_cutter.h>

enum {
    LINE_BYTES = 64 << 20, /* of the output: more than a result can have */
    BLOCK = 64 << 10,
};

/* ---- walking over its lines -------------------------------------------------------------------------------------- */

struct walk {
    struct output *output;
    FILE *to; /* where lines that stay are copied to; NULL: nowhere */
    struct rp_error *error;
};

static int not_ours(const struct walk *walk, int64_t line, const char *what) {
    return rp_error_at(walk->error, RP_EINVALID, walk->output->name, (int)line,
                       "%s: the file is left alone; name another one, or take it away", what);
}

static int copy_line(const struct walk *walk, struct rp_str line) {
    if (fwrite(line.data, 1, line.len, walk->to) == line.len && putc('\n', walk->to) != EOF) return 0;
    return rp_error_set(walk->error, RP_EIO, "cannot write beside '%s': %s", walk->output->name, strerror(errno));
}

static int on_line(const struct walk *walk, struct rp_str line, int64_t number) {
    struct output *output = walk->output;
    struct ledger_entry entry;
    if (!ledger_read(line, &entry)) return not_ours(walk, number, "this is no result of a batch");
    if (walk->to) return entry.failed ? 0 : copy_line(walk, line);
    if (entry.failed)
        output->failed++;
    else
        ledger_add(&output->ledger, entry.line, entry.hash);
    return 0;
}

/* The lines of a block, and how many of its bytes belong to whole ones. */
static int walk_block(const struct walk *walk, struct rp_cutter *cutter, struct rp_str block) {
    struct rp_str line;
    enum rp_line_kind kind;
    int code = 0;
    while (code == 0 && (kind = rp_cutter_next(cutter, &block, &line)) != RP_LINE_NONE)
        code = kind == RP_LINE_TEXT ? on_line(walk, line, cutter->number)
                                    : not_ours(walk, cutter->number, "this line is longer than any result");
    return code;
}

static size_t whole_bytes(struct rp_str block) {
    while (block.len > 0 && block.data[block.len - 1] != '\n') block.len--;
    return block.len;
}

/* What stands behind the last line break. */
static int check_rest(const struct walk *walk, const struct rp_cutter *cutter) {
    struct rp_str rest = cutter->given ? RP_STR("") : rp_buf_str(&cutter->buf);
    return ledger_is_torn(rest) ? 0 : not_ours(walk, cutter->number + 1, "this is no result of a batch");
}

static int walk_lines(const struct walk *walk) {
    struct output *output = walk->output;
    int fd = output->fd, code = 0;
    struct rp_cutter cutter;
    char *bytes = rp_alloc(BLOCK);
    ssize_t got = 0;
    rp_cutter_init(&cutter, LINE_BYTES);
    output->size = output->whole = 0;
    while (code == 0 && (got = pread(fd, bytes, BLOCK, output->size)) > 0) {
        struct rp_str block = rp_str_n(bytes, (size_t)got);
        size_t whole = whole_bytes(block);
        if (whole > 0) output->whole = output->size + (int64_t)whole;
        output->size += got;
        code = walk_block(walk, &cutter, block);
    }
    if (got < 0) code = rp_error_set(walk->error, RP_EIO, "cannot read '%s': %s", output->name, strerror(errno));
    if (code == 0) code = check_rest(walk, &cutter);
    rp_cutter_finish(&cutter);
    free(bytes);
    return code;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int failed(const struct output *output, struct rp_error *error, const char *what) {
    return rp_error_set(error, RP_EIO, "cannot %s '%s': %s", what, output->name, strerror(errno));
}

/* It may be another file by now: the batch that had the lock has replaced it. */
static bool still_there(const struct output *output) {
    struct stat open_one, named;
    return fstat(output->fd, &open_one) == 0 && stat(output->path, &named) == 0 && open_one.st_dev == named.st_dev &&
           open_one.st_ino == named.st_ino;
}

/* A file system without locks has none. */
static int lock(const struct output *output, struct rp_error *error) {
    bool locked = flock(output->fd, LOCK_EX | LOCK_NB) == 0;
    if ((!locked && errno == EWOULDBLOCK) || !still_there(output))
        return rp_error_set(error, RP_ECONFLICT, "another batch writes to '%s'", output->name);
    return 0;
}

static int read_earlier(struct output *output, struct rp_error *error) {
    const struct walk walk = {.output = output, .error = error};
    char path[PATH_MAX];
    if (!realpath(output->name, path)) return failed(output, error, "find");
    output->path = rp_strdup(path);
    int code = lock(output, error);
    return code == 0 ? walk_lines(&walk) : code;
}

static bool is_device(const char *path) {
    struct stat stat_buf;
    return stat(path, &stat_buf) == 0 && !S_ISREG(stat_buf.st_mode);
}

static int open_file(const char *path) {
    if (is_device(path)) return open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

int output_open(struct output *output, const char *path, struct rp_error *error) {
    struct stat stat;
    bool is_stdout = strcmp(path, "-") == 0;
    *output = (struct output){.name = is_stdout ? "stdout" : path, .fd = STDOUT_FILENO, .old_fd = -1};
    if (!is_stdout) output->fd = open_file(path);
    if (output->fd < 0 || fstat(output->fd, &stat) != 0) return failed(output, error, "write to");
    int code = S_ISREG(stat.st_mode) && !is_stdout ? read_earlier(output, error) : 0;
    if (code != 0) output_close(output);
    return code;
}

void output_close(struct output *output) {
    if (output->fd >= 0 && output->fd != STDOUT_FILENO) close(output->fd);
    if (output->old_fd >= 0) close(output->old_fd);
    ledger_finish(&output->ledger);
    free(output->path);
    output->fd = output->old_fd = -1;
    output->path = NULL;
}

/* ---- tidying ----------------------------------------------------------------------------------------------------- */

/* The name is on disk when its folder is. */
static void sync_folder(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static int take_over_mode(const struct output *output, int fd) {
    struct stat stat;
    if (fstat(output->fd, &stat) != 0 || fchmod(fd, stat.st_mode & 07777) != 0) return -1;
    return fchown(fd, stat.st_uid, stat.st_gid) == 0 || geteuid() != 0 ? 0 : -1;
}

/* All of it is on disk. */
static int flush_copy(FILE *to) {
    return fflush(to) == 0 && fsync(fileno(to)) == 0 ? 0 : -1;
}

/* `fd` stays open. */
static int fill_copy(struct output *output, int fd, struct rp_error *error) {
    struct walk walk = {.output = output, .error = error};
    if (take_over_mode(output, fd) != 0) return failed(output, error, "copy");
    flock(fd, LOCK_EX | LOCK_NB); /* nobody else knows it yet */
    int own = dup(fd);
    walk.to = own < 0 ? NULL : fdopen(own, "a");
    if (!walk.to) return failed(output, error, "copy");
    int code = walk_lines(&walk);
    if (code == 0 && flush_copy(walk.to) != 0) code = failed(output, error, "copy");
    fclose(walk.to);
    return code;
}

/* A new file; one that a killed run has left there goes, whose lock on the output is ours now. */
static int create_copy(const char *path) {
    if (unlink(path) != 0 && errno != ENOENT) return -1;
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
}

static int replace(struct output *output, struct rp_error *error) {
    char path[PATH_MAX + sizeof(OUTPUT_TIDY)];
    snprintf(path, sizeof(path), "%s" OUTPUT_TIDY, output->path);
    int fd = create_copy(path);
    if (fd < 0) return failed(output, error, "write beside");
    int code = fill_copy(output, fd, error);
    if (code == 0 && rename(path, output->path) != 0) code = failed(output, error, "replace");
    if (code != 0) {
        unlink(path);
        close(fd);
        return code;
    }
    output->old_fd = output->fd;
    output->fd = fd;
    sync_folder(output->path);
    return 0;
}

int output_tidy(struct output *output, struct rp_error *error) {
    if (!output->path) return 0;
    if (output->failed > 0) return replace(output, error);
    if (output->whole < output->size && ftruncate(output->fd, output->whole) != 0) return failed(output, error, "cut");
    return 0;
}
