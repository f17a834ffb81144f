/* Asks a running server: one command, one answer. */
#include "core/control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)4 << 20)

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int control_connect(const char *const *paths, size_t count, struct rp_error *error) {
    for (size_t i = 0; i < count; i++) {
        int fd = connect_to(paths[i]);
        if (fd >= 0) return fd;
        if (i > 0 && (errno == ENOENT || errno == ECONNREFUSED)) continue; /* the first place says most */
        if (errno == ENOENT || errno == ECONNREFUSED)
            rp_error_set(error, RP_ENOTFOUND, "no server with this bot is running (no answer at %s)", paths[i]);
        else
            rp_error_set(error, RP_EIO, "the control socket %s cannot be used: %s", paths[i], strerror(errno));
    }
    return -1;
}

static bool send_all(int fd, struct rp_str text) {
    while (text.len > 0) {
        ssize_t sent = send(fd, text.data, text.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        text = rp_str_n(text.data + sent, text.len - (size_t)sent);
    }
    return true;
}

static bool read_line(int fd, struct rp_buf *line) {
    char bytes[4096];
    for (;;) {
        ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || rp_buf_append(line, bytes, (size_t)got) != 0) return false;
        if (bytes[got - 1] == '\n') return true; /* one answer, one line: nothing follows it */
    }
}

int control_connect_bot(const char *bot_file, const char *path, struct rp_error *error) {
    char places[2][CONTROL_PATH_SIZE];
    if (path) return control_connect(&path, 1, error);
    size_t count = control_places(bot_file, places, error);
    const char *const paths[] = {places[0], places[1]};
    return count ? control_connect(paths, count, error) : -1;
}

static bool send_request(int fd, json_t *request) {
    char *line = json_dumps(request, JSON_COMPACT);
    bool sent = line && send_all(fd, rp_str(line)) && send_all(fd, RP_STR("\n"));
    free(line);
    json_decref(request);
    return sent;
}

json_t *control_ask(int fd, json_t *request, struct rp_error *error) {
    struct rp_buf text;
    json_t *answer = NULL;
    rp_buf_init(&text, ANSWER_MAX);
    bool sent = send_request(fd, request);
    if (!sent || !read_line(fd, &text))
        rp_error_set(error, RP_EIO, "the server ended the connection without an answer");
    else if (rp_json_parse(text.data, text.len, &answer, error) == 0 && !json_is_object(answer)) {
        json_decref(answer);
        answer = NULL;
        rp_error_set(error, RP_EJSON, "the server's answer is not understood");
    }
    rp_buf_finish(&text);
    return answer;
}

void control_wait_for_end(int fd) {
    char bytes[256];
    ssize_t got;
    do got = read(fd, bytes, sizeof(bytes));
    while (got > 0 || (got < 0 && errno == EINTR));
}
