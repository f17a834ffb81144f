/* The body of POST /v1/chat. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <repartee/base.h>

struct message { /* its texts lie in the body or in `space` */
    struct rp_str text, session, user; /* the last two may be empty */
    bool stream, explain;
    json_t *metadata; /* NULL or an object; owned */
};

/* 0, or -RP_EUTF8, -RP_EJSON, -RP_EINVALID, -RP_ETOOLARGE with a sentence for the client in `error`. `space` is scratch
 * memory, whose old content goes. */
int message_parse(struct rp_str body, struct rp_buf *space, struct message *out_message, struct rp_error *error);
void message_finish(struct message *message);

#endif
