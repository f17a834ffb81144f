/* Requests that are refused: ambiguous framing, smuggling, limits. Each with its status, however it is cut. */
#include "feeding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    int status;
    const char *text;
    size_t len;
} refused[] = {
    /* the request line */
    {400, BYTES(" GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /  HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.1 \r\nHost: a\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.1\rHost: a\r\n\r\n")},
    {400, BYTES("GET / http/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET / HTTP/11\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.10\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET / HTTP/+1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /\r\n\r\n")},
    {505, BYTES("GET / HTTP/2.0\r\nHost: a\r\n\r\n")},
    {505, BYTES("GET / HTTP/0.9\r\nHost: a\r\n\r\n")},
    {505, BYTES("GET / HTTP/1.2\r\nHost: a\r\n\r\n")},
    {501, BYTES("FROB / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {501, BYTES("get / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {501, BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("G@T / HTTP/1.1\r\nHost: a\r\n\r\n")},
    /* the target */
    {400, BYTES("GET a HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET * HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /# HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /\\ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /\"x\" HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n")},
    {400, BYTES("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    /* fields */
    {400, BYTES("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {400, BYTES(GET "X: a\r\n b\r\n\r\n")},
    {400, BYTES(GET "X: a\r\n\tb\r\n\r\n")},
    {400, BYTES(GET "X : a\r\n\r\n")},
    {400, BYTES(GET "X\t: a\r\n\r\n")},
    {400, BYTES(GET "X Y: a\r\n\r\n")},
    {400, BYTES(GET ": a\r\n\r\n")},
    {400, BYTES(GET "X\r\n\r\n")},
    {400, BYTES(GET "X(: a\r\n\r\n")},
    {400, BYTES(GET "X\xc3: a\r\n\r\n")},
    {400, BYTES(GET "X: a\nY: b\r\n\r\n")},
    {400, BYTES(GET "X: a\rY: b\r\n\r\n")},
    {400, BYTES(GET "X: a\r\r\n\r\n")},
    {400, BYTES(GET "X: a\0b\r\n\r\n")},
    {400, BYTES(GET "X: a\x01\r\n\r\n")},
    {400, BYTES(GET "X: a\x7f\r\n\r\n")},
    {400, BYTES(GET "\0: a\r\n\r\n")},
    {400, BYTES(GET "X: a\r\n\n")},
    {400, BYTES(GET "X: a\r\n\rX")},
    {400, BYTES("GET / HTTP/1.1\r\n\r\n")},
    {400, BYTES(GET "Host: a\r\n\r\n")},
    {400, BYTES(GET "host: b\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n")},
    {400, BYTES("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n")},
    {417, BYTES(POST "Expect: miracles\r\nContent-Length: 1\r\n\r\nx")},
    /* framing */
    {400, BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length: 5, 5\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length: +5\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length: -5\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length: 0x5\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length: 5 5\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length:\r\n\r\n")},
    {400, BYTES(POST "Content-Length: 5\x0b\r\n\r\nhello")},
    {400, BYTES(POST "Content-Length : 5\r\n\r\nhello")},
    {413, BYTES(POST "Content-Length: 4097\r\n\r\n")},
    {413, BYTES(POST "Content-Length: 18446744073709551617\r\n\r\n")},
    {413, BYTES(POST "Content-Length: 99999999999999999999999999999999\r\n\r\n")},
    {400, BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: identity\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding:\r\n\r\n")},
    {400, BYTES(POST "Transfer-Encoding:\x0b" "chunked\r\n\r\n0\r\n\r\n")},
    {400, BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    /* chunks */
    {400, BYTES(CHUNKED "\r\n")},
    {400, BYTES(CHUNKED "x\r\n")},
    {400, BYTES(CHUNKED "-1\r\n")},
    {400, BYTES(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED " 5\r\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5 \r\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5\rhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5;a\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5;\0\r\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5\r\nhello0\r\n\r\n")},
    {400, BYTES(CHUNKED "5\r\nhello\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "5\r\nhello\rx0\r\n\r\n")},
    {400, BYTES(CHUNKED "4\r\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "0000000000000005\r\nhello\r\n0\r\n\r\n")},
    {400, BYTES(CHUNKED "0\r\nX : y\r\n\r\n")},
    {400, BYTES(CHUNKED "0\r\nX: y\n\r\n")},
    {400, BYTES(CHUNKED "0\r\n X: y\r\n\r\n")},
    {413, BYTES(CHUNKED "1001\r\n")},
    {413, BYTES(CHUNKED "fffffffffffffff\r\n")},
    {413, BYTES(CHUNKED "1\r\na\r\n1000\r\n")},
};

static void each_is_refused_with_its_status(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct request request;
        request_init(&request, &usual_limits);
        size_t taken = 0;
        while (taken < refused[i].len && request.state < REQUEST_DONE) {
            taken += request_feed(&request, refused[i].text + taken, refused[i].len - taken);
        }
        if (request.state != REQUEST_BAD) fail_msg("taken: %s", refused[i].text);
        if (request.status != refused[i].status) {
            fail_msg("%d instead of %d (%s): %s", request.status, refused[i].status, request.why, refused[i].text);
        }
        request_finish(&request);
    }
}

static void no_cut_changes_what_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_cuts_agree(refused[i].text, refused[i].len, &usual_limits);
    }
}

static void repeat(struct rp_buf *buf, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++) assert_int_equal(rp_buf_append(buf, text, strlen(text)), 0);
}

/* Feeds it and gives the status it was refused with, 0 when it was not. */
static int status_of(const struct rp_buf *text) {
    struct request request;
    request_init(&request, &usual_limits);
    size_t at = 0;
    while (at < text->len && request.state < REQUEST_DONE) at += request_feed(&request, text->data + at, text->len - at);
    int status = request.state == REQUEST_BAD ? request.status : 0;
    assert_true(request.head.cap <= usual_limits.head + 1);
    assert_true(request.body.cap <= usual_limits.body + 1);
    request_finish(&request);
    return status;
}

static void a_head_may_have_its_limit_and_no_more(void **state) {
    (void)state;
    struct rp_buf text;
    rp_buf_init(&text, 1 << 20);
    for (int over = 0; over < 2; over++) {
        rp_buf_clear(&text);
        repeat(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 1);
        repeat(&text, "y", usual_limits.head - text.len - 4 + (size_t)over);
        repeat(&text, "\r\n\r\n", 1);
        assert_int_equal(text.len, usual_limits.head + (size_t)over);
        assert_int_equal(status_of(&text), over ? 431 : 0);
    }
    rp_buf_clear(&text);
    repeat(&text, "GET /", 1);
    repeat(&text, "a", 100000);
    assert_int_equal(status_of(&text), 431);
    rp_buf_clear(&text);
    repeat(&text, "\r\n", 100000);
    assert_int_equal(status_of(&text), 431);
    rp_buf_finish(&text);
}

static void fields_are_counted(void **state) {
    (void)state;
    struct rp_buf text;
    rp_buf_init(&text, 1 << 20);
    for (int over = 0; over < 2; over++) {
        rp_buf_clear(&text);
        repeat(&text, "GET / HTTP/1.1\r\nHost: a\r\n", 1);
        repeat(&text, "X: y\r\n", usual_limits.fields - 1 + (size_t)over);
        repeat(&text, "\r\n", 1);
        assert_int_equal(status_of(&text), over ? 431 : 0);
    }
    rp_buf_finish(&text);
}

static void bodies_may_have_their_limit_and_no_more(void **state) {
    (void)state;
    struct rp_buf text;
    rp_buf_init(&text, 1 << 20);
    for (int over = 0; over < 2; over++) {
        rp_buf_clear(&text);
        repeat(&text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 1);
        repeat(&text, "1\r\nx\r\n", usual_limits.body + (size_t)over);
        repeat(&text, "0\r\n\r\n", 1);
        assert_int_equal(status_of(&text), over ? 413 : 0);
    }
    rp_buf_finish(&text);
}

static void extensions_and_trailers_are_bounded(void **state) {
    static const char *const endless[][2] = {
        {"1;", "x"}, {"", "1;extension=of-some-length\r\nx\r\n"}, {"0\r\nX: ", "y"}, {"0\r\n", "X: y\r\n"}};
    (void)state;
    struct rp_buf text;
    rp_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        rp_buf_clear(&text);
        repeat(&text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 1);
        repeat(&text, endless[i][0], 1);
        repeat(&text, endless[i][1], 20000);
        assert_int_equal(status_of(&text), 431);
    }
    rp_buf_finish(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused_with_its_status),
        cmocka_unit_test(no_cut_changes_what_is_refused),
        cmocka_unit_test(a_head_may_have_its_limit_and_no_more),
        cmocka_unit_test(fields_are_counted),
        cmocka_unit_test(bodies_may_have_their_limit_and_no_more),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
