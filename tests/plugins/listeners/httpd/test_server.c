/* The listener over real sockets: order, keep-alive, streams, back-pressure, deadlines, limits, draining, leaving. */
#include "wire.h"

#include "core/base/log_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST " HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n\r\n"

static const struct rp_http_ops *http;

/* A route under the test's control: it notes what happens, and answers when told. */
struct probe {
    struct rp_http_exchange *exchange;
    unsigned requests, gones, writables, drains;
    struct rp_buf data;
    char last_id[70];
};
static struct probe probe;
static struct wire wire;

static void on_writable(void *arg) {
    ((struct probe *)arg)->writables++;
}
static void on_gone(void *arg) {
    ((struct probe *)arg)->gones++;
    ((struct probe *)arg)->exchange = NULL;
}
static void on_data(void *arg, struct rp_str data) {
    rp_buf_append_str(&((struct probe *)arg)->data, data);
}
static void on_drain(void *arg) {
    ((struct probe *)arg)->drains++;
}
static const struct rp_http_watcher watcher = {on_writable, on_gone, on_data, on_drain};

static void echo(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    (void)arg;
    http->respond(exchange, 200, "text/plain", NULL, request->body.len ? request->body : request->query);
}

static void later(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    struct probe *here = arg;
    here->exchange = exchange;
    here->requests++;
    snprintf(here->last_id, sizeof(here->last_id), "%s", request->id);
    http->watch(exchange, &watcher, here);
}

static void fields(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    (void)arg;
    (void)request;
    http->respond(exchange, 200, "text/plain", "X-Own: 1\r\n", http->field(exchange, "x-many"));
}

static void switch_over(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    later(arg, exchange, request);
    http->upgrade(exchange, "Upgrade: echo\r\n");
}

static int setup(void **state) {
    (void)state;
    wire_init(&wire);
    http = rp_http(&wire.listener);
    probe = (struct probe){0};
    rp_buf_init(&probe.data, 1 << 20);
    wire_route(&wire, "POST", "/echo", echo, NULL);
    wire_route(&wire, "GET", "/echo", echo, NULL);
    wire_route(&wire, "POST", "/later", later, &probe);
    wire_route(&wire, "GET", "/later", later, &probe);
    wire_route(&wire, "GET", "/fields", fields, NULL);
    wire_route(&wire, "GET", "/switch", switch_over, &probe);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    wire_close(&wire);
    rp_buf_finish(&probe.data);
    return 0;
}

static unsigned has(const char *text, const char *needle) {
    unsigned found = 0;
    for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle)) found++;
    return found;
}

static void wait_until(const unsigned *count, unsigned wanted) {
    for (int i = 0; i < 50000 && *count < wanted; i++) {
        wire_spin(&wire, 1);
        if (i % 10 == 9) usleep(1000);
    }
    assert_int_equal(*count, wanted);
}

/* ---- responses --------------------------------------------------------------------------------------------------- */

static void a_response_has_its_fields(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "POST /echo" HOST "X-Request-Id: mine-1\r\nContent-Length: 5" END "hello");
    const char *text = wire_read(&wire, fd, "hello", 1);
    assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_int_equal(has(text, "Content-Type: text/plain\r\n"), 1);
    assert_int_equal(has(text, "Content-Length: 5\r\n"), 1);
    assert_int_equal(has(text, "Connection: keep-alive\r\n"), 1);
    assert_int_equal(has(text, "X-Request-Id: mine-1\r\n"), 1);
    assert_int_equal(has(text, "Date: "), 1);
    assert_int_equal(has(text, " GMT\r\n"), 1);
    close(fd);
}

static void a_head_request_gets_no_body(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "HEAD /echo?hello" HOST "\r\nGET /echo?world" HOST "\r\n");
    const char *text = wire_read(&wire, fd, "world", 1);
    assert_int_equal(has(text, "Content-Length: 5\r\n"), 2);
    assert_int_equal(has(text, "hello"), 0);
    close(fd);
}

static void repeated_fields_are_joined(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /fields" HOST "X-Many: a\r\nx-MANY: b\r\nX-Many:\r\n\r\n");
    const char *text = wire_read(&wire, fd, "a, b, ", 1);
    assert_int_equal(has(text, "X-Own: 1\r\n"), 1);
    close(fd);
}

static void unknown_paths_and_methods_are_told_apart(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /nowhere" HOST "\r\nPUT /echo" HOST "\r\nPOST /fields" HOST "\r\nGET /echo?ok" HOST "\r\n");
    const char *text = wire_read(&wire, fd, "\r\n\r\nok", 1);
    assert_int_equal(has(text, "HTTP/1.1 404 Not Found\r\n"), 1);
    assert_int_equal(has(text, "\"code\":\"not_found\"") + has(text, "\"code\": \"not_found\""), 1);
    assert_int_equal(has(text, "HTTP/1.1 405 Method Not Allowed\r\n"), 2);
    assert_int_equal(has(text, "Allow: POST, GET, HEAD\r\n"), 1);
    assert_int_equal(has(text, "Allow: GET, HEAD\r\n"), 1);
    assert_int_equal(has(text, "X-Request-Id: "), 4);
    close(fd);
}

static void http_1_0_is_closed_unless_it_asks(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /echo?one HTTP/1.0\r\nConnection: keep-alive" END);
    assert_int_equal(has(wire_read(&wire, fd, "one", 1), "Connection: keep-alive\r\n"), 1);
    wire_say(&wire, fd, "GET /echo?two HTTP/1.0" END);
    assert_int_equal(has(wire_read(&wire, fd, NULL, 0), "Connection: close\r\n"), 1);
    close(fd);
}

static void a_waiting_client_is_told_to_continue(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "POST /echo" HOST "Expect: 100-continue\r\nContent-Length: 5" END);
    wire_read(&wire, fd, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    wire_say(&wire, fd, "hello");
    assert_int_equal(has(wire_read(&wire, fd, "hello", 1), "100 Continue"), 0);
    close(fd);
}

/* ---- order --------------------------------------------------------------------------------------------------------- */

static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later" HOST "\r\nGET /echo?second" HOST "\r\nPOST /later" HOST "Content-Length: 1" END "x"
                        "GET /echo?fourth" HOST "\r\n");
    wait_until(&probe.requests, 1);
    wire_spin(&wire, 20);
    assert_int_equal(probe.requests, 1);
    http->respond(probe.exchange, 200, "text/plain", NULL, RP_STR("first"));
    assert_int_equal(probe.requests, 1); /* nothing is called from inside */
    wait_until(&probe.requests, 2);
    http->respond(probe.exchange, 200, "text/plain", NULL, RP_STR("third"));
    const char *text = wire_read(&wire, fd, "fourth", 1);
    const char *order[] = {"first", "second", "third", "fourth"};
    for (size_t i = 0; i < 4; i++) {
        text = strstr(text, order[i]);
        assert_non_null(text);
    }
    close(fd);
}

static void a_request_byte_by_byte_is_answered(void **state) {
    static const char text[] = "POST /echo" HOST "Transfer-Encoding: chunked" END "5\r\nhello\r\n0\r\n\r\n";
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    for (size_t i = 0; i < sizeof(text) - 1; i++) wire_send(&wire, fd, text + i, 1);
    wire_read(&wire, fd, "hello", 1);
    close(fd);
}

static void what_piles_up_behind_a_request_is_bounded(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later" HOST "\r\n");
    wait_until(&probe.requests, 1);
    struct connection *connection = ((struct home *)wire.locals[0])->connections;
    char block[1024];
    memset(block, 'x', sizeof(block));
    size_t sent = 0;
    for (int idle = 0; idle < 200; wire_spin(&wire, 1)) {
        ssize_t now = send(fd, block, sizeof(block), MSG_DONTWAIT);
        idle = now > 0 ? 0 : idle + 1;
        if (now > 0) sent += (size_t)now;
    }
    assert_true(sent > TAIL_HIGH + READ_SIZE);
    assert_in_range(connection->tail.len, TAIL_HIGH, TAIL_HIGH + READ_SIZE);
    http->respond(probe.exchange, 200, "text/plain", NULL, RP_STR("first"));
    const char *text = wire_read(&wire, fd, "HTTP/1.1 ", 2);
    assert_int_equal(has(text, "HTTP/1.1 431 "), 1); /* the x are one endless method */
    close(fd);
}

/* ---- streams ------------------------------------------------------------------------------------------------------- */

static void pieces_of_one_pass_go_out_as_one_chunk(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later" HOST "\r\n");
    wait_until(&probe.requests, 1);
    http->begin(probe.exchange, 200, "text/plain", NULL);
    assert_int_equal(http->write(probe.exchange, RP_STR("one ")), 0);
    assert_int_equal(http->write(probe.exchange, RP_STR("two")), 0);
    const char *text = wire_read(&wire, fd, "two\r\n", 1);
    assert_int_equal(has(text, "Transfer-Encoding: chunked\r\n"), 1);
    assert_int_equal(has(text, "\r\n\r\n7\r\none two\r\n"), 1);
    assert_int_equal(http->write(probe.exchange, RP_STR(" three")), 0);
    http->end(probe.exchange);
    assert_string_equal(wire_read(&wire, fd, "0\r\n\r\n", 1), "6\r\n three\r\n0\r\n\r\n");
    wire_say(&wire, fd, "GET /echo?on" HOST "\r\n");
    wire_read(&wire, fd, "\r\n\r\non", 1);
    close(fd);
}

static void a_stream_to_http_1_0_ends_with_the_connection(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later HTTP/1.0\r\nConnection: keep-alive" END);
    wait_until(&probe.requests, 1);
    http->begin(probe.exchange, 200, "text/plain", NULL);
    http->write(probe.exchange, RP_STR("text"));
    http->end(probe.exchange);
    const char *text = wire_read(&wire, fd, NULL, 0);
    assert_int_equal(has(text, "chunked"), 0);
    assert_int_equal(has(text, "Connection: close\r\n"), 1);
    assert_int_equal(has(text, "\r\n\r\ntext"), 1);
    assert_false(wire_was_reset());
    close(fd);
}

static void a_stream_broken_off_is_seen_to_be(void **state) {
    (void)state;
    wire_open(&wire);
    for (int old = 0; old < 2; old++) {
        int fd = wire_connect(&wire);
        wire_say(&wire, fd, old ? "GET /later HTTP/1.0" END : "GET /later" HOST "\r\n");
        wait_until(&probe.requests, (unsigned)old + 1);
        http->begin(probe.exchange, 200, "text/plain", NULL);
        http->write(probe.exchange, RP_STR("half"));
        wire_read(&wire, fd, "half", 1);
        http->abort(probe.exchange);
        assert_int_equal(has(wire_read(&wire, fd, NULL, 0), "0\r\n\r\n"), 0);
        assert_int_equal(wire_was_reset(), old);
        assert_int_equal(probe.gones, 0);
        close(fd);
    }
}

static void a_slow_reader_holds_the_writer_back(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later" HOST "\r\n");
    wait_until(&probe.requests, 1);
    http->begin(probe.exchange, 200, "text/plain", NULL);
    char block[8192];
    memset(block, 'x', sizeof(block));
    size_t written = 0;
    while (http->write(probe.exchange, rp_str_n(block, sizeof(block))) == 0) {
        written += sizeof(block);
        wire_spin(&wire, 1);
        assert_in_range(written, 0, 64 << 20);
    }
    wire_spin(&wire, 10);
    assert_int_equal(probe.writables, 0);
    for (int i = 0; i < 100000 && probe.writables == 0; i++) {
        recv(fd, block, sizeof(block), MSG_DONTWAIT);
        wire_spin(&wire, 1);
    }
    assert_int_equal(probe.writables, 1);
    wire_spin(&wire, 10);
    assert_int_equal(probe.writables, 1);
    http->end(probe.exchange);
    wire_read(&wire, fd, "0\r\n\r\n", 1);
    close(fd);
}

/* ---- leaving ------------------------------------------------------------------------------------------------------- */

static void a_client_that_leaves_is_noticed(void **state) {
    (void)state;
    wire_open(&wire);
    for (unsigned way = 0; way < 3; way++) {
        int fd = wire_connect(&wire);
        wire_say(&wire, fd, "GET /later" HOST "\r\n");
        wait_until(&probe.requests, way + 1);
        if (way == 2) {
            struct linger now = {.l_onoff = 1};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        }
        if (way == 0) shutdown(fd, SHUT_WR);
        else close(fd);
        wait_until(&probe.gones, way + 1);
        if (way == 0) close(fd);
    }
    assert_int_equal(wire.worker->holds, 0);
}

static void a_client_may_leave_at_any_byte(void **state) {
    static const char text[] = "POST /echo" HOST "Transfer-Encoding: chunked" END "5\r\nhello\r\n0\r\n\r\n";
    (void)state;
    wire_open(&wire);
    for (size_t i = 0; i < sizeof(text); i++) {
        int fd = wire_connect(&wire);
        wire_send(&wire, fd, text, i);
        close(fd);
        wire_spin(&wire, 3);
    }
    struct home *home = wire.locals[0];
    for (int i = 0; i < 10000 && home->connections; i++) wire_spin(&wire, 1);
    assert_null(home->connections);
    assert_int_equal(wire.worker->holds, 0);
}

static void an_answer_reaches_a_client_that_still_sends(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "POST /echo" HOST "Content-Length: 65537" END);
    char block[8192] = {0};
    for (int i = 0; i < 8; i++) wire_send(&wire, fd, block, sizeof(block));
    const char *text = wire_read(&wire, fd, NULL, 0);
    assert_int_equal(has(text, "HTTP/1.1 413 "), 1);
    assert_int_equal(has(text, "Connection: close\r\n"), 1);
    assert_false(wire_was_reset());
    close(fd);
}

/* ---- deadlines and limits ------------------------------------------------------------------------------------------- */

static void a_dripping_head_is_given_up(void **state) {
    (void)state;
    wire.options.header_ms = 150;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    for (int i = 0; i < 60; i++) {
        wire_say(&wire, fd, i ? "x" : "GET /");
        usleep(5000);
    }
    assert_int_equal(has(wire_read(&wire, fd, NULL, 0), "HTTP/1.1 408 "), 1);
    close(fd);
}

static void a_dripping_body_is_given_up(void **state) {
    (void)state;
    wire.options.body_grace_ms = 150;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "POST /echo" HOST "Content-Length: 6000" END);
    for (int i = 0; i < 60; i++) {
        wire_say(&wire, fd, "x");
        usleep(5000);
    }
    assert_int_equal(has(wire_read(&wire, fd, NULL, 0), "HTTP/1.1 408 "), 1);
    close(fd);
}

static void a_body_that_keeps_its_rate_may_take_long(void **state) {
    (void)state;
    wire.options.body_grace_ms = 200;
    wire.options.body_rate = 100;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "POST /echo" HOST "Content-Length: 600" END);
    for (int i = 0; i < 30; i++) {
        wire_say(&wire, fd, "xxxxxxxxxxxxxxxxxxxx");
        usleep(15000);
    }
    assert_int_equal(has(wire_read(&wire, fd, "xxx\r\n", 0), "HTTP/1.1 408 "), 0);
    wire_read(&wire, fd, "HTTP/1.1 200 ", 1);
    close(fd);
}

static void an_idle_connection_is_closed_in_silence(void **state) {
    (void)state;
    wire.options.idle_ms = 100;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /echo?here" HOST "\r\n");
    wire_read(&wire, fd, "here", 1);
    assert_string_equal(wire_read(&wire, fd, NULL, 0), "");
    assert_false(wire_was_reset());
    close(fd);
}

static void a_client_that_takes_nothing_is_dropped(void **state) {
    (void)state;
    wire.options.write_ms = 150;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later" HOST "\r\n");
    wait_until(&probe.requests, 1);
    http->begin(probe.exchange, 200, "text/plain", NULL);
    char block[8192] = {0};
    while (http->write(probe.exchange, rp_str_n(block, sizeof(block))) == 0) wire_spin(&wire, 1);
    wait_until(&probe.gones, 1);
    close(fd);
}

static void output_is_bounded(void **state) {
    (void)state;
    wire.options.output = 1 << 20;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /later" HOST "\r\n");
    wait_until(&probe.requests, 1);
    http->begin(probe.exchange, 200, "text/plain", NULL);
    char block[65536] = {0};
    for (int i = 0; i < 1000; i++) http->write(probe.exchange, rp_str_n(block, sizeof(block)));
    wait_until(&probe.gones, 1);
    close(fd);
}

static void one_connection_too_many_is_told_so(void **state) {
    (void)state;
    wire.options.connections = 2;
    wire_open(&wire);
    int fds[3];
    for (int i = 0; i < 3; i++) fds[i] = wire_connect(&wire);
    const char *text = wire_read(&wire, fds[2], NULL, 0);
    assert_int_equal(has(text, "HTTP/1.1 503 "), 1);
    assert_int_equal(has(text, "Retry-After: "), 1);
    close(fds[2]);
    close(fds[0]);
    wire_spin(&wire, 20);
    fds[0] = wire_connect(&wire);
    wire_say(&wire, fds[0], "GET /echo?room" HOST "\r\n");
    wire_read(&wire, fds[0], "room", 1);
    close(fds[0]);
    close(fds[1]);
}

static void an_idle_connection_holds_little(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "POST /echo" HOST "Content-Length: 5" END "hello");
    wire_read(&wire, fd, "hello", 1);
    struct connection *connection = ((struct home *)wire.locals[0])->connections;
    assert_int_equal(connection->state, CONNECTION_IDLE);
    assert_null(connection->exchange);
    assert_null(connection->output);
    assert_null(connection->tail.data);
    assert_in_range(sizeof(*connection), 1, 1024);
    close(fd);
}

/* ---- upgrades -------------------------------------------------------------------------------------------------------- */

static void an_upgraded_connection_carries_raw_bytes(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /switch" HOST "Connection: upgrade\r\nUpgrade: echo" END "early");
    const char *text = wire_read(&wire, fd, END, 1);
    assert_int_equal(strncmp(text, "HTTP/1.1 101 Switching Protocols\r\n", 34), 0);
    assert_int_equal(has(text, "Connection: Upgrade\r\n"), 1);
    assert_int_equal(has(text, "Upgrade: echo\r\n"), 1);
    wire_say(&wire, fd, " later");
    for (int i = 0; i < 1000 && probe.data.len < 11; i++) wire_spin(&wire, 1);
    assert_string_equal(probe.data.data, "early later");
    http->write(probe.exchange, RP_STR("raw"));
    assert_string_equal(wire_read(&wire, fd, "raw", 1), "raw");
    http->write(probe.exchange, RP_STR("bye"));
    http->end(probe.exchange);
    assert_string_equal(wire_read(&wire, fd, NULL, 0), "bye");
    assert_int_equal(probe.gones, 0);
    close(fd);
}

static void an_upgraded_client_that_leaves_is_noticed(void **state) {
    (void)state;
    wire_open(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, "GET /switch" HOST "Connection: upgrade\r\nUpgrade: echo" END);
    wire_read(&wire, fd, END, 1);
    close(fd);
    wait_until(&probe.gones, 1);
}

/* ---- draining -------------------------------------------------------------------------------------------------------- */

static void draining_finishes_what_is_under_way(void **state) {
    (void)state;
    wire_open(&wire);
    int idle = wire_connect(&wire), busy = wire_connect(&wire), up = wire_connect(&wire);
    wire_say(&wire, idle, "GET /echo?here" HOST "\r\n");
    wire_read(&wire, idle, "here", 1);
    wire_say(&wire, up, "GET /switch" HOST "Connection: upgrade\r\nUpgrade: echo" END);
    wire_read(&wire, up, END, 1);
    struct rp_http_exchange *upgraded = probe.exchange;
    wire_say(&wire, busy, "GET /later" HOST "\r\n");
    wait_until(&probe.requests, 2);
    wire_drain(&wire);
    assert_string_equal(wire_read(&wire, idle, NULL, 0), "");
    wait_until(&probe.drains, 1);
    wire_spin(&wire, 20);
    assert_false(wire.drained);
    http->end(upgraded);
    wire_read(&wire, up, NULL, 0);
    close(up);
    http->respond(probe.exchange, 200, "text/plain", NULL, RP_STR("last"));
    const char *text = wire_read(&wire, busy, NULL, 0);
    assert_int_equal(has(text, "Connection: close\r\n"), 1);
    assert_int_equal(has(text, "last"), 1);
    close(busy);
    for (int i = 0; i < 10000 && !wire.drained; i++) wire_spin(&wire, 1);
    assert_true(wire.drained);
    close(idle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int silence(void **state) {
    (void)state;
    return log_open(RP_LOG_OFF, NULL, NULL);
}

static int speak(void **state) {
    (void)state;
    log_close();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_response_has_its_fields),
        TEST(a_head_request_gets_no_body),
        TEST(repeated_fields_are_joined),
        TEST(unknown_paths_and_methods_are_told_apart),
        TEST(http_1_0_is_closed_unless_it_asks),
        TEST(a_waiting_client_is_told_to_continue),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(a_request_byte_by_byte_is_answered),
        TEST(what_piles_up_behind_a_request_is_bounded),
        TEST(pieces_of_one_pass_go_out_as_one_chunk),
        TEST(a_stream_to_http_1_0_ends_with_the_connection),
        TEST(a_stream_broken_off_is_seen_to_be),
        TEST(a_slow_reader_holds_the_writer_back),
        TEST(a_client_that_leaves_is_noticed),
        TEST(a_client_may_leave_at_any_byte),
        TEST(an_answer_reaches_a_client_that_still_sends),
        TEST(a_dripping_head_is_given_up),
        TEST(a_dripping_body_is_given_up),
        TEST(a_body_that_keeps_its_rate_may_take_long),
        TEST(an_idle_connection_is_closed_in_silence),
        TEST(a_client_that_takes_nothing_is_dropped),
        TEST(output_is_bounded),
        TEST(one_connection_too_many_is_told_so),
        TEST(an_idle_connection_holds_little),
        TEST(an_upgraded_connection_carries_raw_bytes),
        TEST(an_upgraded_client_that_leaves_is_noticed),
        TEST(draining_finishes_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, silence, speak);
}
