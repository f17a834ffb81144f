#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/turn/session_timer.h"
#include "support/rig.h"

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rig_client *client = (struct rig_client *)sink;
    assert_int_equal(client->ends + client->errors, 0); /* nothing follows the last chunk */
    assert_int_equal(client->dones, 0);
    client->writes++;
    if (chunk->type == RP_CHUNK_TEXT) rp_buf_append_str(&client->text, chunk->text);
    if (chunk->type == RP_CHUNK_TEXT && client->on_text) client->on_text(client);
    if (flow == RP_END) {
        client->ends++;
        client->finish = chunk->finish;
        assert_int_equal(rp_turn_reply_text(client->turn).len, client->text.len);
    } else if (flow == RP_ERROR) {
        client->errors++;
        client->code = chunk->fault.code;
        client->retry_after = chunk->fault.retry_after;
    } else if (!client->manual) {
        rp_turn_more(client->turn);
    }
    if (flow != RP_MORE) {
        snprintf(client->by, sizeof(client->by), "%s", client->turn->by ? client->turn->by : "");
        client->usage = rp_turn_usage(client->turn);
        if (client->on_last) client->on_last(client);
    }
}

static void on_done(struct rp_sink *sink) {
    struct rig_client *client = (struct rig_client *)sink;
    client->dones++;
    client->turn = NULL;
}

static const struct rp_sink_ops client_ops = {.write = on_write, .done = on_done};

void rig_open(struct rig *rig) {
    memset(rig, 0, sizeof(*rig));
    rig->runtime.limits = (struct bot_limits){.turns = 64,
                                              .turn_ms = 5000,
                                              .message = 32768,
                                              .reply = 1 << 20,
                                              .history = 40,
                                              .session = 262144,
                                              .session_ttl_ms = 3600000,
                                              .session_queue = 4,
                                              .drain_ms = 1000};
    rig->runtime.hub = session_hub_create(4);
    rig->runtime.log_prompts = true;
    worker_group_init(&rig->group, 1);
    rig->worker = rig->group.workers[0];
    rig->worker->turns = turn_table_create();
    rig->worker->runtime = &rig->runtime;
    rig->pipeline.name = "main";
    rig->pipeline.stages = rig->stage_pointers;
    rig->transport.pipeline = rig->pipelines[0] = &rig->pipeline;
    rig->runtime.pipelines = rig->pipelines;
    rig->runtime.pipeline_count = 1;
}

struct rp_stage *rig_add(struct rig *rig, const struct rp_stage_type *type, const void *options) {
    size_t at = rig->pipeline.count++;
    assert_true(at < RIG_STAGES);
    struct rp_element *element = &rig->stages[at].element;
    *element = (struct rp_element){.type = &type->type, .name = type->type.name, .file = "rig.lua", .line = 1,
                                   .language = "en", .bot = rig->bot,
                                   .options = options, .local = rig->locals[at]};
    struct rp_error error = {0};
    if (type->type.check && type->type.check(options, &error) != 0) fail_msg("check: %s", error.text);
    if (type->type.open && type->type.open(element, &error) != 0) fail_msg("open: %s", error.text);
    if (type->type.attach && type->type.attach(element, rig->worker, &element->local[0], &error) != 0)
        fail_msg("attach: %s", error.text);
    rig->stage_pointers[at] = &rig->stages[at];
    return &rig->stages[at];
}

void rig_close(struct rig *rig) {
    assert_int_equal(atomic_load(&rig->group.turns), 0);
    for (size_t i = rig->pipeline.count; i-- > 0;) {
        struct rp_element *element = &rig->stages[i].element;
        if (element->type->detach) element->type->detach(element, rig->worker, element->local[0]);
        if (element->type->close) element->type->close(element);
    }
    session_timers_destroy(rig->worker->session_timers);
    turn_table_destroy(rig->worker->turns);
    worker_group_finish(&rig->group);
    session_hub_destroy(rig->runtime.hub);
}

int rig_start(struct rig *rig, struct rig_client *client, const struct rp_turn_start *start) {
    client->sink.ops = &client_ops;
    if (!client->text.max) rp_buf_init(&client->text, 1 << 24);
    return rp_turn_start(&rig->transport, rig->worker, start, &client->sink, &client->turn);
}

int rig_say(struct rig *rig, struct rig_client *client, const char *message) {
    struct rp_turn_start start = {.message = rp_str(message), .stream = true, .address = RP_STR("192.0.2.7")};
    return rig_start(rig, client, &start);
}

void rig_spin(struct rig *rig, unsigned passes) {
    while (passes--) worker_turn_loop(rig->worker);
}

void rig_finish(struct rig *rig, struct rig_client *client) {
    int64_t give_up = rp_now_ns() + 5000000000;
    while (client->dones == 0 && rp_now_ns() < give_up) rig_spin(rig, 1);
    assert_int_equal(client->dones, 1);
}

void rig_client_clear(struct rig_client *client) {
    rp_buf_finish(&client->text);
    memset(client, 0, sizeof(*client));
}
