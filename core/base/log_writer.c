/* Where log lines go. Callers copy their line into a bounded buffer under a lock; the writing thread swaps that buffer
 * for an empty one and writes without the lock: at once from WARN on and on a terminal, otherwise a few times a second.
 * Only the thread ever meets a slow disk or a reader that has stopped. */
#include "core/base/log_writer.h"
#include "core/base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define BUFFER_SIZE ((size_t)1024 * 1024)
#define GATHER_NS INT64_C(50000000)  /* how long lines below WARN may wait for company */
#define CLOSE_NS INT64_C(2000000000) /* how long log_close puts up with a reader that does not read */
#define POLL_MS 100

static struct {
    uv_mutex_t lock;
    uv_cond_t wake;
    uv_thread_t thread;
    bool running, stopping, urgent;
    bool terminal;
    int fd;
    int retired; /* to be closed once the thread has let go of it; -1: none */
    char *filling, *emptying;
    size_t used;      /* of `filling` */
    uint64_t dropped; /* lines, since the last report */
    void (*divert)(void *arg, const char *line, size_t len); /* NULL: lines are written */
    void *divert_arg;
} writer = {.retired = -1};

static uv_once_t once = UV_ONCE_INIT;
static atomic_int lowest = RP_LOG_INFO;
static _Atomic int64_t give_up_ns = INT64_MAX; /* from here on the thread waits for no reader any more */

/* ---- taking lines ----------------------------------------------------------------------------------------------- */

bool rp_log_enabled(enum rp_log_level level) {
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed) && level < RP_LOG_OFF;
}

static void fork_prepare(void) {
    uv_mutex_lock(&writer.lock);
}

static void fork_parent(void) {
    uv_mutex_unlock(&writer.lock);
}

/* The thread stayed behind, and writes what waits. */
static void fork_child(void) {
    writer.running = false;
    writer.used = 0;
    uv_mutex_unlock(&writer.lock);
}

static void prepare(void) {
    if (uv_mutex_init(&writer.lock) || uv_cond_init(&writer.wake)) abort();
    if (pthread_atfork(fork_prepare, fork_parent, fork_child)) abort();
}

static void write_directly(const char *data, size_t len) {
    while (len > 0) {
        ssize_t done = write(STDERR_FILENO, data, len);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && errno == EAGAIN && poll(&(struct pollfd){STDERR_FILENO, POLLOUT, 0}, 1, POLL_MS) > 0) continue;
        if (done < 0) return; /* there is nowhere to complain to */
        data += done;
        len -= (size_t)done;
    }
}

/* true: the thread should have a look. */
static bool enqueue(enum rp_log_level level, const char *line, size_t len) {
    if (len > BUFFER_SIZE - writer.used) {
        writer.dropped++;
        return false;
    }
    bool urgent = level >= RP_LOG_WARN || writer.terminal || writer.used > BUFFER_SIZE / 2;
    bool wake = writer.used == 0 || (urgent && !writer.urgent);
    memcpy(writer.filling + writer.used, line, len);
    writer.used += len;
    writer.urgent = writer.urgent || urgent;
    return wake;
}

void log_take(enum rp_log_level level, const char *line, size_t len) {
    uv_once(&once, prepare);
    uv_mutex_lock(&writer.lock);
    bool running = writer.running, diverted = writer.divert != NULL;
    if (diverted) writer.divert(writer.divert_arg, line, len);
    bool wake = !diverted && running && enqueue(level, line, len);
    uv_mutex_unlock(&writer.lock);
    if (!running && !diverted) write_directly(line, len);
    if (wake) uv_cond_signal(&writer.wake);
}

/* ---- the writing thread ----------------------------------------------------------------------------------------- */

/* false: the reader does not read, and there is no time left to wait for it. */
static bool wait_writable(int fd) {
    for (;;) {
        bool late = rp_now_ns() >= atomic_load_explicit(&give_up_ns, memory_order_relaxed);
        int ready = poll(&(struct pollfd){fd, POLLOUT, 0}, 1, late ? 0 : POLL_MS);
        if (ready > 0) return true;
        if (late || (ready < 0 && errno != EINTR)) return false;
    }
}

/* How much one write may hold: a pipe that polls as writable takes PIPE_BUF bytes without blocking, not more. Whole
 * lines where possible, since others may write to the same pipe. */
static size_t portion(const char *data, size_t len, bool regular) {
    if (regular || len <= PIPE_BUF) return len;
    size_t size = PIPE_BUF;
    while (size > 0 && data[size - 1] != '\n') size--;
    return size ? size : PIPE_BUF;
}

/* The bytes written: fewer than `len` when that failed. */
static size_t write_out(int fd, const char *data, size_t len) {
    struct stat about;
    bool regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    size_t at = 0;

    while (at < len) {
        if (!regular && !wait_writable(fd)) break;
        ssize_t done = write(fd, data + at, portion(data + at, len - at, regular));
        if (done < 0 && errno != EINTR && errno != EAGAIN) break;
        if (done > 0) at += (size_t)done;
    }
    return at;
}

static uint64_t count_lines(const char *data, size_t len) {
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++) lines += data[i] == '\n';
    return lines;
}

static bool report_dropped(int fd, uint64_t dropped) {
    struct rp_log_line line;

    rp_log_open(&line, RP_LOG_WARN, "log");
    if (line.level == RP_LOG_OFF) return true;
    rp_log_str(&line, "message", RP_STR("lines were dropped: the log could not be written fast enough"));
    rp_log_int(&line, "dropped", (int64_t)dropped);
    rp_buf_append_str(&line.buf, RP_STR("}\n"));
    bool written = write_out(fd, line.buf.data, line.buf.len) == line.buf.len;
    line.level = RP_LOG_OFF; /* not for the buffer: it stands behind the lines that came before */
    rp_log_close(&line);
    return written;
}

/* Returns when there is something to write, with lines below WARN having had their time to gather. */
static void wait_for_lines(void) {
    while (writer.used == 0 && !writer.stopping) uv_cond_wait(&writer.wake, &writer.lock);

    int64_t until = rp_now_ns() + GATHER_NS;
    while (!writer.urgent && !writer.stopping) {
        int64_t left = until - rp_now_ns();
        if (left <= 0 || uv_cond_timedwait(&writer.wake, &writer.lock, (uint64_t)left) == UV_ETIMEDOUT) return;
    }
}

/* Called and left with the lock held; without it in between. */
static void write_batch(void) {
    char *batch = writer.filling;
    size_t len = writer.used;
    uint64_t dropped = writer.dropped;
    int fd = writer.fd, retired = writer.retired;

    writer.filling = writer.emptying;
    writer.emptying = batch;
    writer.used = 0;
    writer.urgent = false;
    writer.dropped = 0;
    writer.retired = -1;
    uv_mutex_unlock(&writer.lock);

    if (retired >= 0) close(retired);
    size_t written = write_out(fd, batch, len);
    uint64_t lost = count_lines(batch + written, len - written);
    if (dropped && written == len && report_dropped(fd, dropped)) dropped = 0;

    uv_mutex_lock(&writer.lock);
    writer.dropped += dropped + lost;
}

static void run(void *unused) {
    (void)unused;
    uv_mutex_lock(&writer.lock);
    while (!writer.stopping || writer.used > 0) {
        wait_for_lines();
        write_batch();
    }
    uv_mutex_unlock(&writer.lock);
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

/* Signals are for the program's own threads. */
static int start_thread(void) {
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = uv_thread_create(&writer.thread, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static void close_file(int fd) {
    if (fd >= 0 && fd != STDERR_FILENO) close(fd);
}

/* The log goes on in another file: the thread may still be writing to the one that it took last. */
static void change_file(int fd) {
    if (writer.retired >= 0) {
        close_file(writer.fd); /* the thread never saw it */
    } else if (writer.fd != STDERR_FILENO) {
        writer.retired = writer.fd;
    }
    writer.fd = fd;
}

/* Without a file, *out_fd stays what it is. */
static int open_file(const char *file, int *out_fd, struct rp_error *error) {
    if (!file) return 0;
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0) return rp_error_set(error, RP_EIO, "cannot open the log file '%s': %s", file, strerror(errno));
    *out_fd = fd;
    return 0;
}

/* With the lock held. */
static int start_writing(int fd) {
    if (!writer.filling) writer.filling = rp_alloc(BUFFER_SIZE);
    if (!writer.emptying) writer.emptying = rp_alloc(BUFFER_SIZE);
    writer.stopping = writer.urgent = false;
    writer.used = 0;
    writer.dropped = 0;
    writer.fd = fd;
    atomic_store(&give_up_ns, INT64_MAX);
    int status = start_thread();
    writer.running = status == 0;
    return status;
}

int log_open(enum rp_log_level level, const char *file, struct rp_error *error) {
    int fd = STDERR_FILENO;
    int status = open_file(file, &fd, error);

    if (status) return status;
    uv_once(&once, prepare);
    uv_mutex_lock(&writer.lock);
    if (writer.running) {
        change_file(fd);
    } else {
        status = start_writing(fd);
    }
    if (!status) {
        writer.terminal = isatty(fd) != 0;
        atomic_store(&lowest, (int)level);
    }
    uv_mutex_unlock(&writer.lock);
    if (!status) return 0;
    close_file(fd);
    return rp_error_set(error, RP_EINTERNAL, "cannot start the log's thread: %s", uv_strerror(status));
}

void log_close(void) {
    uv_once(&once, prepare);
    uv_mutex_lock(&writer.lock);
    bool running = writer.running;
    writer.running = false; /* from now on callers write by themselves */
    writer.stopping = true;
    uv_mutex_unlock(&writer.lock);
    if (!running) return;
    atomic_store(&give_up_ns, rp_now_ns() + CLOSE_NS);
    uv_cond_signal(&writer.wake);
    uv_thread_join(&writer.thread);
    if (writer.retired >= 0) close(writer.retired);
    writer.retired = -1;
    close_file(writer.fd);
}

void log_divert(enum rp_log_level level, void (*take)(void *arg, const char *line, size_t len), void *arg) {
    uv_once(&once, prepare);
    uv_mutex_lock(&writer.lock);
    writer.divert = take;
    writer.divert_arg = arg;
    atomic_store(&lowest, (int)level);
    uv_mutex_unlock(&writer.lock);
}
