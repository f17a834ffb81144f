#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "guarded.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/turn/event.h"

struct guarded_model guarded;
char *guarded_record, *guarded_events, guarded_tools[1024];

/* ---- the model --------------------------------------------------------------------------------------------------- */

struct pieces {
    struct rp_source source;
    const char *rest;
};

static void write_piece(struct pieces *pieces, struct rp_str piece, enum rp_flow flow) {
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = piece};
    char *copy = malloc(piece.len + 1); /* of its own, so that a read after the call is seen by the sanitizer */
    memcpy(copy, piece.data, piece.len);
    copy[piece.len] = '\0';
    if (strncmp(copy, "@tool:", 6) == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_TOOL, .finish = RP_FINISH_TOOLS};
        chunk.tool = (struct rp_tool_call){.id = RP_STR("1"), .name = RP_STR("f"), .arguments = rp_str(copy + 6)};
    } else if (strncmp(copy, "@own:", 5) == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_TOOL};
        chunk.tool = (struct rp_tool_call){.id = RP_STR("1"), .name = RP_STR("own"), .arguments = rp_str(copy + 5), .own = true};
    } else if (strcmp(copy, "@usage") == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = {.input_tokens = 10, .output_tokens = 1}};
    } else if (strcmp(copy, "@error") == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = RP_EUPSTREAM}};
        flow = RP_ERROR;
    } else {
        chunk.text.data = copy;
    }
    rp_source_write(&pieces->source, &chunk, flow);
    free(copy);
}

static void on_more(struct rp_source *source) {
    struct pieces *pieces = (struct pieces *)source;
    const char *start = pieces->rest, *bar = strchr(start, '|');
    struct rp_str piece = rp_str_n(start, bar ? (size_t)(bar - start) : strlen(start));
    pieces->rest = bar ? bar + 1 : start + piece.len;
    write_piece(pieces, piece, bar ? RP_MORE : RP_END);
}

static void on_close(struct rp_source *source) {
    (void)source;
    guarded.closed++;
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_source_ops ops = {.more = on_more, .close = on_close};
    (void)stage;
    struct pieces *pieces = rp_arena_zalloc(turn->arena, sizeof(*pieces));
    unsigned which = guarded.asked;
    while (which > 0 && (which >= GUARDED_REPLIES || !guarded.replies[which])) which--;
    guarded.asked++;
    snprintf(guarded.note, sizeof(guarded.note), "%.*s", RP_STR_ARG(rp_turn_prompt(turn)->note));
    pieces->rest = guarded.replies[which];
    rp_source_init(&pieces->source, &ops, turn);
    rp_turn_set_by(turn, "model:test");
    rp_turn_reply(turn, &pieces->source);
    return RP_KEEP;
}

static const struct rp_stage_type model = {.type = {.name = "model"}, .on_turn = on_turn};

/* ---- what leaves ------------------------------------------------------------------------------------------------- */

struct witness {
    struct rp_tap tap;
};

static void look(const struct rp_turn *pub) {
    struct turn *turn = turn_of((struct rp_turn *)(uintptr_t)pub);
    json_t *list = json_array();
    for (const struct turn_event *event = turn->events; event; event = event->next)
        json_array_append_new(list, json_pack("{s:s, s:O?}", "event", event->name, "data", event->data));
    free(guarded_record);
    free(guarded_events);
    guarded_record = json_dumps(rp_turn_record(&turn->pub), JSON_COMPACT | JSON_SORT_KEYS);
    guarded_events = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(list);
}

/* Stands in front of the rules: sees every chunk that leaves them. */
static void on_leave(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    size_t len = strlen(guarded_tools);
    if (chunk->type == RP_CHUNK_TOOL)
        snprintf(guarded_tools + len, sizeof(guarded_tools) - len, "%.*s(%.*s)", RP_STR_ARG(chunk->tool.name),
                 RP_STR_ARG(chunk->tool.arguments));
    if (rp_turn_explained(turn)) look(turn);
    rp_tap_next(tap, chunk, flow);
}

static enum rp_outcome on_turn_before(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_tap_ops ops = {.write = on_leave};
    (void)stage;
    struct witness *witness = rp_arena_zalloc(turn->arena, sizeof(*witness));
    rp_tap_push(turn, &witness->tap, &ops);
    return RP_PASS;
}

static const struct rp_stage_type before = {
    .type = {.name = "witness"}, .on_turn = on_turn_before, .on_event = on_turn_before};

/* ---- turns ------------------------------------------------------------------------------------------------------- */

int guarded_setup(void **state) {
    guarded = (struct guarded_model){.closed = 0};
    return bot_setup(state);
}

int guarded_teardown(void **state) {
    free(guarded_record);
    free(guarded_events);
    guarded_record = guarded_events = NULL;
    return bot_teardown(state);
}

void guarded_rules(const char *text) {
    folder_write("rules/a.lua", text);
    rig_add(&bot.rig, &before, NULL);
    rig_add(&bot.rig, &rules_stage, &bot.options);
    rig_add(&bot.rig, &model, NULL);
}

void guarded_say(const char *message, const char *reply) {
    struct rp_turn_start start = {.message = rp_str(message), .session = RP_STR("s1"), .explain = true};
    if (reply) memset(guarded.replies, 0, sizeof(guarded.replies));
    if (reply) guarded.replies[0] = reply;
    guarded.asked = 0;
    guarded_tools[0] = '\0';
    rig_client_clear(&bot.client);
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
    rig_finish(&bot.rig, &bot.client);
}

static const char *said(void) {
    return bot.client.text.data ? bot.client.text.data : "";
}

void guarded_expect(const char *reply, const char *text, const char *by, enum rp_finish finish) {
    guarded_say("hello", reply);
    if (bot.client.errors) fail_msg("%s", rp_error_code(bot.client.code));
    assert_string_equal(said(), text);
    assert_string_equal(bot.client.by, by);
    assert_int_equal(bot.client.finish, finish);
}

void guarded_expect_error(const char *reply, const char *text, const char *code) {
    guarded_say("hello", reply);
    assert_int_equal(bot.client.errors, 1);
    assert_string_equal(said(), text);
    assert_string_equal(rp_error_code(bot.client.code), code);
}
