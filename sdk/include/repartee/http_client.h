/* HTTP requests to elsewhere, on the worker's loop: one connection pool a worker, keep-alive, TLS checked.
 *
 * All on one worker. Callbacks come from the top of the stack, never from inside a call of this header. */
#ifndef REPARTEE_HTTP_CLIENT_H
#define REPARTEE_HTTP_CLIENT_H

#include <repartee/base.h>
#include <repartee/worker.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_fetch;

enum rp_fetch_take { RP_FETCH_TAKEN, RP_FETCH_PAUSE }; /* PAUSE: not taken; the same bytes come again after resume */

struct rp_fetch_ops {
    /* The final response's status line and header are there. May be NULL. */
    void (*on_head)(struct rp_fetch *fetch, int status);
    /* Bytes of the body, decoded. */
    enum rp_fetch_take (*on_data)(struct rp_fetch *fetch, const char *data, size_t len);
    /* The last call, exactly once unless cancelled: code 0 when the response came whole (whatever its status), else
     * -RP_EUPSTREAM (refused, reset, broken), -RP_EUPTIMEOUT, -RP_ETRUNCATED (ended before its stated length),
     * -RP_ETOOLARGE, -RP_EUNSUPPORTED (an encoding that was not asked for, or broken), -RP_EUPCERT (a certificate that is
     * not in order: nothing was sent). `detail` is for the log: "could not connect to 127.0.0.1:9: Connection refused". */
    void (*on_done)(struct rp_fetch *fetch, int code, const char *detail);
};

struct rp_fetch_request {
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;    /* http or https, nothing else */
    const char *const *fields; /* "Name: value", NULL-terminated; NULL: none. CR, LF and NUL are refused */
    struct rp_str body; /* borrowed until on_done or cancel */
    int64_t connect_ms, first_byte_ms, stall_ms, total_ms; /* 0: 10 s, none, none, none */
    size_t max_body;    /* bytes; 0: no limit */
    bool once;          /* not on a connection that was used before: where such a one turns out to be closed, the request is
                           sent again on a new one, although its server may have seen it */
    const char *proxy;  /* NULL: from the environment (http_proxy, https_proxy, no_proxy) */
    const char *ca_file; /* NULL: the system's */
    const struct rp_fetch_ops *ops;
    void *arg;
};

/* Whether requests can be sent there: http or https, and in order. Any thread. */
RP_EXPORT bool rp_url_valid(const char *url);
/* Copies all but the body. 0, or -RP_EINVALID for a URL or field that cannot be sent. */
RP_EXPORT int rp_fetch_start(struct rp_worker *worker, const struct rp_fetch_request *request, struct rp_fetch **out);
RP_EXPORT void rp_fetch_resume(struct rp_fetch *fetch); /* after RP_FETCH_PAUSE */
RP_EXPORT void rp_fetch_cancel(struct rp_fetch *fetch); /* no callback follows; closes the transfer; takes NULL */
RP_EXPORT void *rp_fetch_arg(const struct rp_fetch *fetch);
RP_EXPORT int rp_fetch_status(const struct rp_fetch *fetch);
/* A field of the response; NULL: not there. Borrowed until on_done returns. */
RP_EXPORT const char *rp_fetch_field(struct rp_fetch *fetch, const char *name);
/* Retry-After as milliseconds from now, given in seconds or as a date; also retry-after-ms. -1: none or unusable. */
RP_EXPORT int64_t rp_fetch_retry_after_ms(struct rp_fetch *fetch);

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

/* Splits a stream of bytes, however cut, into lines that end in LF or CRLF, for JSON texts that come one a line. Empty
 * lines are passed over. */
struct rp_lines {
    struct rp_buf line; /* what a cut has torn off */
};
RP_EXPORT void rp_lines_init(struct rp_lines *lines, size_t max_line);
RP_EXPORT void rp_lines_finish(struct rp_lines *lines);
/* Calls on_line for each line that is complete. A non-zero return stops the feeding and is returned. 0, or
 * -RP_ETOOLARGE. */
RP_EXPORT int rp_lines_feed(struct rp_lines *lines, const char *data, size_t len,
                            int (*on_line)(void *arg, struct rp_str line), void *arg);
/* The stream has ended: what is left without its line end is a line too. */
RP_EXPORT int rp_lines_end(struct rp_lines *lines, int (*on_line)(void *arg, struct rp_str line), void *arg);

/* ---- server-sent events ----------------------------------------------------------------------------------------------- */

/* Splits a stream of bytes, however cut, into events. Lines end in LF, CR or CRLF; a BOM and comments are skipped. */
struct rp_sse {
    struct rp_buf line, data, event; /* the parser's; ceilings set by rp_sse_init */
    bool after_cr, started;
};
RP_EXPORT void rp_sse_init(struct rp_sse *sse, size_t max_event); /* bytes of one line and of one event's data */
RP_EXPORT void rp_sse_finish(struct rp_sse *sse);
/* Calls on_event for each event that is complete (`event` is "message" when not given). A non-zero return stops the
 * feeding and is returned. 0, or -RP_ETOOLARGE. What is left without its blank line at the end is no event. */
RP_EXPORT int rp_sse_feed(struct rp_sse *sse, const char *data, size_t len,
                          int (*on_event)(void *arg, struct rp_str event, struct rp_str data), void *arg);

#ifdef __cplusplus
}
#endif
#endif
