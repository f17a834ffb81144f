/* The life of the stage, and what a run's end means for its turn. */
#include "stage.h"

#include <libgen.h>
#include <limits.h>
#include <repartee/log.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialog.h"
#include "guard_message.h"
#include "guard_reply.h"
#include "handoff.h"
#include "inventory.h"
#include "run.h"

int stage_check(const void *arg, struct rp_error *error) {
    const struct rules_options *options = arg;
    if (!options->dir == !options->files.count) {
        return rp_error_set(error, RP_ECONFIG, "either 'dir' or 'files' must say where the rules are");
    }
    return 0;
}

/* The folder of the bot file, in `buffer`. */
static const char *bot_folder(const struct rp_element *element, char *buffer, size_t size) {
    if (!element->file || !strchr(element->file, '/')) return ".";
    snprintf(buffer, size, "%s", element->file);
    return dirname(buffer);
}

/* The rules folder, or the first file, without the part that is another on every machine. */
static char *home_of(const struct rules_options *options, const char *folder) {
    const char *path = options->dir ? options->dir : options->files.items[0];
    size_t len = strlen(folder);
    bool inside = strncmp(path, folder, len) == 0 && path[len] == '/';
    return rp_strdup(inside ? path + len + 1 : path);
}

static void log_loaded(const struct program *program) {
    const struct matcher *matcher = program->matcher;
    rp_log(RP_LOG_INFO, "rules", "%zu rules with %zu patterns in %zu files; %zu patterns have no literal to look for",
           program->rule_count, matcher_count(matcher), sources_count(program->sources), matcher_bare_count(matcher));
}

static void tell_shape(void *arg, struct rp_str text) {
    rp_element_shape(arg, text);
}

int stage_open(struct rp_element *element, struct rp_error *error) {
    const struct rules_options *options = element->options;
    char buffer[PATH_MAX];
    struct program_options load = {
        .vm = {.memory = (size_t)options->memory, .config = options->config, .element = element},
        .teller = element,
        .folder = bot_folder(element, buffer, sizeof(buffer)),
        .dir = options->dir,
        .files = options->files,
    };
    struct program *program;
    int rc = program_create(&load, &program, error);
    if (rc != 0) return rc;
    struct rules *rules = rp_alloc(sizeof(*rules));
    *rules = (struct rules){options, program, home_of(options, load.folder)};
    element->state = rules;
    sources_tell(program->sources, tell_shape, element);
    log_loaded(program);
    return 0;
}

void stage_close(struct rp_element *element) {
    struct rules *rules = element->state;
    program_destroy(rules->program);
    free(rules->home);
    free(rules);
    element->state = NULL;
}

int stage_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    const struct rules *rules = element->state;
    struct vm *vm;
    (void)worker;
    int rc = program_attach(rules->program, &vm, error);
    if (rc == 0) *out_local = vm;
    return rc;
}

void stage_detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)element;
    (void)worker;
    vm_destroy(local);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* No rule took the message, and a person has the conversation. */
static void pass_on(struct run *run) {
    rp_turn_set_by(run->turn, "handoff");
    rp_turn_reply(run->turn, rp_source_text(run->turn, handoff_pass_on(run->stage, run->turn)));
}

/* Pays for a turn that is kept, unless it goes on to wait. */
static void pay(struct run *run, enum run_state state) {
    struct rp_turn *turn = run->turn;
    if (state == RUN_ANSWERS || state == RUN_PASSES) dialog_frame(run, state == RUN_PASSES);
    if (state == RUN_ANSWERS) {
        rp_turn_reply(turn, rp_source_ending(turn, run->reply, run->finish));
    } else if (state == RUN_FAILS) {
        rp_turn_fail(turn, &run->fault);
    } else if (state == RUN_PASSES && run->with_person) {
        pass_on(run);
    } else if (state == RUN_PASSES) {
        rp_turn_resume(turn);
    }
}

/* The rules have decided, or wait: whoever waits is to be found when the turn ends meanwhile. */
static enum run_state guard(struct run *run, enum run_state state) {
    if (state != RUN_WAITS) return guard_reply(run, state);
    *rp_turn_slot(run->turn, run->stage) = run;
    return RUN_WAITS;
}

static void settle(struct run *run, enum run_state state) {
    pay(run, guard(run, state));
}

void stage_continue(struct run *run, enum run_state state) {
    if (run->then) {
        run->then(run, state);
    } else {
        settle(run, state);
    }
}

static enum run_state start(struct run *run) {
    if (run->with_person)
        dialog_end_all(run);
    else
        dialog_load(run);
    return run_start(run);
}

void stage_guarded(struct run *run, enum run_state state) {
    settle(run, state == RUN_PASSES ? start(run) : state);
}

static enum rp_outcome outcome(struct run *run, enum run_state state) {
    state = guard(run, state);
    if (state == RUN_PASSES && !run->with_person) {
        dialog_frame(run, true);
        return RP_PASS;
    }
    pay(run, state);
    return RP_KEEP;
}

/* The time for a dialog's answer is over. */
static enum rp_outcome on_timeout(struct rp_stage *stage, struct rp_turn *turn) {
    if (handoff_stands(stage, turn)) return RP_PASS;
    struct run *run = run_create(stage, turn, rp_local(&stage->element, turn->worker));
    dialog_load(run);
    return outcome(run, run_start_event(run));
}

void stage_guarded_reply(struct run *run, enum run_state state) {
    pay(run, state);
}

enum rp_outcome stage_on_event(struct rp_stage *stage, struct rp_turn *turn) {
    struct rp_str text;
    if (strcmp(turn->event, "timeout") == 0) return on_timeout(stage, turn);
    if (!handoff_event(turn, &text) || text.len == 0) return RP_PASS;
    struct run *run = run_create(stage, turn, rp_local(&stage->element, turn->worker));
    run->reply = text;
    rp_turn_set_by(turn, "person");
    settle(run, RUN_ANSWERS);
    return RP_KEEP;
}

enum rp_outcome stage_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    struct run *run = run_create(stage, turn, rp_local(&stage->element, turn->worker));
    run->with_person = handoff_stands(stage, turn);
    enum run_state state = guard_message(run);
    if (state == RUN_WAITS) return RP_KEEP;
    return outcome(run, state == RUN_PASSES ? start(run) : state);
}

json_t *stage_inventory(struct rp_stage *stage, struct rp_worker *worker) {
    return inventory_read(rp_local(&stage->element, worker));
}

void stage_cancel(struct rp_stage *stage, struct rp_turn *turn) {
    struct run *run = *rp_turn_slot(turn, stage);
    if (run) run_drop(run);
}
