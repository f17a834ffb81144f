/* Step by step: sets the scene, runs the turn, keeps what came, asks for the verdict. */
#include "core/testing/play.h"

#include <stdio.h>

#include "core/testing/log_lines.h"
#include "core/testing/pass_time.h"
#include "core/turn/event.h"

#define REPLY_MAX ((size_t)1 << 30) /* the bot's own limit is what counts */

struct scene {
    struct play *play;
    struct result *result;
    const struct chat_step *step;
    struct outcome *outcome; /* of the turn under way */
    struct shred shred;
    bool spoiled; /* in this step */
};

struct client { /* one turn, as its user sees it */
    struct rp_sink sink; /* first */
    struct scene *scene;
    struct rp_turn *turn;
    struct rp_buf text;
    bool done;
};

/* ---- the turn ---------------------------------------------------------------------------------------------------- */

static void keep_events(struct scene *scene, const struct rp_turn *turn) {
    struct sent_event **last = &scene->outcome->sent;
    for (const struct turn_event *event = ((const struct turn *)turn)->events; event; event = event->next) {
        struct sent_event *sent = rp_arena_zalloc(scene->result->arena, sizeof(*sent));
        sent->name = rp_arena_copy(scene->result->arena, event->name, strlen(event->name));
        sent->data = event->data ? json_incref(event->data) : NULL;
        if (sent->data) rp_arena_defer(scene->result->arena, (void (*)(void *))json_decref, sent->data);
        *last = sent;
        last = &sent->next;
    }
}

static void keep_error(struct scene *scene, int code, const char *message) {
    const char *text = message ? message : rp_error_text(code);
    scene->outcome->code = code;
    scene->outcome->message = rp_arena_copy(scene->result->arena, text, strlen(text));
}

static void on_end(struct client *client, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct scene *scene = client->scene;
    struct outcome *outcome = scene->outcome;
    const char *by = client->turn->by ? client->turn->by : "";
    outcome->reply = rp_arena_str(scene->result->arena, rp_buf_str(&client->text));
    outcome->by = rp_arena_copy(scene->result->arena, by, strlen(by));
    if (flow == RP_ERROR) keep_error(scene, chunk->fault.code, chunk->fault.message);
    if (flow == RP_END) keep_events(scene, client->turn);
    if (scene->play->on_record) scene->play->on_record(scene->play->arg, scene->step, rp_turn_record(client->turn));
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct client *client = (struct client *)sink;
    if (client->scene->result->lost) return;
    if (chunk->type == RP_CHUNK_TEXT) rp_buf_append_str(&client->text, chunk->text);
    if (flow == RP_MORE)
        rp_turn_more(client->turn);
    else
        on_end(client, chunk, flow);
}

static void on_done(struct rp_sink *sink) {
    ((struct client *)sink)->done = true;
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

/* Ends a turn that does not end by itself. False: not even that helps. */
static bool give_up(struct scene *scene, struct client *client) {
    scene->spoiled = true;
    result_fail(scene->result, scene->step->line, "the turn does not end: it waits for something outside the test");
    rp_turn_cancel(client->turn);
    return time_run_until(scene->play->alone, &client->done);
}

static void run_turn(struct scene *scene, const struct rp_turn_start *start) {
    struct alone *alone = scene->play->alone;
    struct client *client = rp_arena_zalloc(scene->result->arena, sizeof(*client)); /* a lost turn still points to it */
    *client = (struct client){.sink = {&sink_ops}, .scene = scene};
    rp_buf_init(&client->text, REPLY_MAX);
    int code = rp_turn_start(&alone->transport, alone_worker(alone), start, &client->sink, &client->turn);
    if (code != 0)
        keep_error(scene, -code, NULL);
    else if (!time_run_until(alone, &client->done) && !give_up(scene, client))
        scene->result->lost = true;
    if (!scene->result->lost && !time_settle(alone)) scene->result->lost = true;
    rp_buf_finish(&client->text);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void on_missing(void *arg, const char *text) {
    struct scene *scene = arg;
    scene->spoiled = true;
    result_fail(scene->result, scene->step->line, "%s", text);
}

/* A script that nobody asked for: the conversation is not what the test thinks it is. */
static void check_leftovers(struct scene *scene) {
    for (const struct model_script *script = scene->step->models; script; script = script->next) {
        if (script->used) continue;
        scene->spoiled = true;
        result_fail(scene->result, script->line, "the model '%.*s' was not asked for this", RP_STR_ARG(script->model));
    }
    for (const struct http_script *script = scene->step->https; script; script = script->next) {
        if (script->used) continue;
        scene->spoiled = true;
        result_fail(scene->result, script->line, "%.*s %.*s was not called", RP_STR_ARG(script->method),
                    RP_STR_ARG(script->url));
    }
}

static void forget_use(const struct chat_file *file) {
    for (struct chat_step *step = file->steps; step; step = step->next) {
        for (struct model_script *script = step->models; script; script = script->next) script->used = false;
        for (struct http_script *script = step->https; script; script = script->next) script->used = false;
    }
}

static void keep_outcome(struct scene *scene) {
    struct outcome *outcome = rp_arena_zalloc(scene->result->arena, sizeof(*outcome));
    *outcome = (struct outcome){.step = scene->step, .by = "", .message = ""};
    *scene->result->last_outcome = scene->outcome = outcome;
    scene->result->last_outcome = &outcome->next;
}

static void play_turn(struct scene *scene) {
    const struct chat_step *step = scene->step;
    struct alone *alone = scene->play->alone;
    char id[32];
    keep_outcome(scene);
    alone->transport.pipeline = alone_pipeline(alone, step->pipeline);
    if (!alone->transport.pipeline) {
        scene->spoiled = scene->outcome->spoiled = true;
        result_fail(scene->result, step->line, "there is no pipeline called '%.*s'", RP_STR_ARG(step->pipeline));
        return;
    }
    snprintf(id, sizeof(id), "test-%u", ++scene->result->turns); /* what is drawn by the id is the same each time */
    struct rp_turn_start start = {.id = id, .session = step->session, .user = step->user, .address = RP_STR("local"),
                                  .metadata = step->kind == STEP_EVENT ? step->data : step->metadata,
                                  .stream = scene->result->shredded, .explain = scene->play->explain};
    if (step->kind == STEP_MESSAGE) start.message = step->text;
    if (step->kind == STEP_EVENT) start.event = step->text.data;
    run_turn(scene, &start);
    check_leftovers(scene);
    scene->outcome->spoiled = scene->spoiled;
    if (!scene->spoiled) verdict(scene->result, scene->outcome);
}

static bool move(struct scene *scene, int64_t ms) {
    if (time_move(scene->play->alone, ms)) return true;
    result_fail(scene->result, scene->step->line, "a turn does not end: it waits for something outside the test");
    scene->result->lost = true;
    return false;
}

static void play_clock(struct scene *scene) {
    int64_t ms = scene->step->kind == STEP_MOVE ? scene->step->ms : scene->step->ms - rp_wall_ms();
    if (ms < 0)
        result_fail(scene->result, scene->step->line, "the clock stands later than that already, and only goes forward");
    else if (move(scene, ms))
        check_leftovers(scene);
}

static void run_step(struct scene *scene, bool first) {
    const struct chat_step *step = scene->step;
    scene->spoiled = false;
    scene->play->cast->step = step;
    if (step->kind == STEP_MOVE || step->kind == STEP_SET) {
        play_clock(scene);
        return;
    }
    int64_t pace = scene->result->file->pace_ms;
    if (!first && pace > 0 && step->kind == STEP_MESSAGE && !move(scene, pace)) return;
    play_turn(scene);
}

/* What the bot logged belongs to the last thing that failed. */
static void play_step(struct scene *scene, bool first) {
    struct result *result = scene->result;
    struct failure **last = result->last_failure;
    log_lines_forget();
    run_step(scene, first);
    if (result->last_failure == last) return;
    while ((*last)->next) last = &(*last)->next;
    (*last)->log = log_lines_read(result->arena);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void play_file(struct play *play, const struct chat_file *file, const uint64_t *seed, struct result *result) {
    struct scene *scene = rp_arena_zalloc(result->arena, sizeof(*scene));
    int64_t started_ns = rp_now_ns();
    struct report report = {0};
    *scene = (struct scene){.play = play, .result = result};
    result->shredded = seed != NULL;
    if (seed) {
        result->seed = *seed;
        shred_seed(&scene->shred, *seed, rp_str(base_name(file->name)));
    }
    play->cast->shred = seed ? &scene->shred : NULL;
    play->cast->on_missing = on_missing;
    play->cast->arg = scene;
    forget_use(file);
    time_start(file->start_ms);
    for (scene->step = file->steps; scene->step && !result->lost; scene->step = scene->step->next)
        play_step(scene, scene->step == file->steps);
    play->cast->step = NULL;
    if (!result->lost && alone_renew(play->alone, &report) != 0) {
        result_fail(result, 0, "the bot cannot be opened again: %s", report.entries[0].error.text);
        result->lost = true;
    }
    report_finish(&report);
    result->ns = rp_now_ns() - started_ns;
}
