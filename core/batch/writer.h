/* Writes results on a thread of its own, so that no turn waits for a disk or for whoever reads a pipe. Each write has only
 * whole lines, also on a full disk: then the part that came through is cut back to the last of them. */
#ifndef CORE_BATCH_WRITER_H
#define CORE_BATCH_WRITER_H

#include <uv.h>

#include <repartee/base.h>

enum {
    WRITER_FULL = 4 << 20, /* bytes that wait, at which nothing more should be begun */
    WRITER_LOW = 1 << 20,  /* wake() when this is reached again */
};

struct writer {
    int fd;
    bool regular;
    void (*wake)(void *arg); /* on its thread: an error has come up, or there is room again */
    void *arg;
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t more;
    struct rp_buf queue; /* under the lock, with all below */
    int64_t lines;       /* written */
    int error;           /* errno; 0: none. Nothing is written from there on */
    bool full, ended;
};

void writer_start(struct writer *writer, int fd, bool regular, void (*wake)(void *arg), void *arg);
/* True: too much waits; wake() follows. */
bool writer_add(struct writer *writer, struct rp_str line);
int writer_error(struct writer *writer);
/* Writes what waits and ends the thread; a file is on disk then. 0 or errno; `out_lines`: how many have been written. */
int writer_finish(struct writer *writer, int64_t *out_lines);

#endif
