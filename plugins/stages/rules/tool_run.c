/* One call of a tool: its arguments are checked, its function is run, and what it says becomes text for the model. What
 * goes wrong is told to the model too, without the details, which are for the log. */
#include "tool_run.h"

#include <repartee/metrics.h>
#include <repartee/schema.h>

#include "attempt.h"
#include "guard_tell.h"
#include "guard_tool.h"
#include "inventory.h"
#include "luajson.h"
#include "object.h"

#define MISTAKES_BYTES 1500

struct runner {
    struct rp_tool_runner pub; /* first */
    struct rp_stage *stage;
    struct vm *vm;
    const struct shape *shape;
};
struct job { /* a call whose function runs; the run's then_arg */
    const struct runner *runner;
    struct rp_tool_run *call;
    const json_t *arguments;
    int64_t started_ns;
    bool refused; /* the function says that it could not be done */
};

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void count(const char *tool, const char *outcome) {
    rp_metric_add(rp_metric(RP_COUNTER, "repartee_tool_calls_total", "Calls of tools by models, by their outcome",
                            "tool", tool, "outcome", outcome, NULL),
                  1);
}

static void explain(const struct runner *runner, const struct rp_tool_run *call, const char *outcome,
                    int64_t started_ns, struct rp_str result) {
    if (!rp_turn_explained(call->turn)) return;
    rp_turn_note(call->turn, &runner->stage->element, "tool",
                 json_pack("{s:s%, s:s%, s:s, s:s%, s:f}", "tool", call->call->name.data, call->call->name.len,
                           "arguments", call->call->arguments.data, call->call->arguments.len, "outcome", outcome,
                           "result", result.data ? result.data : "", result.len, "us",
                           (double)(rp_now_ns() - started_ns) / 1e3));
}

/* Never ends inside a character. */
static struct rp_str bounded(struct rp_str text, size_t most, struct rp_arena *arena) {
    if (text.len <= most) return text;
    int kept = (int)rp_utf8_whole(text.data, most);
    return rp_str(rp_arena_printf(arena, "%.*s\n(cut off: %zu of %zu bytes)", kept, text.data, (size_t)kept, text.len));
}

static void finish(const struct runner *runner, struct rp_tool_run *call, const char *tool, const char *outcome,
                   int64_t started_ns, struct rp_str result) {
    const struct rules *rules = runner->stage->element.state;
    struct rp_str told = bounded(result, (size_t)rules->options->tool_result, call->turn->arena);
    count(tool, outcome);
    explain(runner, call, outcome, started_ns, told);
    call->done(call, told);
}

static void on_state(struct run *run, enum run_state state) {
    const struct job *job = run->then_arg;
    const char *name = run->tool->origin.name, *outcome = job->refused ? "refused" : "ok";
    struct rp_str result = run->reply;
    if (state == RUN_WAITS) return;
    if (state == RUN_FAILS) {
        bool late = run->account.over == METER_WALL;
        outcome = late ? "timeout" : "error";
        result = rp_str(
            rp_arena_printf(run->turn->arena, "Error: the tool '%s' %s.", name, late ? "took too long" : "failed"));
    }
    job->call->state = NULL;
    finish(job->runner, job->call, name, outcome, job->started_ns, result);
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

static const struct tool *find(const struct shape *shape, struct rp_str name) {
    for (size_t i = 0; i < shape->tool_count; i++)
        if (rp_str_equal(rp_str(shape->tools[i]->origin.name), name)) return shape->tools[i];
    return NULL;
}

static void no_such_tool(const struct runner *runner, struct rp_tool_run *call) {
    struct rp_arena *arena = call->turn->arena;
    const char *names = "";
    for (size_t i = 0; i < runner->shape->tool_count; i++)
        names = rp_arena_printf(arena, "%s%s%s", names, i ? ", " : "", runner->shape->tools[i]->origin.name);
    const char *text =
        rp_arena_printf(arena, "Error: there is no tool '%.*s'. There are: %s.", RP_STR_ARG(call->call->name), names);
    finish(runner, call, "", "unknown", rp_now_ns(), rp_str(text));
}

static void forget_json(void *json) {
    json_decref(json);
}

/* The arguments, which the turn's arena keeps; NULL: they do not fit, and *out_why tells. */
static const json_t *read_arguments(const struct tool *tool, const struct rp_tool_run *call, struct rp_str text,
                                    const char **out_why) {
    struct rp_arena *arena = call->turn->arena;
    struct rp_error error;
    struct rp_buf mistakes;
    json_t *arguments = NULL;
    if (rp_json_parse(text.data, text.len, &arguments, &error) != 0) {
        *out_why = rp_arena_printf(arena, "Error: the arguments are not JSON: %s", error.text);
        return NULL;
    }
    rp_arena_defer(arena, forget_json, arguments);
    rp_buf_init(&mistakes, MISTAKES_BYTES);
    bool fit = rp_schema_check(tool->parameters, arguments, &mistakes) == 0;
    if (!fit)
        *out_why = rp_arena_printf(arena, "Error: the arguments do not fit, nothing was done:\n%.*s",
                                   RP_STR_ARG(rp_buf_str(&mistakes)));
    rp_buf_finish(&mistakes);
    return fit ? arguments : NULL;
}

/* The guards that the tool names look at the arguments before it runs: what they replace it gets replaced, and any other
 * action but a flag refuses the call. False: it is refused. */
static bool guard_arguments(const struct runner *runner, const struct tool *tool, struct rp_turn *turn,
                            struct rp_str *arguments) {
    struct run *run = run_create(runner->stage, turn, runner->vm);
    for (size_t i = 0; i < tool->guards.count; i++) {
        const struct guard *guard = tool->guards.guards[i];
        struct guard_use use = {.guard = guard,
                                .patterns = &run->rules->program->guards[guard->number],
                                .arena = turn->arena,
                                .sentence = rp_str(run->rules->options->blocked),
                                .max = turn->reply_max};
        struct guard_found found;
        int code = guard_tool(&use, *arguments, &found, arguments);
        if (code) guard_tell_limit(run, guard, -code);
        if (code) return false;
        if (!found.found) continue;
        guard_tell(run, guard, found.matched, RP_STR(""), NULL);
        if (guard->action != GUARD_REPLACE && guard->action != GUARD_FLAG) return false;
    }
    return true;
}

static void start(const struct rp_tool_runner *pub, struct rp_tool_run *call) {
    const struct runner *runner = (const struct runner *)pub;
    const struct tool *tool = find(runner->shape, call->call->name);
    const char *why;
    if (!tool) {
        no_such_tool(runner, call);
        return;
    }
    struct rp_tool_call guarded = *call->call;
    if (!guard_arguments(runner, tool, call->turn, &guarded.arguments)) {
        finish(runner, call, tool->origin.name, "refused", rp_now_ns(), RP_STR("Error: a guard refuses this call."));
        return;
    }
    const json_t *arguments = read_arguments(tool, call, guarded.arguments, &why);
    if (!arguments) {
        finish(runner, call, tool->origin.name, "invalid", rp_now_ns(), rp_str(why));
        return;
    }
    struct job *job = rp_arena_alloc(call->turn->arena, sizeof(*job));
    *job = (struct job){.runner = runner, .call = call, .arguments = arguments, .started_ns = rp_now_ns()};
    struct run *run = run_create(runner->stage, call->turn, runner->vm);
    run->tool = tool;
    run->then = on_state;
    run->then_arg = job;
    call->state = run;
    inventory_reached(runner->vm, &tool->origin);
    on_state(run, run_own(run));
}

static void cancel(const struct rp_tool_runner *runner, struct rp_tool_run *call) {
    (void)runner;
    if (!call->state) return;
    count(((struct run *)call->state)->tool->origin.name, "cancelled");
    run_drop(call->state);
}

const struct rp_tool_runner *tool_runner(const struct run *run, const struct shape *shape) {
    static const struct rp_tool_ops ops = {.start = start, .cancel = cancel};
    const struct rules_options *options = run->rules->options;
    struct runner *runner = rp_arena_zalloc(run->turn->arena, sizeof(*runner));
    runner->pub = (struct rp_tool_runner){
        .ops = &ops, .rounds = (unsigned)options->tool_rounds, .calls = (unsigned)options->tool_calls};
    runner->stage = run->stage;
    runner->vm = run->vm;
    runner->shape = shape;
    return &runner->pub;
}

/* ---- inside the coroutine ---------------------------------------------------------------------------------------- */

enum { OBJECT = 1, ARGUMENTS, FUNCTION, RESULT }; /* places on the coroutine's stack */

static void keep_text(lua_State *L, struct run *run, const char *head, int index) {
    size_t len;
    const char *text = luaL_tolstring(L, index, &len);
    if (!rp_utf8_valid(text, len)) luaL_error(L, "the result is not valid UTF-8");
    run->reply = rp_str(rp_arena_printf(run->turn->arena, "%s%.*s", head, (int)len, text));
}

/* A text, a number or a truth as it is, a table as JSON; nil and a text for what could not be done. */
static int after_function(lua_State *L, int status, lua_KContext context) {
    struct run *run = (struct run *)context;
    int type = lua_type(L, RESULT);
    (void)status;
    if (run->handed_off) {
        run->reply = RP_STR("The conversation has been passed on to a person.");
    } else if (type == LUA_TNIL && lua_type(L, RESULT + 1) == LUA_TSTRING) {
        ((struct job *)run->then_arg)->refused = true;
        keep_text(L, run, "Error: ", RESULT + 1);
    } else if (type == LUA_TNIL) {
        run->reply = RP_STR("Done.");
    } else if (type == LUA_TTABLE) {
        luajson_dump(L, RESULT);
        keep_text(L, run, "", -1);
    } else if (type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN) {
        keep_text(L, run, "", RESULT);
    } else {
        return luaL_error(L, "a tool's function returned a %s, not a text, a table or nil", luaL_typename(L, RESULT));
    }
    return 0;
}

static int body(lua_State *L) {
    struct run *run = object_run(L, OBJECT);
    lua_pushvalue(L, FUNCTION);
    lua_pushvalue(L, OBJECT);
    lua_pushvalue(L, ARGUMENTS);
    lua_callk(L, 2, 2, (lua_KContext)run, after_function);
    return after_function(L, LUA_OK, (lua_KContext)run);
}

void tool_prepare(lua_State *L, struct run *run) {
    const struct job *job = run->then_arg;
    attempt_open(L, run, body);
    luajson_push(L, job->arguments);
    lua_xmove(L, run->co, 1);
    lua_rawgeti(run->co, LUA_REGISTRYINDEX, run->tool->run_ref);
}
