#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "talker.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "core/model/meter.h"

struct talker talker;

/* ---- the model --------------------------------------------------------------------------------------------------- */

struct reply {
    struct rp_source source;
    const char *at;
};

static void more(struct rp_source *source) {
    struct reply *reply = (struct reply *)source;
    const char *at = reply->at;
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str_n(at, 1)};
    size_t len = 1;
    if (++talker.chunks == talker.hang_at) return;
    if (*at == '\0' || *at == '~' || *at == '%') {
        chunk = (struct rp_chunk){.finish = *at == '~' ? RP_FINISH_LENGTH : *at ? RP_FINISH_FILTER : RP_FINISH_STOP};
        rp_source_write(source, &chunk, RP_END);
        return;
    }
    if (*at == '!') {
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = RP_EUPSTREAM}};
        rp_source_write(source, &chunk, RP_ERROR);
        return;
    }
    if (*at == '#') chunk = (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = {10, 1}};
    if (*at == '^') {
        size_t name = strcspn(at + 1, "{");
        const char *end = strchr(at, '}');
        len = (size_t)(end + 1 - at);
        chunk = (struct rp_chunk){.type = RP_CHUNK_TOOL,
                                  .tool = {.name = rp_str_n(at + 1, name), .arguments = rp_str_n(at + 1 + name, len - 1 - name)}};
    }
    while (chunk.type == RP_CHUNK_TEXT && ((unsigned char)at[len] & 0xC0) == 0x80) chunk.text.len = ++len;
    reply->at += len;
    rp_source_write(source, &chunk, RP_MORE);
}

static void close_reply(struct rp_source *source) {
    (void)source;
    talker.closed++;
}

static void write_down(const struct rp_call *call, char *out, size_t size) {
    struct rp_buf text;
    rp_buf_init(&text, size - 1);
    for (size_t i = 0; i < call->message_count; i++) {
        const struct rp_message *message = &call->messages[i];
        rp_buf_printf(&text, "%s%c:", i ? "|" : "", "suat"[message->role]);
        if (message->role == RP_ROLE_TOOL) rp_buf_printf(&text, "%.*s=", RP_STR_ARG(message->calls[0].id));
        rp_buf_append_str(&text, message->text);
        for (size_t k = 0; message->role == RP_ROLE_ASSISTANT && k < message->call_count; k++)
            rp_buf_printf(&text, "(%.*s %.*s %.*s)", RP_STR_ARG(message->calls[k].id), RP_STR_ARG(message->calls[k].name),
                          RP_STR_ARG(message->calls[k].arguments));
    }
    memcpy(out, text.data, text.len + 1);
    rp_buf_finish(&text);
}

static struct rp_source *ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    static const struct rp_source_ops ops = {.more = more, .close = close_reply};
    (void)model;
    assert_true(talker.calls < TALKER_CALLS);
    struct reply *reply = rp_arena_zalloc(turn->arena, sizeof(*reply));
    write_down(call, talker.asked[talker.calls], sizeof(talker.asked[0]));
    reply->at = talker.replies[talker.calls++];
    if (!reply->at) reply->at = "";
    rp_source_init(&reply->source, &ops, turn);
    return &reply->source;
}

static unsigned takes(const struct rp_model *model) {
    (void)model;
    return talker.takes;
}

static const struct rp_model_type model_type = {.type = {.name = "talkative"}, .ask = ask, .takes = takes};

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
            rp_tap_next(tap, &(struct rp_chunk){.type = RP_CHUNK_TEXT, .text = RP_STR("blocked"), .finish = RP_FINISH_FILTER},
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
    rp_call_build(call, turn->arena, &(struct rp_call_parts){.message = turn->message, .note = talker.prompt.note});
    rp_turn_reply(turn, rp_model_talk(&talker.model, turn, call));
    return RP_KEEP;
}

static const struct rp_stage_type stage_type = {.type = {.name = "talker"}, .on_turn = on_turn};

/* ---- what tests call --------------------------------------------------------------------------------------------- */

int talker_setup(void **state) {
    (void)state;
    talker = (struct talker){.at_once = true};
    talker.model.element = (struct rp_element){.type = &model_type.type, .name = "main"};
    talker.model.meter = model_meter_create(&talker.model);
    talker.runner = (struct rp_tool_runner){.ops = &tool_ops, .rounds = 3, .calls = 4};
    talker.prompt.temperature = talker.prompt.top_p = NAN;
    talker.takes = RP_TAKES_TOOLS | RP_TAKES_SCHEMA | RP_TAKES_GRAMMAR;
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
    model_meter_destroy(talker.model.meter);
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
    assert_int_equal(talker.closed, talker.calls);
    snprintf(error, sizeof(error), "!%s", rp_error_code(talker.client.code));
    return talker.client.errors ? error : talker.client.text.data ? talker.client.text.data : "";
}
