/* Pausing, resuming, cancelling and starting from every place where a caller may stand, and the end of the client with
 * fetches under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/http_client/peer.h"

enum { BIG = 4 * 1024 * 1024 };

static char *big; /* bytes that tell their place */

static int make_big(void **state) {
    (void)state;
    big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++) big[i] = (char)(i * 2654435761u >> 24);
    return 0;
}

static int free_big(void **state) {
    (void)state;
    free(big);
    return 0;
}

static void answer_big(struct peer_conn *conn, const char *request) {
    char head[128];
    (void)request;
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
    peer_say(conn, head);
    peer_send(conn, big, BIG);
}

/* ---- pausing ----------------------------------------------------------------------------------------------------- */

struct reader {
    struct notes notes; /* first: fetch's arg */
    struct rp_fetch *fetch;
    unsigned pauses;
    bool paused, in_call;
    bool hold; /* pauses every time */
    unsigned turn;
};

static enum rp_fetch_take take_some(struct rp_fetch *fetch, const char *data, size_t len) {
    struct reader *reader = rp_fetch_arg(fetch);
    assert_false(reader->in_call);
    assert_false(reader->paused); /* nothing comes while it is paused */
    if (reader->hold || reader->turn++ % 3 == 0) {
        reader->pauses++;
        reader->paused = true;
        return RP_FETCH_PAUSE;
    }
    return notes_ops.on_data(fetch, data, len);
}

static const struct rp_fetch_ops some_ops = {.on_data = take_some, .on_done = NULL};

static void done_some(struct rp_fetch *fetch, int code, const char *detail) {
    struct reader *reader = rp_fetch_arg(fetch);
    assert_false(reader->in_call);
    notes_ops.on_done(fetch, code, detail);
}

static void start_reader(struct peer *peer, struct reader *reader, struct rp_fetch_ops *ops) {
    *ops = some_ops;
    ops->on_done = done_some;
    *reader = (struct reader){0};
    struct rp_fetch_request request = notes_request(peer, &reader->notes, "/");
    request.ops = ops;
    request.arg = reader;
    request.stall_ms = 5000;
    assert_int_equal(rp_fetch_start(peer->worker, &request, &reader->fetch), 0);
}

static void resume(struct reader *reader) {
    reader->paused = false;
    reader->in_call = true;
    rp_fetch_resume(reader->fetch);
    reader->in_call = false;
}

static void what_was_not_taken_comes_again_after_resume(void **state) {
    (void)state;
    struct peer peer;
    struct reader reader;
    struct rp_fetch_ops ops;
    peer_open(&peer, answer_big);
    start_reader(&peer, &reader, &ops);
    while (!reader.notes.done) {
        uv_run(rp_worker_loop(peer.worker), UV_RUN_NOWAIT);
        if (reader.paused) resume(&reader);
    }
    assert_int_equal(reader.notes.code, 0);
    assert_int_equal(reader.notes.body.len, BIG);
    assert_memory_equal(reader.notes.body.data, big, BIG);
    assert_true(reader.pauses > 10);
    notes_finish(&reader.notes);
    peer_close(&peer);
}

static void start_holding(struct peer *peer, struct reader *reader, struct rp_fetch_ops *ops, int64_t stall_ms) {
    *ops = some_ops;
    ops->on_done = done_some;
    *reader = (struct reader){.hold = true};
    struct rp_fetch_request request = notes_request(peer, &reader->notes, "/");
    request.ops = ops;
    request.arg = reader;
    request.stall_ms = stall_ms;
    assert_int_equal(rp_fetch_start(peer->worker, &request, &reader->fetch), 0);
    assert_true(peer_until(peer, &reader->paused));
}

static void read_to_the_end(struct peer *peer, struct reader *reader) {
    reader->hold = false;
    while (!reader->notes.done) {
        if (reader->paused) resume(reader);
        uv_run(rp_worker_loop(peer->worker), UV_RUN_NOWAIT);
    }
    assert_int_equal(reader->notes.code, 0);
}

static void a_paused_transfer_holds_its_peer(void **state) {
    (void)state;
    struct peer peer;
    struct reader reader;
    struct rp_fetch_ops ops;
    peer_open(&peer, answer_big);
    start_holding(&peer, &reader, &ops, 5000);
    peer_spin(&peer, 50);
    assert_int_equal(reader.pauses, 1);
    assert_true(uv_stream_get_write_queue_size((uv_stream_t *)&peer.all->tcp) > 0);
    read_to_the_end(&peer, &reader);
    assert_int_equal(reader.notes.body.len, BIG);
    notes_finish(&reader.notes);
    peer_close(&peer);
}

static void answer_little(struct peer_conn *conn, const char *request) {
    (void)request;
    peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n");
    peer_send(conn, big, 50000);
}

static void no_clock_runs_out_while_a_transfer_is_paused(void **state) {
    (void)state;
    struct peer peer;
    struct reader reader;
    struct rp_fetch_ops ops;
    peer_open(&peer, answer_little);
    start_holding(&peer, &reader, &ops, 200);
    peer_spin(&peer, 450);
    assert_false(reader.notes.done);
    read_to_the_end(&peer, &reader);
    assert_int_equal(reader.notes.body.len, 50000);
    notes_finish(&reader.notes);
    peer_close(&peer);
}

static void a_resume_without_pause_and_a_cancel_while_paused_are_harmless(void **state) {
    (void)state;
    struct peer peer;
    struct reader reader;
    struct rp_fetch_ops ops;
    peer_open(&peer, answer_big);
    start_reader(&peer, &reader, &ops);
    resume(&reader);
    resume(&reader);
    assert_true(peer_until(&peer, &reader.paused));
    resume(&reader);
    rp_fetch_cancel(reader.fetch); /* with the resuming still to come */
    peer_spin(&peer, 20);
    assert_false(reader.notes.done);
    assert_true(peer.all->ended);
    notes_finish(&reader.notes);
    peer_close(&peer);
}

/* ---- cancelling -------------------------------------------------------------------------------------------------- */

enum place { AT_ONCE, NEXT_PASS, IN_HEAD, IN_DATA, IN_DATA_OF_OTHER, IN_DONE };

struct canceller {
    struct notes notes; /* first */
    struct rp_fetch *fetch;
    enum place place;
    struct canceller *other;
    bool cancelled;
};

static void cancel(struct canceller *canceller) {
    canceller->cancelled = true;
    rp_fetch_cancel(canceller->fetch);
    rp_fetch_cancel(canceller->fetch); /* twice does no harm while its callback runs */
}

static void cancelling_head(struct rp_fetch *fetch, int status) {
    struct canceller *canceller = rp_fetch_arg(fetch);
    assert_false(canceller->cancelled);
    notes_ops.on_head(fetch, status);
    if (canceller->place == IN_HEAD) cancel(canceller);
}

static enum rp_fetch_take cancelling_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct canceller *canceller = rp_fetch_arg(fetch);
    assert_false(canceller->cancelled);
    if (canceller->place == IN_DATA) cancel(canceller);
    if (canceller->place == IN_DATA_OF_OTHER && canceller->other && !canceller->other->cancelled &&
        !canceller->other->notes.done) {
        canceller->other->cancelled = true;
        rp_fetch_cancel(canceller->other->fetch);
    }
    return notes_ops.on_data(fetch, data, len);
}

static void cancelling_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct canceller *canceller = rp_fetch_arg(fetch);
    assert_false(canceller->cancelled);
    notes_ops.on_done(fetch, code, detail);
    if (canceller->place == IN_DONE) rp_fetch_cancel(fetch);
}

static const struct rp_fetch_ops cancelling_ops = {cancelling_head, cancelling_data, cancelling_done};

static void start_canceller(struct peer *peer, struct canceller *canceller, enum place place) {
    *canceller = (struct canceller){.place = place};
    struct rp_fetch_request request = notes_request(peer, &canceller->notes, "/");
    request.ops = &cancelling_ops;
    request.arg = canceller;
    assert_int_equal(rp_fetch_start(peer->worker, &request, &canceller->fetch), 0);
}

static void answer_endless(struct peer_conn *conn, const char *request) {
    (void)request;
    peer_say(conn, "HTTP/1.1 200 OK\r\n\r\n");
    peer_send(conn, big, BIG);
}

static void answer_ok(struct peer_conn *conn, const char *request) {
    (void)request;
    peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void check_fit(struct peer *peer) {
    struct notes notes;
    peer->answer = answer_ok;
    notes_get(peer, &notes);
    assert_int_equal(notes.code, 0);
    notes_finish(&notes);
}

static void no_callback_follows_a_cancel_and_the_transfer_is_cut(void **state) {
    (void)state;
    static const enum place places[] = {AT_ONCE, NEXT_PASS, IN_HEAD, IN_DATA};
    for (size_t i = 0; i < 4; i++) {
        struct peer peer;
        struct canceller all[2];
        peer_open(&peer, answer_endless);
        for (int k = 0; k < 2; k++) start_canceller(&peer, &all[k], places[i]);
        if (places[i] == NEXT_PASS) peer_spin(&peer, 5);
        for (int k = 0; k < 2; k++) {
            if (i < 2)
                cancel(&all[k]);
            else
                assert_true(peer_until(&peer, &all[k].cancelled));
        }
        for (struct peer_conn *conn = peer.all; conn; conn = conn->next) assert_true(peer_until(&peer, &conn->ended));
        for (int k = 0; k < 2; k++) {
            assert_int_equal(all[k].notes.dones, 0);
            notes_finish(&all[k].notes);
        }
        check_fit(&peer);
        peer_close(&peer);
    }
}

static void a_fetch_can_cancel_another_from_its_callback(void **state) {
    (void)state;
    struct peer peer;
    struct canceller a, b;
    peer_open(&peer, answer_big);
    start_canceller(&peer, &a, IN_DATA_OF_OTHER);
    start_canceller(&peer, &b, IN_DATA_OF_OTHER);
    a.other = &b;
    b.other = &a;
    while (!a.notes.done && !b.notes.done) uv_run(rp_worker_loop(peer.worker), UV_RUN_ONCE);
    peer_spin(&peer, 20);
    assert_int_equal(a.notes.dones + b.notes.dones, 1);
    assert_int_equal(a.cancelled + b.cancelled, 1);
    notes_finish(&a.notes);
    notes_finish(&b.notes);
    check_fit(&peer);
    peer_close(&peer);
}

static void a_cancel_in_the_last_callback_changes_nothing(void **state) {
    (void)state;
    struct peer peer;
    struct canceller a;
    peer_open(&peer, answer_ok);
    start_canceller(&peer, &a, IN_DONE);
    assert_true(peer_until(&peer, &a.notes.done));
    assert_int_equal(a.notes.code, 0);
    notes_finish(&a.notes);
    check_fit(&peer);
    assert_int_equal(peer.connections, 1);
    peer_close(&peer);
}

/* ---- starting from a callback ------------------------------------------------------------------------------------ */

struct chain {
    struct peer *peer;
    struct notes notes;
    unsigned left, from_data;
    bool done;
};

static void chain_start(struct chain *chain, const struct rp_fetch_ops *ops);

static enum rp_fetch_take chain_data(struct rp_fetch *fetch, const char *data, size_t len);
static void chain_done(struct rp_fetch *fetch, int code, const char *detail);
static const struct rp_fetch_ops chain_ops = {NULL, chain_data, chain_done};

static enum rp_fetch_take ignore_data(struct rp_fetch *fetch, const char *data, size_t len) {
    (void)fetch, (void)data, (void)len;
    return RP_FETCH_TAKEN;
}

static void count_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct chain *chain = rp_fetch_arg(fetch);
    (void)detail;
    assert_int_equal(code, 0);
    chain->from_data++;
}

static const struct rp_fetch_ops count_ops = {NULL, ignore_data, count_done};

static enum rp_fetch_take chain_data(struct rp_fetch *fetch, const char *data, size_t len) {
    (void)data, (void)len;
    chain_start(rp_fetch_arg(fetch), &count_ops); /* with curl on the stack */
    return RP_FETCH_TAKEN;
}

static void chain_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct chain *chain = rp_fetch_arg(fetch);
    (void)detail;
    assert_int_equal(code, 0);
    if (--chain->left == 0)
        chain->done = true;
    else
        chain_start(chain, &chain_ops);
}

static void chain_start(struct chain *chain, const struct rp_fetch_ops *ops) {
    struct rp_fetch *fetch;
    struct rp_fetch_request request = notes_request(chain->peer, &chain->notes, "/");
    request.ops = ops;
    request.arg = chain;
    assert_int_equal(rp_fetch_start(chain->peer->worker, &request, &fetch), 0);
}

static void a_callback_can_start_the_next_fetch(void **state) {
    (void)state;
    struct peer peer;
    peer_open(&peer, answer_ok);
    struct chain chain = {.peer = &peer, .left = 50};
    chain_start(&chain, &chain_ops);
    assert_true(peer_until(&peer, &chain.done));
    peer_spin(&peer, 30);
    assert_int_equal(chain.from_data, 50);
    peer_close(&peer);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void ending_the_worker_drops_what_is_under_way(void **state) {
    (void)state;
    for (int64_t wait = 0; wait < 4; wait++) {
        struct peer peer;
        struct canceller all[20];
        peer_open(&peer, answer_big);
        for (int i = 0; i < 20; i++) start_canceller(&peer, &all[i], IN_DONE);
        if (wait) peer_spin(&peer, wait);
        unsigned done = 0;
        for (int i = 0; i < 20; i++) done += all[i].notes.done;
        peer_close(&peer);
        for (int i = 0; i < 20; i++) {
            done -= all[i].notes.done;
            notes_finish(&all[i].notes);
        }
        assert_int_equal(done, 0); /* no callback came from the ending */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_taken_comes_again_after_resume),
        cmocka_unit_test(a_paused_transfer_holds_its_peer),
        cmocka_unit_test(no_clock_runs_out_while_a_transfer_is_paused),
        cmocka_unit_test(a_resume_without_pause_and_a_cancel_while_paused_are_harmless),
        cmocka_unit_test(no_callback_follows_a_cancel_and_the_transfer_is_cut),
        cmocka_unit_test(a_fetch_can_cancel_another_from_its_callback),
        cmocka_unit_test(a_cancel_in_the_last_callback_changes_nothing),
        cmocka_unit_test(a_callback_can_start_the_next_fetch),
        cmocka_unit_test(ending_the_worker_drops_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, make_big, free_big);
}
