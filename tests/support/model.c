#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/load.h"
#include "core/model/meter.h"

struct reply {
    struct rp_source source;
    struct test_model *model;
    const char *at;
};

/* `^name{…}`: the length of it. */
static size_t read_call(const char *at, struct rp_chunk *chunk) {
    size_t name = strcspn(at + 1, "{"), depth = 0, len = 1 + name;
    do {
        depth += at[len] == '{';
        depth -= at[len] == '}';
        len++;
    } while (depth > 0);
    *chunk = (struct rp_chunk){
        .type = RP_CHUNK_TOOL,
        .tool = {.name = rp_str_n(at + 1, name), .arguments = rp_str_n(at + 1 + name, len - 1 - name)}};
    return len;
}

static void end(struct rp_source *source, char how) {
    struct rp_chunk chunk = {.finish = how == '~' ? RP_FINISH_LENGTH : how == '%' ? RP_FINISH_FILTER : RP_FINISH_STOP};
    rp_source_write(source, &chunk, RP_END);
}

static void more(struct rp_source *source) {
    struct reply *reply = (struct reply *)source;
    const char *at = reply->at;
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str_n(at, 1)};
    size_t len = 1;
    if (++reply->model->chunks == reply->model->hang_at) return;
    if (*at == '\0' || *at == '~' || *at == '%') {
        end(source, *at);
        return;
    }
    if (*at == '!') {
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = RP_EUPSTREAM}};
        rp_source_write(source, &chunk, RP_ERROR);
        return;
    }
    if (*at == '#') chunk = (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = {.input_tokens = 10, .output_tokens = 1}};
    if (*at == '^') len = read_call(at, &chunk);
    while (chunk.type == RP_CHUNK_TEXT && ((unsigned char)at[len] & 0xC0) == 0x80) chunk.text.len = ++len;
    reply->at += len;
    rp_source_write(source, &chunk, RP_MORE);
}

static void close_reply(struct rp_source *source) {
    ((struct reply *)source)->model->closed++;
}

/* ---- what it is asked -------------------------------------------------------------------------------------------- */

static void write_messages(const struct rp_call *call, char *out, size_t size) {
    struct rp_buf text;
    rp_buf_init(&text, size - 1);
    for (size_t i = 0; i < call->message_count; i++) {
        const struct rp_message *message = &call->messages[i];
        rp_buf_printf(&text, "%s%c:", i ? "|" : "", "suat"[message->role]);
        if (message->role == RP_ROLE_TOOL) rp_buf_printf(&text, "%.*s=", RP_STR_ARG(message->calls[0].id));
        rp_buf_append_str(&text, message->text);
        for (size_t k = 0; message->role == RP_ROLE_ASSISTANT && k < message->call_count; k++)
            rp_buf_printf(&text, "(%.*s %.*s %.*s)", RP_STR_ARG(message->calls[k].id),
                          RP_STR_ARG(message->calls[k].name), RP_STR_ARG(message->calls[k].arguments));
    }
    memcpy(out, text.data, text.len + 1);
    rp_buf_finish(&text);
}

static void write_json(const json_t *value, char *out, size_t size) {
    memset(out, 0, size);
    if (value) assert_in_range(json_dumpb(value, out, size - 1, JSON_COMPACT), 1, size - 1);
}

static struct rp_source *ask(struct rp_model *pub, struct rp_turn *turn, const struct rp_call *call) {
    static const struct rp_source_ops ops = {.more = more, .close = close_reply};
    struct test_model *model = (struct test_model *)pub;
    assert_true(model->calls < TEST_MODEL_CALLS);
    struct reply *reply = rp_arena_zalloc(turn->arena, sizeof(*reply));
    write_messages(call, model->asked[model->calls], sizeof(model->asked[0]));
    write_json(call->prompt->schema, model->schema, sizeof(model->schema));
    write_json(call->prompt->tools, model->tools, sizeof(model->tools));
    snprintf(model->grammar, sizeof(model->grammar), "%s", call->prompt->grammar ? call->prompt->grammar : "");
    model->prompt = *call->prompt;
    model->streamed = call->stream;
    reply->model = model;
    reply->at = model->replies[model->calls++];
    if (!reply->at) reply->at = "";
    rp_source_init(&reply->source, &ops, turn);
    return &reply->source;
}

static unsigned takes(const struct rp_model *model) {
    return ((const struct test_model *)model)->takes;
}

static int64_t context(const struct rp_model *model) {
    return ((const struct test_model *)model)->context;
}

static const struct rp_model_type type = {
    .type = {.name = "written"}, .ask = ask, .takes = takes, .context = context};

/* ---- life -------------------------------------------------------------------------------------------------------- */

void test_model_open(struct test_model *model, const char *name) {
    *model = (struct test_model){.takes = RP_TAKES_TOOLS | RP_TAKES_SCHEMA | RP_TAKES_GRAMMAR};
    model->model.element = (struct rp_element){.type = &type.type, .name = name};
    model->model.meter = model_meter_create(&model->model);
}

void test_model_close(struct test_model *model) {
    model_meter_destroy(model->model.meter);
}

void test_model_rewind(struct test_model *model) {
    model->calls = model->closed = model->chunks = 0;
}

void test_models_in(struct bot *bot, struct rp_model **models, size_t count) {
    static struct bot_private none;
    none = (struct bot_private){0};
    *bot = (struct bot){.models = models, .model_count = count, .private = &none};
}
