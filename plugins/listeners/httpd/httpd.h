/* The listener from the inside: what there is once, per worker, per connection and per request.
 *
 *     struct httpd              one configured listener of one generation: options, sockets, routes
 *     struct home               what one worker has of it: its listening socket, its connections, shared scratch memory.
 *                               Generations share it: at the switch of a reload it goes over to the new listener, and
 *                               the next request of each connection finds that one's routes
 *     struct connection         one client; small, and all there is of it while it idles
 *     struct rp_http_exchange   one request and its response; taken from a free list with the first byte */
#ifndef HTTPD_HTTPD_H
#define HTTPD_HTTPD_H

#include <netinet/in.h>
#include <stdatomic.h>

#include <repartee/http_server.h>
#include <repartee/log.h>
#include <repartee/sockets.h>

#include "request.h"

enum connection_state { /* who owes what */
    CONNECTION_IDLE,     /* nobody: between two requests, or before the first */
    CONNECTION_READING,  /* the client the rest of a request */
    CONNECTION_SERVING,  /* the route a response */
    CONNECTION_FLUSHING, /* the kernel: the response is complete, but not all of it has been taken */
    CONNECTION_UPGRADED, /* another protocol's business */
    CONNECTION_LINGERING, /* the client its going: the last response has been sent, what comes now is thrown away */
    CONNECTION_CLOSED,   /* libuv the call that the handle is closed */
};

enum {
    READ_SIZE = 64 * 1024,   /* of the buffer that all connections of a worker read into */
    TAIL_HIGH = 32 * 1024,   /* bytes behind a request in flight at which the connection stops reading */
    OUTPUT_HIGH = 64 * 1024, /* bytes to an upgraded client at which it must read before it may write */
    BATCH_SIZE = 16 * 1024,  /* pieces of a response up to here go out together */
    LINGER_MS = 1000,
    LINGER_BYTES = 256 * 1024,
    REFUSED_MAX = 128,       /* connections above the limit, per worker, that are told so */
    SPARE_EXCHANGES = 64,    /* kept per worker */
    IDLE_BATCH = 512,        /* bytes of the batch that an upgraded connection keeps */
};

struct options {
    const char *address;
    int64_t head, fields, body, connections, output;
    int64_t header_ms, body_rate, body_grace_ms, idle_ms, write_ms;
};

struct route {
    struct rp_http_route route; /* with copies of its strings */
    struct rp_str method, path;
};

struct crowd { /* shared by a listener and those that follow it in reloads */
    atomic_long connections;
    unsigned listeners; /* that share it; main thread */
};

struct httpd {
    struct rp_listener *listener;
    const struct options *options;
    struct request_limits limits;
    struct rp_sockets *sockets; /* after bind */
    struct crowd *crowd;
    struct route *routes;
    size_t route_count;
};

struct server { /* a listening socket */
    uv_tcp_t tcp;
    struct home *home;
};

struct home {
    struct httpd *httpd; /* the newest that has switched */
    struct rp_worker *worker;
    struct server *server; /* NULL: not listening */
    unsigned users;        /* generations that are attached */
    bool detached;
    bool draining;  /* no longer wanted, while the worker goes on */
    const struct rp_element *held; /* while draining: the generation that must wait for the connections; NULL: none */
    unsigned handles; /* open ones; the last one frees the home once it is detached */
    unsigned refused;
    struct connection *connections;
    struct rp_http_exchange *spare;
    unsigned spares;
    struct rp_buf head; /* of the response being written */
    char date[32];      /* "Sun, 22 Nov 2026 12:00:00 GMT" */
    int64_t date_ms;    /* when it was made; worker time */
    char input[READ_SIZE];
};

/* What the kernel did not take at once. */
struct output {
    uv_write_t write;
    struct rp_buf sending, waiting;
    size_t queued; /* bytes that ever waited */
    size_t taken;  /* how many of them the kernel had when the stall deadline was set */
};

struct connection {
    uv_tcp_t tcp;
    struct home *home;
    struct connection *next, **link;
    struct rp_http_exchange *exchange; /* NULL while idle */
    struct output *output;             /* NULL while the kernel takes all */
    struct rp_task task;
    struct rp_timer timer;
    int64_t due;        /* worker time at which patience ends, 0: never. The timer may go off earlier */
    size_t discarded;
    struct rp_buf tail; /* bytes behind the request in flight */
    enum connection_state state;
    bool reading, held, counted, feeding;
    bool served;        /* at least one request has been answered */
    bool broken;        /* a write failed: the task closes */
    bool left;          /* the client has sent its last byte */
    bool last;          /* the response at hand closes the connection */
    char address[INET6_ADDRSTRLEN];
};

struct joined { /* the values of a field that stands there more than once */
    struct joined *next;
    struct rp_str text;
};

struct rp_http_exchange {
    struct request parsed; /* first what arrives, */
    struct connection *connection;
    struct rp_http_exchange *next; /* in the free list */
    struct rp_http_request request; /* then how the route sees it, */
    char id[REQUEST_ID_SIZE];
    struct joined *joined;
    const struct rp_element *held; /* the listener whose route is at work: its generation waits for it; NULL: none */
    const struct rp_http_watcher *watcher;
    void *watcher_arg;
    bool chunked, head_only, upgraded; /* and the response */
    bool fresh;          /* the task has not seen the last piece yet */
    bool wants_writable;
    bool told_to_drain;
    size_t head_len;     /* of the batch: the head, not yet sent */
    struct rp_buf batch; /* pieces that go out together */
};

/* home.c */
struct home *home_create(struct httpd *httpd, struct rp_worker *worker);
void home_listen(struct home *home);
void home_adopt(struct home *home, struct httpd *httpd); /* the switch: from now on it is this one's */
void home_drain(struct home *home);
void home_leave(struct home *home); /* one user less; the last one's frees it, once the last handle is closed */
void home_handle_closed(struct home *home);
void home_connection_gone(struct home *home);
bool home_closes(const struct home *home); /* connections end with the response at hand */

/* routes.c */
int routes_add(struct httpd *httpd, const struct rp_http_route *route, struct rp_error *error);
void routes_free(struct httpd *httpd);
/* Calls the route, or answers 404 or 405. */
void routes_serve(const struct httpd *httpd, struct rp_http_exchange *exchange);

/* connection.c */
void connection_accept(struct home *home, uv_stream_t *server);
void connection_accept_file(struct home *home, int fd); /* one that was accepted already */
void connection_close(struct connection *connection); /* at once; on_gone where a response is owed */
void connection_reset(struct connection *connection); /* the same, and the client sees that it was no orderly end */
void connection_schedule(struct connection *connection);
void connection_break(struct connection *connection); /* no use going on: the task closes */
void connection_responded(struct connection *connection); /* the response is complete, perhaps not sent */
void connection_drain(struct connection *connection);
void connection_drained(struct connection *connection); /* all output has been handed to the kernel */
void connection_taken(struct connection *connection);   /* a request begins */
void connection_read(struct connection *connection, bool wanted);

/* feed.c */
void feed_bytes(struct connection *connection, const char *data, size_t len);
void feed_tail(struct connection *connection);
void feed_refuse(struct connection *connection, int status, int code, const char *why); /* and close */

/* deadline.c */
void deadline_set(struct connection *connection, int64_t ms); /* from now; 0: none */
void deadline_of_body(struct connection *connection, size_t bytes); /* so many more bytes of a body have come */
void on_deadline(struct rp_timer *timer);

/* output.c */
/* Sends or keeps all of it. False: the connection is broken, its task will close it. */
bool output_send(struct connection *connection, uv_buf_t *bufs, unsigned count);
size_t output_waiting(const struct connection *connection);
bool output_moves(struct connection *connection); /* some of it has been taken since the last look */
void output_free(struct connection *connection);

/* response.c */
struct rp_http_exchange *exchange_take(struct connection *connection);
void exchange_release(struct connection *connection);
void exchange_free(struct rp_http_exchange *exchange);
void exchange_free_spare(struct home *home);
void exchange_hold(struct rp_http_exchange *exchange);   /* a route begins its work */
void exchange_unhold(struct rp_http_exchange *exchange); /* not held: no effect */
void response_whole(struct rp_http_exchange *exchange, int status, const char *content_type, const char *fields,
                    struct rp_str body);
void response_switching(struct rp_http_exchange *exchange, struct rp_buf *out, const char *fields);
/* The error shape; message NULL takes the code's own. `close`: the connection ends with it. */
void response_error(struct rp_http_exchange *exchange, int status, int code, const char *message, const char *fields,
                    bool close);
/* Appends a head; length -1: the body comes in pieces. False: too large. */
bool response_head(struct rp_http_exchange *exchange, struct rp_buf *out, int status, const char *content_type,
                   const char *fields, int64_t length);

/* exchange.c: what routes call */
extern const struct rp_http_ops exchange_ops;
void exchange_flush(struct rp_http_exchange *exchange);

#endif
