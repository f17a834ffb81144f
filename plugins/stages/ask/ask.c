/* ask, the stage: gives the turn to a model. What rules and stages in front have put into the turn's prompt counts; the
 * stage's own options fill in what they left open. */
#include "ask.h"

#include <repartee/talk.h>

static struct rp_call_parts parts_of(const struct ask_options *options, struct rp_turn *turn,
                                     const struct rp_prompt *prompt) {
    struct rp_call_parts parts = {
        .system = prompt->system.len ? prompt->system : rp_str(options->system),
        .examples = prompt->examples,
        .example_count = prompt->example_count,
        .history_size = (size_t)options->history_size,
        .message = turn->message,
        .note = prompt->note,
    };
    if (options->history > 0) {
        parts.history_count = rp_session_history(turn, (size_t)options->history, &parts.history);
    }
    return parts;
}

/* What is sent along and not looked at would be a silent loss. False: the turn has failed. */
static bool take_images(const struct ask_options *options, struct rp_turn *turn, struct rp_call_parts *parts) {
    const char *why;
    int code = rp_turn_images(turn, &parts->images, &parts->image_count, &why);
    if (code == 0 && parts->image_count > (size_t)options->images) {
        code = options->images ? -RP_EINVALID : -RP_EUNSUPPORTED;
        why = options->images ? rp_arena_printf(turn->arena, "at most %d images go with a message", (int)options->images)
                              : "this bot does not look at images";
    }
    if (code) rp_turn_fail(turn, &(struct rp_fault){.code = -code, .message = why});
    return code == 0;
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct ask_options *options = stage->element.options;
    const struct rp_prompt *prompt = rp_turn_prompt(turn);
    struct rp_model *model = prompt->model ? prompt->model : options->model;
    struct rp_call_parts parts = parts_of(options, turn, prompt);
    if (!take_images(options, turn, &parts)) return RP_KEEP;
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    call->prompt = prompt;
    call->stream = turn->stream;
    call->by = &stage->element;
    rp_call_build(call, turn->arena, &parts);
    if (prompt->by) {
        rp_turn_set_by(turn, "%s", prompt->by);
    } else {
        rp_turn_set_by(turn, "model:%s", model->element.name);
    }
    rp_turn_reply(turn, rp_model_talk(model, turn, call));
    return RP_KEEP;
}

const struct rp_stage_type ask_stage = {
    .type = {.name = "ask",
             .summary = "asks a model for the reply",
             .options_size = sizeof(struct ask_options),
             .options = ask_table,
             .remembers_nothing = true},
    .on_turn = on_turn,
};
