/* Asks a model out of a coroutine and collects what it says. */
#include "asking.h"

#include <lauxlib.h>
#include <math.h>

#include "form.h"
#include "freeze.h"
#include "object.h"
#include "reply.h"
#include "run.h"
#include "vm.h"

#define HISTORY_TOKENS 4000

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static void finish_mistakes(void *mistakes) {
    mistakes_finish(mistakes);
}

struct form asking_form(lua_State *L, struct run *run, int index, const char *kind) {
    struct rp_arena *arena = run->turn->arena;
    struct mistakes *mistakes = rp_arena_zalloc(arena, sizeof(*mistakes));
    rp_arena_defer(arena, finish_mistakes, mistakes);
    luaL_checkstack(L, 24, NULL);
    if (lua_isnoneornil(L, index)) {
        lua_newtable(L);
    } else {
        luaL_checktype(L, index, LUA_TTABLE);
        freeze_contents(L, index);
    }
    return (struct form){.L = L,
                         .vm = run->vm,
                         .arena = arena,
                         .mistakes = mistakes,
                         .kind = kind,
                         .origin = *run_origin(run),
                         .table = lua_gettop(L),
                         .at_run_time = true};
}

void asking_check_form(const struct form *form) {
    if (form->mistakes->count) luaL_error(form->L, "%s", form->mistakes->items[0].text);
}

struct rp_model *asking_model(lua_State *L, struct run *run, const struct shape *shape) {
    struct rp_model *model = shape->model ? shape->model : rp_element_model(&run->stage->element, RP_STR(""));
    if (!model) luaL_error(L, "the bot has no model called 'main': say which one is to be asked, model = \"…\"");
    return model;
}

struct rp_call *asking_call(struct run *run, struct rp_model *model, const struct shape *shape, struct rp_str system,
                            size_t history, struct rp_str message) {
    struct rp_arena *arena = run->turn->arena;
    struct rp_prompt *prompt = rp_arena_zalloc(arena, sizeof(*prompt));
    struct rp_call *call = rp_arena_zalloc(arena, sizeof(*call));
    struct rp_call_parts parts = {
        .model = model, .history_texts = history, .history_tokens = HISTORY_TOKENS, .message = message};
    prompt->temperature = prompt->top_p = NAN;
    shape_apply(run, shape, system, prompt);
    parts.system = prompt->system;
    parts.examples = prompt->examples;
    parts.example_count = prompt->example_count;
    if (history) parts.history_count = rp_session_history(run->turn, history, &parts.history);
    call->prompt = prompt;
    call->by = &run->stage->element;
    rp_call_build(call, arena, &parts, NULL);
    return call;
}

/* ---- the reply --------------------------------------------------------------------------------------------------- */

/* From the top of the stack: the source is closed, and the function goes on. */
static void on_task(struct rp_task *task) {
    struct asking *asking = (struct asking *)(void *)((char *)task - offsetof(struct asking, task));
    struct run *run = asking->run;
    rp_source_close(asking->source);
    asking->source = NULL;
    stage_continue(run, run_resume(run));
}

static void keep_fault(struct asking *asking, const struct rp_fault *fault) {
    asking->fault = *fault;
    if (fault->message) asking->fault.message = rp_arena_str(asking->run->turn->arena, rp_str(fault->message)).data;
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct asking *asking = (struct asking *)(void *)((char *)sink - offsetof(struct asking, sink));
    struct rp_turn *turn = asking->run->turn;
    if (chunk->type == RP_CHUNK_USAGE) rp_turn_add_usage(turn, &chunk->usage);
    if (chunk->type == RP_CHUNK_ERROR) keep_fault(asking, &chunk->fault);
    if (chunk->type == RP_CHUNK_TEXT && rp_buf_append_str(&asking->text, chunk->text) != 0)
        asking->fault.code = RP_EREPLYSIZE;
    if (flow == RP_MORE && asking->fault.code == 0)
        rp_source_more(asking->source);
    else
        rp_task_schedule(turn->worker, &asking->task);
}

int asking_start(lua_State *L, struct run *run, struct rp_model *model, const struct rp_call *call,
                 lua_KFunction next) {
    static const struct rp_sink_ops ops = {.write = on_write};
    waits_count(L, run);
    asking_drop(run);
    struct asking *asking = rp_arena_zalloc(run->turn->arena, sizeof(*asking));
    asking->run = run;
    asking->sink.ops = &ops;
    asking->task.run = on_task;
    rp_buf_init(&asking->text, REPLY_BYTES);
    asking->source = rp_model_talk(model, run->turn, call);
    run->asking = asking;
    rp_source_open(asking->source, &asking->sink);
    rp_source_more(asking->source);
    return lua_yieldk(L, 0, (lua_KContext)run, next);
}

void asking_push_error(lua_State *L, const struct rp_fault *fault) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, rp_error_code(fault->code));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, fault->message ? fault->message : rp_error_text(fault->code));
    lua_setfield(L, -2, "message");
}

void asking_drop(struct run *run) {
    struct asking *asking = run->asking;
    if (!asking) return;
    run->asking = NULL;
    rp_task_cancel(run->turn->worker, &asking->task);
    rp_source_close(asking->source);
    rp_buf_finish(&asking->text);
}
