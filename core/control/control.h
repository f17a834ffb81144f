/* The control socket: a Unix socket by which `repartee reload`, `stop` and `status` talk to a running server. One line of
 * JSON is a command, {"command": "status"}; one line of JSON is its answer, {"ok": true, …}.
 *
 * place.c knows where the socket is, server.c serves it on the main thread's loop, client.c asks. */
#ifndef CORE_CONTROL_CONTROL_H
#define CORE_CONTROL_CONTROL_H

#include <repartee/base.h>
#include <uv.h>

/* ---- where it is ---------------------------------------------------------------------------------------------------- */

#define CONTROL_PATH_SIZE 104 /* what a Unix socket's address takes everywhere */

/* The usual places for this bot file, the first one first: in $XDG_RUNTIME_DIR, in /tmp/repartee-UID. A server and those who
 * ask may not agree on the first. Returns how many, 0 with `error` filled when the file is nowhere. */
size_t control_places(const char *bot_file, char out_paths[2][CONTROL_PATH_SIZE], struct rp_error *error);
/* Makes the folder of a usual place where it is missing, and checks that it is ours alone. 0, or -RP_EIO. */
int control_prepare_folder(const char *path, struct rp_error *error);

/* ---- the server ----------------------------------------------------------------------------------------------------- */

struct control;
struct control_peer;
struct control_ops {
    /* Owes one control_answer, now or later. `request` is borrowed for the call. */
    void (*on_command)(void *arg, struct control_peer *peer, const char *command, const json_t *request);
    /* The peer has left and takes no answer any more. */
    void (*on_gone)(void *arg, struct control_peer *peer);
};

/* 0, or -RP_ECONFLICT when a living server has the socket, else -RP_EIO. A socket that nobody listens on is replaced. */
int control_open(uv_loop_t *loop, const char *path, const struct control_ops *ops, void *arg,
                 struct control **out_control, struct rp_error *error);
/* Ends all connections and removes the socket; the memory goes when the loop has closed the handles. Takes NULL. */
void control_close(struct control *control);
/* Takes the answer. `stays`: the peer waits for the end of the connection now, so it may be silent for as long as it likes. */
void control_answer(struct control_peer *peer, json_t *answer, bool stays);

/* ---- the client: blocks ----------------------------------------------------------------------------------------------- */

/* Connects to the first of the places that answers. A descriptor, or -1 with `error` filled. */
int control_connect(const char *const *paths, size_t count, struct rp_error *error);
/* The same for the server of this bot file, at `path`, or NULL for the usual places. */
int control_connect_bot(const char *bot_file, const char *path, struct rp_error *error);
/* Sends {"command": …}, which it takes, and waits for its answer: a new reference, or NULL with `error` filled. */
json_t *control_ask(int fd, json_t *request, struct rp_error *error);
void control_wait_for_end(int fd); /* until the server has closed the connection */

#endif
