#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "scene.h"

#include <cmocka.h>

const struct rp_plugin *rp_plugin(void);

struct scene scene;
static int64_t before[8];

/* ---- the upstream ------------------------------------------------------------------------------------------------------ */

struct saying {
    struct rp_source source;
    size_t at;
    bool told_usage;
};

static void write_piece(struct saying *saying) {
    const char *const *pieces = scene.upstream.pieces;
    const char *piece = pieces[saying->at];
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str(piece)};
    enum rp_flow flow = RP_MORE;
    if (!saying->told_usage && scene.upstream.usage.output_tokens) {
        saying->told_usage = true;
        chunk = (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = scene.upstream.usage};
        rp_source_write(&saying->source, &chunk, RP_MORE);
        return;
    }
    saying->at++;
    if (strcmp(piece, "!") == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = RP_EUPSTREAM, .message = "it broke"}};
        flow = RP_ERROR;
    } else if (strcmp(piece, "?") == 0) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_TOOL,
                                  .tool = {.id = RP_STR("1"), .name = RP_STR("look"), .arguments = RP_STR("{}")}};
    }
    if (flow == RP_MORE && !pieces[saying->at]) {
        chunk.finish = scene.upstream.finish;
        flow = RP_END;
    }
    rp_source_write(&saying->source, &chunk, flow);
}

static void more(struct rp_source *source) {
    struct upstream *upstream = &scene.upstream;
    struct rp_source **place = upstream->waiting;
    if (upstream->allowed == 0) {
        while (*place) place++;
        *place = source;
        return;
    }
    if (upstream->allowed != UINT_MAX) upstream->allowed--;
    write_piece((struct saying *)source);
}

static void close(struct rp_source *source) {
    scene.upstream.closes++;
    for (size_t i = 0; i < sizeof scene.upstream.waiting / sizeof *scene.upstream.waiting; i++)
        if (scene.upstream.waiting[i] == source) scene.upstream.waiting[i] = NULL;
}

static const struct rp_source_ops ops = {.more = more, .close = close};

static enum rp_outcome upstream_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    struct saying *saying = rp_arena_zalloc(turn->arena, sizeof *saying);
    rp_source_init(&saying->source, &ops, turn);
    scene.upstream.calls++;
    rp_turn_set_by(turn, "model:main");
    rp_turn_reply(turn, &saying->source);
    return RP_KEEP;
}

const struct rp_stage_type *scene_upstream_type(void) {
    static const struct rp_stage_type type = {.type = {.name = "upstream"}, .on_turn = upstream_on_turn};
    return &type;
}

void scene_allow(unsigned pieces) {
    scene.upstream.allowed = pieces;
    for (size_t i = 0; i < sizeof scene.upstream.waiting / sizeof *scene.upstream.waiting; i++) {
        struct rp_source *source = scene.upstream.waiting[i];
        scene.upstream.waiting[i] = NULL;
        if (source) more(source);
    }
    rig_spin(&scene.rig, 5);
}

/* ---- the first stage --------------------------------------------------------------------------------------------------- */

static enum rp_outcome prepare_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    if (scene.judge.write) rp_tap_push(turn, rp_arena_zalloc(turn->arena, sizeof(struct rp_tap)), &scene.judge);
    if (scene.prepare) scene.prepare(turn);
    return RP_PASS;
}

static const struct rp_stage_type prepare_type = {.type = {.name = "prepare"}, .on_turn = prepare_on_turn};

/* ---- the scene --------------------------------------------------------------------------------------------------------- */

const struct rp_stage_type *scene_cache_type(void) {
    return rp_plugin()->stages[0];
}

void scene_reset(void) {
    static const char *const hello[] = {"Hello", ", ", "world", NULL};
    memset(&scene, 0, sizeof scene);
    scene.options = (struct options){
        .ttl = 600000, .max = 1 << 20, .max_reply = 65536, .patience = 100, .share = true};
    scene.upstream.pieces = hello;
    scene.upstream.allowed = UINT_MAX;
}

static struct rp_metric *counter(const char *name) {
    const struct counts *counts = &((struct cache *)scene.rig.stages[1].element.state)->counts;
    const struct {
        const char *name;
        struct rp_metric *metric;
    } all[] = {
        {"hits", counts->hits_memory}, {"found", counts->hits_store}, {"misses", counts->misses},
        {"joined", counts->joined},    {"passed", counts->passed},    {"stored", counts->stored},
        {"stale", counts->stale},      {"store errors", counts->store_errors},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0) return all[i].metric;
    fail_msg("no counter '%s'", name);
    return NULL;
}

static const char *const names[] = {"hits", "found", "misses", "joined", "passed", "stored", "stale", "store errors"};

int64_t scene_count(const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return rp_metric_value(counter(name)) - before[i];
    return -1;
}

void scene_open(void) {
    rig_open(&scene.rig);
    rig_add(&scene.rig, &prepare_type, NULL);
    rig_add(&scene.rig, scene_cache_type(), &scene.options);
    rig_add(&scene.rig, scene_upstream_type(), NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) before[i] = rp_metric_value(counter(names[i]));
}

void scene_close(void) {
    rig_spin(&scene.rig, 10);
    assert_int_equal(scene.upstream.closes, scene.upstream.calls);
    rig_close(&scene.rig);
}

void scene_say_as(struct rig_client *client, const char *message, const char *user, const char *session) {
    struct rp_turn_start start = {
        .message = rp_str(message), .user = rp_str(user), .session = rp_str(session), .stream = true};
    rig_client_clear(client);
    assert_int_equal(rig_start(&scene.rig, client, &start), 0);
    rig_finish(&scene.rig, client);
}

void scene_say(struct rig_client *client, const char *message) {
    scene_say_as(client, message, "", "");
}

void scene_expect(const char *message, const char *reply, const char *by) {
    struct rig_client client = {0};
    scene_say(&client, message);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, reply);
    assert_string_equal(client.by, by);
    rig_client_clear(&client);
}
