/* ask, the stage: gives the turn to a model. What rules and stages in front have put into the turn's prompt counts; the
 * stage's own options fill in what they left open. Of the conversation goes along what there is room for; what has none
 * any more is summed up first, where the bot file names a model for that. */
#include "ask.h"

struct asking { /* the stage's memory of a turn */
    struct summing summing; /* first */
    struct rp_model *model;
    struct rp_call call;
    struct rp_call_parts parts;
    size_t summed;  /* texts in front of those in `parts`, that the summary stands for */
    size_t falling; /* texts that it will stand for */
    bool tried;     /* to sum up; once is enough, also when the reply is made again */
};

static const struct ask_options *options_of(const struct asking *asking) {
    return asking->summing.stage->element.options;
}

/* ---- what the model is to see -------------------------------------------------------------------------------------- */

static bool is_text(const struct rp_message *message) {
    return message->role != RP_ROLE_TOOL && message->call_count == 0;
}

/* The place of the text that has so many in front of it. */
static size_t place_of(const struct rp_message *messages, size_t count, size_t texts) {
    size_t at = 0;
    for (; at < count; at++)
        if (is_text(&messages[at]) && texts-- == 0) break;
    return at;
}

/* The history behind what the summary stands for. */
static void take_history(struct asking *asking) {
    const struct ask_options *options = options_of(asking);
    struct rp_turn *turn = asking->summing.turn;
    struct rp_call_parts *parts = &asking->parts;
    parts->history_count = rp_session_messages(turn, &parts->history);
    asking->summed = options->summary ? rp_session_summary(turn, &parts->summary) : 0;
    if (asking->summed == 0) return;
    size_t first = place_of(parts->history, parts->history_count, asking->summed);
    parts->history += first;
    parts->history_count -= first;
}

static void take_parts(struct asking *asking, const struct rp_prompt *prompt) {
    const struct ask_options *options = options_of(asking);
    asking->parts = (struct rp_call_parts){
        .model = asking->model,
        .system = prompt->system.len ? prompt->system : rp_str(options->system),
        .examples = prompt->examples,
        .example_count = prompt->example_count,
        .history_texts = (size_t)options->history,
        .history_tokens = options->history_tokens,
        .message = asking->summing.turn->message,
        .note = prompt->note,
    };
    if (options->history > 0 && options->history_tokens > 0) take_history(asking);
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

/* ---- asking it ----------------------------------------------------------------------------------------------------- */

static void tell(const struct asking *asking, const struct rp_history *history) {
    struct rp_turn *turn = asking->summing.turn;
    if (!rp_turn_explained(turn) || (asking->parts.history_count == 0 && asking->summed == 0)) return;
    rp_turn_note(turn, &asking->summing.stage->element, "history",
                 json_pack("{s:I, s:I, s:I, s:I, s:I}", "messages", (json_int_t)history->texts, "tokens",
                           (json_int_t)history->tokens, "budget", (json_int_t)history->budget, "dropped",
                           (json_int_t)history->dropped, "summarised",
                           (json_int_t)(history->summary ? asking->summed : 0)));
}

static void reply(struct asking *asking, const struct rp_history *history) {
    struct rp_turn *turn = asking->summing.turn;
    const struct rp_prompt *prompt = asking->call.prompt;
    rp_call_build(&asking->call, turn->arena, &asking->parts, history);
    tell(asking, history);
    if (prompt->by) {
        rp_turn_set_by(turn, "%s", prompt->by);
    } else {
        rp_turn_set_by(turn, "model:%s", asking->model->element.name);
    }
    rp_turn_reply(turn, rp_model_talk(asking->model, turn, &asking->call));
}

static void choose(const struct asking *asking, struct rp_history *out) {
    struct rp_turn *turn = asking->summing.turn;
    rp_history_choose(turn->arena, &asking->call, &asking->parts, rp_turn_explained(turn), out);
}

/* ---- summing up ---------------------------------------------------------------------------------------------------- */

static bool sums_up(const struct asking *asking, const struct rp_history *history) {
    const struct ask_options *options = options_of(asking);
    return options->summary && history->dropped > 0 && !history->too_large && !asking->tried &&
           rp_session_is_kept(asking->summing.turn) && !summary_rests(asking->summing.stage, asking->summing.turn);
}

static void on_summary(struct summing *summing, struct rp_str summary) {
    struct asking *asking = (struct asking *)summing;
    struct rp_history history;
    if (summary.len) {
        rp_session_set_summary(summing->turn, summary, asking->falling);
        take_history(asking);
        if (rp_turn_explained(summing->turn))
            rp_turn_note(summing->turn, &summing->stage->element, "sums up",
                         json_pack("{s:I, s:s%}", "messages", (json_int_t)asking->falling, "summary", summary.data,
                                   summary.len));
    }
    choose(asking, &history);
    reply(asking, &history);
}

/* More than has to go, so that the next turns have room again. */
static void sum_up(struct asking *asking, struct rp_history *history) {
    const struct rp_call_parts *parts = &asking->parts;
    asking->tried = true;
    rp_history_halve(&asking->call, parts, history);
    asking->falling = asking->summed;
    for (size_t i = 0; i < history->first; i++) asking->falling += is_text(&parts->history[i]);
    asking->summing.done = on_summary;
    summary_start(&asking->summing, parts->summary, parts->history, history->first);
}

/* ---- the stage ----------------------------------------------------------------------------------------------------- */

static struct asking *asking_of(struct rp_stage *stage, struct rp_turn *turn) {
    void **slot = rp_turn_slot(turn, stage);
    if (!*slot) *slot = rp_arena_zalloc(turn->arena, sizeof(struct asking));
    return *slot;
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct ask_options *options = stage->element.options;
    const struct rp_prompt *prompt = rp_turn_prompt(turn);
    struct asking *asking = asking_of(stage, turn);
    struct rp_history history;
    asking->summing = (struct summing){.stage = stage, .turn = turn};
    asking->model = prompt->model ? prompt->model : options->model;
    asking->call = (struct rp_call){.prompt = prompt, .stream = turn->stream, .by = &stage->element};
    take_parts(asking, prompt);
    if (!take_images(options, turn, &asking->parts)) return RP_KEEP;
    choose(asking, &history);
    if (sums_up(asking, &history))
        sum_up(asking, &history);
    else
        reply(asking, &history);
    return RP_KEEP;
}

static void cancel(struct rp_stage *stage, struct rp_turn *turn) {
    summary_drop(&asking_of(stage, turn)->summing);
}

const struct rp_stage_type ask_stage = {
    .type = {.name = "ask",
             .summary = "asks a model for the reply",
             .options_size = sizeof(struct ask_options),
             .options = ask_table,
             .check = summary_check,
             .open = summary_open,
             .close = summary_close},
    .on_turn = on_turn,
    .cancel = cancel,
};
