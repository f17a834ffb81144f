/* What the files of this plugin share. A connection owns everything of one client; it is freed when its exchange is
 * over and its last turn is done, whichever comes later. All on the connection's worker.
 *
 * At the switch of a reload the connections go over to the transport of the new generation: the turn that runs ends as it
 * began, the next message goes by the new rules. */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "frame.h"
#include "handshake.h"
#include "stream.h"

#include <repartee/explain.h>
#include <repartee/http_server.h>
#include <repartee/log.h>

#define OUTPUT_MAX (64u << 20) /* bytes of frames between two writes: a whole reply, escaped */

struct options {
    struct rp_listener *on;
    const char *path;
    struct rp_option_list origins;
    int64_t message, queue;
    int64_t ping_ms, pong_ms, idle_ms, close_ms;
    struct rp_explain_options explain;
};

/* One a worker, shared by the generations. The buffers are empty between callbacks. */
struct local {
    struct rp_worker *worker;
    unsigned users; /* generations that are attached */
    struct rp_buf json;   /* a frame's text */
    struct rp_buf output; /* frames on their way to the listener */
    struct connection *connections;
};

struct waiting { /* a message behind the running turn, as it came */
    struct waiting *next;
    size_t len;
    char text[];
};

struct connection {
    struct rp_transport *transport; /* holds its generation */
    const struct options *options;
    const struct rp_http_ops *http;
    struct local *local;
    struct connection *next, *prev;
    struct rp_http_exchange *exchange; /* NULL: over */
    char *address, *session, *user;    /* NULL: not known */

    struct stream stream;
    struct rp_timer timer;
    size_t pending;     /* bytes that wait for the client, as of the last write */
    size_t unasked;     /* bytes of pongs and errors among them, at most */
    int64_t heard_ms;   /* the client's last sign of life */
    int64_t message_ms; /* the last message, or the end of its turn */
    int64_t pinged_ms;  /* 0: no pong is awaited */
    int64_t end_ms;     /* with `closing`: when to stop waiting for the client */
    bool closing, draining, broken;
    bool may_explain; /* the client may see how replies came about */

    struct rp_sink sink;
    struct rp_turn *turn; /* NULL: none is running */
    struct waiting *first, *last;
    int64_t waiting;    /* messages in that list */
    bool owes_more;     /* the turn waits for the client to take what there is */
    bool ended;         /* its last chunk has come, done() has not */
    bool cancelled;
};

/* transport.c: the hooks of the type */
int websocket_check(const void *options, struct rp_error *error);
int websocket_open(struct rp_element *element, struct rp_error *error);
int websocket_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void websocket_detach(struct rp_element *element, struct rp_worker *worker, void *local);
void websocket_adopt(struct rp_element *element, struct rp_worker *worker);
void websocket_drain(struct rp_transport *transport, struct rp_worker *worker);

/* connection.c */
void connection_on_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request);
/* Hands queued frames to the listener. `asked`: they are part of a reply. */
void connection_flush(struct connection *connection, bool asked);
/* Queues what stands in local->json as a text frame. */
void connection_send(struct connection *connection);
/* The last thing that every callback does: ends or frees what is over, starts what can start. */
void connection_settle(struct connection *connection);
void connection_abandon(struct connection *connection); /* at the worker's end: whatever state it is in */
void connection_adopt(struct connection *connection, struct rp_transport *transport); /* it is this one's from now on */
void connection_drain(struct connection *connection); /* says goodbye as soon as the running turn is over */

/* conversation.c */
void conversation_on_text(void *arg, struct rp_str text);
void conversation_writable(struct connection *connection);
void conversation_next(struct connection *connection); /* starts the next waiting message, if it may */
void conversation_end(struct connection *connection);  /* nobody listens any more */
void conversation_drain(struct connection *connection);
void conversation_error(struct connection *connection, const struct rp_fault *fault, struct rp_str id);
extern const struct rp_sink_ops conversation_sink;

#endif
