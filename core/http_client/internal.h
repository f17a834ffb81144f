/* What the files of this folder share. client.c drives curl, socket.c connects its sockets to the loop, fetch.c is the
 * life of a fetch, easy.c prepares the transfer, response.c takes what comes back; answer.c is both in a test.
 *
 * The rule that everything here keeps: while curl is on the stack (`inside`), nothing is added to, removed from or
 * unpaused in the multi handle. Such wishes are noted in the fetch and met by client_leave. */
#ifndef CORE_HTTP_CLIENT_INTERNAL_H
#define CORE_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "core/http_client/client.h"

#define FETCH_IDLE_MAX 128           /* easy handles kept for reuse, a worker */
#define FETCH_HEAD_MAX (64 * 1024)   /* bytes of a response's header */
#define FETCH_OPENED 4               /* attempts to connect that may be under way at once */
#define FETCH_CONNECT_MS (10 * 1000) /* where the request gives no time to connect */

struct http_socket {
    uv_poll_t poll;
    curl_socket_t fd;
    struct http_client *client;
    int wanted;   /* UV_READABLE, UV_WRITABLE: what curl waits for */
    int armed;    /* what the loop watches */
    bool watched; /* poll is initialised */
    bool stands;  /* the connection is made: from now on curl closes it only by socket_on_close */
};

/* Sockets by descriptor. */
struct socket_table {
    struct http_socket **items;
    size_t size;
};

enum fetch_phase { FETCH_CONNECTING, FETCH_WAITING, FETCH_READING };

struct rp_fetch {
    struct http_client *client;
    struct rp_fetch *next, *prev; /* in the client's list of the active, or of the idle ones */
    struct rp_fetch *next_marked;
    CURL *easy;

    /* as asked */
    struct rp_fetch_ops ops;
    void *arg;
    int64_t connect_ms, first_byte_ms, stall_ms, total_ms;
    size_t max_body;

    /* strings kept for the next transfer, since it often goes to the same place */
    struct rp_buf url;
    CURLU *parsed;
    struct rp_buf head;        /* the fields, each with its NUL */
    struct curl_slist *fields; /* points into head; an array */
    size_t field_cap;

    /* as it stands */
    enum fetch_phase phase;
    int64_t started_ms, moved_ms; /* the start of the transfer, of the phase or the last bytes */
    struct rp_timer timer;
    size_t head_bytes, body_bytes;
    curl_socket_t opened[FETCH_OPENED]; /* sockets made since the last connection stood, the last of them */
    unsigned opened_count;
    int status;
    int failure; /* why we broke the transfer off: -RP_E…, 0 */
    bool active, added, head_done, paused, cancelled, marked;
    const struct http_answer *answer; /* NULL: the network answers */
    struct rp_task answer_task;
    bool suspected;         /* a limit has passed once; bytes clear it */
    bool own_proxy, own_ca; /* the easy handle is set up for this request's own */
    char *default_ca;
    char error[CURL_ERROR_SIZE];
    char detail[CURL_ERROR_SIZE + 128];
};

struct http_client {
    struct rp_worker *worker;
    CURLM *multi;
    CURLSH *share; /* TLS sessions: a further connection to the same host begins with what the first has agreed */
    bool inside;           /* curl is on the stack */
    struct rp_task drive;  /* curl has work at once, or a mark is to be met */
    bool due;              /* curl wants to be called for its time-outs */
    struct rp_timer timer; /* the same, later */
    struct rp_fetch *active;
    struct rp_fetch *idle;
    size_t idle_count;
    struct rp_fetch *marked, **marked_end; /* see client_mark; first come, first served */
    struct socket_table sockets;
    bool env_proxy; /* the environment names a proxy */
    const struct http_stand_in *stand_in; /* NULL: none */
};

/* client.c */
void client_enter(struct http_client *client);
void client_leave(struct http_client *client); /* meets the marks, reports finished transfers */
void client_mark(struct rp_fetch *fetch);      /* to be started, resumed or dropped as soon as curl is off the stack */
void client_unmark(struct rp_fetch *fetch);

/* socket.c */
int socket_on_change(CURL *easy, curl_socket_t fd, int what, void *client, void *unused);
curl_socket_t socket_on_open(void *fetch, curlsocktype purpose, struct curl_sockaddr *address);
int socket_on_close(void *client, curl_socket_t fd);
void socket_on_connected(struct rp_fetch *fetch, int local_port);
void socket_table_finish(struct socket_table *table);

/* fetch.c */
void fetch_on_message(struct rp_fetch *fetch, CURLcode result);
void fetch_drop(struct rp_fetch *fetch); /* out of the multi handle, without a callback */
void fetch_meet_mark(struct rp_fetch *fetch);
void fetch_free(struct rp_fetch *fetch);
void fetch_finish(struct rp_fetch *fetch, int code, const char *detail); /* out of everything; the last callback */
void fetch_moved(struct rp_fetch *fetch, enum fetch_phase phase); /* bytes came: the clock of the phase starts anew */

/* easy.c */
CURL *easy_create(struct rp_fetch *fetch);
int easy_prepare(struct rp_fetch *fetch, const struct rp_fetch_request *request);

/* answer.c */
void answer_start(struct rp_fetch *fetch, const struct rp_fetch_request *request);
void answer_resume(struct rp_fetch *fetch);
const char *answer_field(const struct rp_fetch *fetch, const char *name);

/* response.c */
size_t response_on_head(char *data, size_t size, size_t count, void *fetch);
size_t response_on_body(char *data, size_t size, size_t count, void *fetch);
int response_on_connected(void *fetch, char *remote_ip, char *local_ip, int remote_port, int local_port);

#endif
