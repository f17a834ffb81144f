/* What the session keeps of the tools that a reply took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store.h"
#include "talker.h"

static struct test_store store;
static struct rp_arena *reading;

static void open_store(void) {
    test_store_init(&store);
    talker.rig.runtime.store = &store.store;
}

/* What the session has after a message: "user|calls|result|bot", rounds as name(arguments). */
static const char *remembered(const char *message) {
    struct rp_turn_start start = {.message = rp_str(message), .session = RP_STR("s1")};
    struct session session;
    size_t count;
    const char *text = "";
    rig_client_clear(&talker.client);
    assert_int_equal(rig_start(&talker.rig, &talker.client, &start), 0);
    rig_finish(&talker.rig, &talker.client);
    struct rp_str bytes = rp_arena_str(reading, test_store_value(&store, "session/s1"));
    if (bytes.len == 0) return "";
    assert_int_equal(session_decode(&session, bytes), 0);
    const struct rp_message *messages = session_messages(&session, reading, &count);
    for (size_t i = 0; i < count; i++) {
        text = rp_arena_printf(reading, "%s%s%.*s", text, i ? "|" : "", RP_STR_ARG(messages[i].text));
        for (size_t k = 0; messages[i].role == RP_ROLE_ASSISTANT && k < messages[i].call_count; k++)
            text = rp_arena_printf(reading, "%s%.*s%.*s", text, RP_STR_ARG(messages[i].calls[k].name),
                                   RP_STR_ARG(messages[i].calls[k].arguments));
    }
    return text;
}

static int remember_setup(void **state) {
    talker_setup(state);
    open_store();
    reading = rp_arena_create();
    talker_tools("a b");
    return 0;
}

static int remember_teardown(void **state) {
    rp_arena_destroy(reading);
    int result = talker_teardown(state);
    test_store_finish(&store);
    return result;
}

static void tools_become_part_of_the_exchange(void **state) {
    (void)state;
    talker.model.replies[0] = "Wait.^a{\"x\":1}^b{}";
    talker.model.replies[1] = "^a{}";
    talker.model.replies[2] = "Done.";
    assert_string_equal(remembered("hi"), "hi|a{\"x\":1}b{}|result of a|result of b|a{}|result of a|Wait.\n\nDone.");
}

static void corrections_do_not(void **state) {
    (void)state;
    talker_fits("{\"type\":\"integer\"}", 1);
    talker.model.replies[0] = "^a{}";
    talker.model.replies[1] = "seven";
    talker.model.replies[2] = "7";
    assert_string_equal(remembered("hi"), "hi|a{}|result of a|7");
}

static void nothing_is_kept_of_a_reply_that_fails(void **state) {
    (void)state;
    talker.model.replies[0] = "^a{}";
    talker.model.replies[1] = "half!";
    assert_string_equal(remembered("hi"), "");
}

static void tools_of_a_reply_that_was_stopped_are_forgotten(void **state) {
    (void)state;
    talker.model.replies[0] = "^a{}";
    talker.model.replies[1] = "No%";
    assert_string_equal(remembered("hi"), "hi|No");
    talker.block_at = 2;
    talker.model.replies[2] = "^a{}^b{}";
    assert_string_equal(remembered("and?"), "hi|No|and?|blocked");
}

/* A tap that throws the first reply away, as guards with `retry` do. */
static enum rp_outcome retry_on_turn(struct rp_stage *stage, struct rp_turn *turn);
static const struct rp_stage_type retry_stage = {.type = {.name = "retry"}, .on_turn = retry_on_turn};
static unsigned thrown_away;

static void retry_write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)turn, (void)chunk;
    if (flow == RP_END && thrown_away++ == 0)
        assert_int_equal(rp_tap_restart(tap), 0);
    else if (flow == RP_END)
        rp_tap_next(tap, &(struct rp_chunk){.type = RP_CHUNK_TEXT, .text = RP_STR("kept")}, RP_END);
    else
        rp_tap_more(tap);
}

static enum rp_outcome retry_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_tap_ops ops = {.write = retry_write};
    (void)stage;
    rp_tap_push(turn, rp_arena_zalloc(turn->arena, sizeof(struct rp_tap)), &ops);
    return RP_PASS;
}

static void a_reply_that_was_thrown_away_leaves_no_tools(void **state) {
    static const char *const second[] = {"plain", "^b{}"};
    static const char *const expected[] = {"hi|kept", "hi|b{}|result of b|kept"};
    for (int i = 0; i < 2; i++) {
        remember_setup(state);
        rig_close(&talker.rig); /* another pipeline: the tap, then the talker */
        const struct rp_stage_type *talker_type =
            (const struct rp_stage_type *)(const void *)talker.rig.stages[0].element.type;
        rig_open(&talker.rig);
        open_store();
        rig_add(&talker.rig, &retry_stage, NULL);
        rig_add(&talker.rig, talker_type, NULL);
        thrown_away = 0;
        talker.model.replies[0] = "^a{}";
        talker.model.replies[1] = "away";
        talker.model.replies[2] = second[i];
        talker.model.replies[3] = "fine";
        assert_string_equal(remembered("hi"), expected[i]);
        remember_teardown(state);
    }
}

/* ---- what is kept of a round ------------------------------------------------------------------------------------- */

static struct rp_str mask(struct rp_stage *stage, struct rp_turn *turn, struct rp_str text) {
    struct rp_str masked = rp_arena_str(turn->arena, text);
    bool found = false;
    (void)stage;
    for (char *at = strstr(masked.len ? masked.data : "", "12345"); at; at = strstr(at, "12345")) {
        memcpy(at, "-----", 5);
        found = true;
    }
    return found ? masked : text;
}

static enum rp_outcome mask_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage, (void)turn;
    return RP_PASS;
}
static const struct rp_stage_type mask_stage = {.type = {.name = "mask"}, .on_turn = mask_on_turn, .mask = mask};

/* A stage that is never reached masks all the same, since what tools say passes no stage at all. */
static void personal_data_of_tools_is_masked_and_arguments_stay_json(void **state) {
    (void)state;
    rig_add(&talker.rig, &mask_stage, NULL);
    talker.at_once = false;
    talker.model.replies[0] = "^a{\"id\":12345,\"phone\":\"+12345\"}";
    talker.model.replies[1] = "Done.";
    struct rp_turn_start start = {.message = RP_STR("hi"), .session = RP_STR("s1")};
    assert_int_equal(rig_start(&talker.rig, &talker.client, &start), 0);
    rig_spin(&talker.rig, 80);
    assert_int_equal(talker.started, 1);
    talker.runs[0]->done(talker.runs[0], RP_STR("call 12345"));
    rig_finish(&talker.rig, &talker.client);
    assert_non_null(strstr(talker.model.asked[1], "call 12345")); /* the model sees what the tool said */
    talker.prompt.runner = NULL;
    assert_non_null(strstr(remembered("so?"), "hi|a{\"id\":\"-----\",\"phone\":\"+-----\"}|call -----|Done."));
}

static void long_results_are_shortened_and_marked(void **state) {
    char *long_text = rp_arena_alloc(reading, 10000);
    (void)state;
    memset(long_text, 'x', 10000);
    memcpy(long_text + 4095, "\xE5\xA5\xBD", 3); /* lies across the limit */
    talker.at_once = false;
    talker.model.replies[0] = "^a{}";
    talker.model.replies[1] = "Done.";
    struct rp_turn_start start = {.message = RP_STR("hi"), .session = RP_STR("s1")};
    assert_int_equal(rig_start(&talker.rig, &talker.client, &start), 0);
    rig_spin(&talker.rig, 40);
    talker.runs[0]->done(talker.runs[0], rp_str_n(long_text, 10000));
    rig_finish(&talker.rig, &talker.client);
    talker.prompt.runner = NULL;
    const char *text = remembered("so?");
    assert_non_null(strstr(text, "x\n[shortened: the first 4095 of 10000 bytes]|Done."));
    assert_true(rp_utf8_valid(text, strlen(text)));
}

static void the_newest_rounds_are_kept_where_there_is_no_room(void **state) {
    (void)state;
    talker.rig.runtime.limits.session = 8 * 30; /* "result of a" twice, and their calls */
    talker.model.replies[0] = "^a{}^b{}";
    talker.model.replies[1] = "^b{}";
    talker.model.replies[2] = "Done.";
    assert_string_equal(remembered("hi"), "hi|b{}|result of b|Done.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, remember_setup, remember_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(tools_become_part_of_the_exchange),
        TEST(corrections_do_not),
        TEST(nothing_is_kept_of_a_reply_that_fails),
        TEST(tools_of_a_reply_that_was_stopped_are_forgotten),
        cmocka_unit_test(a_reply_that_was_thrown_away_leaves_no_tools),
        TEST(personal_data_of_tools_is_masked_and_arguments_stay_json),
        TEST(long_results_are_shortened_and_marked),
        TEST(the_newest_rounds_are_kept_where_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
