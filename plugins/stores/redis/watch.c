/* hiredis on a worker's loop. Its own adapter for libuv (as of 0.14) takes no notice of errors of a socket, so that a
 * refused connection would be found out by its time limit only. */
#include <stdlib.h>

#include "redis.h"

struct watch {
    uv_poll_t handle;
    redisAsyncContext *context; /* NULL: it is gone */
    int events;
};

/* On an error libuv stops looking; reading or writing lets hiredis find out what it was. */
static void on_events(uv_poll_t *handle, int status, int events) {
    struct watch *watch = (struct watch *)handle;
    if (status < 0) events = watch->events;
    if (watch->context && events & UV_READABLE) redisAsyncHandleRead(watch->context);
    if (watch->context && events & UV_WRITABLE) redisAsyncHandleWrite(watch->context);
}

static void set(struct watch *watch, int events) {
    if (watch->events == events) return;
    watch->events = events;
    if (events)
        uv_poll_start(&watch->handle, events, on_events);
    else
        uv_poll_stop(&watch->handle);
}

static void add_read(void *arg) {
    set(arg, ((struct watch *)arg)->events | UV_READABLE);
}

static void del_read(void *arg) {
    set(arg, ((struct watch *)arg)->events & ~UV_READABLE);
}

static void add_write(void *arg) {
    set(arg, ((struct watch *)arg)->events | UV_WRITABLE);
}

static void del_write(void *arg) {
    set(arg, ((struct watch *)arg)->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

static void cleanup(void *arg) {
    struct watch *watch = arg;
    watch->context = NULL;
    uv_close((uv_handle_t *)&watch->handle, on_closed);
}

int watch_start(redisAsyncContext *context, uv_loop_t *loop) {
    struct watch *watch = rp_calloc(1, sizeof *watch);
    int status = uv_poll_init(loop, &watch->handle, context->c.fd);
    if (status != 0) {
        free(watch);
        return status;
    }
    watch->context = context;
    context->ev.data = watch;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = cleanup;
    return 0;
}
