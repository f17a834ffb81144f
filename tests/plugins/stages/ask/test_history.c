/* The stage over whole conversations: what of the session goes to the model, and who sums up the rest. The models here have
 * no tokenizer, so that tokens are estimated: "aaaa" is one, and a message's form six. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "plugins/stages/ask/ask.h"
#include "support/model.h"
#include "support/rig.h"
#include "support/store.h"

static struct {
    struct rig rig;
    struct rig_client client;
    struct test_store store;
    struct test_model main, scribe;
    struct rp_prompt prompt;
    struct rp_tool_runner runner;
    struct ask_options options;
    char notes[4096]; /* of the stage, in the last turn that was explained */
    bool explain;
    const char *session;
} the;

/* ---- a stage in front, that offers tools --------------------------------------------------------------------------- */

static void start_tool(const struct rp_tool_runner *runner, struct rp_tool_run *run) {
    (void)runner;
    run->done(run, RP_STR("on its way"));
}

static void cancel_tool(const struct rp_tool_runner *runner, struct rp_tool_run *run) {
    (void)runner, (void)run;
}

static enum rp_outcome prepare(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    *rp_turn_prompt(turn) = the.prompt;
    return RP_PASS;
}
static const struct rp_stage_type prepare_stage = {.type = {.name = "prepare"}, .on_turn = prepare};

/* ---- the rig ------------------------------------------------------------------------------------------------------- */

static int begin(void **state) {
    static const struct rp_tool_ops ops = {.start = start_tool, .cancel = cancel_tool};
    (void)state;
    memset(&the, 0, sizeof(the));
    test_model_open(&the.main, "main");
    test_model_open(&the.scribe, "scribe");
    test_store_init(&the.store);
    the.session = "s1";
    the.prompt.temperature = the.prompt.top_p = NAN;
    the.runner = (struct rp_tool_runner){.ops = &ops, .rounds = 3, .calls = 4};
    the.options = (struct ask_options){.model = &the.main.model, .history = 100, .history_tokens = 4000,
                                       .summary_tokens = 100, .summary_timeout = 10000};
    rig_open(&the.rig);
    the.rig.runtime.store = &the.store.store;
    rig_add(&the.rig, &prepare_stage, NULL);
    rig_add(&the.rig, &ask_stage, &the.options);
    return 0;
}

static int end(void **state) {
    (void)state;
    rig_client_clear(&the.client);
    rig_close(&the.rig);
    test_store_finish(&the.store);
    test_model_close(&the.main);
    test_model_close(&the.scribe);
    json_decref((json_t *)(uintptr_t)the.prompt.tools);
    return 0;
}

static void keep_notes(struct rig_client *client) {
    if (!the.explain) return;
    const json_t *stage = json_array_get(json_object_get(rp_turn_record(client->turn), "stages"), 1);
    memset(the.notes, 0, sizeof(the.notes));
    json_dumpb(json_object_get(stage, "notes"), the.notes, sizeof(the.notes) - 1, JSON_COMPACT);
}

static void start(const char *message) {
    struct rp_turn_start turn = {.message = rp_str(message), .session = rp_str(the.session), .explain = the.explain};
    rig_client_clear(&the.client);
    the.client.on_text = keep_notes;
    assert_int_equal(rig_start(&the.rig, &the.client, &turn), 0);
}

/* What the model was asked last; it says `reply`. */
static const char *say(const char *message, const char *reply) {
    unsigned call = the.main.calls;
    the.main.replies[call] = reply;
    start(message);
    rig_finish(&the.rig, &the.client);
    assert_int_equal(the.main.closed, the.main.calls);
    assert_int_equal(the.scribe.closed, the.scribe.calls);
    return the.main.calls > call ? the.main.asked[the.main.calls - 1] : "";
}

static void offer(const char *name) {
    json_t *tools = json_array();
    json_array_append_new(tools, json_pack("{s:s}", "name", name));
    json_decref((json_t *)(uintptr_t)the.prompt.tools);
    the.prompt.tools = tools;
    the.prompt.runner = &the.runner;
}

static void offer_nothing(void) {
    json_decref((json_t *)(uintptr_t)the.prompt.tools);
    the.prompt.tools = NULL;
    the.prompt.runner = NULL;
}

/* ---- what goes along ----------------------------------------------------------------------------------------------- */

static void tools_of_an_earlier_turn_go_along(void **state) {
    (void)state;
    offer("look");
    the.main.replies[1] = "It is on its way.";
    assert_string_equal(say("where?", "I look.^look{\"id\":7}"),
                        "u:where?|a:I look.(call_0_0 look {\"id\":7})|t:call_0_0=on its way");
    assert_string_equal(the.client.text.data, "I look.\n\nIt is on its way.");
    assert_string_equal(say("thanks", "Yes."), "u:where?|a:(c00001000 look {\"id\":7})|t:c00001000=on its way|"
                                               "a:I look.\n\nIt is on its way.|u:thanks");
    offer_nothing();
    assert_string_equal(say("and?", "No."),
                        "u:where?|a:I look.\n\nIt is on its way.|u:thanks|a:Yes.|u:and?");
    offer("look");
    assert_non_null(strstr(say("so?", "No."), "(c00001000 look"));
}

static void a_long_conversation_stays_in_its_budget(void **state) {
    (void)state;
    the.options.history_tokens = 45; /* three exchanges of 15 or 14 */
    for (int i = 0; i < 12; i++) {
        char message[32];
        snprintf(message, sizeof(message), "aaaaaaaa%d", i); /* 3 */
        const char *asked = say(message, i == 11 ? "last" : "aaaa");
        if (i == 11) assert_string_equal(asked, "u:aaaaaaaa9|a:aaaa|u:aaaaaaaa10|a:aaaa|u:aaaaaaaa11");
    }
}

static void the_last_texts_count(void **state) {
    (void)state;
    the.options.history = 2;
    say("one", "1");
    say("two", "2");
    assert_string_equal(say("three", "3"), "u:two|a:2|u:three");
    the.options.history = 0;
    assert_string_equal(say("four", "4"), "u:four");
}

static void what_has_no_room_is_refused_with_a_sentence(void **state) {
    (void)state;
    the.main.context = 60;
    assert_string_equal(say("a short question", "1"), "u:a short question");
    char message[400];
    memset(message, 'a', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    assert_string_equal(say(message, "2"), "");
    assert_int_equal(the.client.code, RP_ETOOLARGE);
    assert_string_equal(say("again", "3"), "u:a short question|a:1|u:again"); /* it is not remembered */
}

static void an_explanation_tells_what_went_along(void **state) {
    (void)state;
    the.options.history = 2;
    the.explain = true;
    say("one", "1");
    assert_null(strstr(the.notes, "history"));
    say("two", "2");
    say("three", "3");
    assert_non_null(strstr(the.notes, "{\"what\":\"history\",\"messages\":2,\"tokens\":14,\"budget\":4000,\"dropped\":2,"
                                      "\"summarised\":0}"));
}

/* ---- summing up ---------------------------------------------------------------------------------------------------- */

static const char summary_mark[] = "\n> They talked.\n";

/* Six messages are too many; three are kept then, which is one exchange. */
static void sum_up_soon(void) {
    the.options.summary = &the.scribe.model;
    the.options.history = 5;
}

static void what_falls_out_is_summed_up(void **state) {
    (void)state;
    sum_up_soon();
    the.scribe.replies[0] = " They talked.#\n";
    say("one", "1");
    say("two", "2");
    say("three", "3#");
    assert_int_equal(the.scribe.calls, 0);
    const char *asked = say("four", "4#");
    assert_int_equal(the.scribe.calls, 1);
    assert_non_null(strstr(the.scribe.asked[0], "|u:What was said since:\nuser: one\nbot: 1\nuser: two\nbot: 2\n"));
    assert_null(strstr(the.scribe.asked[0], "three"));
    assert_int_equal(the.scribe.prompt.max_tokens, 100);
    assert_non_null(strstr(asked, summary_mark));
    assert_non_null(strstr(asked, "|a:I have read the record.|u:three|a:3|u:four"));
    assert_int_equal(the.client.usage.input_tokens, 20);
    assert_int_equal(the.client.usage.output_tokens, 2);
}

static void it_runs_on_and_does_not_cost_every_turn(void **state) {
    (void)state;
    sum_up_soon();
    the.scribe.replies[0] = "They talked.";
    the.scribe.replies[1] = "They went on.";
    for (int i = 0; i < 4; i++) say("one", "1");
    assert_int_equal(the.scribe.calls, 1);
    const char *asked = say("five", "5");
    assert_int_equal(the.scribe.calls, 1); /* it is in the session, and there is room */
    assert_non_null(strstr(asked, summary_mark));
    say("six", "6");
    assert_int_equal(the.scribe.calls, 2);
    assert_non_null(strstr(the.scribe.asked[1], "The record so far:\n> They talked.\n\nWhat was said since:\nuser: one\n"));
    assert_non_null(strstr(say("seven", "7"), "\n> They went on.\n"));
}

static void a_session_drops_and_the_summary_stands_for_the_same(void **state) {
    (void)state;
    sum_up_soon();
    the.rig.runtime.limits.history = 6;
    the.scribe.replies[0] = "They talked.";
    for (int i = 0; i < 3; i++) say("old", "1");
    say("new", "2");
    assert_int_equal(the.scribe.calls, 1);
    say("newer", "3");
    const char *asked = say("newest", "!");
    assert_int_equal(the.scribe.calls, 2);
    the.options.history = 50;
    asked = say("newest", "4"); /* four of the first texts are gone, two of them were summed up and are still there */
    assert_non_null(strstr(asked, summary_mark));
    assert_non_null(strstr(asked, "record.|u:old|a:1|u:new|a:2|u:newer|a:3|u:newest"));
}

static void without_the_option_all_goes_along_again(void **state) {
    (void)state;
    sum_up_soon();
    the.scribe.replies[0] = "They talked.";
    for (int i = 0; i < 4; i++) say("one", "1");
    the.options.summary = NULL;
    the.options.history = 50;
    assert_string_equal(say("two", "2"), "u:one|a:1|u:one|a:1|u:one|a:1|u:one|a:1|u:two");
}

/* ---- when it goes wrong -------------------------------------------------------------------------------------------- */

static void expect_without(const char *asked) {
    assert_string_equal(asked, "u:one|a:1|u:one|a:1|u:four");
    assert_string_equal(the.client.text.data, "4");
    assert_int_equal(the.client.ends, 1);
}

static void a_summary_that_fails_fails_no_turn(void **state) {
    static const char *const bad[] = {"!", "They tal!", "", " \n", "They%"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin(NULL);
        sum_up_soon();
        the.scribe.replies[0] = bad[i];
        for (int turn = 0; turn < 3; turn++) say("one", "1");
        the.explain = true;
        expect_without(say("four", "4"));
        assert_non_null(strstr(the.notes, "{\"what\":\"no summary\",\"why\":\""));
        say("five", "5");
        assert_int_equal(the.scribe.calls, 1); /* it is left alone for a while */
        end(NULL);
    }
}

/* A conversation that cannot be summed up does not cost others theirs. */
static void a_conversation_that_is_to_blame_rests_alone(void **state) {
    (void)state;
    sum_up_soon();
    the.scribe.replies[0] = "They%"; /* refused */
    the.scribe.replies[1] = "They talked.";
    for (int i = 0; i < 4; i++) say("one", "1");
    assert_int_equal(the.scribe.calls, 1);
    the.session = "s2";
    for (int i = 0; i < 3; i++) say("one", "1");
    assert_non_null(strstr(say("four", "4"), summary_mark));
    assert_int_equal(the.scribe.calls, 2);
    the.session = "s1";
    say("five", "5");
    assert_int_equal(the.scribe.calls, 2);
}

static void a_summary_that_hangs_is_waited_for_so_long(void **state) {
    (void)state;
    sum_up_soon();
    the.options.summary_timeout = 20;
    the.scribe.replies[0] = "They talked.";
    the.scribe.hang_at = 3;
    for (int i = 0; i < 3; i++) say("one", "1");
    expect_without(say("four", "4"));
}

static void it_is_tried_again_after_a_rest(void **state) {
    (void)state;
    sum_up_soon();
    the.scribe.replies[0] = "!";
    the.scribe.replies[1] = "They talked.";
    for (int i = 0; i < 4; i++) say("one", "1");
    assert_int_equal(the.scribe.calls, 1);
    clock_hold();
    clock_advance(61000);
    assert_non_null(strstr(say("five", "5"), summary_mark));
    assert_int_equal(the.scribe.calls, 2);
}

static void a_client_that_leaves_ends_it(void **state) {
    (void)state;
    sum_up_soon();
    the.scribe.replies[0] = "They talked.";
    the.scribe.hang_at = 3;
    for (int i = 0; i < 3; i++) say("one", "1");
    start("four");
    rig_spin(&the.rig, 20);
    assert_int_equal(the.scribe.calls, 1);
    assert_int_equal(the.scribe.closed, 0);
    rp_turn_cancel(the.client.turn);
    rig_finish(&the.rig, &the.client);
    assert_int_equal(the.scribe.closed, 1);
    assert_int_equal(the.main.calls, 3);
    the.scribe.hang_at = 0;
    the.scribe.replies[1] = "They talked.";
    assert_non_null(strstr(say("four", "4"), summary_mark)); /* nobody was to blame */
}

/* A model that does not know when to stop gets no more room for it. */
static void a_summary_is_no_longer_than_it_may_be(void **state) {
    static char endless[2001];
    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    sum_up_soon();
    the.scribe.replies[0] = endless;
    for (int i = 0; i < 3; i++) say("one", "1");
    const char *asked = say("four", "4");
    const char *at = strstr(asked, "> a");
    assert_non_null(at);
    assert_in_range(strspn(at + 2, "a"), 400, 800); /* 100 tokens, and some tolerance */
}

static void a_summary_that_leaves_no_room_is_a_mistake(void **state) {
    struct rp_error error;
    struct ask_options options = {.history_tokens = 400, .summary_tokens = 100, .summary = &the.scribe.model};
    (void)state;
    assert_int_equal(summary_check(&options, &error), 0);
    options.history_tokens--;
    assert_int_equal(summary_check(&options, &error), -RP_ECONFIG);
    options.summary = NULL;
    assert_int_equal(summary_check(&options, &error), 0);
}

/* Hours do not matter: the model may collect such calls. */
static void a_patient_turn_waits_for_its_summary(void **state) {
    (void)state;
    sum_up_soon();
    the.options.summary_timeout = 1;
    the.scribe.replies[0] = "They talked.";
    the.scribe.hang_at = 3;
    for (int i = 0; i < 3; i++) say("one", "1");
    struct rp_turn_start turn = {
        .message = RP_STR("four"), .session = RP_STR("s1"), .patient = true, .time_ms = 60};
    rig_client_clear(&the.client);
    assert_int_equal(rig_start(&the.rig, &the.client, &turn), 0);
    rig_finish(&the.rig, &the.client);
    assert_int_equal(the.client.code, RP_EDEADLINE);
    assert_int_equal(the.scribe.closed, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tools_of_an_earlier_turn_go_along, begin, end),
        cmocka_unit_test_setup_teardown(a_long_conversation_stays_in_its_budget, begin, end),
        cmocka_unit_test_setup_teardown(the_last_texts_count, begin, end),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_refused_with_a_sentence, begin, end),
        cmocka_unit_test_setup_teardown(an_explanation_tells_what_went_along, begin, end),
        cmocka_unit_test_setup_teardown(what_falls_out_is_summed_up, begin, end),
        cmocka_unit_test_setup_teardown(it_runs_on_and_does_not_cost_every_turn, begin, end),
        cmocka_unit_test_setup_teardown(a_session_drops_and_the_summary_stands_for_the_same, begin, end),
        cmocka_unit_test_setup_teardown(without_the_option_all_goes_along_again, begin, end),
        cmocka_unit_test(a_summary_that_fails_fails_no_turn),
        cmocka_unit_test_setup_teardown(a_conversation_that_is_to_blame_rests_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_summary_that_hangs_is_waited_for_so_long, begin, end),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(a_summary_is_no_longer_than_it_may_be, begin, end),
        cmocka_unit_test_setup_teardown(a_summary_that_leaves_no_room_is_a_mistake, begin, end),
        cmocka_unit_test_setup_teardown(a_patient_turn_waits_for_its_summary, begin, end),
        cmocka_unit_test_setup_teardown(it_is_tried_again_after_a_rest, begin, end), /* holds the clock: the last one */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
