/* Tries the rules in their order and then the generates; starts, resumes and ends the attempts of their functions. */
#include "run.h"

#include <repartee/log.h>
#include <repartee/metrics.h>

#include "attempt.h"
#include "dialog.h"
#include "dialog_turn.h"
#include "event.h"
#include "guard_ask.h"
#include "inventory.h"
#include "object.h"
#include "rule_tell.h"
#include "tool_run.h"

#define NO_RULE UINT32_MAX

static void on_wall(struct rp_timer *timer) {
    struct run *run = (struct run *)(void *)((char *)timer - offsetof(struct run, wall));
    stage_continue(run, run_expire(run));
}

struct run *run_create(struct rp_stage *stage, struct rp_turn *turn, struct vm *vm) {
    struct run *run = rp_arena_alloc(turn->arena, sizeof(*run));
    *run = (struct run){.stage = stage,
                        .turn = turn,
                        .rules = stage->element.state,
                        .vm = vm,
                        .tried = NO_RULE,
                        .wall = {.run = on_wall}};
    rp_normalise(turn->arena, turn->message, &run->text);
    run->regex.ns = run->rules->options->regex_ms * 1000000;
    run->regex.steps = (uint32_t)run->rules->options->regex_steps;
    return run;
}

/* ---- attempts ---------------------------------------------------------------------------------------------------- */

/* In a turn that can wait for hours only its own end counts: a model that is asked in bulk takes as long. */
static int64_t wall_ms(const struct run *run) {
    const struct rules_options *options = run->rules->options;
    if (run->turn->patient) return run->turn->deadline_ms - rp_worker_now_ms(run->turn->worker);
    return run->tool ? options->tool_time_ms : options->time_ms;
}

static void open_account(struct run *run) {
    const struct rules_options *options = run->rules->options;
    run->account = (struct account){.max_steps = options->instructions,
                                    .max_growth = options->turn_memory,
                                    .max_cpu_ns = options->cpu_ms * 1000000,
                                    .wall_end_ns = rp_now_ns() + wall_ms(run) * 1000000};
    run->waits = 0;
    run->handed_off = false;
    run->passed = NULL;
}

/* Nothing of the attempt is left behind in the state, nor under way. */
void run_end_attempt(struct run *run, bool clean) {
    waits_drop(run);
    rp_timer_stop(run->turn->worker, &run->wall);
    if (run->object) {
        *run->object = NULL;
        luaL_unref(run->vm->L, LUA_REGISTRYINDEX, run->object_ref);
    }
    if (run->co) vm_give(run->vm, run->co, run->co_ref, clean);
    run->object = NULL;
    run->co = NULL;
}

static int push_traceback(lua_State *L) {
    lua_State *co = lua_touserdata(L, 1);
    const char *text = lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "(the error is not a text)";
    luaL_traceback(L, co, text, 0);
    return 1;
}

void run_log_failure(const struct run *run, int code, const char *text) {
    struct rp_log_line line;
    rp_metric_add(rp_metric(RP_COUNTER, "repartee_rule_errors_total", "Rules, guards and tools that failed, by error code",
                            "rule", run_origin(run)->name, "code", rp_error_code(code), NULL),
                  1);
    rp_log_open(&line, RP_LOG_ERROR, "rules");
    rp_log_str(&line, "message", rp_str(run->guard ? "a guard failed" : run->tool ? "a tool failed" : "a rule failed"));
    rp_log_str(&line, "request_id", rp_str(run->turn->id));
    rp_log_str(&line, "code", rp_str(rp_error_code(code)));
    rp_log_str(&line, run->guard ? "guard" : run->tool ? "tool" : "rule", rp_str(run_origin(run)->name));
    rp_log_str(&line, "file", rp_str(run_origin(run)->file));
    rp_log_int(&line, "line", run_origin(run)->line);
    rp_log_str(&line, "error", rp_str(text));
    rp_log_close(&line);
}

static void log_attempt(struct run *run, int code, lua_State *failed) {
    lua_State *L = run->vm->L;
    const char *text = run->account.over == METER_FINE ? "it could not be started" : meter_reason(run->account.over);
    int top = lua_gettop(L);
    if (failed) {
        lua_pushcfunction(L, push_traceback);
        lua_pushlightuserdata(L, failed);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK) text = lua_tostring(L, -1);
    }
    run_log_failure(run, code, text);
    lua_settop(L, top);
}

enum run_state run_fail(struct run *run, int code) {
    const struct rules_options *options = run->rules->options;
    if (options->apology) {
        run->reply = rp_str(options->apology);
        return RUN_ANSWERS;
    }
    run->fault = (struct rp_fault){.code = code};
    return RUN_FAILS;
}

static const char *by_of(const struct run *run) {
    return run->rule ? run->rule->by : run->generate->by;
}

static enum run_state fail(struct run *run, int code) {
    rp_turn_set_by(run->turn, "%s", by_of(run));
    inventory_reached(run->vm, run_origin(run));
    rule_tell(run, "failed", rp_error_code(code));
    return run_fail(run, code);
}

int run_attempt_failed(struct run *run, int status, lua_State *failed) {
    if (status == LUA_ERRMEM && run->account.over == METER_FINE) run->account.over = METER_MEMORY;
    int code = run->account.over == METER_FINE ? RP_ERULE : RP_EBUDGET;
    log_attempt(run, code, failed);
    run_end_attempt(run, false);
    if (run->account.over == METER_MEMORY) lua_gc(run->vm->L, LUA_GCCOLLECT);
    return code;
}

/* True: the next rule may try. `failed` is where the error's traceback is. */
static bool attempt_failed(struct run *run, int status, lua_State *failed, enum run_state *out_state) {
    int code = run_attempt_failed(run, status, failed);
    run->told = NULL;
    if (run->then) { /* whoever asked decides what a guard or a tool that failed comes to; it is never passed over */
        run->fault = (struct rp_fault){.code = code};
        *out_state = RUN_FAILS;
        return false;
    }
    if (run->rules->options->on_error == ON_ERROR_NEXT) {
        rule_tell(run, "failed, and the next may try", rp_error_code(code));
        return true;
    }
    *out_state = fail(run, code);
    return false;
}

static int prepare(lua_State *L) {
    struct run *run = lua_touserdata(L, 1);
    if (run->guard) {
        guard_ask_prepare(L, run);
    } else if (run->tool) {
        tool_prepare(L, run);
    } else {
        attempt_prepare(L, run);
    }
    return 0;
}

static int start_coroutine(struct run *run, lua_State **out_failed) {
    lua_State *L = run->vm->L;
    int results;
    lua_pushcfunction(L, prepare);
    lua_pushlightuserdata(L, run);
    int status = lua_pcall(L, 1, 0, 0);
    *out_failed = NULL;
    if (status != LUA_OK) {
        lua_pop(L, 1);
        return status;
    }
    *out_failed = run->co;
    return lua_resume(run->co, L, lua_gettop(run->co) - 1, &results);
}

enum run_state run_wait(struct run *run) {
    int64_t left = (run->account.wall_end_ns - rp_now_ns()) / 1000000;
    if (!rp_timer_started(&run->wall)) rp_timer_start(run->turn->worker, &run->wall, left > 0 ? left : 0);
    return RUN_WAITS;
}

static void begin_slice(struct run *run) {
    run->vm->run = run;
    meter_begin(&run->vm->meter, &run->account);
    run->vm->meter.running = run->co;
}

static void end_slice(struct run *run) {
    meter_end(&run->vm->meter);
    run->vm->run = NULL;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static uint64_t hash(const char *text) {
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    for (; *text; text++) value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return value ^ value >> 32;
}

/* Of several replies the turn's id picks one, so that a turn can be repeated. */
static enum run_state reply_fixed(struct run *run) {
    const struct rule *rule = run->rule;
    struct captures captures = run_captures(run);
    size_t which = rule->reply_count > 1 ? hash(run->turn->id) % rule->reply_count : 0;
    run->reply = captures_fill(&captures, rule->replies[which], run->turn->arena);
    rp_turn_set_by(run->turn, "%s", rule->by);
    return RUN_ANSWERS;
}

static void shape_turn(struct run *run, const struct shape *shape) {
    struct rp_prompt *prompt = rp_turn_prompt(run->turn);
    shape_apply(run, shape, run->verdict == VERDICT_REPLY ? run->reply : shape->system, prompt);
    prompt->by = by_of(run);
}

static bool declined(const struct run *run) {
    if (run->verdict == VERDICT_UNWILLING) rule_tell(run, "`when` said no", NULL);
    if (run->verdict == VERDICT_DECLINED) rule_tell(run, "its function returned nothing", NULL);
    return run->verdict == VERDICT_UNWILLING || run->verdict == VERDICT_DECLINED;
}

/* False: the next one may try. */
static bool conclude(struct run *run, enum run_state *out_state) {
    const struct shape *shape = run->then ? NULL : run->rule ? run->rule->shape : &run->generate->shape;
    *out_state = RUN_PASSES;
    if (run->then) return true;
    if (declined(run)) return false;
    inventory_reached(run->vm, run_origin(run));
    if (run->verdict == VERDICT_PASS) {
        rule_tell(run, run->passed ? "passed the turn on, shaped" : "passed the turn on", NULL);
        if (run->passed) shape_turn(run, run->passed);
    } else if (shape && !run->handed_off) {
        rule_tell(run, "shaped the question to the model", NULL);
        shape_turn(run, shape);
    } else if (run->verdict == VERDICT_FIXED) {
        rule_tell(run, "answered", NULL);
        *out_state = reply_fixed(run);
    } else {
        rule_tell(run, run->handed_off ? "handed the conversation to a person" : "answered", NULL);
        rp_turn_set_by(run->turn, "%s", by_of(run));
        *out_state = RUN_ANSWERS;
    }
    rule_tell_rest(run);
    return true;
}

/* After a slice of the coroutine has run. False: the next one may try. */
static bool settle(struct run *run, int status, lua_State *failed, enum run_state *out_state) {
    if (run->journal) return dialog_settle(run, status, failed, out_state);
    if (status == LUA_YIELD) {
        *out_state = run_wait(run);
        return true;
    }
    if (status != LUA_OK) return !attempt_failed(run, status, failed, out_state);
    run_end_attempt(run, true);
    event_send(run);
    if (run->handed_off && run->dialogs) dialog_end_all(run);
    return conclude(run, out_state);
}

bool run_attempt(struct run *run, enum run_state *out_state) {
    lua_State *failed;
    open_account(run);
    begin_slice(run);
    int status = start_coroutine(run, &failed);
    end_slice(run);
    return settle(run, status, failed, out_state);
}

/* ---- the order --------------------------------------------------------------------------------------------------- */

/* Nothing of it is a function. */
static bool conclude_fixed(struct run *run, enum run_state *out_state) {
    run->handed_off = false;
    run->verdict = VERDICT_FIXED;
    return conclude(run, out_state);
}

static bool try_rule(struct run *run, enum run_state *out_state) {
    int function = run->rule->shape ? run->rule->shape->system_ref : run->rule->reply_ref;
    if (function == LUA_NOREF && run->rule->when_ref == LUA_NOREF) return conclude_fixed(run, out_state);
    return run_attempt(run, out_state);
}

static bool try_generate(struct run *run, enum run_state *out_state) {
    if (run->generate->shape.system_ref == LUA_NOREF && run->generate->when_ref == LUA_NOREF)
        return conclude_fixed(run, out_state);
    return run_attempt(run, out_state);
}

/* A pattern that hits a limit fails the turn: nobody knows whether the rule should have answered. Once the time for all
 * patterns is over, no other rule can be tried either. */
static bool limit_hit(struct run *run, int code, enum run_state *out_state) {
    run_log_failure(run, code, code == RP_EREGEX ? rp_error_text(code) : "matching took too long: see the option 'regex_time'");
    if (code == RP_EREGEX && run->rules->options->on_error == ON_ERROR_NEXT) return false;
    *out_state = fail(run, code);
    return true;
}

static bool may_try(const struct run *run) {
    bool with_person = run->with_person && !run->rule->with_person;
    if (!with_person && dialog_lets(run, run->rule)) return true;
    rule_tell(run, with_person ? "not tried: a person has the conversation" : "not tried: a dialog waits for an answer", NULL);
    return false;
}

static enum run_state go_on(struct run *run) {
    const struct ruleset *set = run->vm->set;
    enum run_state state;
    int found;
    while ((found = matcher_next(&run->cursor, &run->pattern, &run->match)) != RP_MATCH_NONE) {
        uint32_t number = run->rules->program->owners[run->pattern];
        if (number == run->tried) continue; /* another of its patterns was first */
        run->tried = number;
        run->rule = set->rules[number];
        if (!may_try(run)) continue;
        if (found < 0 ? limit_hit(run, -found, &state) : try_rule(run, &state)) return state;
    }
    run->rule = NULL;
    if (dialog_waits(run)) return dialog_take_message(run, &state) ? state : go_on(run);
    while (!run->with_person && run->next_generate < set->generate_count) {
        run->generate = set->generates[run->next_generate++];
        if (try_generate(run, &state)) return state;
    }
    run->generate = NULL;
    return RUN_PASSES;
}

void run_match_again(struct run *run) {
    const struct matcher *matcher = run->rules->program->matcher;
    matcher_start(matcher, run->text.text, run->turn->arena, &run->regex, &run->cursor);
    run->tried = NO_RULE;
    rule_tell_misses(run);
}

enum run_state run_start(struct run *run) {
    enum run_state state;
    run_match_again(run);
    if (dialog_broken_off(run) && dialog_take_message(run, &state)) return state;
    return go_on(run);
}

enum run_state run_own(struct run *run) {
    enum run_state state = RUN_FAILS;
    run_attempt(run, &state);
    return state;
}

enum run_state run_start_event(struct run *run) {
    enum run_state state;
    dialog_take_timeout(run, &state);
    return state;
}

enum run_state run_resume(struct run *run) {
    enum run_state state;
    int results;
    begin_slice(run);
    int status = lua_resume(run->co, run->vm->L, 0, &results);
    end_slice(run);
    return settle(run, status, run->co, &state) ? state : go_on(run);
}

enum run_state run_expire(struct run *run) {
    enum run_state state;
    run->account.over = METER_WALL;
    if (run->journal) return dialog_settle(run, LUA_OK, NULL, &state) ? state : go_on(run);
    return attempt_failed(run, LUA_OK, NULL, &state) ? go_on(run) : state;
}

/* ---- saving in the middle of the turn ---------------------------------------------------------------------------- */

static void on_saved(struct rp_session_save *save, int code) {
    struct run *run = (struct run *)(void *)((char *)save - offsetof(struct run, wait.save));
    run->wait.saving = false;
    run->wait.code = code;
    if (run->co) {
        stage_continue(run, run_resume(run));
    } else if (run->owes_save) {
        run->owes_save = false;
        run_save(run);
    } else {
        dialog_unshield(run);
        stage_continue(run, run->after_save);
    }
}

void run_save(struct run *run) {
    run->wait.save.done = on_saved;
    run->wait.saving = true;
    rp_session_save(run->turn, &run->wait.save);
}

void run_drop(struct run *run) {
    run->account.over = METER_ENDED;
    run_end_attempt(run, false);
}
