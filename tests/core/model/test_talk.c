/* The talk with a model: rounds of tools, replies that must fit, what is refused, what is counted, and ends in the
 * middle of it all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <repartee/metrics.h>

#include "core/model/meter.h"

#include "talker.h"

/* ---- plain ------------------------------------------------------------------------------------------------------- */

static void a_plain_reply_comes_as_it_is(void **state) {
    (void)state;
    talker.model.replies[0] = "你好, #you";
    assert_string_equal(talker_say("hi"), "你好, you");
    assert_string_equal(talker.model.asked[0], "u:hi");
    assert_int_equal(talker.client.usage.input_tokens, 10);
    talker.model.replies[1] = "half!";
    assert_string_equal(talker_say("hi"), "!upstream_error");
    assert_string_equal(talker.client.text.data, "half");
}

static void a_note_is_said_behind_the_message(void **state) {
    (void)state;
    talker.prompt.note = RP_STR("be brief");
    talker.model.replies[0] = "ok";
    assert_string_equal(talker_say("hi"), "ok");
    assert_string_equal(talker.model.asked[0], "u:hi|s:be brief");
}

static void what_a_model_does_not_take_is_refused_or_told_in_words(void **state) {
    (void)state;
    talker.model.takes = 0;
    talker.prompt.grammar = "root ::= \"a\"";
    assert_string_equal(talker_say("hi"), "!unsupported");
    talker.prompt.grammar = NULL;
    talker_tools("a");
    assert_string_equal(talker_say("hi"), "!unsupported");
    assert_int_equal(talker.model.calls, 0);
    json_decref((json_t *)(uintptr_t)talker.prompt.tools);
    talker.prompt.tools = NULL;
    talker_fits("{\"type\":\"integer\"}", 0);
    talker.model.replies[0] = "7";
    assert_string_equal(talker_say("hi"), "7");
    assert_non_null(strstr(talker.model.asked[0], "u:hi|s:Answer with one JSON value and nothing else"));
    assert_non_null(strstr(talker.model.asked[0], "{\"type\":\"integer\"}"));
}

static struct rp_source *hand_on(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    (void)model;
    return rp_model_ask(&talker.model.model, turn, call);
}

static void replies_that_are_handed_on_count_for_their_model(void **state) {
    static const struct rp_model_type type = {.type = {.name = "handing"}, .ask = hand_on, .forwards = true};
    struct rp_model handing = {.element = {.type = &type.type, .name = "route"}};
    struct rp_metric *calls =
        rp_metric(RP_COUNTER, "repartee_model_calls_total", "", "model", "main", "outcome", "ok", NULL);
    int64_t before = rp_metric_value(calls);
    (void)state;
    assert_null(model_meter_create(&handing));
    talker.prompt.model = &handing;
    talker.model.replies[0] = "yes#";
    assert_string_equal(talker_say("hi"), "yes");
    assert_int_equal(rp_metric_value(calls) - before, 1);
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */

static void results_are_told_and_the_model_goes_on(void **state) {
    (void)state;
    talker_tools("find stop");
    talker.model.replies[0] = "Let me see.#^find{\"q\":1}^stop{}";
    talker.model.replies[1] = "#Found it.";
    assert_string_equal(talker_say("hi"), "Let me see.\n\nFound it.");
    assert_string_equal(talker.model.asked[1], "u:hi|a:Let me see.(call_0_0 find {\"q\":1})(call_0_1 stop {})"
                                               "|t:call_0_0=result of find|t:call_0_1=result of stop");
    assert_string_equal(talker.passed, "find{\"q\":1} stop{} ");
    assert_int_equal(talker.client.usage.input_tokens, 20);
    assert_int_equal(talker.client.finish, RP_FINISH_STOP);
}

static void rounds_add_up(void **state) {
    (void)state;
    talker_tools("find");
    talker.model.replies[0] = "see^find{\"n\":1}";
    talker.model.replies[1] = "^find{\"n\":2}";
    talker.model.replies[2] = "done ~";
    assert_string_equal(talker_say("hi"), "see\n\ndone ");
    assert_string_equal(talker.model.asked[2], "u:hi|a:see(call_0_0 find {\"n\":1})|t:call_0_0=result of find"
                                               "|a:(call_1_0 find {\"n\":2})|t:call_1_0=result of find");
    assert_int_equal(talker.client.finish, RP_FINISH_LENGTH);
}

static void a_model_that_never_stops_calling_is_stopped(void **state) {
    (void)state;
    talker_tools("find");
    for (int i = 0; i < 8; i++) talker.model.replies[i] = "^find{}#";
    assert_string_equal(talker_say("hi"), "!tool_limit");
    assert_int_equal(talker.model.calls, 4);
    assert_int_equal(talker.started, 3);
    assert_int_equal(talker.client.usage.input_tokens, 40); /* what was spent is told all the same */
}

static void calls_beyond_the_bound_are_refused_to_the_model(void **state) {
    (void)state;
    talker_tools("f");
    talker.runner.calls = 2;
    talker.model.replies[0] = "^f{\"n\":1}^f{\"n\":2}^f{\"n\":3}";
    talker.model.replies[1] = "ok";
    assert_string_equal(talker_say("hi"), "ok");
    assert_int_equal(talker.started, 2);
    assert_non_null(
        strstr(talker.model.asked[1], "|t:call_0_1=result of f|t:call_0_2=Error: not run, at most 2 tools"));
}

static void tools_run_at_once_and_are_told_in_their_order(void **state) {
    (void)state;
    talker_tools("a b");
    talker.at_once = false;
    talker.model.replies[0] = "^a{}^b{}";
    talker.model.replies[1] = "ok";
    talker_start("hi");
    for (int i = 0; i < 20; i++) rig_spin(&talker.rig, 1);
    assert_int_equal(talker.started, 2);
    talker.runs[1]->done(talker.runs[1], RP_STR("second"));
    for (int i = 0; i < 20; i++) rig_spin(&talker.rig, 1);
    assert_int_equal(talker.model.calls, 1);
    talker.runs[1]->done(talker.runs[1], RP_STR("twice: has no effect"));
    talker.runs[0]->done(talker.runs[0], RP_STR("first"));
    rig_finish(&talker.rig, &talker.client);
    assert_string_equal(talker.client.text.data, "ok");
    assert_string_equal(talker.model.asked[1],
                        "u:hi|a:(call_0_0 a {})(call_0_1 b {})|t:call_0_0=first|t:call_0_1=second");
}

static void who_leaves_ends_the_tools_that_run(void **state) {
    (void)state;
    talker_tools("a b");
    talker.at_once = false;
    talker.model.replies[0] = "^a{}^b{}";
    talker_start("hi");
    for (int i = 0; i < 20; i++) rig_spin(&talker.rig, 1);
    talker.runs[0]->done(talker.runs[0], RP_STR("first"));
    rp_turn_cancel(talker.client.turn);
    rig_finish(&talker.rig, &talker.client);
    assert_int_equal(talker.cancelled, 1);
    assert_int_equal(talker.model.closed, 1);
}

static void a_tap_that_ends_the_reply_at_a_call_keeps_it_from_running(void **state) {
    (void)state;
    talker_tools("a b");
    talker.model.replies[0] = "^a{}^b{}";
    talker.block_at = 2;
    assert_string_equal(talker_say("hi"), "blocked");
    assert_int_equal(talker.started, 0);
    assert_int_equal(talker.client.finish, RP_FINISH_FILTER);
}

static void without_a_runner_calls_go_to_the_client(void **state) {
    (void)state;
    talker_tools("a");
    talker.prompt.runner = NULL;
    talker.model.replies[0] = "^a{\"x\":1}";
    assert_string_equal(talker_say("hi"), "");
    assert_string_equal(talker.passed, "a{\"x\":1}! ");
    assert_int_equal(talker.client.writes, 2); /* the call, and the end */
    assert_int_equal(talker.model.calls, 1);
}

static void own_calls_never_reach_the_transport(void **state) {
    (void)state;
    talker_tools("a");
    talker.model.replies[0] = "^a{}";
    talker.model.replies[1] = "x";
    assert_string_equal(talker_say("hi"), "x");
    assert_int_equal(talker.client.writes, 2); /* "x", and the end */
}

static void a_failure_in_a_later_round_ends_the_reply(void **state) {
    (void)state;
    talker_tools("a");
    talker.model.replies[0] = "see ^a{}#";
    talker.model.replies[1] = "!";
    assert_string_equal(talker_say("hi"), "!upstream_error");
    assert_int_equal(talker.client.usage.input_tokens, 10);
}

static void a_line_of_its_own_only_where_one_is_needed(void **state) {
    static const char *const replies[][3] = {
        {"a", "b", "a\n\nb"}, {"a\n", "b", "a\nb"}, {"a", "\nb", "a\nb"},
        {"a ", "b", "a b"},   {"", "b", "b"},       {"a", "", "a"},
    };
    (void)state;
    talker_tools("f");
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        char first[16];
        snprintf(first, sizeof(first), "%s^f{}", replies[i][0]);
        test_model_rewind(&talker.model);
        talker.started = 0;
        talker.model.replies[0] = first;
        talker.model.replies[1] = replies[i][1];
        assert_string_equal(talker_say("hi"), replies[i][2]);
    }
}

/* ---- replies that must fit --------------------------------------------------------------------------------------- */

#define PRICE "{\"type\":\"object\",\"properties\":{\"price\":{\"type\":\"number\"}},\"required\":[\"price\"]}"

static void a_reply_that_fits_comes_in_one_piece(void **state) {
    (void)state;
    talker_fits(PRICE, 2);
    talker.model.replies[0] = " {\"price\":\n 3}#\n";
    assert_string_equal(talker_say("hi"), "{\"price\":\n 3}");
    assert_int_equal(talker.client.writes, 1);
    assert_int_equal(talker.client.usage.output_tokens, 1);
}

static void a_fence_around_it_is_taken_off(void **state) {
    static const char *const replies[] = {"```json\n{\"price\":3}\n```", "```\n{\"price\":3}```",
                                          "\n```JSON\r\n{\"price\":3}\r\n```\n"};
    (void)state;
    talker_fits(PRICE, 0);
    for (size_t i = 0; i < 3; i++) {
        talker.model.replies[talker.model.calls] = replies[i];
        assert_string_equal(talker_say("hi"), "{\"price\":3}");
    }
    talker.model.replies[talker.model.calls] = "``````";
    assert_string_equal(talker_say("hi"), "!upstream_misfit");
}

static void what_does_not_fit_is_asked_for_again(void **state) {
    (void)state;
    talker_fits(PRICE, 2);
    talker.model.replies[0] = "It costs 3.#";
    talker.model.replies[1] = "{\"price\":\"3\"}#";
    talker.model.replies[2] = "{\"price\":3}#";
    assert_string_equal(talker_say("hi"), "{\"price\":3}");
    assert_int_equal(talker.model.calls, 3);
    assert_non_null(
        strstr(talker.model.asked[1], "u:hi|a:It costs 3.|u:That answer cannot be used:\nit is not JSON: "));
    assert_non_null(strstr(talker.model.asked[2],
                           "|a:{\"price\":\"3\"}|u:That answer cannot be used:\n/price: must be a number, not "
                           "a string\nAnswer again"));
    assert_int_equal(talker.client.usage.input_tokens, 30);
}

static void corrections_are_bounded(void **state) {
    (void)state;
    talker_fits(PRICE, 2);
    talker.model.replies[0] = talker.model.replies[1] = talker.model.replies[2] = talker.model.replies[3] = "{}";
    assert_string_equal(talker_say("hi"), "!upstream_misfit");
    assert_int_equal(talker.model.calls, 3);
    assert_int_equal(talker.client.text.len, 0);
}

static void a_refusal_is_not_asked_again(void **state) {
    (void)state;
    talker_fits(PRICE, 2);
    talker.model.replies[0] = "I will not.%";
    assert_string_equal(talker_say("hi"), "!upstream_misfit");
    assert_int_equal(talker.model.calls, 1);
    talker.model.replies[1] = "{\"price\":~";
    talker.model.replies[2] = "{\"price\":1}";
    assert_string_equal(talker_say("hi"), "{\"price\":1}");
    assert_non_null(strstr(talker.model.asked[2], "it is cut off: be briefer"));
}

static void tools_and_a_form_go_together(void **state) {
    (void)state;
    talker_fits(PRICE, 1);
    talker_tools("find");
    talker.model.replies[0] = "looking^find{}";
    talker.model.replies[1] = "{}";
    talker.model.replies[2] = "{\"price\":1}";
    assert_string_equal(talker_say("hi"), "{\"price\":1}");
    assert_non_null(
        strstr(talker.model.asked[2], "|a:looking(call_0_0 find {})|t:call_0_0=result of find|a:{}|u:That answer"));
}

static void a_reply_that_is_too_long_is_not_held_for_ever(void **state) {
    (void)state;
    talker.rig.runtime.limits.reply = 8;
    talker_fits("{\"type\":\"string\"}", 2);
    talker.model.replies[0] = "\"123456789\"";
    assert_string_equal(talker_say("hi"), "!reply_too_long");
    assert_int_equal(talker.model.calls, 1);
}

static void who_leaves_in_any_step_leaves_nothing(void **state) {
    (void)state;
    talker_fits(PRICE, 2);
    talker_tools("find");
    talker.model.replies[0] = "x^find{}#";
    talker.model.replies[1] = "{}";
    talker.model.replies[2] = "{\"price\":1}";
    for (unsigned at = 1; talker.client.ends == 0; at++) {
        test_model_rewind(&talker.model);
        talker.started = 0;
        talker.model.hang_at = at;
        talker_start("hi");
        for (int i = 0; i < 20; i++) rig_spin(&talker.rig, 1);
        if (talker.client.turn) rp_turn_cancel(talker.client.turn);
        rig_finish(&talker.rig, &talker.client);
        assert_int_equal(talker.model.closed, talker.model.calls);
        assert_in_range(at, 1, 100);
    }
    assert_string_equal(talker.client.text.data, "{\"price\":1}");
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static int64_t counted(const char *outcome) {
    return rp_metric_value(
        rp_metric(RP_COUNTER, "repartee_model_calls_total", "", "model", "main", "outcome", outcome, NULL));
}

static int64_t tokens(const char *direction) {
    return rp_metric_value(
        rp_metric(RP_COUNTER, "repartee_model_tokens_total", "", "bot", "bot", "model", "main", "direction", direction, NULL));
}

static void calls_are_counted_by_their_outcome(void **state) {
    int64_t ok = counted("ok"), failed = counted("upstream_error"), left = counted("cancelled"), in = tokens("input");
    struct rp_metric *seconds = rp_metric(RP_HISTOGRAM, "repartee_model_seconds", "", "model", "main", NULL);
    int64_t timed = rp_metric_value(seconds);
    (void)state;
    talker_tools("a");
    talker.model.replies[0] = "#^a{}";
    talker.model.replies[1] = "#!";
    talker_say("hi");
    struct rp_metric *estimated = rp_metric(RP_COUNTER, "repartee_model_tokens_estimated_total", "", "bot", "bot", "model",
                                            "main", "direction", "input", NULL);
    int64_t guessed = rp_metric_value(estimated);
    talker.model.replies[2] = "xyz";
    talker.model.hang_at = talker.model.chunks + 2;
    talker_start("hi");
    for (int i = 0; i < 20; i++) rig_spin(&talker.rig, 1);
    rp_turn_cancel(talker.client.turn);
    rig_finish(&talker.rig, &talker.client);
    guessed = rp_metric_value(estimated) - guessed;
    assert_int_equal(counted("ok") - ok, 1);
    assert_int_equal(counted("upstream_error") - failed, 1);
    assert_int_equal(counted("cancelled") - left, 1);
    assert_int_equal(tokens("input") - in, 20 + guessed); /* who leaves does not hear what the model has used */
    assert_int_equal(guessed, 16);
    assert_int_equal(rp_metric_value(seconds) - timed, 3);
}

static json_t *notes;

static void keep_notes(struct rig_client *client) {
    const json_t *stages = json_object_get(rp_turn_record(client->turn), "stages");
    json_decref(notes);
    notes = json_deep_copy(json_object_get(rp_turn_record(client->turn), "notes"));
    assert_int_equal(json_array_size(stages), 1);
}

static const char *note(size_t at, const char *key) {
    return json_string_value(json_object_get(json_array_get(notes, at), key));
}

static void the_explanation_names_calls_and_corrections(void **state) {
    struct rp_turn_start start = {.message = RP_STR("hi"), .stream = true, .explain = true};
    (void)state;
    talker_fits(PRICE, 1);
    talker.model.replies[0] = "{}#";
    talker.model.replies[1] = "{\"price\":1}#";
    talker.client.on_text = keep_notes;
    assert_int_equal(rig_start(&talker.rig, &talker.client, &start), 0);
    rig_finish(&talker.rig, &talker.client);
    assert_int_equal(json_array_size(notes), 4);
    assert_string_equal(note(0, "what"), "model");
    assert_string_equal(note(0, "model"), "main");
    assert_string_equal(note(0, "outcome"), "ok");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(notes, 0), "input_tokens")), 10);
    assert_string_equal(note(1, "what"), "reply does not fit");
    assert_string_equal(note(1, "mistakes"), "the value: 'price' is missing");
    assert_string_equal(note(2, "what"), "model");
    assert_string_equal(note(3, "what"), "reply fits");
    json_decref(notes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talker_setup, talker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_plain_reply_comes_as_it_is),
        TEST(a_note_is_said_behind_the_message),
        TEST(what_a_model_does_not_take_is_refused_or_told_in_words),
        TEST(replies_that_are_handed_on_count_for_their_model),
        TEST(results_are_told_and_the_model_goes_on),
        TEST(rounds_add_up),
        TEST(a_model_that_never_stops_calling_is_stopped),
        TEST(calls_beyond_the_bound_are_refused_to_the_model),
        TEST(tools_run_at_once_and_are_told_in_their_order),
        TEST(who_leaves_ends_the_tools_that_run),
        TEST(a_tap_that_ends_the_reply_at_a_call_keeps_it_from_running),
        TEST(without_a_runner_calls_go_to_the_client),
        TEST(own_calls_never_reach_the_transport),
        TEST(a_failure_in_a_later_round_ends_the_reply),
        TEST(a_line_of_its_own_only_where_one_is_needed),
        TEST(a_reply_that_fits_comes_in_one_piece),
        TEST(a_fence_around_it_is_taken_off),
        TEST(what_does_not_fit_is_asked_for_again),
        TEST(corrections_are_bounded),
        TEST(a_refusal_is_not_asked_again),
        TEST(tools_and_a_form_go_together),
        TEST(a_reply_that_is_too_long_is_not_held_for_ever),
        TEST(who_leaves_in_any_step_leaves_nothing),
        TEST(calls_are_counted_by_their_outcome),
        TEST(the_explanation_names_calls_and_corrections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
