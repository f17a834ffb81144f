/* Serves the control socket. Whoever may connect is the same user or root; still nothing that a peer does can take more
 * than its share: so many peers, so long a line, so much time for it, one command at a time, an answer only as fast as it
 * is read. */
#define _GNU_SOURCE /* struct ucred */
#include "core/control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <repartee/log.h>

#define PEERS_MAX 16
#define BACKLOG 128 /* that wait while the main thread is busy with a reload */
#define LINE_MAX_BYTES 4096
#define LINE_MS 3000   /* for a whole line, from the connection or the last answer on */
#define ANSWER_MS 5000 /* for an answer to be read */
#define LOCK_TRIES 50  /* 20 ms apart */

struct control_peer {
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    struct control *control;
    struct control_peer *next, **link;
    unsigned open_handles;
    bool closed, asked, stays, last; /* last: the connection ends with the answer */
    char *answer;
    size_t used; /* of `input` */
    char input[LINE_MAX_BYTES];
};

struct control {
    uv_pipe_t pipe;
    struct control_ops ops;
    void *arg;
    struct control_peer *peers;
    size_t count;
    unsigned handles; /* the listening one, and one for each peer whose memory is still there */
    bool closed, full; /* full: one more waits to be accepted */
    dev_t device; /* of the socket's file, to remove no other */
    ino_t inode;
    char path[CONTROL_PATH_SIZE];
};

static void unref(struct control *control) {
    if (--control->handles == 0) free(control);
}

/* ---- the end of a peer ------------------------------------------------------------------------------------------------ */

static void on_peer_closed(uv_handle_t *handle) {
    struct control_peer *peer = handle->data;
    if (--peer->open_handles > 0) return;
    unref(peer->control);
    free(peer->answer);
    free(peer);
}

static void accept_peer(struct control *control);

static void peer_close(struct control_peer *peer) {
    struct control *control = peer->control;
    if (peer->closed) return;
    peer->closed = true;
    *peer->link = peer->next;
    if (peer->next) peer->next->link = peer->link;
    control->count--;
    uv_close((uv_handle_t *)&peer->pipe, on_peer_closed);
    uv_close((uv_handle_t *)&peer->timer, on_peer_closed);
    if (peer->asked) control->ops.on_gone(control->arg, peer);
    if (!control->full || control->closed) return;
    control->full = false;
    accept_peer(control);
}

static void on_timeout(uv_timer_t *timer) {
    peer_close(timer->data);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static void next_line(struct control_peer *peer);

static void on_written(uv_write_t *write, int status) {
    struct control_peer *peer = write->data;
    free(peer->answer);
    peer->answer = NULL;
    if (peer->closed) return;
    if (status < 0 || peer->last) {
        peer_close(peer);
        return;
    }
    uv_timer_stop(&peer->timer);
    if (!peer->stays) uv_timer_start(&peer->timer, on_timeout, LINE_MS, 0);
    next_line(peer);
}

void control_answer(struct control_peer *peer, json_t *answer, bool stays) {
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    size_t len = text ? strlen(text) : 0;
    peer->asked = false;
    peer->stays = stays;
    peer->answer = rp_alloc(len + 2);
    snprintf(peer->answer, len + 2, "%s\n", text ? text : "");
    free(text);
    uv_buf_t buf = uv_buf_init(peer->answer, (unsigned)len + 1);
    peer->write.data = peer;
    if (uv_write(&peer->write, (uv_stream_t *)&peer->pipe, &buf, 1, on_written) == 0)
        uv_timer_start(&peer->timer, on_timeout, ANSWER_MS, 0);
    else
        peer_close(peer);
}

static void refuse(struct control_peer *peer, const char *why) {
    peer->last = true;
    control_answer(peer, json_pack("{s:b, s:s}", "ok", 0, "error", why), false);
}

/* ---- commands ----------------------------------------------------------------------------------------------------------- */

static void take_command(struct control_peer *peer, const char *line, size_t len) {
    struct rp_error error;
    json_t *request;
    if (rp_json_parse(line, len, &request, &error) != 0) {
        refuse(peer, "a command is one line of JSON, {\"command\": \"status\"}");
        return;
    }
    const char *command = json_string_value(json_object_get(request, "command"));
    if (command)
        peer->control->ops.on_command(peer->control->arg, peer, command, request);
    else
        refuse(peer, "the line names no command");
    json_decref(request);
}

/* One at a time: what stands behind it waits until it is answered. */
static void next_line(struct control_peer *peer) {
    char *end = memchr(peer->input, '\n', peer->used);
    if (peer->asked || peer->answer || peer->closed) return;
    if (!end) {
        if (peer->used == sizeof(peer->input)) refuse(peer, "the line is too long");
        return;
    }
    char line[LINE_MAX_BYTES];
    size_t len = (size_t)(end - peer->input);
    memcpy(line, peer->input, len);
    peer->used -= len + 1;
    memmove(peer->input, end + 1, peer->used);
    peer->asked = true;
    uv_timer_stop(&peer->timer);
    take_command(peer, line, len);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    struct control_peer *peer = handle->data;
    (void)suggested;
    *out = uv_buf_init(peer->input + peer->used, (unsigned)(sizeof(peer->input) - peer->used));
}

/* The connection is closed in both directions; otherwise the peer has only said all it had to say. */
static bool has_left(const struct control_peer *peer) {
    struct pollfd polled = {0};
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&peer->pipe, &fd) != 0) return true;
    polled.fd = fd;
    return poll(&polled, 1, 0) > 0 && (polled.revents & POLLHUP);
}

/* A full buffer ends the connection: nobody has a reason to send so far ahead. */
static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    struct control_peer *peer = stream->data;
    (void)buf;
    if (len == UV_EOF && (peer->asked || peer->answer) && !has_left(peer)) {
        peer->last = true;
        uv_read_stop(stream);
        return;
    }
    if (len < 0) {
        peer_close(peer);
        return;
    }
    peer->used += (size_t)len;
    next_line(peer);
}

/* ---- peers -------------------------------------------------------------------------------------------------------------- */

static bool may_connect(const uv_pipe_t *pipe) {
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)pipe, &fd) != 0) return false;
#ifdef SO_PEERCRED
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == geteuid() || peer.uid == 0;
#else
    uid_t user;
    gid_t group;
    if (getpeereid(fd, &user, &group) != 0) return false;
    return user == geteuid() || user == 0;
#endif
}

static struct control_peer *peer_create(struct control *control) {
    struct control_peer *peer = rp_calloc(1, sizeof(*peer));
    peer->control = control;
    peer->next = control->peers;
    peer->link = &control->peers;
    if (peer->next) peer->next->link = &peer->next;
    control->peers = peer;
    control->count++;
    control->handles++;
    peer->open_handles = 2;
    uv_pipe_init(control->pipe.loop, &peer->pipe, 0);
    uv_timer_init(control->pipe.loop, &peer->timer);
    peer->pipe.data = peer->timer.data = peer;
    return peer;
}

static void accept_peer(struct control *control) {
    struct control_peer *peer = peer_create(control);
    bool good = uv_accept((uv_stream_t *)&control->pipe, (uv_stream_t *)&peer->pipe) == 0 &&
                may_connect(&peer->pipe) && uv_read_start((uv_stream_t *)&peer->pipe, on_alloc, on_read) == 0;
    if (good)
        uv_timer_start(&peer->timer, on_timeout, LINE_MS, 0);
    else
        peer_close(peer);
}

/* Until it is accepted the loop takes no other one. */
static void on_connection(uv_stream_t *server, int status) {
    struct control *control = server->data;
    if (status < 0) return;
    control->full = control->count == PEERS_MAX;
    if (!control->full) accept_peer(control);
}

/* ---- the socket's file ---------------------------------------------------------------------------------------------------- */

static bool is_alive(const char *path) {
    const char *const paths[] = {path};
    struct rp_error error;
    int fd = control_connect(paths, 1, &error);
    if (fd < 0) return false;
    close(fd);
    return true;
}

/* Of two servers that start at the same time, only one may look at the place at a time. Whoever cannot have the lock goes
 * on without: it is for a race that hardly ever is. */
static int lock_folder(const char *path) {
    char folder[CONTROL_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash > path ? (int)(slash - path) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) usleep(20000);
    return fd;
}

static int clear_place(const char *path, struct rp_error *error) {
    struct stat status;
    if (lstat(path, &status) != 0) return 0;
    if (!S_ISSOCK(status.st_mode))
        return rp_error_set(error, RP_EIO, "the control socket cannot be made: %s is there, and is no socket", path);
    if (is_alive(path))
        return rp_error_set(error, RP_ECONFLICT,
                            "a server with this bot is running (control socket %s); --control gives another one a "
                            "socket of its own",
                            path);
    unlink(path);
    return 0;
}

static int bind_socket(struct control *control) {
    struct stat status;
    mode_t mask = umask(0177);
    int code = uv_pipe_bind(&control->pipe, control->path);
    umask(mask);
    if (code != 0) return code;
    if (lstat(control->path, &status) == 0) {
        control->device = status.st_dev;
        control->inode = status.st_ino;
    }
    return uv_listen((uv_stream_t *)&control->pipe, BACKLOG, on_connection);
}

static void remove_socket(const struct control *control) {
    struct stat status;
    if (lstat(control->path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    if (status.st_dev == control->device && status.st_ino == control->inode) unlink(control->path);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

static void on_control_closed(uv_handle_t *handle) {
    unref(handle->data);
}

static int open_at(struct control *control, struct rp_error *error) {
    int code = clear_place(control->path, error);
    if (code != 0) return code;
    code = bind_socket(control);
    if (code == 0) return 0;
    return rp_error_set(error, RP_EIO, "the control socket %s cannot be made: %s", control->path, uv_strerror(code));
}

int control_open(uv_loop_t *loop, const char *path, const struct control_ops *ops, void *arg,
                 struct control **out_control, struct rp_error *error) {
    if (strlen(path) >= CONTROL_PATH_SIZE)
        return rp_error_set(error, RP_EIO, "the path of the control socket is longer than %d bytes: %s",
                            CONTROL_PATH_SIZE - 1, path);
    struct control *control = rp_calloc(1, sizeof(*control));
    control->ops = *ops;
    control->arg = arg;
    control->handles = 1;
    snprintf(control->path, sizeof(control->path), "%s", path);
    uv_pipe_init(loop, &control->pipe, 0);
    control->pipe.data = control;
    int folder = lock_folder(path);
    int code = open_at(control, error);
    if (folder >= 0) close(folder);
    if (code == 0)
        *out_control = control;
    else
        uv_close((uv_handle_t *)&control->pipe, on_control_closed);
    return code;
}

void control_close(struct control *control) {
    if (!control || control->closed) return;
    control->closed = true;
    remove_socket(control);
    while (control->peers) peer_close(control->peers);
    uv_close((uv_handle_t *)&control->pipe, on_control_closed);
}
