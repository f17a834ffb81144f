/* What the control socket asks of the engine. */
#include <stdlib.h>
#include <unistd.h>

#include <repartee/explain.h>

#include "core/control/control.h"
#include "core/turn/engine_state.h"

#define LINES_MAX 200 /* of a report in an answer */

/* ---- reload ------------------------------------------------------------------------------------------------------------- */

struct asker { /* a peer that waits for a reload */
    struct reload_waiter waiter; /* first */
    struct engine *engine;
    struct control_peer *peer;
    struct asker *next, **link;
};

struct lines {
    json_t *mistakes, *warnings;
    size_t count;
};

static void add_line(void *arg, bool warning, const char *line) {
    struct lines *lines = arg;
    if (lines->count++ < LINES_MAX)
        json_array_append_new(warning ? lines->warnings : lines->mistakes, json_string(line));
}

static json_t *result_json(const struct reload_result *result) {
    struct lines lines = {.mistakes = json_array(), .warnings = json_array()};
    report_tell(&result->report, add_line, &lines);
    if (lines.count > LINES_MAX) json_array_append_new(lines.mistakes, json_string("… and more: the log has them all"));
    return json_pack("{s:b, s:i, s:I, s:f, s:o, s:o}", "ok", result->ok, "generation", (int)result->generation, "at_ms",
                     (json_int_t)result->at_ms, "ms", result->ms, "mistakes", lines.mistakes, "warnings",
                     lines.warnings);
}

static void asker_free(struct asker *asker) {
    *asker->link = asker->next;
    if (asker->next) asker->next->link = asker->link;
    free(asker);
}

static void on_reloaded(struct reload_waiter *waiter, const struct reload_result *result) {
    struct asker *asker = (struct asker *)waiter;
    struct control_peer *peer = asker->peer;
    asker_free(asker);
    control_answer(peer, result_json(result), false);
}

static void reload(struct engine *engine, struct control_peer *peer, const json_t *request) {
    (void)request;
    struct asker *asker = rp_calloc(1, sizeof(*asker));
    *asker = (struct asker){.waiter = {.done = on_reloaded}, .engine = engine, .peer = peer, .next = engine->askers};
    asker->link = &engine->askers;
    if (asker->next) asker->next->link = &asker->next;
    engine->askers = asker;
    reload_ask(engine, &asker->waiter);
}

static void on_gone(void *arg, struct control_peer *peer) {
    struct engine *engine = arg;
    struct asker *asker = engine->askers;
    while (asker && asker->peer != peer) asker = asker->next;
    if (!asker) return;
    reload_forget(engine, &asker->waiter);
    asker_free(asker);
}

/* ---- status ------------------------------------------------------------------------------------------------------------- */

static const char *state_of(const struct engine *engine) {
    if (engine->stopping) return "stopping";
    return engine->reload.phase == RELOAD_IDLE ? "running" : "reloading";
}

static json_t *old_generations(const struct engine *engine) {
    json_t *list = json_array();
    for (const struct generation *generation = engine->generations; generation; generation = generation->next)
        if (generation != engine->current && generation != engine->reload.generation)
            json_array_append_new(list, json_pack("{s:i, s:i}", "generation", (int)generation->number, "in_use",
                                                  (int)generation_holds(generation)));
    return list;
}

static void status(struct engine *engine, struct control_peer *peer, const json_t *request) {
    (void)request;
    const struct bot *bot = engine->current->bot;
    json_t *answer = json_pack(
        "{s:b, s:s, s:s, s:s, s:s, s:I, s:f, s:i, s:i, s:i, s:I, s:o}", "ok", 1, "state", state_of(engine), "version",
        REPARTEE_VERSION, "bot", bot->name, "file", bot->file, "pid", (json_int_t)getpid(), "uptime_s",
        (double)(rp_wall_ms() - engine->started_ms) / 1e3, "generation", (int)engine->current->number, "workers",
        (int)engine->group.count, "turns", atomic_load(&engine->group.turns), "waiting_for_session",
        (json_int_t)session_hub_waiting(engine->hub), "draining", old_generations(engine));
    const struct reload_result *last = &engine->reload.last;
    if (last->at_ms && engine->reload.phase == RELOAD_IDLE)
        json_object_set_new(answer, "last_reload", result_json(last));
    control_answer(peer, answer, false);
}

/* ---- trace -------------------------------------------------------------------------------------------------------------- */

#define RECORD_MAX ((size_t)2 << 20)

static const char *why_not(const struct engine *engine, int code) {
    if (code == -RP_ETOOLARGE) return "the record is too large to be sent here";
    return engine->current->bot->trace.keep > 0 ? "no record of this turn is kept any more, or there was none"
                                                : "the bot file has no trace { }, so no records are kept";
}

/* {"command": "trace", "id": "…"}: the record of an earlier turn. */
static void trace(struct engine *engine, struct control_peer *peer, const json_t *request) {
    struct rp_buf text;
    json_t *record = NULL;
    rp_buf_init(&text, RECORD_MAX);
    int code = rp_trace_text(rp_str(json_string_value(json_object_get(request, "id"))), &text);
    if (code == 0) code = rp_json_parse(text.data, text.len, &record, NULL);
    rp_buf_finish(&text);
    if (code == 0)
        control_answer(peer, json_pack("{s:b, s:o}", "ok", 1, "record", record), false);
    else
        control_answer(peer, json_pack("{s:b, s:s}", "ok", 0, "error", why_not(engine, code)), false);
}

/* ---- commands ------------------------------------------------------------------------------------------------------------ */

static void stop(struct engine *engine, struct control_peer *peer, const json_t *request) {
    (void)request;
    control_answer(peer, json_pack("{s:b, s:I}", "ok", 1, "pid", (json_int_t)getpid()), true);
    engine_stop(engine);
}

static void on_command(void *arg, struct control_peer *peer, const char *command, const json_t *request) {
    static const struct {
        const char *name;
        void (*run)(struct engine *engine, struct control_peer *peer, const json_t *request);
        bool stopping; /* also while the server stops */
    } commands[] = {{"reload", reload, false}, {"status", status, true}, {"stop", stop, true}, {"trace", trace, true}};
    struct engine *engine = arg;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(command, commands[i].name) != 0) continue;
        if (!engine->stopping || commands[i].stopping)
            commands[i].run(engine, peer, request);
        else
            control_answer(peer, json_pack("{s:b, s:s}", "ok", 0, "error", "the server is shutting down"), false);
        return;
    }
    control_answer(peer, json_pack("{s:b, s:s}", "ok", 0, "error", "there is no such command: reload, status, stop and trace are"),
                   false);
}

static const struct control_ops ops = {.on_command = on_command, .on_gone = on_gone};

int engine_control_open(struct engine *engine, struct rp_error *error) {
    char places[2][CONTROL_PATH_SIZE];
    const char *path = engine->options->control;
    if (!path) {
        if (control_places(engine->options->file, places, error) == 0) return -RP_EIO;
        path = places[0];
        int code = control_prepare_folder(path, error);
        if (code != 0) return code;
    }
    return control_open(&engine->loop, path, &ops, engine, &engine->control, error);
}

void engine_control_close(struct engine *engine) {
    control_close(engine->control);
    engine->control = NULL;
}
