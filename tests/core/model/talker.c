#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "talker.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

struct talker talker;

/* ---- tools ------------------------------------------------------------------------------------------------------- */

static void start_tool(const struct rp_tool_runner *runner, struct rp_tool_run *run) {
    (void)runner;
    assert_true(talker.started < TALKER_CALLS);
    talker.runs[talker.started++] = run;
    if (!talker.at_once) return;
    run->done(run, rp_str(rp_arena_printf(run->turn->arena, "result of %.*s", RP_STR_ARG(run->call->name))));
}

static void cancel_tool(const struct rp_tool_runner *runner, struct rp_tool_run *run) {
    (void)runner;
    (void)run;
    talker.cancelled++;
}

static const struct rp_tool_ops tool_ops = {.start = start_tool, .cancel = cancel_tool};

/* ---- the stages -------------------------------------------------------------------------------------------------- */

static void tap_write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    static unsigned seen;
    (void)turn;
    if (chunk->type == RP_CHUNK_TOOL) {
        size_t len = strlen(talker.passed);
        seen = len ? seen + 1 : 1;
        snprintf(talker.passed + len, sizeof(talker.passed) - len, "%.*s%.*s%s ", RP_STR_ARG(chunk->tool.name),
                 RP_STR_ARG(chunk->tool.arguments), chunk->tool.own ? "" : "!");
        if (seen == talker.block_at) {
            rp_tap_next(
                tap, &(struct rp_chunk){.type = RP_CHUNK_TEXT, .text = RP_STR("blocked"), .finish = RP_FINISH_FILTER},
                RP_END);
            return;
        }
    }
    rp_tap_next(tap, chunk, flow);
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_tap_ops tap_ops = {.write = tap_write};
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    (void)stage;
    rp_tap_push(turn, rp_arena_zalloc(turn->arena, sizeof(struct rp_tap)), &tap_ops);
    call->prompt = &talker.prompt;
    call->stream = turn->stream;
    rp_call_build(call, turn->arena, &(struct rp_call_parts){.message = turn->message, .note = talker.prompt.note}, NULL);
    rp_turn_reply(turn, rp_model_talk(talker.prompt.model ? talker.prompt.model : &talker.model.model, turn, call));
    return RP_KEEP;
}

static const struct rp_stage_type stage_type = {.type = {.name = "talker"}, .on_turn = on_turn};

/* ---- what tests call --------------------------------------------------------------------------------------------- */

int talker_setup(void **state) {
    (void)state;
    talker = (struct talker){.at_once = true};
    test_model_open(&talker.model, "main");
    talker.runner = (struct rp_tool_runner){.ops = &tool_ops, .rounds = 3, .calls = 4};
    talker.prompt.temperature = talker.prompt.top_p = NAN;
    rig_open(&talker.rig);
    rig_add(&talker.rig, &stage_type, NULL);
    return 0;
}

int talker_teardown(void **state) {
    (void)state;
    rig_client_clear(&talker.client);
    rig_close(&talker.rig);
    rp_schema_unref((struct rp_schema *)(uintptr_t)talker.prompt.fits);
    json_decref((json_t *)(uintptr_t)talker.prompt.tools);
    test_model_close(&talker.model);
    return 0;
}

void talker_fits(const char *text, int corrections) {
    struct rp_schema *schema;
    json_t *json;
    assert_int_equal(rp_json_parse(text, strlen(text), &json, NULL), 0);
    assert_int_equal(rp_schema_compile(json, &schema, NULL), 0);
    json_decref(json);
    talker.prompt.fits = schema;
    talker.prompt.schema = rp_schema_json(schema);
    talker.prompt.corrections = corrections;
}

void talker_tools(const char *names) {
    json_t *tools = json_array();
    while (*names) {
        size_t len = strcspn(names, " ");
        json_array_append_new(tools, json_pack("{s:s%}", "name", names, len));
        names += len + strspn(names + len, " ");
    }
    talker.prompt.tools = tools;
    talker.prompt.runner = &talker.runner;
}

void talker_start(const char *message) {
    rig_client_clear(&talker.client);
    talker.passed[0] = '\0';
    assert_int_equal(rig_say(&talker.rig, &talker.client, message), 0);
}

const char *talker_say(const char *message) {
    static char error[64];
    talker_start(message);
    rig_finish(&talker.rig, &talker.client);
    assert_int_equal(talker.model.closed, talker.model.calls);
    snprintf(error, sizeof(error), "!%s", rp_error_code(talker.client.code));
    return talker.client.errors ? error : talker.client.text.data ? talker.client.text.data : "";
}
