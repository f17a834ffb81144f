/* Sessions: their bytes, and what a turn puts into them and finds in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/rig.h"

/* ---- bytes ----------------------------------------------------------------------------------------------------------- */

static void encode_exchange(struct session *session, const char *user, const char *reply, size_t max_messages,
                            struct rp_buf *out) {
    const struct rp_message added[] = {{.role = RP_ROLE_USER, .text = rp_str(user)}, {.role = RP_ROLE_ASSISTANT, .text = rp_str(reply)}};
    assert_int_equal(session_encode(session, added, 2, max_messages, out), 0);
}

static void what_is_encoded_is_decoded(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    struct session first = {.user = RP_STR("u1")}, second = {0};
    struct rp_buf bytes;
    rp_buf_init(&bytes, 4096);
    json_t *value = json_pack("{s:i}", "n", 7);
    assert_int_equal(session_set(&first, "cart", value, 1000), 0);
    encode_exchange(&first, "hello", "好的", 40, &bytes);
    assert_int_equal(session_decode(&second, arena, rp_buf_str(&bytes)), 0);
    assert_true(rp_str_equal(second.user, RP_STR("u1")));
    assert_int_equal(second.message_count, 2);
    assert_true(rp_str_equal(second.messages[1].text, RP_STR("好的")));
    assert_true(json_equal((json_t *)session_get(&second, "cart"), value));
    assert_null(session_get(&second, "other"));
    json_decref(value);
    session_finish(&first);
    session_finish(&second);
    rp_buf_finish(&bytes);
    rp_arena_destroy(arena);
}

static void no_cut_of_the_bytes_is_taken_for_a_session(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    struct session first = {.user = RP_STR("u1")};
    struct rp_buf bytes;
    rp_buf_init(&bytes, 4096);
    encode_exchange(&first, "hello", "there", 40, &bytes);
    size_t whole = 0;
    for (size_t len = 0; len <= bytes.len; len++) {
        struct session read = {0};
        char *copy = rp_arena_copy(arena, bytes.data, len);
        if (session_decode(&read, arena, rp_str_n(copy, len)) == 0) whole++;
        session_finish(&read);
    }
    assert_int_equal(whole, 3); /* none, one and two messages: the ends of whole messages */
    struct session read = {0};
    bytes.data[4] = (char)0xff; /* the user's length */
    assert_int_equal(session_decode(&read, arena, rp_buf_str(&bytes)), -RP_EIO);
    rp_buf_finish(&bytes);
    rp_arena_destroy(arena);
}

static void the_oldest_messages_go_first(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    for (int i = 0; i < 10; i++) {
        struct rp_buf bytes;
        rp_buf_init(&bytes, 4096);
        char text[32];
        snprintf(text, sizeof(text), "message %d", i);
        encode_exchange(&session, text, "yes", 6, &bytes);
        struct rp_str copy = rp_arena_str(arena, rp_buf_str(&bytes));
        assert_int_equal(session_decode(&session, arena, copy), 0);
        rp_buf_finish(&bytes);
    }
    assert_int_equal(session.message_count, 6);
    assert_true(rp_str_equal(session.messages[0].text, RP_STR("message 7")));
    rp_arena_destroy(arena);
}

static void a_session_stays_below_its_ceiling(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    char text[90];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    for (int i = 0; i < 10; i++) {
        struct rp_buf bytes;
        rp_buf_init(&bytes, 300);
        encode_exchange(&session, text, "yes", 40, &bytes);
        assert_true(bytes.len <= 300);
        assert_int_equal(session_decode(&session, arena, rp_arena_str(arena, rp_buf_str(&bytes))), 0);
        rp_buf_finish(&bytes);
    }
    assert_int_equal(session.message_count, 5);
    /* One exchange larger than a session: it is not remembered, the rest stays decodable. */
    struct rp_buf bytes;
    rp_buf_init(&bytes, 60);
    encode_exchange(&session, text, text, 40, &bytes);
    assert_int_equal(session_decode(&session, arena, rp_buf_str(&bytes)), 0);
    assert_int_equal(session.message_count, 0);
    rp_buf_finish(&bytes);
    rp_arena_destroy(arena);
}

static void a_variable_that_is_too_large_changes_nothing(void **state) {
    (void)state;
    struct session session = {0};
    char large[200];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = 0;
    json_t *small_value = json_integer(1), *large_value = json_string(large);
    assert_int_equal(session_set(&session, "a", small_value, 100), 0);
    assert_int_equal(session_set(&session, "a", large_value, 100), -RP_ETOOLARGE);
    assert_int_equal(session_set(&session, "b", large_value, 100), -RP_ETOOLARGE);
    assert_true(json_equal((json_t *)session_get(&session, "a"), small_value));
    assert_null(session_get(&session, "b"));
    assert_int_equal(session_set(&session, "a", NULL, 100), 0);
    assert_null(session_get(&session, "a"));
    json_decref(small_value);
    json_decref(large_value);
    session_finish(&session);
}

/* ---- turns ------------------------------------------------------------------------------------------------------------- */

/* A store with one place, which answers at once, later, or not well. */
struct place {
    struct rp_store store;
    struct rp_buf value;
    bool later, fails;
    struct rp_task task;
    struct rp_store_op *op;
    int code;
    unsigned puts;
};

static void answer_later(struct rp_task *task) {
    struct place *place = (struct place *)((char *)task - offsetof(struct place, task));
    struct rp_store_op *op = place->op;
    op->done(op, place->code, rp_buf_str(&place->value));
}

static void answer(struct place *place, struct rp_worker *worker, int code, struct rp_store_op *op) {
    if (place->fails) code = -RP_EIO;
    place->op = op;
    place->code = code;
    place->task.run = answer_later;
    if (place->later)
        rp_task_schedule(worker, &place->task);
    else
        answer_later(&place->task);
}

static void get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    (void)key;
    struct place *place = (struct place *)store;
    answer(place, worker, place->value.len ? 0 : -RP_ENOTFOUND, op);
}

static void put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                int64_t ttl_ms, struct rp_store_op *op) {
    (void)key;
    (void)ttl_ms;
    struct place *place = (struct place *)store;
    place->puts++;
    rp_buf_clear(&place->value);
    rp_buf_append_str(&place->value, value);
    answer(place, worker, 0, op);
}

static const struct rp_store_type place_type = {.type = {.name = "place"}, .get = get, .put = put};

/* Counts its turns in a variable and answers with the count and the length of the history. */
static enum rp_outcome count_turns(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    const struct rp_message *history;
    size_t messages = rp_session_history(turn, 3, &history);
    json_t *count = json_integer(json_integer_value(rp_session_get(turn, "count")) + 1);
    rp_session_set(turn, "count", count);
    struct rp_str oldest = messages ? history[0].text : RP_STR("-");
    const char *text = rp_arena_printf(turn->arena, "%lld/%zu/%.*s", (long long)json_integer_value(count), messages,
                                       RP_STR_ARG(oldest));
    json_decref(count);
    if (rp_str_equal(turn->message, RP_STR("fail")))
        rp_turn_fail(turn, &(struct rp_fault){.code = RP_ERULE});
    else
        rp_turn_reply(turn, rp_source_text(turn, rp_str(text)));
    return RP_KEEP;
}

static const struct rp_stage_type counting = {.type = {.name = "counting"}, .on_turn = count_turns};

static void open_with_store(struct rig *rig, struct place *place, bool later) {
    rig_open(rig);
    rig_add(rig, &counting, NULL);
    *place = (struct place){.later = later};
    place->store.element.type = &place_type.type;
    rp_buf_init(&place->value, 1 << 20);
    rig->runtime.store = &place->store;
}

static void say(struct rig *rig, const char *message, const char *user, const char *expected, int code) {
    struct rig_client client = {0};
    struct rp_turn_start start = {.message = rp_str(message), .session = RP_STR("s1"), .user = rp_str(user)};
    assert_int_equal(rig_start(rig, &client, &start), 0);
    rig_finish(rig, &client);
    assert_int_equal(client.code, code);
    if (expected) assert_true(rp_str_equal(rp_buf_str(&client.text), rp_str(expected)));
    rig_client_clear(&client);
}

static void a_session_is_remembered(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct rig rig;
        struct place place;
        open_with_store(&rig, &place, later);
        say(&rig, "one", "u1", "1/0/-", 0);
        say(&rig, "two", "u1", "2/2/one", 0);
        say(&rig, "fail", "u1", NULL, RP_ERULE); /* leaves no trace */
        say(&rig, "three", "u1", "3/3/1/0/-", 0); /* the last three */
        say(&rig, "four", "u2", NULL, RP_EFORBIDDEN);
        say(&rig, "four", "", NULL, RP_EFORBIDDEN);
        assert_int_equal(place.puts, 3);
        rig_close(&rig);
        rp_buf_finish(&place.value);
    }
}

static void a_store_that_fails_is_an_error_before_the_last_chunk(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct rig rig;
        struct place place;
        open_with_store(&rig, &place, later);
        place.fails = true;
        say(&rig, "one", "u1", NULL, RP_EIO);
        struct rig_client client = {0};
        assert_int_equal(rig_say(&rig, &client, "new session"), 0); /* nothing is read, only saved */
        rig_finish(&rig, &client);
        assert_int_equal(client.code, RP_EIO);
        assert_int_equal(client.ends, 0);
        rig_client_clear(&client);
        rp_buf_append(&place.value, "rubbish", 7);
        place.fails = false;
        say(&rig, "one", "u1", NULL, RP_EIO);
        rig_close(&rig);
        rp_buf_finish(&place.value);
    }
}

static void a_turn_that_ends_while_the_store_works_waits_for_it(void **state) {
    (void)state;
    for (unsigned passes = 0; passes < 8; passes++) {
        struct rig rig;
        struct place place;
        struct rig_client client = {0};
        open_with_store(&rig, &place, true);
        struct rp_turn_start start = {.message = RP_STR("hi"), .session = RP_STR("s1")};
        assert_int_equal(rig_start(&rig, &client, &start), 0);
        for (unsigned i = 0; i < passes && client.turn; i++) task_list_run(rig.worker);
        if (client.turn) rp_turn_cancel(client.turn);
        rig_finish(&rig, &client);
        say(&rig, "again", "", NULL, 0); /* the session is free */
        rig_close(&rig);
        rig_client_clear(&client);
        rp_buf_finish(&place.value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(no_cut_of_the_bytes_is_taken_for_a_session),
        cmocka_unit_test(the_oldest_messages_go_first),
        cmocka_unit_test(a_session_stays_below_its_ceiling),
        cmocka_unit_test(a_variable_that_is_too_large_changes_nothing),
        cmocka_unit_test(a_session_is_remembered),
        cmocka_unit_test(a_store_that_fails_is_an_error_before_the_last_chunk),
        cmocka_unit_test(a_turn_that_ends_while_the_store_works_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
