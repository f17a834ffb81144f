/* The HTTP transport from the inside: what one worker keeps, and one chat on its way. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <repartee/batch.h>
#include <repartee/chat_body.h>
#include <repartee/explain.h>
#include <repartee/http_server.h>
#include <repartee/line_cutter.h>
#include <repartee/log.h>

struct options {
    struct rp_listener *on;
    struct rp_explain_options explain;
    const char *event_token; /* NULL: no events from outside */
    int64_t batches, batch_items, batch_concurrency, batch_wait_ms; /* batch_items 0: no batches */
    int64_t batch_bulk_ms, batch_bulk_concurrency; /* batch_bulk_ms 0: none in bulk */
};

struct local { /* of one worker */
    struct rp_buf out;  /* the text being written */
    struct chat *spare; /* chats to be used again */
    struct batch *batches; /* under way */
    int64_t batch_count;
};

struct chat { /* one POST /v1/chat, from the request to the turn's done() */
    struct rp_sink sink; /* first */
    struct local *local;
    const struct rp_http_ops *http;
    struct rp_http_exchange *exchange; /* NULL: answered, or the client has left */
    const char *id; /* the request's; as long as there is an exchange */
    struct rp_turn *turn;
    struct chat *next; /* in the list of spare ones */
    bool stream;
    bool begun;      /* the event stream has begun */
    bool owes_more;  /* ask for the next chunk when all has been sent */
};

enum {
    OUT_MAX = 16 << 20, /* bytes of one response; a reply is limited by the core, and escaped it grows sixfold at most */
    OUT_KEPT = 64 << 10 /* of its memory kept for the next one */
};

/* transport.c */
int transport_open(struct rp_element *element, struct rp_error *error);

/* chat.c */
void chat_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request);
void chat_free_spare(struct local *local);
/* A whole response in the shape of errors. */
void chat_refuse(const struct rp_http_ops *http, struct rp_http_exchange *exchange, struct local *local,
                 const struct rp_fault *fault, const char *request_id);

/* A turn for this exchange; it is answered in either case. */
void chat_begin(struct rp_transport *transport, struct rp_http_exchange *exchange, const struct rp_http_request *request,
                const struct rp_turn_start *start);

/* event.c: POST /v1/events */
void event_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request);

/* batch.c: POST /v1/batch */
void batch_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request);
void batch_drain(struct rp_transport *transport, struct rp_worker *worker);

/* explain.c: GET /v1/trace/ID, and whether this caller may see how a reply came about */
void trace_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request);
bool explain_allowed(const struct rp_transport *transport, struct rp_http_exchange *exchange,
                     const struct rp_http_request *request, struct rp_fault *out_fault);

/* sse.c: server-sent events, appended to `out` */
int sse_delta(struct rp_buf *out, struct rp_str text);
int sse_done(struct rp_buf *out, const struct rp_turn *turn, enum rp_finish finish);
int sse_error(struct rp_buf *out, const struct rp_fault *fault, const char *request_id);

#endif
