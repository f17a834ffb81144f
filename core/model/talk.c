/* The talk with a model: a source over several calls. Each call ends in the decision what comes next: tools are run and
 * the model asked again, a reply that does not fit is asked for again, or the reply stands. */
#include "core/model/talk.h"

#include "core/turn/turn.h"

enum step {
    STEP_ASK,   /* the model, from the start */
    STEP_MORE,  /* the model has more to say */
    STEP_TOOLS, /* run what it has called */
    STEP_AGAIN, /* tell it what does not fit, and ask */
    STEP_GIVE,  /* the reply that fits */
    STEP_FAIL,
    STEP_END,
};

struct talk {
    struct rp_source source; /* first */
    struct rp_sink sink;     /* where the model writes */
    struct rp_task task;     /* the next step, from the top of the stack */
    struct rp_model *model;
    struct rp_call call; /* what the model is asked */
    struct rp_source *inner;
    enum step step;
    struct rp_buf text; /* what it has said in this call */
    struct round round;
    unsigned rounds;
    const struct rp_message *done; /* messages of all rounds so far */
    size_t done_count;
    int corrections;
    struct rp_str mistakes; /* of a reply that does not fit, a line each */
    struct rp_str given;
    struct rp_fault fault;
    enum rp_finish finish;
    bool said, gap; /* text has gone out; a new call's text begins on a line of its own */
};

static const struct rp_prompt *prompt_of(const struct talk *talk) {
    return talk->call.prompt;
}

static bool is_held(const struct talk *talk) {
    return prompt_of(talk)->fits != NULL;
}

static void write(struct talk *talk, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_chunk given = *chunk;
    given.finish = talk->finish;
    if (flow == RP_END && talk->done_count) turn_remember(&talk->source, talk->done, talk->done_count);
    rp_source_write(&talk->source, &given, flow);
}

static void fail(struct talk *talk, int code, const char *message) {
    talk->step = STEP_FAIL;
    talk->fault = (struct rp_fault){.code = code, .message = message};
}

/* ---- what comes next --------------------------------------------------------------------------------------------- */

static void note(struct talk *talk, const char *what, json_t *detail) {
    const struct rp_element *by = talk->call.by ? talk->call.by : &talk->model->element;
    rp_turn_note(talk->source.turn, by, what, detail);
}

static void settle_tools(struct talk *talk) {
    talk->step = STEP_TOOLS;
    if (++talk->rounds <= prompt_of(talk)->runner->rounds) return;
    fail(talk, RP_ETOOLS,
         rp_arena_printf(talk->source.turn->arena, "the model still calls tools after %u rounds of them",
                         talk->rounds - 1));
}

/* The text must be there whole, as it is in the buffer. */
static void settle_form(struct talk *talk) {
    struct rp_turn *turn = talk->source.turn;
    bool fits =
        form_fits(turn, prompt_of(talk)->fits, rp_buf_str(&talk->text), talk->finish, &talk->given, &talk->mistakes);
    if (rp_turn_explained(turn))
        note(talk, fits ? "reply fits" : "reply does not fit",
             fits ? NULL
                  : json_pack("{s:o, s:i}", "mistakes", json_stringn(talk->mistakes.data, talk->mistakes.len),
                              "correction", talk->corrections));
    if (fits) {
        talk->step = STEP_GIVE;
    } else if (talk->finish != RP_FINISH_FILTER && talk->corrections < prompt_of(talk)->corrections) {
        talk->corrections++;
        talk->step = STEP_AGAIN;
    } else {
        fail(talk, RP_EMISFIT,
             rp_arena_printf(turn->arena, "the model's answer does not fit: %.*s",
                             RP_STR_ARG(form_first(talk->mistakes))));
    }
}

static void settle(struct talk *talk, enum rp_finish finish) {
    talk->finish = finish;
    if (talk->round.count)
        settle_tools(talk);
    else if (is_held(talk) && finish != RP_FINISH_TOOLS)
        settle_form(talk);
    else
        talk->step = STEP_END;
}

/* ---- what the model says ----------------------------------------------------------------------------------------- */

/* Lets a chunk out; the last one of a call only as the last one where nothing follows. */
static void pass(struct talk *talk, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (flow == RP_END) settle(talk, chunk->finish);
    write(talk, chunk, talk->step == STEP_END ? RP_END : RP_MORE);
}

/* Nothing to let out: the next chunk, or the next step. */
static void go_on(struct talk *talk, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (flow == RP_END) settle(talk, chunk->finish);
    if (talk->step == STEP_MORE)
        rp_source_more(talk->inner);
    else
        rp_task_schedule(talk->source.turn->worker, &talk->task);
}

static struct rp_str behind_gap(struct talk *talk, struct rp_str text) {
    bool gap = talk->gap && text.data[0] != '\n' && text.data[0] != ' ';
    talk->gap = false;
    if (!gap) return text;
    return rp_arena_join(talk->source.turn->arena, RP_STR("\n\n"), text);
}

static void on_text(struct talk *talk, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_chunk given = *chunk;
    if (rp_buf_append_str(&talk->text, chunk->text) != 0) {
        fail(talk, RP_EREPLYSIZE, NULL);
        rp_task_schedule(talk->source.turn->worker, &talk->task);
        return;
    }
    if (is_held(talk) || chunk->text.len == 0) {
        go_on(talk, chunk, flow);
        return;
    }
    given.text = behind_gap(talk, chunk->text);
    talk->said = true;
    pass(talk, &given, flow);
}

static void on_tool(struct talk *talk, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_chunk given = *chunk;
    round_add(&talk->round, talk->source.turn, &chunk->tool, talk->rounds);
    given.tool = *round_last(&talk->round);
    pass(talk, &given, flow);
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct talk *talk = (struct talk *)(void *)((char *)sink - offsetof(struct talk, sink));
    if (flow == RP_ERROR)
        write(talk, chunk, RP_ERROR);
    else if (chunk->type == RP_CHUNK_TEXT)
        on_text(talk, chunk, flow);
    else if (chunk->type == RP_CHUNK_TOOL && prompt_of(talk)->runner)
        on_tool(talk, chunk, flow);
    else if (chunk->type == RP_CHUNK_NONE)
        go_on(talk, chunk, flow);
    else
        pass(talk, chunk, flow);
}

static const struct rp_sink_ops sink_ops = {.write = on_write};

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void close_inner(struct talk *talk) {
    rp_source_close(talk->inner);
    talk->inner = NULL;
}

static void ask(struct talk *talk) {
    struct rp_str said = rp_buf_str(&talk->text);
    if (talk->said && said.len > 0) talk->gap = said.data[said.len - 1] != '\n' && said.data[said.len - 1] != ' ';
    rp_buf_clear(&talk->text);
    round_clear(&talk->round);
    talk->inner = rp_model_ask(talk->model, talk->source.turn, &talk->call);
    rp_source_open(talk->inner, &talk->sink);
    talk->step = STEP_MORE;
    rp_source_more(talk->inner);
}

static void run_tools(struct talk *talk) {
    close_inner(talk);
    round_run(&talk->round, talk->source.turn, prompt_of(talk)->runner);
}

/* The last `count` messages of the call. */
static void keep_round(struct talk *talk, size_t count) {
    struct rp_message *all = rp_arena_alloc(talk->source.turn->arena, (talk->done_count + count) * sizeof(*all));
    if (talk->done_count) memcpy(all, talk->done, talk->done_count * sizeof(*all));
    memcpy(all + talk->done_count, talk->call.messages + talk->call.message_count - count, count * sizeof(*all));
    talk->done = all;
    talk->done_count += count;
}

static void on_results(struct round *round) {
    struct talk *talk = (struct talk *)(void *)((char *)round - offsetof(struct talk, round));
    round_tell(round, talk->source.turn, rp_buf_str(&talk->text), &talk->call);
    keep_round(talk, round->count + 1);
    talk->step = STEP_ASK;
    rp_task_schedule(talk->source.turn->worker, &talk->task);
}

static void ask_again(struct talk *talk) {
    close_inner(talk);
    form_tell(talk->source.turn, rp_buf_str(&talk->text), talk->mistakes, &talk->call);
    ask(talk);
}

static void take_step(struct talk *talk) {
    switch (talk->step) {
    case STEP_ASK:
        ask(talk);
        break;
    case STEP_MORE:
        rp_source_more(talk->inner);
        break;
    case STEP_TOOLS:
        run_tools(talk);
        break;
    case STEP_AGAIN:
        ask_again(talk);
        break;
    case STEP_GIVE:
        write(talk, &(struct rp_chunk){.type = RP_CHUNK_TEXT, .text = talk->given}, RP_END);
        break;
    case STEP_FAIL:
        write(talk, &(struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = talk->fault}, RP_ERROR);
        break;
    case STEP_END:
        write(talk, &(struct rp_chunk){.type = RP_CHUNK_NONE}, RP_END);
        break;
    }
}

static void on_task(struct rp_task *task) {
    take_step((struct talk *)(void *)((char *)task - offsetof(struct talk, task)));
}

static void on_more(struct rp_source *source) {
    take_step((struct talk *)source);
}

static void on_close(struct rp_source *source) {
    struct talk *talk = (struct talk *)source;
    rp_task_cancel(source->turn->worker, &talk->task);
    round_cancel(&talk->round, prompt_of(talk)->runner);
    close_inner(talk);
    rp_buf_finish(&talk->text);
}

struct rp_source *rp_model_talk(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    static const struct rp_source_ops ops = {.more = on_more, .close = on_close};
    if (!call->prompt->runner && !call->prompt->fits) return rp_model_ask(model, turn, call);
    struct talk *talk = rp_arena_zalloc(turn->arena, sizeof(*talk));
    rp_source_init(&talk->source, &ops, turn);
    talk->sink.ops = &sink_ops;
    talk->task.run = on_task;
    talk->round.done = on_results;
    talk->model = model;
    talk->call = *call;
    rp_buf_init(&talk->text, (size_t)turn_of(turn)->runtime->limits.reply);
    return &talk->source;
}
