/* Events of a session, waking it, saving it in mid-turn, shields, explanations. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/turn/event.h"
#include "core/turn/session_timer.h"
#include "support/rig.h"
#include "support/store.h"

#define NOON INT64_C(1767614400000)

static struct rig rig;
static struct test_store store;
static struct rig_client client;
static struct {
    char seen[1024]; /* what the stage was called with, one after the other */
    void (*on_message)(struct rp_stage *stage, struct rp_turn *turn); /* NULL: answers with the message */
    const char *on_timeout; /* what the event says; NULL: nothing */
    bool keep;
    struct rp_turn *kept;
    unsigned cancels;
} script;

static void see(struct rp_turn *turn) {
    size_t used = strlen(script.seen);
    snprintf(script.seen + used, sizeof(script.seen) - used, "%s%.*s;", turn->event ? turn->event : "",
             RP_STR_ARG(turn->message));
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    see(turn);
    if (script.on_message) script.on_message(stage, turn);
    script.kept = turn;
    if (!script.keep) rp_turn_reply(turn, rp_source_text(turn, turn->message));
    return RP_KEEP;
}

static enum rp_outcome on_event(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    see(turn);
    if (!script.on_timeout) return RP_PASS;
    rp_turn_reply(turn, rp_source_text(turn, rp_str(script.on_timeout)));
    return RP_KEEP;
}

static void on_cancel(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    (void)turn;
    script.cancels++;
}

static enum rp_outcome deaf(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    if (turn->event) fail_msg("a stage without on_event saw an event");
    return RP_PASS;
}

static const struct rp_stage_type deaf_type = {.type = {.name = "deaf"}, .on_turn = deaf};
static const struct rp_stage_type stage_type = {
    .type = {.name = "stage"}, .on_turn = on_turn, .on_event = on_event, .cancel = on_cancel};

static int setup(void **state) {
    (void)state;
    clock_freeze(NOON);
    memset(&script, 0, sizeof(script));
    memset(&client, 0, sizeof(client));
    rig_open(&rig);
    test_store_init(&store);
    rig.runtime.store = &store.store;
    rig_add(&rig, &deaf_type, NULL);
    rig_add(&rig, &stage_type, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    rig_client_clear(&client);
    rig_close(&rig);
    test_store_finish(&store);
    return 0;
}

static int start(const char *message, const char *event) {
    struct rp_turn_start turn = {.message = rp_str(message), .session = RP_STR("s"), .event = event, .explain = true};
    rig_client_clear(&client);
    return rig_start(&rig, &client, &turn);
}

static const char *say(const char *message) {
    assert_int_equal(start(message, NULL), 0);
    rig_finish(&rig, &client);
    return client.text.data ? client.text.data : "";
}

static void wake_in_a_minute(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    if (rp_str_equal(turn->message, RP_STR("wake"))) rp_session_wake(turn, rp_wall_ms() + 60000);
    if (rp_str_equal(turn->message, RP_STR("sleep"))) rp_session_wake(turn, 0);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void an_event_is_for_stages_that_know_events(void **state) {
    (void)state;
    assert_int_equal(start("", "paid"), 0);
    rig_finish(&rig, &client);
    assert_string_equal(script.seen, "paid;");
    assert_int_equal(client.ends, 1); /* nobody had to answer */
    assert_int_equal(client.text.len, 0);
}

static void an_event_has_no_message_and_needs_a_session(void **state) {
    (void)state;
    struct rp_turn_start turn = {.event = "paid"};
    assert_int_equal(start("text", "paid"), -RP_EINVALID);
    assert_int_equal(rig_start(&rig, &client, &turn), -RP_EINVALID);
}

static void what_an_event_says_stands_in_front_of_the_next_reply(void **state) {
    (void)state;
    script.on_timeout = "You have paid.";
    assert_int_equal(start("", "paid"), 0);
    rig_finish(&rig, &client);
    assert_int_equal(start("", "paid"), 0);
    rig_finish(&rig, &client);
    assert_string_equal(say("hello"), "You have paid.\nYou have paid.\nhello");
    assert_string_equal(say("again"), "again");
}

/* ---- waking ------------------------------------------------------------------------------------------------------ */

static void a_session_is_woken_when_it_is_time(void **state) {
    (void)state;
    script.on_message = wake_in_a_minute;
    script.on_timeout = "Are you there?";
    say("wake");
    assert_int_not_equal(test_store_value(&store, "timer/s").len, 0);
    clock_advance(59000);
    timer_heap_poke(rig.worker);
    rig_spin(&rig, 20);
    assert_string_equal(script.seen, "wake;");
    clock_advance(2000);
    timer_heap_poke(rig.worker);
    for (int i = 0; i < 1000 && !strstr(script.seen, "timeout"); i++) rig_spin(&rig, 20);
    rig_spin(&rig, 20);
    assert_string_equal(script.seen, "wake;timeout;");
    assert_int_equal(test_store_value(&store, "timer/s").len, 0);
    assert_string_equal(say("yes"), "Are you there?\nyes");
}

static void an_event_that_is_due_comes_before_the_message(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        script.seen[0] = '\0';
        store.later = later;
        script.on_message = wake_in_a_minute;
        script.on_timeout = "Are you there?";
        say("wake");
        clock_advance(61000); /* and no timer has looked yet */
        assert_string_equal(say("here"), "Are you there?\nhere");
        assert_string_equal(script.seen, "wake;timeout;here;");
    }
}

static void a_session_that_is_not_to_be_woken_any_more_is_left_alone(void **state) {
    (void)state;
    script.on_message = wake_in_a_minute;
    say("wake");
    say("sleep");
    assert_int_equal(test_store_value(&store, "timer/s").len, 0);
    clock_advance(61000);
    timer_heap_poke(rig.worker);
    rig_spin(&rig, 50);
    say("here");
    assert_string_equal(script.seen, "wake;sleep;here;");
}

static void a_new_process_finds_the_sessions_that_wait(void **state) {
    (void)state;
    script.on_message = wake_in_a_minute;
    say("wake");
    session_timers_destroy(rig.worker->session_timers); /* as if the process had ended */
    rig.worker->session_timers = NULL;
    clock_advance(61000);
    timer_heap_poke(rig.worker);
    session_timers_find(rig.worker);
    for (int i = 0; i < 1000 && !strstr(script.seen, "timeout"); i++) rig_spin(&rig, 20);
    rig_spin(&rig, 20);
    assert_string_equal(script.seen, "wake;timeout;");
}

static void an_event_that_fails_is_not_tried_for_ever(void **state) {
    (void)state;
    script.on_message = wake_in_a_minute;
    script.on_timeout = "x";
    say("wake");
    clock_advance(61000);
    store.fail_put = -RP_EIO;
    assert_int_equal(start("one", NULL), 0);
    rig_finish(&rig, &client);
    assert_int_equal(client.code, RP_EIO);
    store.fail_put = 0;
    assert_string_equal(say("two"), "x\ntwo");
    assert_string_equal(say("three"), "three");
}

/* ---- saving and shields ------------------------------------------------------------------------------------------ */

static struct rp_session_save save;
static unsigned saves;
static int save_code;

static void on_saved(struct rp_session_save *saved, int code) {
    (void)saved;
    saves++;
    save_code = code;
}

static void set_and_save(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    json_t *value = json_string("kept");
    rp_session_set(turn, "v", value);
    json_decref(value);
    save.done = on_saved;
    rp_session_save(turn, &save);
    assert_int_equal(saves, 0); /* never inside the call */
}

static void a_save_in_mid_turn_outlives_a_turn_that_fails(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        saves = 0;
        store.later = later;
        script.keep = true;
        script.on_message = set_and_save;
        assert_int_equal(start("x", NULL), 0);
        for (int i = 0; i < 100 && !saves; i++) rig_spin(&rig, 1);
        assert_int_equal(saves, 1);
        assert_int_equal(save_code, 0);
        rp_turn_cancel(client.turn);
        rig_finish(&rig, &client);
        struct rp_str bytes = test_store_value(&store, "session/s");
        assert_non_null(memmem(bytes.data, bytes.len, "kept", 4));
    }
}

static void save_and_leave(struct rp_stage *stage, struct rp_turn *turn) {
    set_and_save(stage, turn);
    rp_turn_cancel(turn);
}

static void a_turn_that_ends_in_mid_save_waits_for_the_store(void **state) {
    (void)state;
    saves = 0;
    store.later = true;
    script.keep = true;
    script.on_message = save_and_leave;
    assert_int_equal(start("x", NULL), 0);
    rig_finish(&rig, &client);
    assert_int_equal(saves, 0);
    assert_int_equal(script.cancels, 1);
}

static void a_shielded_turn_outlives_its_client(void **state) {
    (void)state;
    script.keep = true;
    assert_int_equal(start("x", NULL), 0);
    while (script.kept == NULL) rig_spin(&rig, 1);
    struct rp_turn *turn = script.kept;
    rp_turn_shield(turn);
    rp_turn_cancel(turn);
    rig_spin(&rig, 20);
    assert_int_equal(client.dones + script.cancels, 0);
    rp_turn_unshield(turn);
    rig_finish(&rig, &client);
    assert_int_equal(script.cancels, 1);
    assert_int_equal(client.writes, 0);
}

static void a_shielded_turn_outlives_its_deadline_but_not_the_drain(void **state) {
    (void)state;
    rig.runtime.limits.turn_ms = 60000;
    script.keep = true;
    for (int drain = 0; drain < 2; drain++) {
        script.kept = NULL;
        assert_int_equal(start("x", NULL), 0);
        while (script.kept == NULL) rig_spin(&rig, 1);
        rp_turn_shield(script.kept);
        clock_advance(61000);
        timer_heap_poke(rig.worker);
        rig_spin(&rig, 10);
        assert_int_equal(client.errors, 0);
        if (drain)
            turn_table_break_all(rig.worker, RP_EDRAINING);
        else
            rp_turn_unshield(script.kept);
        rig_finish(&rig, &client);
        assert_int_equal(client.code, drain ? RP_EDRAINING : RP_EDEADLINE);
    }
}

/* ---- the record -------------------------------------------------------------------------------------------------- */

static json_t *record;

static void note(struct rp_stage *stage, struct rp_turn *turn) {
    assert_true(rp_turn_explained(turn));
    rp_turn_note(turn, &stage->element, "decided", json_pack("{s:s}", "why", "because"));
    rp_turn_event(turn, "told", json_pack("{s:i}", "n", 1));
}

static void copy_record(struct rig_client *of) {
    json_decref(record);
    record = json_deep_copy(rp_turn_record(of->turn));
}

static void a_record_tells_stages_and_notes(void **state) {
    (void)state;
    script.on_message = note;
    client.on_text = copy_record;
    assert_int_equal(start("why?", NULL), 0);
    client.on_text = copy_record;
    rig_finish(&rig, &client);
    json_t *stages = json_object_get(record, "stages");
    assert_int_equal(json_array_size(stages), 2);
    json_t *last = json_array_get(stages, 1), *first_note = json_array_get(json_object_get(last, "notes"), 0);
    assert_string_equal(json_string_value(json_object_get(last, "stage")), "stage");
    assert_string_equal(json_string_value(json_object_get(last, "outcome")), "answered");
    assert_string_equal(json_string_value(json_object_get(first_note, "what")), "decided");
    assert_string_equal(json_string_value(json_object_get(first_note, "why")), "because");
    assert_string_equal(json_string_value(json_object_get(record, "message")), "why?");
    json_decref(record);
    record = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_for_stages_that_know_events),
        TEST(an_event_has_no_message_and_needs_a_session),
        TEST(what_an_event_says_stands_in_front_of_the_next_reply),
        TEST(a_session_is_woken_when_it_is_time),
        TEST(an_event_that_is_due_comes_before_the_message),
        TEST(a_session_that_is_not_to_be_woken_any_more_is_left_alone),
        TEST(a_new_process_finds_the_sessions_that_wait),
        TEST(an_event_that_fails_is_not_tried_for_ever),
        TEST(a_save_in_mid_turn_outlives_a_turn_that_fails),
        TEST(a_turn_that_ends_in_mid_save_waits_for_the_store),
        TEST(a_shielded_turn_outlives_its_client),
        TEST(a_shielded_turn_outlives_its_deadline_but_not_the_drain),
        TEST(a_record_tells_stages_and_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
