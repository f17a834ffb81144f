/* What an HTTP listener offers to the transports that attach to it.
 *
 * A transport adds routes in its open(); the listener calls them on the worker that has the connection. A request
 * arrives whole (the listener enforces head and body limits, deadlines and framing, and answers 404, 405 and bad
 * requests by itself). The route owes one response: respond(), or begin(), write()…, end(), or upgrade(). It may pay
 * later; until then the connection reads nothing more than its limit.
 *
 * A write to a connection that is broken already returns above 0, and on_gone follows.
 *
 * Until the response is complete the exchange holds the generation of its route (see plugin.h, "A reload"). An upgraded one
 * does not, since it may last for ever: its transport calls rp_element_hold, or hands it on in adopt().
 *
 * After respond(), end() or abort(), and after on_gone(), the exchange must not be touched again. Calls on the exchange never
 * call back from inside. Every response gets X-Request-Id, Content-Length or chunked framing, Connection and Date from
 * the listener. */
#ifndef REPARTEE_HTTP_SERVER_H
#define REPARTEE_HTTP_SERVER_H

#include <repartee/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_http_exchange;

struct rp_http_request { /* borrowed until the exchange ends */
    const char *id;      /* the request id */
    struct rp_worker *worker;
    struct rp_str method, path, query; /* path: as sent, without query */
    struct rp_str body;
    struct rp_str address; /* the client's, without port */
};

struct rp_http_watcher {
    /* All that was written has been handed to the kernel. Once after each write() that returned above 0. */
    void (*on_writable)(void *arg);
    /* The client left, or the listener closed the connection, before the response was complete. Last call. */
    void (*on_gone)(void *arg);
    /* Upgraded connections only: bytes from the client. Borrowed for the call. */
    void (*on_data)(void *arg, struct rp_str data);
    /* Upgraded connections only: the server is draining; say goodbye soon. */
    void (*on_drain)(void *arg);
};

struct rp_http_route {
    const char *method, *path; /* exact: "POST", "/v1/chat"; a path such as "/v1/trace/" stands for all
                                  below it. A GET route also answers HEAD */
    void (*on_request)(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request);
    void *arg;
};

struct rp_http_ops {
    /* In open(). -RP_ECONFLICT when the path and method are taken. */
    int (*route)(struct rp_listener *listener, const struct rp_http_route *route, struct rp_error *error);
    /* A header field of the request by its name in any case; data NULL: not there. Several are joined with ", ". */
    struct rp_str (*field)(struct rp_http_exchange *exchange, const char *name);
    /* Who hears about this exchange from now on. */
    void (*watch)(struct rp_http_exchange *exchange, const struct rp_http_watcher *watcher, void *arg);
    /* A whole response. `fields`: further header lines, each ended by CRLF, or NULL. */
    void (*respond)(struct rp_http_exchange *exchange, int status, const char *content_type, const char *fields,
                    struct rp_str body);
    /* A response in pieces. write() copies what the kernel does not take at once, sends the head with the first
     * piece, and returns how many bytes still wait: above 0, wait for on_writable. A client that takes nothing for the
     * write-stall time is dropped (on_gone). */
    void (*begin)(struct rp_http_exchange *exchange, int status, const char *content_type, const char *fields);
    size_t (*write)(struct rp_http_exchange *exchange, struct rp_str data);
    void (*end)(struct rp_http_exchange *exchange);
    /* Breaks a response off so that the client can see that it is not complete (resets the framing). */
    void (*abort)(struct rp_http_exchange *exchange);
    /* 101 Switching Protocols with these fields; then write() sends raw bytes, on_data receives, end() closes after
     * what waits has been sent. Idle limits no longer apply: the protocol has its own. */
    void (*upgrade)(struct rp_http_exchange *exchange, const char *fields);
};

static inline const struct rp_http_ops *rp_http(const struct rp_listener *listener) {
    return ((const struct rp_listener_type *)(const void *)listener->element.type)->http;
}

#ifdef __cplusplus
}
#endif
#endif
