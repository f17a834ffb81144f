/* A server for the tests of the HTTP client, on the client's own loop: it reads whole requests and answers as the test
 * tells it, byte by byte where wanted. And a client's notes of what its fetch came to. */
#ifndef TESTS_HTTP_CLIENT_PEER_H
#define TESTS_HTTP_CLIENT_PEER_H

#include <repartee/http_client.h>

#include "core/loop/worker.h"

struct peer;
struct peer_conn {
    uv_tcp_t tcp;
    struct peer *peer;
    struct peer_conn *next;
    struct rp_buf in;
    unsigned requests; /* on this connection */
    bool ended;        /* the client has closed it */
    bool closed;
    void *data; /* the test's */
};
struct peer {
    struct worker_group group;
    struct rp_worker *worker;
    uv_tcp_t listener;
    int port;
    unsigned connections;
    struct peer_conn *all;
    /* A whole request has come: head and body as received. */
    void (*answer)(struct peer_conn *conn, const char *request);
    void *data; /* the test's */
};

void peer_open(struct peer *peer, void (*answer)(struct peer_conn *conn, const char *request));
/* The same on a worker that the test has already. */
void peer_join(struct peer *peer, struct rp_worker *worker,
               void (*answer)(struct peer_conn *conn, const char *request));
void peer_close(struct peer *peer); /* and the worker with its client, where peer_open made it */
void peer_send(struct peer_conn *conn, const char *data, size_t len); /* copies */
void peer_say(struct peer_conn *conn, const char *text);
/* Sends the text in two parts, cut at `at`, with a pass of the loop between them. */
void peer_send_cut(struct peer_conn *conn, const char *data, size_t len, size_t at);
void peer_end(struct peer_conn *conn);                /* FIN, behind what was sent */
void peer_reset(struct peer_conn *conn);              /* RST, at once */
void peer_reset_soon(struct peer_conn *conn);         /* RST, when what was sent has been read */
void peer_spin(struct peer *peer, int64_t ms);        /* lets the loop run */
bool peer_until(struct peer *peer, const bool *flag); /* until it is set; false after ten seconds */

/* What came of a fetch. */
struct notes {
    struct rp_fetch *fetch;
    bool done;
    unsigned heads, datas, dones;
    int status, code;
    int64_t retry_after;
    char detail[512];
    char field[128]; /* of the response field "x-test" */
    struct rp_buf body;
    void *data; /* the test's */
};
extern const struct rp_fetch_ops notes_ops;
/* A request to the peer that writes `notes`; the test may change it before notes_fetch. `path` begins with "/". */
struct rp_fetch_request notes_request(struct peer *peer, struct notes *notes, const char *path);
/* Starts it and runs the loop until it is done. */
void notes_fetch(struct peer *peer, struct notes *notes, const struct rp_fetch_request *request);
void notes_get(struct peer *peer, struct notes *notes); /* GET / */
void notes_finish(struct notes *notes);

#endif
