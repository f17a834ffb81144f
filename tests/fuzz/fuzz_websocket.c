/* What a client may send on an upgraded connection: framing, then the JSON of whatever text arrives. The first byte
 * says how the rest is cut. */
#include <stdlib.h>

#include "plugins/transports/websocket/frame.h"
#include "plugins/transports/websocket/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_text(void *arg, struct rp_str text) {
    struct stream *stream = arg;
    struct frame frame;
    struct rp_error error = {0};
    if (!rp_utf8_valid(text.data, text.len)) abort(); /* the framing must have refused it */
    if (frame_parse(text, &frame, &error)) {
        if (error.text[0] == '\0') abort();
        return;
    }
    if (frame.type == FRAME_MESSAGE && !frame.text.data) abort();
    frame_finish(&frame);
    if (stream_text(stream, text)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct stream stream;
    struct rp_buf output;
    if (size < 1) return 0;
    size_t step = data[0] ? data[0] : size;
    stream_init(&stream, 4096, on_text, &stream);
    rp_buf_init(&output, 1 << 24);
    for (size_t at = 1; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        if (stream_read(&stream, rp_str_n((const char *)data + at, len))) abort();
        if (stream_flush(&stream, &output)) abort();
        stream_rest(&stream);
    }
    if (stream_state(&stream) == STREAM_OPEN && stream.message.len > 4096) abort();
    rp_buf_finish(&output);
    stream_finish(&stream);
    return 0;
}
