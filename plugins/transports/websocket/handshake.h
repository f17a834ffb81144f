/* The opening handshake (RFC 6455, section 4.2) as a pure function of the request's fields. */
#ifndef WEBSOCKET_HANDSHAKE_H
#define WEBSOCKET_HANDSHAKE_H

#include <repartee/base.h>
#include <repartee/option.h>

struct handshake { /* what the client sent; data NULL: the field is not there */
    struct rp_str method, upgrade, connection, version, key, origin;
};
struct refusal {
    int status, code;    /* of HTTP, and RP_E…, positive */
    const char *fields;  /* header lines to send along; NULL: none */
    const char *message;
};

#define HANDSHAKE_ACCEPT_SIZE 29 /* 28 characters of base64 and the NUL */

/* 0, or -RP_E… with `out_refusal` filled. No `origins` means that every page may connect. */
int handshake_check(const struct handshake *handshake, const struct rp_option_list *origins,
                    struct refusal *out_refusal);
/* The value of Sec-WebSocket-Accept for a key that handshake_check took. */
void handshake_accept(struct rp_str key, char out_accept[HANDSHAKE_ACCEPT_SIZE]);

#endif
