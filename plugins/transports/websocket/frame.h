/* The JSON that travels in WebSocket messages, both ways. */
#ifndef WEBSOCKET_FRAME_H
#define WEBSOCKET_FRAME_H

#include <repartee/plugin.h>

#define FRAME_ID_MAX 64 /* bytes of an id that the client chose */

enum frame_type { FRAME_MESSAGE, FRAME_CANCEL, FRAME_PING };

struct frame { /* all text points into `root` */
    json_t *root;
    enum frame_type type;
    struct rp_str text;          /* of a message */
    struct rp_str session, user; /* data NULL: not given, the connection's last ones hold */
    struct rp_str id;            /* len 0: not given */
    json_t *metadata;            /* NULL or an object */
    bool explain;                /* it wants to know how the reply came about */
};

/* 0 and a frame to be finished, or -RP_EJSON, -RP_EINVALID with a sentence for the client in `error`. */
int frame_parse(struct rp_str text, struct frame *out_frame, struct rp_error *error);
void frame_finish(struct frame *frame);

/* Each appends one JSON text: 0, or -RP_ETOOLARGE. */
int frame_delta(struct rp_buf *buf, struct rp_str text);
int frame_reply(struct rp_buf *buf, const struct rp_turn *turn, enum rp_finish finish);
int frame_error(struct rp_buf *buf, const struct rp_fault *fault, const char *request_id);
int frame_pong(struct rp_buf *buf);

#endif
