/* Branches: the stages behind run once more, for a turn that has nobody but the stage that made it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "support/store.h"
#include "tests/core/turn/script.h"

static const char *const hello[] = {"Hel", "lo", NULL};
static const char *const broken[] = {"Hel", "!", NULL};

/* ---- a stage that branches, and answers by itself ------------------------------------------------------------------ */

static struct {
    struct rp_sink sink;
    struct rp_turn *turn; /* NULL again when it has ended */
    struct rp_buf text;
    unsigned ends, errors, dones;
    int code;
    char by[32];
    struct rp_usage usage;
} branch;

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)sink;
    if (chunk->type == RP_CHUNK_TEXT) rp_buf_append_str(&branch.text, chunk->text);
    branch.ends += flow == RP_END;
    branch.errors += flow == RP_ERROR;
    if (flow == RP_ERROR) branch.code = chunk->fault.code;
    if (branch.turn->by) snprintf(branch.by, sizeof(branch.by), "%s", branch.turn->by);
    if (flow == RP_MORE) rp_turn_more(branch.turn);
}

static void on_done(struct rp_sink *sink) {
    (void)sink;
    branch.dones++;
    branch.turn = NULL;
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

static enum rp_outcome fork_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    struct rp_prompt *prompt = rp_turn_prompt(turn);
    prompt->system = rp_arena_str(turn->arena, RP_STR("be kind"));
    branch.sink.ops = &sink_ops;
    branch.turn = rp_turn_branch(turn, &branch.sink);
    rp_turn_set_by(turn, "fork");
    rp_turn_reply(turn, rp_source_text(turn, RP_STR("mine")));
    return RP_KEEP;
}

static const struct rp_stage_type fork_stage = {.type = {.name = "fork"}, .on_turn = fork_on_turn};

/* ---- a stage behind it that looks at its turn ---------------------------------------------------------------------- */

static char seen[200];

static enum rp_outcome look_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct rp_message *history;
    (void)stage;
    size_t count = rp_session_history(turn, 10, &history);
    snprintf(seen, sizeof(seen), "%.*s|%.*s|%s|%zu|%s", RP_STR_ARG(turn->message), RP_STR_ARG(turn->user),
             rp_turn_prompt(turn)->system.data, count,
             json_string_value(rp_session_get(turn, "colour")) ? json_string_value(rp_session_get(turn, "colour")) : "-");
    json_t *red = json_string("red");
    rp_session_set(turn, "colour", red);
    json_decref(red);
    return RP_PASS;
}

static const struct rp_stage_type look_stage = {.type = {.name = "look"}, .on_turn = look_on_turn};

/* ---- the tests ----------------------------------------------------------------------------------------------------- */

static struct rig rig;
static struct rig_client client;

static void on_put(struct rp_store_op *op, int code, struct rp_str value) {
    (void)op, (void)value;
    assert_int_equal(code, 0);
}

static void begin(struct script *script) {
    memset(&branch, 0, sizeof(branch));
    rp_buf_init(&branch.text, 1 << 20);
    seen[0] = '\0';
    rig_open(&rig);
    rig_add(&rig, &fork_stage, NULL);
    rig_add(&rig, &look_stage, NULL);
    rig_add(&rig, &script_stage, script);
}

static void end(void) {
    rig_spin(&rig, 3);
    rig_close(&rig);
    rp_buf_finish(&branch.text);
    rig_client_clear(&client);
}

static void say(const char *message, const char *session) {
    struct rp_turn_start start = {.message = rp_str(message), .user = RP_STR("ann"), .session = rp_str(session)};
    branch.dones = 0;
    assert_int_equal(rig_start(&rig, &client, &start), 0);
    rig_finish(&rig, &client);
}

static void nothing_happens_until_it_is_asked(void **state) {
    (void)state;
    struct script script = {.act = ACT_REPLY, .pieces = hello};
    begin(&script);
    say("hi", "");
    rig_spin(&rig, 5);
    assert_string_equal(client.text.data, "mine");
    assert_int_equal(script.turns, 0);
    assert_int_equal(branch.dones, 0);
    rp_turn_cancel(branch.turn);
    rig_spin(&rig, 5);
    assert_int_equal(branch.dones, 1);
    assert_int_equal(branch.ends + branch.errors, 0);
    end();
}

/* It outlives its turn: what it looks at are copies. */
static void it_runs_the_stages_behind(void **state) {
    (void)state;
    struct script script = {.act = ACT_REPLY_LATER, .pieces = hello, .source_later = true};
    begin(&script);
    say("where is it?", "");
    rp_turn_more(branch.turn);
    while (branch.dones == 0) rig_spin(&rig, 1);
    assert_string_equal(branch.text.data, "Hello");
    assert_int_equal(branch.ends, 1);
    assert_string_equal(branch.by, "script");
    assert_string_equal(seen, "where is it?|ann|be kind|0|-");
    assert_int_equal(script.source_closes, 1);
    end();
}

static void it_ends_in_the_middle_when_it_is_cancelled(void **state) {
    (void)state;
    struct script script = {.act = ACT_REPLY, .pieces = hello, .source_silent = true};
    begin(&script);
    say("hi", "");
    rp_turn_more(branch.turn);
    rig_spin(&rig, 5);
    assert_int_equal(script.sources, 1);
    rp_turn_cancel(branch.turn);
    rig_spin(&rig, 5);
    assert_int_equal(branch.dones, 1);
    assert_int_equal(script.source_closes, 1);
    end();
}

static void an_error_is_its_own(void **state) {
    (void)state;
    struct script script = {.act = ACT_REPLY, .pieces = broken};
    begin(&script);
    say("hi", "");
    rp_turn_more(branch.turn);
    rig_spin(&rig, 10);
    assert_int_equal(branch.errors, 1);
    assert_int_equal(branch.dones, 1);
    assert_int_equal(client.ends, 1);
    end();
}

static void it_has_a_deadline_of_its_own(void **state) {
    (void)state;
    struct script script = {.act = ACT_KEEP};
    begin(&script);
    rig.runtime.limits.turn_ms = 20;
    say("hi", "");
    rp_turn_more(branch.turn);
    while (branch.dones == 0) rig_spin(&rig, 1);
    assert_int_equal(branch.code, RP_EDEADLINE);
    assert_int_equal(script.cancels, 1);
    end();
}

static void the_session_does_not_hear_of_it(void **state) {
    (void)state;
    struct test_store store;
    struct script script = {.act = ACT_REPLY, .pieces = hello};
    begin(&script);
    test_store_init(&store);
    rig.runtime.store = &store.store;
    say("one", "s1");
    rp_turn_more(branch.turn);
    while (branch.dones == 0) rig_spin(&rig, 1);
    assert_int_equal(store.puts, 1);
    rig_client_clear(&client);
    say("two", "s1");
    rp_turn_more(branch.turn);
    while (branch.dones == 0) rig_spin(&rig, 1);
    assert_int_equal(store.puts, 2);
    assert_string_equal(seen, "two|ann|be kind|2|-"); /* the history is there; the colour was dropped */
    assert_null(strstr(test_store_value(&store, "session/s1").data, "Hello"));
    test_store_finish(&store);
    end();
}

/* ---- a conversation with tools and a summary ----------------------------------------------------------------------- */

static char conversation[400];
static bool kept;

static enum rp_outcome converse_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct rp_message *messages;
    struct rp_str summary;
    (void)stage;
    size_t count = rp_session_messages(turn, &messages), summed = rp_session_summary(turn, &summary);
    size_t len = (size_t)snprintf(conversation, sizeof(conversation), "%.*s %zu", RP_STR_ARG(summary), summed);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(conversation + len, sizeof(conversation) - len, "|%.*s%.*s",
                                RP_STR_ARG(messages[i].text),
                                RP_STR_ARG(messages[i].call_count ? messages[i].calls[0].name : RP_STR("")));
    kept = rp_session_is_kept(turn);
    rp_session_set_summary(turn, RP_STR("mine"), count);
    return RP_PASS;
}

static const struct rp_stage_type converse_stage = {.type = {.name = "converse"}, .on_turn = converse_on_turn};

static void it_sees_tools_and_summary_and_keeps_none(void **state) {
    (void)state;
    static const struct rp_tool_call call = {.name = {"look", 4}, .arguments = {"{}", 2}};
    static const struct rp_message told[] = {{.role = RP_ROLE_USER, .text = {"where?", 6}},
                                             {.role = RP_ROLE_ASSISTANT, .calls = &call, .call_count = 1},
                                             {.role = RP_ROLE_TOOL, .text = {"here", 4}, .calls = &call, .call_count = 1},
                                             {.role = RP_ROLE_ASSISTANT, .text = {"Here.", 5}}};
    struct session session = {.summary = RP_STR("they met"), .summed = 2};
    struct test_store store;
    struct rp_buf bytes;
    struct rp_store_op op = {.done = on_put};
    struct script script = {.act = ACT_REPLY, .pieces = hello};
    begin(&script);
    rig_add(&rig, &script_stage, &script);
    rig.stages[1].element.type = &converse_stage.type;
    test_store_init(&store);
    rig.runtime.store = &store.store;
    rp_buf_init(&bytes, 4096);
    assert_int_equal(session_encode(&session, told, 4, 40, &bytes), 0);
    const struct rp_store_type *type = (const struct rp_store_type *)(const void *)store.store.element.type;
    type->put(&store.store, rig.worker, RP_STR("session/s1"), rp_buf_str(&bytes), 0, &op);
    struct rp_turn_start start = {.message = RP_STR("two"), .session = RP_STR("s1")};
    assert_int_equal(rig_start(&rig, &client, &start), 0);
    rig_finish(&rig, &client);
    branch.dones = 0;
    rp_turn_more(branch.turn);
    while (branch.dones == 0) rig_spin(&rig, 1);
    assert_string_equal(conversation, "they met 2|where?|look|herelook|Here.");
    assert_false(kept);
    assert_null(strstr(test_store_value(&store, "session/s1").data + 40, "mine"));
    rp_buf_finish(&bytes);
    test_store_finish(&store);
    end();
}

static enum rp_outcome runner_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_tool_runner *const somebody = (const void *)"somebody";
    rp_turn_prompt(turn)->runner = somebody;
    return fork_on_turn(stage, turn);
}

static void a_prompt_that_belongs_to_its_turn_is_not_branched(void **state) {
    (void)state;
    static const struct rp_stage_type runner_stage = {.type = {.name = "runner"}, .on_turn = runner_on_turn};
    memset(&branch, 0, sizeof(branch));
    rig_open(&rig);
    rig_add(&rig, &runner_stage, NULL);
    say("hi", "");
    assert_null(branch.turn);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_until_it_is_asked),
        cmocka_unit_test(it_runs_the_stages_behind),
        cmocka_unit_test(it_ends_in_the_middle_when_it_is_cancelled),
        cmocka_unit_test(an_error_is_its_own),
        cmocka_unit_test(it_has_a_deadline_of_its_own),
        cmocka_unit_test(the_session_does_not_hear_of_it),
        cmocka_unit_test(it_sees_tools_and_summary_and_keeps_none),
        cmocka_unit_test(a_prompt_that_belongs_to_its_turn_is_not_branched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
