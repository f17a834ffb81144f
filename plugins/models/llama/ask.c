/* The source of one turn: makes the job at the first more(), hands on what the engine's thread has added to it. */
#include <math.h>
#include <stdlib.h>

#include "element.h"
#include "grammar.h"
#include "tools.h"

#define CALL_MAX ((size_t)1 << 20) /* bytes of a reply that may still be a call */
#define BUSY_SECONDS 2 /* after which another try makes sense */

struct ask {
    struct rp_source source; /* first */
    const struct element *element;
    const struct rp_call *call;
    struct job *job; /* NULL: not asked yet */
    struct rp_buf out;
    struct rp_buf held; /* with tools: the reply, as long as it may be a call */
    enum { REPLY_SPEAKS, REPLY_UNDECIDED, REPLY_CALLS } kind;
    bool owed;
};

/* ---- paying ------------------------------------------------------------------------------------------------------ */

static void write_fault(struct ask *ask, struct rp_fault fault) {
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR, .fault = fault};
    ask->owed = false;
    rp_source_write(&ask->source, &chunk, RP_ERROR);
}

/* Takes what there is; the two buffers change places. True: the job is over and this is all. */
static bool take(struct ask *ask) {
    struct job *job = ask->job;
    rp_buf_clear(&ask->out);
    uv_mutex_lock(&job->lock);
    struct rp_buf taken = job->text;
    job->text = ask->out;
    ask->out = taken;
    job->posted = false;
    bool over = job->over;
    uv_mutex_unlock(&job->lock);
    if (taken.len >= job->text_max) engine_poke(ask->element->engine);
    return over;
}

static void write_chunk(struct ask *ask, struct rp_chunk chunk, enum rp_flow flow) {
    ask->owed = false;
    rp_source_write(&ask->source, &chunk, flow); /* the last thing: a write can end the turn */
}

static void pay_end(struct ask *ask) {
    struct rp_chunk chunk = {.type = RP_CHUNK_USAGE, .finish = ask->job->finish, .usage = ask->job->usage};
    if (ask->kind == REPLY_CALLS) chunk.finish = RP_FINISH_TOOLS;
    if (ask->job->fault.code)
        write_fault(ask, ask->job->fault);
    else
        write_chunk(ask, chunk, RP_END);
}

/* With tools: a reply is held as long as it may be a call. False: nothing can go on yet, or the call has. */
static bool decide(struct ask *ask, bool over) {
    struct rp_tool_call call;
    rp_buf_append_str(&ask->held, rp_buf_str(&ask->out));
    rp_buf_clear(&ask->out);
    if (tools_may_be_call(rp_buf_str(&ask->held)) && ask->held.len < CALL_MAX) {
        if (!over) return false;
        if (tools_read_call(ask->source.turn->arena, rp_buf_str(&ask->held), ask->call->prompt->tools, &call)) {
            ask->kind = REPLY_CALLS;
            write_chunk(ask, (struct rp_chunk){.type = RP_CHUNK_TOOL, .tool = call}, RP_MORE);
            return false;
        }
    }
    ask->kind = REPLY_SPEAKS;
    struct rp_buf swap = ask->held;
    ask->held = ask->out;
    ask->out = swap;
    return true;
}

static void pay(struct ask *ask) {
    if (!ask->owed) return;
    bool over = take(ask);
    if (ask->kind == REPLY_UNDECIDED && !decide(ask, over)) return;
    if (ask->out.len > 0)
        write_chunk(ask, (struct rp_chunk){.type = RP_CHUNK_TEXT, .text = rp_buf_str(&ask->out)}, RP_MORE);
    else if (over)
        pay_end(ask);
}

void ask_on_news(struct ask *ask) {
    pay(ask); /* nothing is owed: the next more() takes it, and until then no further message comes */
}

/* ---- the question ------------------------------------------------------------------------------------------------ */

static int render(struct ask *ask) {
    const struct rp_call *call = ask->call;
    struct rp_arena *arena = ask->source.turn->arena;
    const char *system = ask->element->options->system;
    bool own = system && *system && !(call->message_count && call->messages[0].role == RP_ROLE_SYSTEM);
    size_t count = call->message_count + own;
    struct rp_message *messages = rp_arena_zalloc(arena, (count + 1) * sizeof(*messages));
    if (own) messages[0] = (struct rp_message){.role = RP_ROLE_SYSTEM, .text = rp_str(system)};
    memcpy(messages + own, call->messages, call->message_count * sizeof(*messages));
    messages = tools_conversation(arena, call->prompt->tools, messages, &count);
    return prompt_render(ask->element->chat_template, messages, count, call->prefix, &ask->job->prompt);
}

/* free() it; NULL: the reply is free. */
static char *grammar_of(const struct rp_prompt *prompt) {
    if (prompt->grammar) return rp_strdup(prompt->grammar);
    if (prompt->tools) return grammar_from_tools(prompt->tools);
    return prompt->schema ? grammar_from_schema(prompt->schema) : NULL;
}

static struct sampling_settings settings_of(const struct llama_options *options, const struct rp_prompt *prompt) {
    return (struct sampling_settings){
        .temperature = isnan(prompt->temperature) ? options->temperature : prompt->temperature,
        .top_p = isnan(prompt->top_p) ? options->top_p : prompt->top_p,
        .min_p = options->min_p,
        .top_k = options->top_k,
        .repeat_penalty = options->repeat_penalty,
        .seed = options->seed,
    };
}

/* 0; -RP_EUNSUPPORTED with *out_why when the engine cannot do what is asked. */
static int prepare(struct ask *ask, const char **out_why) {
    const struct rp_prompt *prompt = ask->call->prompt;
    const struct llama_options *options = ask->element->options;
    const struct llama_vocab *vocab = llama_model_get_vocab(engine_model(ask->element->engine));
    struct sampling_settings settings = settings_of(options, prompt);
    struct job *job = ask->job;
    char *grammar = grammar_of(prompt);
    *out_why = "the reply's form cannot be turned into a grammar";
    int rc = (prompt->schema || prompt->tools) && !grammar ? -RP_EUNSUPPORTED : 0;
    if (rc == 0 && sampling_init(&job->sampling, &settings, grammar, vocab) != 0) {
        *out_why = "the grammar cannot be read";
        rc = -RP_EUNSUPPORTED;
    }
    free(grammar);
    if (rc == 0 && sampling_go_on(&job->sampling, vocab, ask->call->prefix) != 0) {
        *out_why = "the beginning of the reply is not of the form that is asked for";
        rc = -RP_EUNSUPPORTED;
    }
    if (rc == 0 && render(ask) != 0) {
        *out_why = "the chat template does not take this conversation";
        rc = -RP_EUNSUPPORTED;
    }
    stop_init(&job->stop, prompt->stop);
    job->max_tokens = prompt->max_tokens ? prompt->max_tokens : options->max_tokens;
    return rc;
}

static void start(struct ask *ask) {
    const char *why;
    ask->job = job_create(ask->source.turn->worker, (size_t)ask->element->options->buffer);
    ask->job->ask = ask;
    int rc = prepare(ask, &why);
    if (rc != 0) {
        write_fault(ask, (struct rp_fault){.code = -rc, .message = why});
        return;
    }
    job_ref(ask->job);
    rc = engine_submit(ask->element->engine, ask->job);
    if (rc == 0) return;
    job_unref(ask->job);
    write_fault(ask, (struct rp_fault){.code = -rc, .retry_after = BUSY_SECONDS});
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void more(struct rp_source *source) {
    struct ask *ask = (struct ask *)source;
    ask->owed = true;
    if (ask->job)
        pay(ask);
    else
        start(ask);
}

static void close(struct rp_source *source) {
    struct ask *ask = (struct ask *)source;
    if (ask->job) {
        ask->job->ask = NULL;
        atomic_store(&ask->job->cancelled, true);
        engine_poke(ask->element->engine);
        job_unref(ask->job);
    }
    ask->job = NULL;
    rp_buf_finish(&ask->out);
    rp_buf_finish(&ask->held);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

unsigned element_takes(const struct rp_model *model) {
    (void)model;
    return RP_TAKES_TOOLS | RP_TAKES_SCHEMA | RP_TAKES_GRAMMAR | RP_TAKES_PREFIX;
}

struct rp_source *element_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    struct ask *ask = rp_arena_zalloc(turn->arena, sizeof(*ask));
    ask->element = model->element.state;
    ask->call = call;
    ask->kind = call->prompt->tools && call->prefix.len == 0 ? REPLY_UNDECIDED : REPLY_SPEAKS;
    rp_buf_init(&ask->out, (size_t)64 << 20);
    rp_buf_init(&ask->held, (size_t)64 << 20);
    rp_source_init(&ask->source, &ops, turn);
    return &ask->source;
}
