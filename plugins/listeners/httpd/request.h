/* One request out of bytes: guard, parser and limits in one, and no sockets. Feed it until it is done or bad. */
#ifndef HTTPD_REQUEST_H
#define HTTPD_REQUEST_H

#include <llhttp.h>

#include "guard.h"

enum request_state { REQUEST_HEAD, REQUEST_BODY, REQUEST_DONE, REQUEST_BAD };

struct request_limits {
    size_t head, body; /* bytes */
    unsigned fields;
};

#define REQUEST_ID_SIZE 65

struct request {
    enum request_state state;
    int code, status;    /* REQUEST_BAD: RP_E…, the HTTP status, */
    const char *why;     /* and a sentence; constant text */
    struct rp_str method, target, path, query; /* from REQUEST_BODY on; in `head` */
    struct rp_buf head, body; /* body: decoded */
    bool keep_alive, old; /* old: HTTP/1.0 */
    bool expects;        /* the client waits for 100 Continue */
    char id[REQUEST_ID_SIZE]; /* the client's X-Request-Id where it is usable, else empty */
    /* the parser's own */
    struct request_limits limits;
    struct guard guard;
    llhttp_t parser;
    struct guard_field *fields;
    uint64_t left; /* bytes of the body that are still to come, with a Content-Length */
    bool head_parsed, parsed; /* what the parser has seen the end of */
};

void request_init(struct request *request, const struct request_limits *limits);
void request_finish(struct request *request);
/* Ready for the next one; small buffers are kept. */
void request_reset(struct request *request);
/* Gives back memory that only the parsing needed; head, fields and id stay. No reset after this. */
void request_compact(struct request *request);

/* Takes bytes up to the end of this request and returns how many; look at `state` afterwards. */
size_t request_feed(struct request *request, const char *data, size_t len);
bool request_started(const struct request *request); /* a byte of the request line has come */
/* The n-th field with this name in any case, from 0; data NULL: there is none. */
struct rp_str request_field(const struct request *request, const char *name, unsigned n);

#endif
