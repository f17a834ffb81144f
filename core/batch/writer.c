/* One queue of bytes: the caller adds at its end, the thread takes all there is. */
#include "core/batch/writer.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void wait_writable(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    poll(&poll_fd, 1, -1);
}

/* How many bytes went out; errno tells why if not all. */
static size_t write_some(int fd, const char *data, size_t len) {
    size_t done = 0;
    while (done < len) {
        ssize_t written = write(fd, data + done, len - done);
        if (written > 0) done += (size_t)written;
        if (written < 0 && errno == EAGAIN) wait_writable(fd);
        if (written < 0 && errno != EAGAIN && errno != EINTR) break;
    }
    return done;
}

static int64_t count_lines(const char *data, size_t len) {
    int64_t lines = 0;
    for (const char *at = data, *end = data + len; (at = memchr(at, '\n', (size_t)(end - at))); at++) lines++;
    return lines;
}

/* A line that only came through in part is taken back, so that the file can be gone on with. */
static void cut_back(const struct writer *writer, const char *data, size_t done) {
    struct stat stat;
    size_t whole = done;
    while (whole > 0 && data[whole - 1] != '\n') whole--;
    if (whole == done || !writer->regular || fstat(writer->fd, &stat) != 0) return;
    if (ftruncate(writer->fd, stat.st_size - (off_t)(done - whole)) != 0) return; /* the next run does it */
}

static int write_block(const struct writer *writer, const struct rp_buf *block, int64_t *out_lines) {
    size_t done = write_some(writer->fd, block->data, block->len);
    int error = done < block->len ? errno : 0;
    *out_lines = count_lines(block->data, done);
    if (error) cut_back(writer, block->data, done);
    return error;
}

/* Under the lock: what waits, or nothing at the end. */
static bool take(struct writer *writer, struct rp_buf *block) {
    while (writer->queue.len == 0 && !writer->ended) uv_cond_wait(&writer->more, &writer->lock);
    if (writer->queue.len == 0 || writer->error) return false;
    struct rp_buf spare = *block;
    *block = writer->queue;
    writer->queue = spare;
    rp_buf_clear(&writer->queue);
    return true;
}

static void run(void *arg) {
    struct writer *writer = arg;
    struct rp_buf block;
    rp_buf_init(&block, writer->queue.max);
    uv_mutex_lock(&writer->lock);
    while (take(writer, &block)) {
        int64_t lines = 0;
        uv_mutex_unlock(&writer->lock);
        int error = write_block(writer, &block, &lines);
        uv_mutex_lock(&writer->lock);
        writer->lines += lines;
        writer->error = error;
        bool room = writer->full && writer->queue.len <= WRITER_LOW;
        if (room) writer->full = false;
        if (room || error) writer->wake(writer->arg);
    }
    uv_mutex_unlock(&writer->lock);
    rp_buf_finish(&block);
}

/* ---- the caller -------------------------------------------------------------------------------------------------- */

void writer_start(struct writer *writer, int fd, bool regular, void (*wake)(void *arg), void *arg) {
    *writer = (struct writer){.fd = fd, .regular = regular, .wake = wake, .arg = arg};
    rp_buf_init(&writer->queue, SIZE_MAX / 4); /* bounded by WRITER_FULL and what is under way when that is reached */
    uv_mutex_init(&writer->lock);
    uv_cond_init(&writer->more);
    uv_thread_create(&writer->thread, run, writer);
}

bool writer_add(struct writer *writer, struct rp_str line) {
    uv_mutex_lock(&writer->lock);
    if (!writer->error) rp_buf_append_str(&writer->queue, line);
    writer->full = writer->full || writer->queue.len >= WRITER_FULL;
    bool full = writer->full;
    uv_cond_signal(&writer->more);
    uv_mutex_unlock(&writer->lock);
    return full;
}

int writer_error(struct writer *writer) {
    uv_mutex_lock(&writer->lock);
    int error = writer->error;
    uv_mutex_unlock(&writer->lock);
    return error;
}

int writer_finish(struct writer *writer, int64_t *out_lines) {
    uv_mutex_lock(&writer->lock);
    writer->ended = true;
    uv_cond_signal(&writer->more);
    uv_mutex_unlock(&writer->lock);
    uv_thread_join(&writer->thread);
    if (!writer->error && writer->regular && fsync(writer->fd) != 0) writer->error = errno;
    *out_lines = writer->lines;
    uv_mutex_destroy(&writer->lock);
    uv_cond_destroy(&writer->more);
    rp_buf_finish(&writer->queue);
    return writer->error;
}
