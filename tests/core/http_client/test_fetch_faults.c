/* A fetch that goes wrong: peers that refuse, hang, cut, drip or never end. Each ends in one on_done with a code and a
 * detail for the log, and leaves the client fit for the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/http_client/peer.h"

#define OK_RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What the peer sends, and how it goes on then. */
struct act {
    const char *text;
    enum { STAY, END, RESET } then;
};

static void play(struct peer_conn *conn, const char *request) {
    const struct act *act = conn->peer->data;
    (void)request;
    peer_say(conn, act->text);
    if (act->then == END) peer_end(conn);
    if (act->then == RESET) peer_reset(conn);
}

/* Runs one fetch against the act, then a good one: a fault must not spoil what comes after. */
static void expect(const struct act *act, const struct rp_fetch_request *limits, int code, const char *detail) {
    static struct act good = {OK_RESPONSE, STAY};
    struct peer peer;
    struct notes notes;
    peer_open(&peer, play);
    peer.data = (void *)(uintptr_t)act;
    struct rp_fetch_request request = notes_request(&peer, &notes, "/");
    if (limits) {
        request.first_byte_ms = limits->first_byte_ms;
        request.stall_ms = limits->stall_ms;
        request.total_ms = limits->total_ms;
        request.max_body = limits->max_body;
    }
    notes_fetch(&peer, &notes, &request);
    assert_int_equal(notes.code, code);
    if (!strstr(notes.detail, detail)) fail_msg("'%s' does not say '%s'", notes.detail, detail);
    notes_finish(&notes);
    peer.data = &good;
    notes_get(&peer, &notes);
    assert_int_equal(notes.code, 0);
    assert_string_equal(notes.body.data, "ok");
    notes_finish(&notes);
    peer_close(&peer);
}

static void a_cut_response_is_truncated(void **state) {
    (void)state;
    expect(&(struct act){"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", END}, NULL, -RP_ETRUNCATED,
           "too early");
    expect(&(struct act){"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", END}, NULL, -RP_ETRUNCATED,
           "too early");
    expect(&(struct act){"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", END}, NULL,
           -RP_ETRUNCATED, "too early");
}

static void no_response_is_an_upstream_error(void **state) {
    (void)state;
    expect(&(struct act){"", END}, NULL, -RP_EUPSTREAM, "without a response");
    expect(&(struct act){"", RESET}, NULL, -RP_EUPSTREAM, "127.0.0.1");
}

static void garbage_is_an_upstream_error(void **state) {
    (void)state;
    expect(&(struct act){"220 smtp.example ESMTP\r\n", END}, NULL, -RP_EUPSTREAM, "127.0.0.1");
    expect(&(struct act){"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", STAY}, NULL, -RP_EUPSTREAM,
           "127.0.0.1");
    expect(&(struct act){"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", STAY}, NULL,
           -RP_EUNSUPPORTED, "127.0.0.1");
}

static void silence_meets_the_first_byte_limit(void **state) {
    (void)state;
    expect(&(struct act){"", STAY}, &(struct rp_fetch_request){.first_byte_ms = 30, .stall_ms = 9000, .total_ms = 9000},
           -RP_EUPTIMEOUT, "gave no response within 30 ms");
}

static void a_stall_behind_the_head_meets_the_stall_limit(void **state) {
    (void)state;
    expect(&(struct act){"HTTP/1.1 200 OK\r\n\r\nsome", STAY},
           &(struct rp_fetch_request){.first_byte_ms = 9000, .stall_ms = 30, .total_ms = 9000}, -RP_EUPTIMEOUT,
           "sent nothing more for 30 ms");
}

static void half_a_head_meets_the_stall_limit(void **state) {
    (void)state;
    expect(&(struct act){"HTTP/1.1 200 OK\r\nX-A", STAY},
           &(struct rp_fetch_request){.first_byte_ms = 30, .stall_ms = 40, .total_ms = 9000}, -RP_EUPTIMEOUT, "40 ms");
}

static void an_endless_body_meets_max_body(void **state) {
    (void)state;
    expect(&(struct act){"HTTP/1.1 200 OK\r\n\r\n0123456789", STAY}, &(struct rp_fetch_request){.max_body = 9},
           -RP_ETOOLARGE, "too large");
}

static void an_endless_header_is_too_large(void **state) {
    (void)state;
    char *text = malloc(100001);
    strcpy(text, "HTTP/1.1 200 OK\r\n");
    while (strlen(text) < 90000) strcat(text + strlen(text), "X-Filler: 0123456789012345678901234567890123456789\r\n");
    expect(&(struct act){text, STAY}, NULL, -RP_ETOOLARGE, "too large");
    free(text);
}

/* ---- drips ------------------------------------------------------------------------------------------------------- */

struct drip {
    uv_timer_t timer;
    struct peer_conn *conn;
};

static void on_drip(uv_timer_t *timer) {
    struct drip *drip = timer->data;
    if (drip->conn->ended || drip->conn->closed)
        uv_close((uv_handle_t *)timer, NULL);
    else
        peer_say(drip->conn, "x");
}

static void answer_drip(struct peer_conn *conn, const char *request) {
    struct drip *drip = conn->peer->data;
    (void)request;
    drip->conn = conn;
    drip->timer.data = drip;
    peer_say(conn, "HTTP/1.1 200 OK\r\n\r\n");
    uv_timer_init(conn->tcp.loop, &drip->timer);
    uv_timer_start(&drip->timer, on_drip, 2, 2);
}

static void a_drip_that_never_stalls_meets_the_total_limit(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    struct drip drip;
    peer_open(&peer, answer_drip);
    peer.data = &drip;
    struct rp_fetch_request request = notes_request(&peer, &notes, "/");
    request.stall_ms = 5000;
    request.total_ms = 60;
    notes_fetch(&peer, &notes, &request);
    assert_int_equal(notes.code, -RP_EUPTIMEOUT);
    assert_non_null(strstr(notes.detail, "did not complete its response within 60 ms"));
    assert_true(notes.body.len > 0);
    assert_true(peer_until(&peer, &drip.conn->ended)); /* the connection is closed, not kept */
    peer_spin(&peer, 5);
    notes_finish(&notes);
    peer_close(&peer);
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static void a_refused_connection_says_so(void **state) {
    (void)state;
    struct peer peer, other;
    struct notes notes;
    peer_open(&other, play);
    int port = other.port;
    peer_close(&other); /* nobody listens there any more */
    peer_open(&peer, play);
    peer.port = port;
    notes_get(&peer, &notes);
    char expected[64];
    snprintf(expected, sizeof(expected), "could not connect to 127.0.0.1:%d: Connection refused", port);
    assert_int_equal(notes.code, -RP_EUPSTREAM);
    assert_int_equal(notes.status, 0);
    assert_string_equal(notes.detail, expected);
    notes_finish(&notes);
    peer_close(&peer);
}

static void a_host_that_does_not_exist_says_so(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, play);
    struct rp_fetch_request request = notes_request(&peer, &notes, "/");
    request.url = "http://user:password@does-not-exist.invalid:8080/path";
    notes_fetch(&peer, &notes, &request);
    assert_int_equal(notes.code, -RP_EUPSTREAM);
    assert_string_equal(notes.detail, "could not find the host of does-not-exist.invalid:8080");
    notes_finish(&notes);
    peer_close(&peer);
}

/* "localhost" has more than one address, and the peer listens on one: one that refuses must not spoil the next. */
static void an_address_that_refuses_is_followed_by_the_next(void **state) {
    (void)state;
    static struct act act = {OK_RESPONSE, STAY};
    struct peer peer;
    struct notes notes;
    char url[64];
    peer_open(&peer, play);
    peer.data = &act;
    snprintf(url, sizeof(url), "http://localhost:%d/", peer.port);
    for (int i = 0; i < 3; i++) {
        struct rp_fetch_request request = notes_request(&peer, &notes, "/");
        request.url = url;
        notes_fetch(&peer, &notes, &request);
        assert_int_equal(notes.code, 0);
        notes_finish(&notes);
    }
    assert_int_equal(peer.connections, 1);
    peer_close(&peer);
}

#ifdef __linux__
/* A listener whose queue is full lets a connection hang. */
static void a_connection_that_hangs_meets_the_connect_limit(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[8];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&address, &len);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, len);
    }
    struct peer peer;
    struct notes notes;
    peer_open(&peer, play);
    peer.port = ntohs(address.sin_port);
    struct rp_fetch_request request = notes_request(&peer, &notes, "/");
    request.connect_ms = 50;
    request.first_byte_ms = 1;
    notes_fetch(&peer, &notes, &request);
    assert_int_equal(notes.code, -RP_EUPTIMEOUT);
    assert_non_null(strstr(notes.detail, "could not be reached within 50 ms"));
    notes_finish(&notes);
    peer_close(&peer);
    for (int i = 0; i < 8; i++) close(fillers[i]);
    close(listener);
}
#endif

static void a_connection_that_its_peer_closed_is_replaced(void **state) {
    (void)state;
    static struct act act = {OK_RESPONSE, END};
    struct peer peer;
    struct notes notes;
    peer_open(&peer, play);
    peer.data = &act;
    for (unsigned i = 1; i <= 4; i++) {
        notes_get(&peer, &notes);
        assert_int_equal(notes.code, 0);
        notes_finish(&notes);
        if (i % 2) peer_spin(&peer, 5); /* with and without having seen the end */
        assert_int_equal(peer.connections, i);
    }
    peer_close(&peer);
}

/* ---- many at once ------------------------------------------------------------------------------------------------ */

static const struct act acts[] = {
    {OK_RESPONSE, STAY},
    {OK_RESPONSE, END},
    {OK_RESPONSE, RESET},
    {"", END},
    {"", RESET},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", END},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", RESET},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", STAY},
    {"garbage\r\n\r\n", STAY},
    {"", STAY},
};

static void play_any(struct peer_conn *conn, const char *request) {
    static uint32_t random = 99;
    random = random * 1664525 + 1013904223;
    conn->peer->data = (void *)(uintptr_t)&acts[(random >> 16) % (sizeof(acts) / sizeof(acts[0]))];
    play(conn, request);
}

static void many_faults_at_once_end_each_fetch_once(void **state) {
    (void)state;
    enum { MANY = 200 };
    struct peer peer;
    struct notes *notes = rp_calloc(MANY, sizeof(*notes));
    peer_open(&peer, play_any);
    unsigned good = 0;
    for (int i = 0; i < MANY; i++) {
        struct rp_fetch_request request = notes_request(&peer, &notes[i], "/");
        request.first_byte_ms = request.stall_ms = 300;
        assert_int_equal(rp_fetch_start(peer.worker, &request, &notes[i].fetch), 0);
        if (i % 16 == 0) peer_spin(&peer, 1);
    }
    for (int i = 0; i < MANY; i++) assert_true(peer_until(&peer, &notes[i].done));
    peer_spin(&peer, 20);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(notes[i].dones, 1);
        good += notes[i].code == 0;
        notes_finish(&notes[i]);
    }
    assert_in_range(good, 1, MANY - 1);
    free(notes);
    peer_close(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_response_is_truncated),
        cmocka_unit_test(no_response_is_an_upstream_error),
        cmocka_unit_test(garbage_is_an_upstream_error),
        cmocka_unit_test(silence_meets_the_first_byte_limit),
        cmocka_unit_test(a_stall_behind_the_head_meets_the_stall_limit),
        cmocka_unit_test(half_a_head_meets_the_stall_limit),
        cmocka_unit_test(an_endless_body_meets_max_body),
        cmocka_unit_test(an_endless_header_is_too_large),
        cmocka_unit_test(a_drip_that_never_stalls_meets_the_total_limit),
        cmocka_unit_test(a_refused_connection_says_so),
        cmocka_unit_test(a_host_that_does_not_exist_says_so),
        cmocka_unit_test(an_address_that_refuses_is_followed_by_the_next),
#ifdef __linux__
        cmocka_unit_test(a_connection_that_hangs_meets_the_connect_limit),
#endif
        cmocka_unit_test(a_connection_that_its_peer_closed_is_replaced),
        cmocka_unit_test(many_faults_at_once_end_each_fetch_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
