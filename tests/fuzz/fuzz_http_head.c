/* The HTTP request parser: whatever the bytes and wherever they are cut, the same requests come out, and memory stays
 * within the limits. The first byte of the input chooses the cut. Builds with request.c, head.c, guard.c and llhttp. */
#include "plugins/listeners/httpd/request.h"

#include <stdlib.h>

static const struct request_limits limits = {.head = 1024, .body = 2048, .fields = 16};

struct sum {
    uint64_t value;
};

static void add(struct sum *sum, const void *data, size_t len) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) sum->value = (sum->value ^ bytes[i]) * 0x100000001b3u;
}

/* Of a refused one only that it is refused: with two mistakes in a row, the cut decides which is met first. */
static void add_request(struct sum *sum, const struct request *request) {
    int state = request->state;
    add(sum, &state, sizeof(state));
    if (request->state == REQUEST_BAD) return;
    add(sum, request->method.data, request->method.len);
    add(sum, request->path.data, request->path.len);
    add(sum, request->query.data, request->query.len);
    add(sum, request->id, strlen(request->id));
    add(sum, request->body.data, request->body.len);
}

static uint64_t feed(const uint8_t *data, size_t size, size_t piece) {
    struct request request;
    struct sum sum = {0};
    request_init(&request, &limits);
    for (size_t at = 0; at < size && request.state != REQUEST_BAD;) {
        size_t len = size - at < piece ? size - at : piece;
        char *copy = malloc(len);
        if (!copy) abort();
        memcpy(copy, data + at, len);
        size_t taken = request_feed(&request, copy, len);
        free(copy);
        bool stuck = taken == 0 && request.state != REQUEST_BAD;
        if (stuck || taken > len || request.head.len > limits.head || request.body.len > limits.body) abort();
        at += taken;
        if (request.state < REQUEST_DONE) continue;
        add_request(&sum, &request);
        if (request.state == REQUEST_DONE) request_reset(&request);
    }
    request_finish(&request);
    return sum.value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    size_t piece = 1 + data[0];
    if (feed(data + 1, size - 1, size) != feed(data + 1, size - 1, piece)) abort();
    return 0;
}
