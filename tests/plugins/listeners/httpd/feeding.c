/* See feeding.h. */
#include "feeding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const struct request_limits usual_limits = {.head = 2048, .body = 4096, .fields = 20};

static void note(struct outcome *out, const struct request *request) {
    size_t used = strlen(out->text);
    /* What a refused request had of its body is nobody's business. */
    struct rp_str body = request->state == REQUEST_DONE ? rp_buf_str(&request->body) : rp_str("");
    int len =
        snprintf(out->text + used, sizeof(out->text) - used,
                 "%d code %d status %d why %s: %.*s %.*s ?%.*s old %d keep %d expects %d id %s fields %u body %zu:"
                 "%.*s\n",
                 request->state, request->code, request->status, request->why ? request->why : "-",
                 RP_STR_ARG(request->method), RP_STR_ARG(request->path), RP_STR_ARG(request->query), request->old,
                 request->keep_alive, request->expects, request->id, request->guard.count, body.len, RP_STR_ARG(body));
    assert_in_range(len, 1, sizeof(out->text) - used - 1);
}

void feed_all(const char *data, size_t len, const struct request_limits *limits, size_t first, size_t piece,
              struct outcome *out) {
    struct request request;
    request_init(&request, limits);
    out->text[0] = '\0';
    for (size_t at = 0, end = first; at < len; end = end + piece < len ? end + piece : len) {
        while (at < end) {
            /* A copy of its own size lets the address sanitizer see a read beyond the piece. */
            char *copy = rp_alloc(end - at);
            memcpy(copy, data + at, end - at);
            at += request_feed(&request, copy, end - at);
            free(copy);
            if (request.state < REQUEST_DONE) continue;
            note(out, &request);
            if (request.state == REQUEST_BAD) goto over;
            request_reset(&request);
        }
    }
    if (request_started(&request)) note(out, &request);
over:
    request_finish(&request);
}

void assert_cuts_agree(const char *data, size_t len, const struct request_limits *limits) {
    struct outcome whole, cut;
    feed_all(data, len, limits, len, len, &whole);
    for (size_t first = 1; first < len; first++) {
        feed_all(data, len, limits, first, len, &cut);
        assert_string_equal(whole.text, cut.text);
    }
    feed_all(data, len, limits, 1, 1, &cut);
    assert_string_equal(whole.text, cut.text);
}

enum request_state feed_one(struct request *request, const char *text) {
    request_init(request, &usual_limits);
    request_feed(request, text, strlen(text));
    return request->state;
}
