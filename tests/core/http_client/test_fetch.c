/* A fetch that goes well: what is sent, what comes back, however it is cut, and over which connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/http_client/peer.h"

static char seen[8192]; /* the request that the peer saw last */

static void keep(const char *request) {
    snprintf(seen, sizeof(seen), "%s", request);
}

static void answer_hello(struct peer_conn *conn, const char *request) {
    keep(request);
    peer_say(conn, "HTTP/1.1 200 OK\r\nX-Test: yes\r\nContent-Length: 5\r\n\r\nhello");
}

static void a_response_comes_whole(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_hello);
    notes_get(&peer, &notes);
    assert_int_equal(notes.code, 0);
    assert_int_equal(notes.status, 200);
    assert_int_equal(notes.heads, 1);
    assert_string_equal(notes.body.data, "hello");
    assert_string_equal(notes.field, "yes");
    assert_non_null(strstr(seen, "GET / HTTP/1.1\r\n"));
    assert_non_null(strstr(seen, "User-Agent: repartee/"));
    notes_finish(&notes);
    peer_close(&peer);
}

static void a_connection_is_used_again(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_hello);
    for (int i = 0; i < 5; i++) {
        notes_get(&peer, &notes);
        assert_int_equal(notes.code, 0);
        notes_finish(&notes);
    }
    assert_int_equal(peer.connections, 1);
    assert_int_equal(peer.all->requests, 5);
    peer_close(&peer);
}

static void a_body_is_posted_as_given(void **state) {
    (void)state;
    static const char *const fields[] = {"Content-Type: application/json", "X-Empty:", "X-One: 1", NULL};
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_hello);
    struct rp_fetch_request request = notes_request(&peer, &notes, "/v1?a=b");
    request.body = RP_STR("{\"a\":1}");
    request.fields = fields;
    notes_fetch(&peer, &notes, &request);
    assert_int_equal(notes.code, 0);
    assert_memory_equal(seen, "POST /v1?a=b HTTP/1.1\r\n", 23);
    assert_non_null(strstr(seen, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(seen, "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(seen, "Expect:"));
    notes_finish(&notes);
    peer_close(&peer);
}

static void a_large_body_arrives_whole(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    size_t size = 3 * 1024 * 1024;
    char *body = malloc(size);
    memset(body, 'b', size);
    peer_open(&peer, answer_hello);
    struct rp_fetch_request request = notes_request(&peer, &notes, "/");
    request.body = rp_str_n(body, size);
    notes_fetch(&peer, &notes, &request);
    assert_int_equal(notes.code, 0);
    assert_non_null(strstr(seen, "Content-Length: 3145728\r\n"));
    assert_int_equal(peer.all->in.len, 0);
    free(body);
    notes_finish(&notes);
    peer_close(&peer);
}

/* One handle serves all of these in turn, so nothing of a request may be left for the next. */
static void methods_urls_and_fields_do_not_leak_into_the_next_request(void **state) {
    (void)state;
    static const char *const fields[] = {"X-Mine: 1", NULL};
    static const struct {
        const char *method, *path, *body, *expected;
    } rows[] = {
        {NULL, "/one", "x", "POST /one HTTP/1.1\r\n"},      {NULL, "/two", "", "GET /two HTTP/1.1\r\n"},
        {"DELETE", "/two", "", "DELETE /two HTTP/1.1\r\n"}, {"PUT", "/three", "abc", "PUT /three HTTP/1.1\r\n"},
        {"POST", "/four", "", "POST /four HTTP/1.1\r\n"},   {"GET", "/five", "q", "GET /five HTTP/1.1\r\n"},
        {NULL, "/six", "", "GET /six HTTP/1.1\r\n"},
    };
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_hello);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_fetch_request request = notes_request(&peer, &notes, rows[i].path);
        request.method = rows[i].method;
        request.body = rp_str(rows[i].body);
        request.fields = i % 2 ? fields : NULL;
        notes_fetch(&peer, &notes, &request);
        assert_int_equal(notes.code, 0);
        assert_memory_equal(seen, rows[i].expected, strlen(rows[i].expected));
        assert_true((strstr(seen, "X-Mine") != NULL) == (i % 2 == 1));
        const char *body = strstr(seen, "\r\n\r\n") + 4;
        assert_string_equal(body, rows[i].body);
        notes_finish(&notes);
    }
    assert_int_equal(peer.connections, 1);
    peer_close(&peer);
}

static void answer_head(struct peer_conn *conn, const char *request) {
    keep(request);
    peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

static void a_head_request_has_no_body(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_head);
    for (int i = 0; i < 2; i++) {
        struct rp_fetch_request request = notes_request(&peer, &notes, "/");
        request.method = "HEAD";
        notes_fetch(&peer, &notes, &request);
        assert_int_equal(notes.code, 0);
        assert_int_equal(notes.body.len, 0);
        assert_memory_equal(seen, "HEAD / ", 7);
        notes_finish(&notes);
    }
    peer_close(&peer);
}

/* ---- cuts -------------------------------------------------------------------------------------------------------- */

struct cut_plan {
    const char *text;
    size_t at;
};

static void answer_cut(struct peer_conn *conn, const char *request) {
    const struct cut_plan *plan = conn->peer->data;
    (void)request;
    peer_send_cut(conn, plan->text, strlen(plan->text), plan->at);
}

static void every_cut_of_a_response_gives_the_same(void **state) {
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nX-Test: t\r\nContent-Length: 11\r\n\r\nhello world",
        "HTTP/1.1 200 OK\r\nX-Test: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: "
        "1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Test: t\r\nContent-Length: 11\r\n\r\nhello world",
    };
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_cut);
    for (size_t i = 0; i < 3; i++) {
        for (size_t at = 1; at < strlen(texts[i]); at++) {
            peer.data = &(struct cut_plan){texts[i], at};
            notes_get(&peer, &notes);
            assert_int_equal(notes.code, 0);
            assert_int_equal(notes.heads, 1);
            assert_int_equal(notes.status, 200);
            assert_string_equal(notes.field, "t");
            assert_string_equal(notes.body.data, "hello world");
            notes_finish(&notes);
        }
    }
    assert_int_equal(peer.connections, 1);
    peer_close(&peer);
}

static void answer_until_closed(struct peer_conn *conn, const char *request) {
    (void)request;
    peer_say(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end");
    peer_end(conn);
}

static void a_response_without_length_ends_with_its_connection(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_until_closed);
    notes_get(&peer, &notes);
    assert_int_equal(notes.code, 0);
    assert_string_equal(notes.body.data, "to the end");
    notes_finish(&notes);
    peer_close(&peer);
}

/* 64 KiB of zeros. */
static const char zeros_gz[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x6a\xeb\x8e\x97\xd7\x00\x00\x01\x00";

static void answer_gzip(struct peer_conn *conn, const char *request) {
    keep(request);
    peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 96\r\n\r\n");
    peer_send(conn, zeros_gz, sizeof(zeros_gz) - 1);
}

static void a_compressed_body_is_unpacked(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_gzip);
    notes_get(&peer, &notes);
    assert_non_null(strstr(seen, "Accept-Encoding: gzip, deflate\r\n"));
    assert_int_equal(notes.code, 0);
    assert_int_equal(notes.body.len, 65536);
    notes_finish(&notes);
    peer_close(&peer);
}

static void max_body_counts_unpacked_bytes(void **state) {
    (void)state;
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_gzip);
    for (int extra = 0; extra < 2; extra++) {
        struct rp_fetch_request request = notes_request(&peer, &notes, "/");
        request.max_body = (size_t)(65536 - extra);
        notes_fetch(&peer, &notes, &request);
        assert_int_equal(notes.code, extra ? -RP_ETOOLARGE : 0);
        assert_true(notes.body.len <= request.max_body);
        notes_finish(&notes);
    }
    peer_close(&peer);
}

static void answer_once(struct peer_conn *conn, const char *request) {
    keep(request);
    (*(unsigned *)conn->peer->data)++;
    if (conn->requests > 1)
        peer_reset(conn); /* seen, and never answered */
    else
        peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

/* On an old connection that is reset curl sends a request again by itself. */
static void what_must_not_be_sent_twice_has_a_connection_of_its_own(void **state) {
    (void)state;
    for (int once = 0; once < 2; once++) {
        struct peer peer;
        struct notes notes;
        unsigned requests = 0;
        peer_open(&peer, answer_once);
        peer.data = &requests;
        for (int i = 0; i < 2; i++) {
            struct rp_fetch_request request = notes_request(&peer, &notes, "/");
            request.body = RP_STR("{}");
            request.once = once;
            notes_fetch(&peer, &notes, &request);
            assert_int_equal(notes.code, 0);
            notes_finish(&notes);
        }
        assert_int_equal(requests, once ? 2 : 3);
        peer_close(&peer);
    }
}

/* ---- what cannot be sent ----------------------------------------------------------------------------------------- */

static void what_cannot_be_sent_is_refused_at_once(void **state) {
    (void)state;
    static const char *const urls[] = {"",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "http://",
                                       "http://a b/",
                                       "http://127.0.0.1:99999/",
                                       "127.0.0.1\r\n",
                                       "http://127.0.0.1/\r\nX: 1"};
    static const char *const fields[] = {"X-A: 1\r\nX-B: 2", "X-A: 1\n", "No colon", ": 1", "Sp ace: 1", "X-A : 1"};
    static const char *const methods[] = {"", "GET ", "GET / HTTP/1.1\r\nX: 1"};
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_hello);
    struct rp_fetch_request good = notes_request(&peer, &notes, "/");
    struct rp_fetch *fetch = (struct rp_fetch *)(void *)&peer;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct rp_fetch_request bad = good;
        bad.url = urls[i];
        assert_int_equal(rp_fetch_start(peer.worker, &bad, &fetch), -RP_EINVALID);
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct rp_fetch_request bad = good;
        bad.fields = (const char *const[]){fields[i], NULL};
        assert_int_equal(rp_fetch_start(peer.worker, &bad, &fetch), -RP_EINVALID);
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct rp_fetch_request bad = good;
        bad.method = methods[i];
        assert_int_equal(rp_fetch_start(peer.worker, &bad, &fetch), -RP_EINVALID);
    }
    assert_ptr_equal(fetch, &peer); /* untouched on failure */
    notes_fetch(&peer, &notes, &good);
    assert_int_equal(notes.code, 0);
    notes_finish(&notes);
    peer_close(&peer);
}

/* ---- Retry-After ------------------------------------------------------------------------------------------------- */

static void answer_retry_after(struct peer_conn *conn, const char *request) {
    char text[512];
    (void)request;
    snprintf(text, sizeof(text), "HTTP/1.1 429 Too Many Requests\r\n%sContent-Length: 0\r\n\r\n",
             (const char *)conn->peer->data);
    peer_say(conn, text);
}

static void retry_after_is_read_in_every_form(void **state) {
    (void)state;
    char soon[128];
    time_t later = time(NULL) + 20;
    struct tm date;
    strftime(soon, sizeof(soon), "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&later, &date));
    const struct {
        const char *field;
        int64_t least, most;
    } rows[] = {
        {"", -1, -1},
        {"Retry-After: 3\r\n", 3000, 3000},
        {"Retry-After: 0\r\n", 0, 0},
        {"Retry-After: 0.25 \r\n", 250, 250},
        {"retry-after-ms: 30\r\nRetry-After: 9\r\n", 30, 30},
        {"retry-after-ms: soon\r\nRetry-After: 9\r\n", 9000, 9000},
        {soon, 10000, 20000},
        {"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 0, 0},
        {"Retry-After: -5\r\n", -1, -1},
        {"Retry-After: 1e9\r\n", -1, -1},
        {"Retry-After: 99999999999999999999\r\n", -1, -1},
        {"Retry-After: tomorrow\r\n", -1, -1},
        {"Retry-After:\r\n", -1, -1},
    };
    struct peer peer;
    struct notes notes;
    peer_open(&peer, answer_retry_after);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer.data = (void *)(uintptr_t)rows[i].field;
        notes_get(&peer, &notes);
        assert_int_equal(notes.status, 429);
        assert_true(notes.retry_after >= rows[i].least && notes.retry_after <= rows[i].most);
        notes_finish(&notes);
    }
    peer_close(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_comes_whole),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(a_body_is_posted_as_given),
        cmocka_unit_test(a_large_body_arrives_whole),
        cmocka_unit_test(methods_urls_and_fields_do_not_leak_into_the_next_request),
        cmocka_unit_test(a_head_request_has_no_body),
        cmocka_unit_test(every_cut_of_a_response_gives_the_same),
        cmocka_unit_test(a_response_without_length_ends_with_its_connection),
        cmocka_unit_test(a_compressed_body_is_unpacked),
        cmocka_unit_test(max_body_counts_unpacked_bytes),
        cmocka_unit_test(what_must_not_be_sent_twice_has_a_connection_of_its_own),
        cmocka_unit_test(what_cannot_be_sent_is_refused_at_once),
        cmocka_unit_test(retry_after_is_read_in_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
