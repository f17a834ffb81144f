/* Whole or cut where the first byte says, the parser of server-sent events must find the same events and never more than
 * its ceiling lets it hold. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <repartee/http_client.h>

#define CEILING 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_event(void *arg, struct rp_str event, struct rp_str data) {
    struct rp_buf *out = arg;
    assert(event.len > 0 && data.len < CEILING);
    rp_buf_append_str(out, event);
    rp_buf_append(out, "\0", 1);
    rp_buf_append_str(out, data);
    rp_buf_append(out, "\0", 1);
    return 0;
}

static int feed(struct rp_buf *out, const char *text, size_t len, size_t step) {
    struct rp_sse sse;
    int rc = 0;
    rp_sse_init(&sse, CEILING);
    for (size_t at = 0; rc == 0 && at < len; at += step)
        rc = rp_sse_feed(&sse, text + at, len - at < step ? len - at : step, on_event, out);
    assert(sse.line.len <= CEILING && sse.data.len <= CEILING);
    rp_sse_finish(&sse);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const char *text = (const char *)data + 1;
    struct rp_buf whole, cut;
    rp_buf_init(&whole, 1 << 24);
    rp_buf_init(&cut, 1 << 24);
    int rc = feed(&whole, text, size - 1, size);
    assert(feed(&cut, text, size - 1, 1 + data[0] % 16) == rc);
    assert(rp_str_equal(rp_buf_str(&whole), rp_buf_str(&cut)));
    rp_buf_finish(&whole);
    rp_buf_finish(&cut);
    return 0;
}
