/* What a request's head means, once the guard has walked over all of it. */
#ifndef HTTPD_HEAD_H
#define HTTPD_HEAD_H

#include "request.h"

struct head { /* how the body is framed, and who waits for it */
    uint64_t length;
    bool chunked, expects;
};
struct head_fault {
    int code; /* RP_E…; 0: the head is good */
    int status; /* 0: the code's own */
    const char *why;
};

/* Fills the request's method, target, path, query, id and `old`. */
struct head_fault head_read(struct request *request, struct head *out_head);
bool head_name_is(struct rp_str name, struct rp_str wanted); /* in any case */

#endif
