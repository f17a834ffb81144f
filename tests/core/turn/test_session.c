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
    assert_int_equal(session_decode(&second, rp_buf_str(&bytes)), 0);
    assert_true(rp_str_equal(second.user, RP_STR("u1")));
    assert_int_equal(second.said, 2);
    assert_true(rp_str_equal(session_texts(&second, arena)[1].text, RP_STR("好的")));
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
        if (session_decode(&read, rp_str_n(copy, len)) == 0) whole++;
        session_finish(&read);
    }
    assert_int_equal(whole, 3); /* none, one and two messages: the ends of whole messages */
    struct session read = {0};
    bytes.data[4] = (char)0xff; /* the user's length */
    assert_int_equal(session_decode(&read, rp_buf_str(&bytes)), -RP_EIO);
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
        assert_int_equal(session_decode(&session, copy), 0);
        rp_buf_finish(&bytes);
    }
    assert_int_equal(session.said, 6);
    assert_int_equal(session.begins, 14);
    assert_true(rp_str_equal(session_texts(&session, arena)[0].text, RP_STR("message 7")));
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
        assert_int_equal(session_decode(&session, rp_arena_str(arena, rp_buf_str(&bytes))), 0);
        rp_buf_finish(&bytes);
    }
    assert_int_equal(session.said, 4);
    /* One exchange larger than a session: it is not remembered, the rest stays decodable. */
    struct rp_buf bytes;
    rp_buf_init(&bytes, 60);
    encode_exchange(&session, text, text, 40, &bytes);
    assert_int_equal(session_decode(&session, rp_buf_str(&bytes)), 0);
    assert_int_equal(session.said, 0);
    rp_buf_finish(&bytes);
    rp_arena_destroy(arena);
}

/* ---- rounds of tools ------------------------------------------------------------------------------------------------- */

#define TEXT(what) {(what), sizeof(what) - 1}

static const struct rp_tool_call calls[] = {{.id = TEXT("x1"), .name = TEXT("look"), .arguments = TEXT("{\"id\":7}")},
                                            {.id = TEXT("x2"), .name = TEXT("buy"), .arguments = TEXT("{}")}};
static const struct rp_message with_tools[] = {
    {.role = RP_ROLE_USER, .text = TEXT("where?")},
    {.role = RP_ROLE_ASSISTANT, .text = TEXT("I look."), .calls = calls, .call_count = 2},
    {.role = RP_ROLE_TOOL, .text = TEXT("here"), .calls = &calls[0], .call_count = 1},
    {.role = RP_ROLE_TOOL, .text = TEXT(""), .calls = &calls[1], .call_count = 1},
    {.role = RP_ROLE_ASSISTANT, .calls = calls, .call_count = 1},
    {.role = RP_ROLE_TOOL, .text = TEXT("there"), .calls = &calls[0], .call_count = 1},
    {.role = RP_ROLE_ASSISTANT, .text = TEXT("Here or there.")},
};

/* The session as "u:…|a:…(id name args)|t:id=…". */
static const char *write_session(struct session *session, struct rp_arena *arena) {
    const char *text = "";
    size_t count;
    const struct rp_message *messages = session_messages(session, arena, &count);
    for (size_t i = 0; i < count; i++) {
        const struct rp_message *message = &messages[i];
        bool tool = message->role == RP_ROLE_TOOL;
        text = rp_arena_printf(arena, "%s%s%c:%.*s%s%.*s", text, i ? "|" : "", "suat"[message->role],
                               RP_STR_ARG(tool ? message->calls[0].id : message->text), tool ? "=" : "",
                               RP_STR_ARG(tool ? message->text : RP_STR("")));
        for (size_t k = 0; !tool && k < message->call_count; k++)
            text = rp_arena_printf(arena, "%s(%.*s %.*s %.*s)", text, RP_STR_ARG(message->calls[k].id),
                                   RP_STR_ARG(message->calls[k].name), RP_STR_ARG(message->calls[k].arguments));
    }
    return text;
}

/* Writes the session with these messages behind it, and reads it again. */
static void go_on(struct session *session, struct rp_arena *arena, const struct rp_message *added, size_t count,
                  size_t max_messages, size_t max_bytes) {
    struct rp_buf bytes;
    rp_buf_init(&bytes, max_bytes);
    assert_int_equal(session_encode(session, added, count, max_messages, &bytes), 0);
    assert_int_equal(session_decode(session, rp_arena_str(arena, rp_buf_str(&bytes))), 0);
    rp_buf_finish(&bytes);
}

static void calls_and_results_are_kept_together(void **state) {
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    (void)state;
    go_on(&session, arena, with_tools, 7, 40, 4096);
    assert_string_equal(write_session(&session, arena),
                        "u:where?|a:(c00001000 look {\"id\":7})(c00001001 buy {})|t:c00001000=here|t:c00001001=|"
                        "a:(c00001002 look {\"id\":7})|t:c00001002=there|a:Here or there.");
    assert_int_equal(session.said, 2);
    const struct rp_message *texts = session_texts(&session, arena);
    assert_string_equal(rp_arena_str(arena, texts[0].text).data, "where?");
    assert_string_equal(rp_arena_str(arena, texts[1].text).data, "Here or there.");
    rp_arena_destroy(arena);
}

static void what_lacks_its_other_half_is_not_kept(void **state) {
    static const struct rp_message added[] = {
        {.role = RP_ROLE_USER, .text = TEXT("where?")},
        {.role = RP_ROLE_TOOL, .text = TEXT("here"), .calls = &calls[0], .call_count = 1},
        {.role = RP_ROLE_ASSISTANT, .calls = calls, .call_count = 2},
        {.role = RP_ROLE_TOOL, .text = TEXT("here"), .calls = &calls[0], .call_count = 1},
        {.role = RP_ROLE_ASSISTANT, .text = TEXT("Here.")},
        {.role = RP_ROLE_ASSISTANT, .calls = calls, .call_count = 1},
    };
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    (void)state;
    go_on(&session, arena, added, 6, 40, 4096);
    assert_string_equal(write_session(&session, arena), "u:where?|a:Here.");
    rp_arena_destroy(arena);
}

/* Ids stay the same while older exchanges go, so that what a provider has cached of the conversation stays good. */
static void exchanges_go_as_a_whole(void **state) {
    static const struct rp_message plain[] = {{.role = RP_ROLE_USER, .text = TEXT("q")},
                                              {.role = RP_ROLE_ASSISTANT, .text = TEXT("r")}};
    (void)state;
    for (size_t most = 2; most < 8; most++) {
        struct rp_arena *arena = rp_arena_create();
        struct session session = {0};
        go_on(&session, arena, plain, 2, most, 4096);
        go_on(&session, arena, with_tools, 7, most, 4096);
        go_on(&session, arena, plain, 2, most, 4096);
        const char *text = write_session(&session, arena);
        if (most < 4) assert_string_equal(text, "u:q|a:r");
        if (most == 4 || most == 5) assert_ptr_equal(strstr(text, "u:where?|a:(c00003000 look"), text);
        if (most > 5) assert_ptr_equal(strstr(text, "u:q|a:r|u:where?|a:(c00003000 look"), text);
        assert_int_equal(session.begins + session.said, 6);
        rp_arena_destroy(arena);
    }
}

static void no_ceiling_parts_an_exchange(void **state) {
    (void)state;
    for (size_t max = 60; max < 700; max += 7) {
        struct rp_arena *arena = rp_arena_create();
        struct session session = {0};
        for (int i = 0; i < 4; i++) go_on(&session, arena, with_tools, 7, 40, max);
        assert_int_equal(session.said % 2, 0);
        assert_int_equal(session.message_count, session.said / 2 * 7);
        rp_arena_destroy(arena);
    }
}

static void what_events_say_goes_by_itself(void **state) {
    static const struct rp_message said = {.role = RP_ROLE_ASSISTANT, .text = TEXT("s")};
    static const struct rp_message plain[] = {{.role = RP_ROLE_USER, .text = TEXT("q")},
                                              {.role = RP_ROLE_ASSISTANT, .text = TEXT("r")}};
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    (void)state;
    go_on(&session, arena, plain, 2, 4, 4096);
    for (int i = 0; i < 6; i++) go_on(&session, arena, &said, 1, 4, 4096);
    assert_string_equal(write_session(&session, arena), "a:s|a:s|a:s|a:s");
    assert_int_equal(session.begins, 4);
    rp_arena_destroy(arena);
}

/* ---- the forms before ------------------------------------------------------------------------------------------------- */

static const char form_1[] = "RPS1\2\0\0\0u1\7\0\0\0{\"x\":1}\1\5\0\0\0hello\2\3\0\0\0yes";
static const char form_2[] = "RPS2\2\0\0\0u1\5\0\0\0\0\0\0\0\4\0\0\0main\4\0\0\0psst"
                             "\7\0\0\0{\"x\":1}\1\5\0\0\0hello\2\3\0\0\0yes";

static void sessions_of_earlier_versions_go_on(void **state) {
    struct rp_arena *arena = rp_arena_create();
    (void)state;
    for (int form = 1; form <= 2; form++) {
        struct session session = {0};
        struct rp_str bytes = form == 1 ? rp_str_n(form_1, sizeof(form_1) - 1) : rp_str_n(form_2, sizeof(form_2) - 1);
        assert_int_equal(session_decode(&session, bytes), 0);
        assert_int_equal(session.wake_ms, form == 1 ? 0 : 5);
        go_on(&session, arena, with_tools, 7, 40, 4096);
        assert_string_equal(rp_arena_str(arena, session.user).data, "u1");
        assert_int_equal(json_integer_value(session_get(&session, "x")), 1);
        const char *text = write_session(&session, arena);
        assert_ptr_equal(strstr(text, "u:hello|a:yes|u:where?|a:(c00003000 look"), text);
        session_finish(&session);
    }
    rp_arena_destroy(arena);
}

static void earlier_versions_had_no_rounds(void **state) {
    static const char bytes[] = "RPS2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\0";
    struct session session = {0};
    (void)state;
    assert_int_equal(session_decode(&session, rp_str_n(bytes, sizeof(bytes) - 1)), -RP_EIO);
    assert_int_equal(session_decode(&session, RP_STR("RPS4\0\0\0\0\0\0\0\0")), -RP_EIO);
    assert_int_equal(session_decode(&session, RP_STR("RPS0\0\0\0\0\0\0\0\0")), -RP_EIO);
}

/* ---- the summary ------------------------------------------------------------------------------------------------------- */

static void a_summary_goes_along_while_messages_are_dropped(void **state) {
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    (void)state;
    assert_int_equal(session_summed(&session), 0);
    for (int i = 0; i < 4; i++) go_on(&session, arena, with_tools, 7, 8, 4096);
    session.summary = RP_STR("they talked");
    session.summed = session.begins + 4;
    assert_int_equal(session_summed(&session), 4);
    static const size_t left[] = {2, 0, 0};
    for (int i = 0; i < 3; i++) {
        go_on(&session, arena, with_tools, 7, 8, 4096);
        assert_int_equal(session_summed(&session), left[i]);
        assert_string_equal(rp_arena_str(arena, session.summary).data, "they talked");
    }
    rp_arena_destroy(arena);
}

static void numbers_that_cannot_be_do_no_harm(void **state) {
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    (void)state;
    go_on(&session, arena, with_tools, 7, 8, 4096);
    session.summary = RP_STR("they talked");
    session.summed = UINT64_MAX;
    assert_int_equal(session_summed(&session), 2);
    session.begins = UINT64_MAX;
    assert_int_equal(session_summed(&session), 0);
    write_session(&session, arena);
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
        cmocka_unit_test(calls_and_results_are_kept_together),
        cmocka_unit_test(what_lacks_its_other_half_is_not_kept),
        cmocka_unit_test(exchanges_go_as_a_whole),
        cmocka_unit_test(no_ceiling_parts_an_exchange),
        cmocka_unit_test(what_events_say_goes_by_itself),
        cmocka_unit_test(sessions_of_earlier_versions_go_on),
        cmocka_unit_test(earlier_versions_had_no_rounds),
        cmocka_unit_test(a_summary_goes_along_while_messages_are_dropped),
        cmocka_unit_test(numbers_that_cannot_be_do_no_harm),
        cmocka_unit_test(a_variable_that_is_too_large_changes_nothing),
        cmocka_unit_test(a_session_is_remembered),
        cmocka_unit_test(a_store_that_fails_is_an_error_before_the_last_chunk),
        cmocka_unit_test(a_turn_that_ends_while_the_store_works_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
