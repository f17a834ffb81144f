/* Bytes to messages and back (RFC 6455 framing by wslay), free of sockets and clocks.
 *
 * wslay's context takes 9 KiB, an idle connection nothing: the context is made when bytes come or go and is dropped by
 * stream_rest as soon as it remembers nothing. Messages are put together here and not in wslay, which would spend a
 * heap block on every fragment of one byte. */
#ifndef WEBSOCKET_STREAM_H
#define WEBSOCKET_STREAM_H

#include <repartee/base.h>
#include <wslay/wslay.h>

enum stream_state {
    STREAM_OPEN,
    STREAM_CLOSING, /* our close frame is out, the peer's is awaited */
    STREAM_CLOSED,  /* both close frames have passed */
    STREAM_FAILED,  /* the peer broke the protocol: our close frame is out, nothing more is read */
};

struct stream {
    wslay_event_context_ptr context;           /* NULL while nothing is under way */
    void (*on_text)(void *arg, struct rp_str text); /* a whole message, valid UTF-8; borrowed */
    void *arg;
    struct rp_buf message;   /* the fragments so far */
    struct rp_str input;     /* during stream_read: what is left of it */
    struct rp_buf *output;   /* during stream_flush */
    uint64_t taken, framed;  /* bytes wslay took, and those of them that made whole frames */
    uint64_t frame_size;     /* of the frame that comes in, header and all */
    bool control;            /* that frame is a control frame */
    bool in_message;
    bool close_queued;
};

/* `max_message`: bytes, all fragments together. */
void stream_init(struct stream *stream, size_t max_message, void (*on_text)(void *arg, struct rp_str text), void *arg);
void stream_finish(struct stream *stream);

/* Takes in what the peer sent; what has to be answered (pong, close) is queued. 0 or -RP_ENOMEM. */
int stream_read(struct stream *stream, struct rp_str data);
/* Queue a frame. Behind a close frame nothing is queued. 0 or -RP_ENOMEM. */
int stream_text(struct stream *stream, struct rp_str text);
int stream_ping(struct stream *stream);
int stream_close(struct stream *stream, uint16_t code, const char *reason);
/* Appends what is queued to `output`. 0, -RP_ETOOLARGE when it does not fit, -RP_ENOMEM. */
int stream_flush(struct stream *stream, struct rp_buf *output);
/* After stream_flush. */
enum stream_state stream_state(const struct stream *stream);
/* The close code that was sent; 0: none yet. */
uint16_t stream_close_code(const struct stream *stream);
/* Gives memory back if nothing is under way. */
void stream_rest(struct stream *stream);

#endif
