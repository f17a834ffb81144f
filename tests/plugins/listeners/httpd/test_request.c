/* Requests that are good: what is read out of them, and that no way of cutting the bytes changes it. */
#include "feeding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOST "Host: shop.example\r\n"

static const char *const good[] = {
    "GET / HTTP/1.1\r\n" HOST "\r\n",
    "GET /healthz HTTP/1.0\r\n\r\n",
    "GET /a?b=c%20d&e HTTP/1.1\r\nhOsT: [::1]:8080\r\nAccept: */*\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
    "GET http://shop.example/v1/models?x HTTP/1.1\r\n" HOST "\r\n",
    "GET http://shop.example HTTP/1.1\r\n" HOST "\r\n",
    "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
    "HEAD / HTTP/1.1\r\nHost:\r\nEmpty:\r\nSpaces: \t a b \t \r\n\r\n",
    "POST /v1/chat HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
    "POST /v1/chat HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
    "POST /v1/chat HTTP/1.1\r\n" HOST "content-length: 000005\r\nConnection: close\r\n\r\nhello",
    "POST /v1/chat HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n\r\n",
    "POST /v1/chat HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n006;a=b\r\n world\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
    "POST / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
    "GET /v1/ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X-Request-Id: abc-DEF_0.9\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X-Request-Id: no good\r\nUser-Agent: \xc3\xa9\r\n\r\n",
    "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nokGET /3 HTTP/1.1\r\n" HOST "\r\n",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
};

static void every_good_request_is_taken(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct request request;
        if (feed_one(&request, good[i]) != REQUEST_DONE) fail_msg("refused (%s): %s", request.why, good[i]);
        request_finish(&request);
    }
}

static void no_cut_changes_a_request(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) assert_cuts_agree(good[i], strlen(good[i]), &usual_limits);
}

static void assert_text(struct rp_str text, const char *wanted) {
    assert_int_equal(text.len, strlen(wanted));
    assert_memory_equal(text.data ? text.data : "", wanted, text.len);
}

static void the_parts_of_a_request_are_found(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[2]), REQUEST_DONE);
    assert_text(request.method, "GET");
    assert_text(request.path, "/a");
    assert_text(request.query, "b=c%20d&e");
    assert_text(request_field(&request, "HOST", 0), "[::1]:8080");
    assert_text(request_field(&request, "accept", 0), "*/*");
    assert_null(request_field(&request, "accept", 1).data);
    assert_null(request_field(&request, "absent", 0).data);
    assert_true(request.keep_alive);
    request_finish(&request);
}

static void absolute_targets_count_by_their_path(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[4]), REQUEST_DONE);
    assert_text(request.path, "/v1/models");
    assert_text(request.query, "x");
    request_finish(&request);
    assert_int_equal(feed_one(&request, good[5]), REQUEST_DONE);
    assert_text(request.path, "/");
    request_finish(&request);
}

static void values_lose_the_space_around_them(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[7]), REQUEST_DONE);
    assert_text(request_field(&request, "Spaces", 0), "a b");
    assert_text(request_field(&request, "Empty", 0), "");
    request_finish(&request);
}

static void chunks_are_put_together(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[12]), REQUEST_DONE);
    assert_text(rp_buf_str(&request.body), "hello world");
    request_finish(&request);
}

static void trailers_are_no_fields_of_the_request(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[13]), REQUEST_DONE);
    assert_int_equal(request.body.len, 0);
    assert_null(request_field(&request, "X-Sum", 0).data);
    assert_null(request_field(&request, "Content-Length", 0).data);
    request_finish(&request);
}

static void a_usable_request_id_is_taken_over(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[17]), REQUEST_DONE);
    assert_string_equal(request.id, "abc-DEF_0.9");
    request_finish(&request);
    assert_int_equal(feed_one(&request, good[18]), REQUEST_DONE);
    assert_string_equal(request.id, "");
    request_finish(&request);
}

static void whether_the_connection_stays_is_known(void **state) {
    static const struct { const char *text; bool keep; } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 1\r\n\r\nx", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct request request;
        assert_int_equal(feed_one(&request, cases[i].text), REQUEST_DONE);
        assert_int_equal(request.keep_alive, cases[i].keep);
        request_finish(&request);
    }
}

static void only_a_waiting_client_is_told_to_continue(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
                     REQUEST_BODY);
    assert_true(request.expects);
    request_finish(&request);
    assert_int_equal(feed_one(&request, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n"), REQUEST_DONE);
    assert_false(request.expects);
    request_finish(&request);
    assert_int_equal(feed_one(&request, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
                     REQUEST_BODY);
    assert_false(request.expects);
    request_finish(&request);
}

static void a_request_stops_where_the_next_begins(void **state) {
    (void)state;
    struct request request;
    const char *text = good[19];
    request_init(&request, &usual_limits);
    size_t first = request_feed(&request, text, strlen(text));
    assert_memory_equal(text + first, "POST /2", 7);
    request_reset(&request);
    size_t second = request_feed(&request, text + first, strlen(text) - first);
    assert_memory_equal(text + first + second, "GET /3", 6);
    assert_text(rp_buf_str(&request.body), "ok");
    request_finish(&request);
}

static void compacting_keeps_head_and_fields(void **state) {
    (void)state;
    struct request request;
    assert_int_equal(feed_one(&request, good[16]), REQUEST_DONE);
    request_compact(&request);
    assert_text(request_field(&request, "Upgrade", 0), "websocket");
    assert_text(request.path, "/v1/ws");
    request_finish(&request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_good_request_is_taken),
        cmocka_unit_test(no_cut_changes_a_request),
        cmocka_unit_test(the_parts_of_a_request_are_found),
        cmocka_unit_test(absolute_targets_count_by_their_path),
        cmocka_unit_test(values_lose_the_space_around_them),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(trailers_are_no_fields_of_the_request),
        cmocka_unit_test(a_usable_request_id_is_taken_over),
        cmocka_unit_test(whether_the_connection_stays_is_known),
        cmocka_unit_test(only_a_waiting_client_is_told_to_continue),
        cmocka_unit_test(a_request_stops_where_the_next_begins),
        cmocka_unit_test(compacting_keeps_head_and_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
