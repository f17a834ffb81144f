/* The model that says what it was told to: where replies are cut, in which order they come, how they fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/models/scripted/scripted.h"
#include "support/rig.h"

static struct rp_model model;

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    struct rp_message *messages = rp_arena_zalloc(turn->arena, 2 * sizeof(*messages));
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    (void)stage;
    messages[0] = (struct rp_message){.role = RP_ROLE_SYSTEM, .text = RP_STR("be kind")};
    messages[1] = (struct rp_message){.role = RP_ROLE_USER, .text = turn->message};
    *call = (struct rp_call){.messages = messages, .message_count = 2, .prompt = rp_turn_prompt(turn), .stream = true};
    rp_turn_reply(turn, scripted_ask(&model, turn, call));
    return RP_KEEP;
}

static const struct rp_stage_type asking = {.type = {.name = "asking"}, .on_turn = on_turn};

struct scene {
    struct rig rig;
    const char *replies[4];
    struct scripted_options options;
};

static void open_scene(struct scene *scene, size_t count) {
    struct rp_error error;
    scene->options.replies = (struct rp_option_list){scene->replies, count};
    if (scripted_check(&scene->options, &error) != 0) fail_msg("%s", error.text);
    model.element = (struct rp_element){.name = "main", .options = &scene->options};
    assert_int_equal(scripted_open(&model.element, &error), 0);
    rig_open(&scene->rig);
    rig_add(&scene->rig, &asking, NULL);
}

static void close_scene(struct scene *scene) {
    rig_close(&scene->rig);
    scripted_close(&model.element);
}

static void say(struct scene *scene, struct rig_client *client, const char *message) {
    rig_client_clear(client);
    assert_int_equal(rig_say(&scene->rig, client, message), 0);
    rig_finish(&scene->rig, client);
}

static void expect_text(struct scene *scene, const char *expected) {
    struct rig_client client = {0};
    say(scene, &client, "hi");
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, expected);
    rig_client_clear(&client);
}

static void replies_come_in_turn_and_begin_again(void **state) {
    (void)state;
    struct scene scene = {.replies = {"one", "two"}, .options = {.cycle = true}};
    open_scene(&scene, 2);
    expect_text(&scene, "one");
    expect_text(&scene, "two");
    expect_text(&scene, "one");
    close_scene(&scene);
}

static void without_cycle_the_last_is_repeated(void **state) {
    (void)state;
    struct scene scene = {.replies = {"one", "two"}};
    open_scene(&scene, 2);
    expect_text(&scene, "one");
    expect_text(&scene, "two");
    expect_text(&scene, "two");
    close_scene(&scene);
}

static void a_bar_cuts_and_a_backslash_keeps_it(void **state) {
    (void)state;
    struct scene scene = {.replies = {"a|b \\| c||\\\\d|\\!upstream_error"}, .options = {.cycle = true}};
    struct rig_client client = {0};
    open_scene(&scene, 1);
    say(&scene, &client, "hi");
    assert_string_equal(client.text.data, "ab | c\\d!upstream_error");
    assert_int_equal(client.writes, 5); /* the empty piece is not worth a write; usage comes with the end */
    rig_client_clear(&client);
    close_scene(&scene);
}

static void placeholders_are_filled_in(void **state) {
    (void)state;
    struct scene scene = {.replies = {"You said {message}|{message}{system} {history} {other} {"},
                          .options = {.cycle = true}};
    struct rig_client client = {0};
    open_scene(&scene, 1);
    say(&scene, &client, "{system}|x");
    assert_string_equal(client.text.data, "You said {system}|x{system}|xbe kind 2 {other} {");
    rig_client_clear(&client);
    close_scene(&scene);
}

static void a_piece_can_fail_at_once_or_in_the_middle(void **state) {
    (void)state;
    struct scene scene = {.replies = {"!upstream_rate_limited", "half|!upstream_truncated|never"},
                          .options = {.cycle = true}};
    struct rig_client client = {0};
    open_scene(&scene, 2);
    say(&scene, &client, "hi");
    assert_int_equal(client.code, RP_EUPRATE);
    assert_int_equal(client.text.len, 0);
    say(&scene, &client, "hi");
    assert_int_equal(client.code, RP_ETRUNCATED);
    assert_int_equal(client.errors, 1);
    assert_string_equal(client.text.data, "half");
    rig_client_clear(&client);
    close_scene(&scene);
}

static struct rp_tool_call called[4];
static size_t called_count;

static void note_call(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)turn;
    if (chunk->type == RP_CHUNK_TOOL && called_count < 4) called[called_count++] = chunk->tool;
    rp_tap_next(tap, chunk, flow);
}
static const struct rp_tap_ops noting_ops = {.write = note_call};

static enum rp_outcome watch(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    rp_tap_push(turn, rp_arena_zalloc(turn->arena, sizeof(struct rp_tap)), &noting_ops);
    return RP_PASS;
}
static const struct rp_stage_type watching = {.type = {.name = "watching"}, .on_turn = watch};

static void tools_are_called(void **state) {
    (void)state;
    struct scene scene = {.replies = {"Look: |!call find {\"q\": \"a \\| b\"}|!call stop"}, .options = {.cycle = true}};
    struct rig_client client = {0};
    struct rp_error error;
    called_count = 0;
    scene.options.replies = (struct rp_option_list){scene.replies, 1};
    model.element = (struct rp_element){.name = "main", .options = &scene.options};
    assert_int_equal(scripted_open(&model.element, &error), 0);
    rig_open(&scene.rig);
    rig_add(&scene.rig, &watching, NULL);
    rig_add(&scene.rig, &asking, NULL);
    say(&scene, &client, "hi");
    assert_string_equal(client.text.data, "Look: ");
    assert_int_equal(client.finish, RP_FINISH_TOOLS);
    assert_int_equal(called_count, 2);
    assert_string_equal(called[0].name.data, "find");
    assert_string_equal(called[0].arguments.data, "{\"q\": \"a | b\"}");
    assert_string_equal(called[1].name.data, "stop");
    assert_string_equal(called[1].arguments.data, "{}");
    rig_client_clear(&client);
    close_scene(&scene);
}

static void what_it_passes_for_is_an_option(void **state) {
    (void)state;
    static const char *const names[] = {"schema", "grammar"}, *wrong = "tool";
    struct scripted_options options = {.takes = {names, 2}};
    struct rp_model some = {.element = {.options = &options}};
    struct rp_error error;
    assert_int_equal(scripted_takes(&some), RP_TAKES_SCHEMA | RP_TAKES_GRAMMAR);
    options.takes = (struct rp_option_list){&wrong, 1};
    assert_int_equal(scripted_check(&options, &error), -RP_ECONFIG);
}

static void tokens_are_four_characters(void **state) {
    (void)state;
    struct scene scene = {.replies = {"12345678|\xE4\xBD\xA0"}, .options = {.cycle = true}};
    struct rig_client client = {0};
    open_scene(&scene, 1);
    say(&scene, &client, "abcde");
    assert_int_equal(client.usage.input_tokens, 3); /* "be kind" and "abcde" */
    assert_int_equal(client.usage.output_tokens, 3);
    rig_client_clear(&client);
    close_scene(&scene);
}

static void waits_are_kept_and_leaving_ends_them(void **state) {
    (void)state;
    struct scene scene = {.replies = {"a|b|c"}, .options = {.cycle = true, .first = 20, .delay = 10}};
    struct rig_client client = {0};
    open_scene(&scene, 1);
    int64_t start = rp_now_ns();
    say(&scene, &client, "hi");
    assert_string_equal(client.text.data, "abc");
    assert_true(rp_now_ns() - start >= 38 * 1000000);
    rig_client_clear(&client);
    rig_say(&scene.rig, &client, "hi");
    rig_spin(&scene.rig, 3);
    rp_turn_cancel(client.turn);
    rig_finish(&scene.rig, &client);
    assert_int_equal(client.text.len, 0);
    rig_client_clear(&client);
    close_scene(&scene);
}

static void mistakes_in_replies_are_found_when_the_bot_is_loaded(void **state) {
    (void)state;
    static const char *const bad[] = {"!no_such_code", "fine|!nonsense", "\xFF",      "!call",
                                      "!call ",        "!call find {", "a|!call f x"};
    static const char *const good[] = {"", "Hello!", "! text", "!Important", "\\", "a|", "!"};
    struct rp_error error;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct scripted_options options = {.replies = {&bad[i], 1}};
        assert_int_equal(scripted_check(&options, &error), -RP_ECONFIG);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct scripted_options options = {.replies = {&good[i], 1}};
        assert_int_equal(scripted_check(&options, &error), 0);
    }
    struct scripted_options none = {0};
    assert_int_equal(scripted_check(&none, &error), -RP_ECONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_in_turn_and_begin_again),
        cmocka_unit_test(without_cycle_the_last_is_repeated),
        cmocka_unit_test(a_bar_cuts_and_a_backslash_keeps_it),
        cmocka_unit_test(placeholders_are_filled_in),
        cmocka_unit_test(a_piece_can_fail_at_once_or_in_the_middle),
        cmocka_unit_test(tools_are_called),
        cmocka_unit_test(what_it_passes_for_is_an_option),
        cmocka_unit_test(tokens_are_four_characters),
        cmocka_unit_test(waits_are_kept_and_leaving_ends_them),
        cmocka_unit_test(mistakes_in_replies_are_found_when_the_bot_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
