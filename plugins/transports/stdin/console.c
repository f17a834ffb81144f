/* The console's thread: reads a message, waits until its reply has been written, and so on. All its waits are polls
 * that a byte in the wake pipe interrupts, so it can always be told to end. */
#include "stdin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WRITE_MAX 512 /* bytes that a pipe which polls as writable takes without blocking, anywhere */

struct console {
    struct console_setup setup;
    atomic_uint refs; /* the worker's, and one for each note: notes may arrive when all is over */
    bool gone;        /* the worker's own: nobody wants to hear of it any more */
    uv_thread_t thread;
    bool started;
    int wake[2];

    uv_mutex_t lock; /* guards what follows; the worker writes it */
    struct order order;
    bool ordered, no_reading, stopped;

    /* the thread's own */
    struct terminal *terminal;
    struct pipe_input *pipe;
    struct layout layout;
    bool told; /* the only message has been given out */
    bool text_written;
    int write_error; /* why the last write failed; 0: it was told to stop */
};

struct note {
    struct console *console;
    enum event event;
    size_t len;
    char text[];
};

const struct console_setup *console_setup(const struct console *console) {
    return &console->setup;
}

/* ---- to the worker ----------------------------------------------------------------------------------------------- */

static void console_unref(struct console *console) {
    if (atomic_fetch_sub(&console->refs, 1) > 1) return;
    uv_mutex_destroy(&console->lock);
    free(console);
}

static void on_note(struct rp_worker *worker, void *arg) {
    struct note *note = arg;
    struct console *console = note->console;
    if (worker && !console->gone) {
        console->setup.on_event(console->setup.arg, note->event, rp_str_n(note->text, note->len));
    }
    console_unref(console);
    free(note);
}

void console_post(struct console *console, enum event event, struct rp_str text) {
    struct note *note = rp_alloc(sizeof *note + text.len);
    *note = (struct note){.console = console, .event = event, .len = text.len};
    if (text.len) memcpy(note->text, text.data, text.len);
    atomic_fetch_add(&console->refs, 1);
    rp_worker_post(console->setup.worker, on_note, note);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

static bool is_stopped(struct console *console) {
    uv_mutex_lock(&console->lock);
    bool stopped = console->stopped;
    uv_mutex_unlock(&console->lock);
    return stopped;
}

bool console_may_read(struct console *console) {
    uv_mutex_lock(&console->lock);
    bool may_read = !console->no_reading && !console->stopped;
    uv_mutex_unlock(&console->lock);
    return may_read;
}

static void empty_wake_pipe(struct console *console) {
    char bytes[64];
    while (read(console->wake[0], bytes, sizeof bytes) > 0) continue;
}

enum wait console_wait(struct console *console, int fd, short events) {
    struct pollfd polled[2] = {{.fd = console->wake[0], .events = POLLIN}, {.fd = fd, .events = events}};
    int count = poll(polled, 2, -1);
    if (count > 0 && polled[0].revents) empty_wake_pipe(console);
    if (is_stopped(console)) return WAIT_STOPPED;
    return count > 0 && polled[1].revents ? WAIT_READY : WAIT_WOKEN;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

bool console_write(struct console *console, int fd, struct rp_str text) {
    console->write_error = 0;
    while (text.len) {
        enum wait wait = console_wait(console, fd, POLLOUT);
        if (wait == WAIT_STOPPED) return false;
        if (wait == WAIT_WOKEN) continue;
        ssize_t written = write(fd, text.data, text.len < WRITE_MAX ? text.len : WRITE_MAX);
        if (written < 0 && errno != EAGAIN && errno != EINTR) {
            console->write_error = errno;
            return false;
        }
        if (written > 0) text = rp_str_n(text.data + written, text.len - (size_t)written);
    }
    return true;
}

static bool write_terminal(struct console *console, const struct order *order) {
    struct rp_buf out;
    rp_buf_init(&out, SIZE_MAX / 2);
    int code = layout_text(&console->layout, rp_buf_str(&order->text), &out);
    if (!code && order->last) code = layout_end(&console->layout, order->error.len ? order->error.data : NULL, &out);
    bool written = !code && console_write(console, STDOUT_FILENO, rp_buf_str(&out));
    rp_buf_finish(&out);
    return written;
}

/* A reply that never began prints no line of its own, only its error. */
static bool write_plain(struct console *console, const struct order *order) {
    console->text_written |= order->text.len > 0;
    if (!console_write(console, STDOUT_FILENO, rp_buf_str(&order->text))) return false;
    if (!order->last) return true;
    bool ends_line = console->text_written || order->error.len == 0;
    console->text_written = false;
    if (ends_line && !console_write(console, STDOUT_FILENO, RP_STR("\n"))) return false;
    if (order->error.len == 0) return true;
    struct rp_buf line;
    rp_buf_init(&line, order->error.len + 32);
    rp_buf_printf(&line, "repartee: %s\n", order->error.data);
    console_write(console, STDERR_FILENO, rp_buf_str(&line)); /* a closed stderr stops nothing */
    rp_buf_finish(&line);
    return true;
}

static bool carry_out(struct console *console, const struct order *order) {
    if (console->setup.raw) return console_write(console, STDOUT_FILENO, rp_buf_str(&order->text));
    return console->setup.terminal ? write_terminal(console, order) : write_plain(console, order);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static bool take_order(struct console *console, struct order *out_order) {
    uv_mutex_lock(&console->lock);
    bool ordered = console->ordered;
    if (ordered) *out_order = console->order;
    console->ordered = false;
    uv_mutex_unlock(&console->lock);
    return ordered;
}

/* A reader that leaves has seen enough; every other end of the output is told. */
static enum event end_of_output(struct console *console) {
    int why = console->write_error;
    if (why == 0 || why == EPIPE) return EVENT_CLOSED;
    char line[160];
    snprintf(line, sizeof line, "repartee: cannot write the reply: %s\n", strerror(why));
    console_write(console, STDERR_FILENO, rp_str(line));
    return EVENT_BROKEN;
}

/* Writes one reply, whose chunks come as orders. False: the thread must end. */
static bool serve(struct console *console) {
    for (bool last = false; !last;) {
        struct order order;
        if (!take_order(console, &order)) {
            enum wait wait = console_wait(console, console->terminal ? STDIN_FILENO : -1, POLLIN);
            if (wait == WAIT_STOPPED) return false;
            if (wait == WAIT_READY) terminal_keys(console->terminal);
            continue;
        }
        last = order.last;
        bool written = carry_out(console, &order);
        rp_buf_finish(&order.text);
        rp_buf_finish(&order.error);
        console_post(console, written ? EVENT_WRITTEN : end_of_output(console), (struct rp_str){0});
        if (!written) return false;
    }
    return true;
}

static enum input read_message(struct console *console, struct rp_str *out_text) {
    if (console->setup.message) {
        if (console->told) return INPUT_END;
        console->told = true;
        *out_text = rp_str(console->setup.message);
        return INPUT_LINE;
    }
    if (console->terminal) return terminal_read(console->terminal, out_text);
    return pipe_input_read(console->pipe, console, out_text);
}

static void converse(struct console *console) {
    for (;;) {
        struct rp_str text = {0};
        enum input input = read_message(console, &text);
        if (input == INPUT_STOPPED) return;
        if (input == INPUT_END) {
            console_post(console, EVENT_END, (struct rp_str){0});
            return;
        }
        if (console->terminal) terminal_watch(console->terminal);
        console_post(console, input == INPUT_LINE ? EVENT_LINE : EVENT_LONG, text);
        if (!serve(console)) return;
    }
}

static void run(void *arg) {
    struct console *console = arg;
    if (console->setup.terminal) console->terminal = terminal_create(console);
    else console->pipe = pipe_input_create(console->setup.max_line);
    converse(console);
    terminal_destroy(console->terminal);
    pipe_input_destroy(console->pipe);
}

/* ---- what the worker calls --------------------------------------------------------------------------------------- */

static int open_wake_pipe(int wake[2]) {
    if (pipe(wake)) return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(wake[i], F_SETFD, FD_CLOEXEC);
        fcntl(wake[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static void wake(struct console *console) {
    ssize_t written = write(console->wake[1], "", 1);
    (void)written; /* a full pipe wakes as well */
}

struct console *console_create(const struct console_setup *setup) {
    struct console *console = rp_calloc(1, sizeof *console);
    console->setup = *setup;
    atomic_init(&console->refs, 1);
    console->wake[0] = console->wake[1] = -1;
    uv_mutex_init(&console->lock);
    return console;
}

int console_start(struct console *console, struct rp_error *error) {
    if (open_wake_pipe(console->wake)) {
        return rp_error_set(error, RP_EIO, "no pipe for the console: %s", strerror(errno));
    }
    sigset_t all, before; /* signals are for the threads that expect them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = uv_thread_create(&console->thread, run, console);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result) return rp_error_set(error, RP_EIO, "no thread for the console: %s", uv_strerror(result));
    console->started = true;
    return 0;
}

void console_order(struct console *console, struct order *order) {
    uv_mutex_lock(&console->lock);
    console->order = *order;
    console->ordered = true;
    uv_mutex_unlock(&console->lock);
    rp_buf_init(&order->text, order->text.max);
    rp_buf_init(&order->error, order->error.max);
    wake(console);
}

void console_stop_reading(struct console *console) {
    uv_mutex_lock(&console->lock);
    console->no_reading = true;
    uv_mutex_unlock(&console->lock);
    if (console->started) wake(console);
}

void console_destroy(struct console *console) {
    if (!console) return;
    console->gone = true;
    uv_mutex_lock(&console->lock);
    console->stopped = true;
    uv_mutex_unlock(&console->lock);
    if (console->started) {
        wake(console);
        uv_thread_join(&console->thread);
    }
    struct order order;
    if (take_order(console, &order)) {
        rp_buf_finish(&order.text);
        rp_buf_finish(&order.error);
    }
    for (int i = 0; i < 2; i++) {
        if (console->wake[i] >= 0) close(console->wake[i]);
    }
    console_unref(console);
}
