/* wslay between two buffers. It checks framing, masks, UTF-8 and close codes, and answers pings and close frames by
 * itself; here are the limits, the refusal of binary messages, and the memory. */
#include "stream.h"

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *buf, size_t len, int flags, void *arg) {
    (void)flags;
    struct stream *stream = arg;
    if (stream->input.len == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (len > stream->input.len) len = stream->input.len;
    memcpy(buf, stream->input.data, len);
    stream->input = rp_str_n(stream->input.data + len, stream->input.len - len);
    stream->taken += len;
    return (ssize_t)len;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t len, int flags, void *arg) {
    (void)flags;
    struct stream *stream = arg;
    if (rp_buf_append(stream->output, data, len)) {
        wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)len;
}

/* wslay takes only masked frames from clients and only the shortest form of a length: the header's size follows. */
static uint64_t header_size(uint64_t payload) {
    return 2 + 4 + (payload < 126 ? 0u : payload < 65536 ? 2u : 8u);
}

static void refuse(struct stream *stream, uint16_t code, const char *reason) {
    stream_close(stream, code, reason);
    rp_buf_finish(&stream->message);
}

static void on_frame_start(wslay_event_context_ptr context, const struct wslay_event_on_frame_recv_start_arg *frame,
                           void *arg) {
    (void)context;
    struct stream *stream = arg;
    stream->control = wslay_is_ctrl_frame(frame->opcode);
    stream->frame_size = header_size(frame->payload_length) + frame->payload_length;
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1) {
        refuse(stream, WSLAY_CODE_PROTOCOL_ERROR, "half a close code");
    }
    if (stream->control || stream->close_queued) return;
    stream->in_message = true;
    if (frame->opcode == WSLAY_BINARY_FRAME) {
        refuse(stream, WSLAY_CODE_UNSUPPORTED_DATA, "only text messages are taken here");
    } else if (frame->payload_length > stream->message.max - stream->message.len) {
        refuse(stream, WSLAY_CODE_MESSAGE_TOO_BIG, "the message is too long");
    }
}

static void on_frame_chunk(wslay_event_context_ptr context, const struct wslay_event_on_frame_recv_chunk_arg *chunk,
                           void *arg) {
    (void)context;
    struct stream *stream = arg;
    if (stream->control || stream->close_queued) return;
    if (rp_buf_append(&stream->message, chunk->data, chunk->data_length)) {
        refuse(stream, WSLAY_CODE_MESSAGE_TOO_BIG, "the message is too long");
    }
}

static void on_frame_end(wslay_event_context_ptr context, void *arg) {
    (void)context;
    struct stream *stream = arg;
    stream->framed += stream->frame_size;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *arg) {
    (void)context;
    struct stream *stream = arg;
    if (wslay_is_ctrl_frame(message->opcode)) return;
    stream->in_message = false;
    if (!stream->close_queued) stream->on_text(stream->arg, rp_buf_str(&stream->message));
    rp_buf_finish(&stream->message);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .on_frame_recv_start_callback = on_frame_start,
    .on_frame_recv_chunk_callback = on_frame_chunk,
    .on_frame_recv_end_callback = on_frame_end,
    .on_msg_recv_callback = on_message,
};

static int wake(struct stream *stream) {
    if (stream->context) return 0;
    if (wslay_event_context_server_init(&stream->context, &callbacks, stream)) {
        stream->context = NULL;
        return -RP_ENOMEM;
    }
    wslay_event_config_set_no_buffering(stream->context, 1);
    wslay_event_config_set_max_recv_msg_length(stream->context, stream->message.max);
    stream->taken = stream->framed = 0;
    return 0;
}

void stream_init(struct stream *stream, size_t max_message, void (*on_text)(void *arg, struct rp_str text), void *arg) {
    *stream = (struct stream){.on_text = on_text, .arg = arg};
    rp_buf_init(&stream->message, max_message);
}

void stream_finish(struct stream *stream) {
    if (stream->context) wslay_event_context_free(stream->context);
    stream->context = NULL;
    rp_buf_finish(&stream->message);
}

/* On some mistakes wslay queues a close frame without a code and gives up. Frames go out whole, so a new context can
 * take over and say what was wrong. */
static int fail(struct stream *stream) {
    if (stream->close_queued) return 0;
    stream_finish(stream);
    int code = stream_close(stream, WSLAY_CODE_PROTOCOL_ERROR, "broken framing");
    if (!code) wslay_event_shutdown_read(stream->context);
    return code;
}

int stream_read(struct stream *stream, struct rp_str data) {
    int code = wake(stream);
    if (code || !wslay_event_get_read_enabled(stream->context)) return code;
    stream->input = data;
    int result = wslay_event_recv(stream->context);
    stream->input = (struct rp_str){0};
    if (result == WSLAY_ERR_NOMEM) return -RP_ENOMEM;
    return result ? fail(stream) : 0;
}

static int queue(struct stream *stream, uint8_t opcode, struct rp_str payload) {
    if (stream->close_queued) return 0;
    int code = wake(stream);
    if (code) return code;
    struct wslay_event_msg frame = {opcode, (const uint8_t *)payload.data, payload.len};
    /* behind wslay's own close frame it takes no more: then there is nobody to tell */
    return wslay_event_queue_msg(stream->context, &frame) == WSLAY_ERR_NOMEM ? -RP_ENOMEM : 0;
}

int stream_text(struct stream *stream, struct rp_str text) {
    return queue(stream, WSLAY_TEXT_FRAME, text);
}

int stream_ping(struct stream *stream) {
    return queue(stream, WSLAY_PING, (struct rp_str){0});
}

int stream_close(struct stream *stream, uint16_t code, const char *reason) {
    if (stream->close_queued) return 0;
    int result = wake(stream);
    if (result) return result;
    stream->close_queued = true;
    result = wslay_event_queue_close(stream->context, code, (const uint8_t *)reason, strlen(reason));
    return result == WSLAY_ERR_NOMEM ? -RP_ENOMEM : 0;
}

int stream_flush(struct stream *stream, struct rp_buf *output) {
    if (!stream->context) return 0;
    stream->output = output;
    int result = wslay_event_send(stream->context);
    stream->output = NULL;
    if (result == WSLAY_ERR_CALLBACK_FAILURE) return -RP_ETOOLARGE;
    return result ? -RP_ENOMEM : 0;
}

enum stream_state stream_state(const struct stream *stream) {
    if (!stream->context || !wslay_event_get_close_sent(stream->context)) return STREAM_OPEN;
    if (wslay_event_get_close_received(stream->context)) return STREAM_CLOSED;
    return wslay_event_get_read_enabled(stream->context) ? STREAM_CLOSING : STREAM_FAILED;
}

uint16_t stream_close_code(const struct stream *stream) {
    if (!stream->context || !wslay_event_get_close_sent(stream->context)) return 0;
    return wslay_event_get_status_code_sent(stream->context);
}

void stream_rest(struct stream *stream) {
    if (!stream->context || stream->in_message || stream->taken != stream->framed) return;
    if (stream->close_queued || wslay_event_want_write(stream->context) ||
        !wslay_event_get_read_enabled(stream->context) || !wslay_event_get_write_enabled(stream->context)) {
        return;
    }
    wslay_event_context_free(stream->context);
    stream->context = NULL;
}
