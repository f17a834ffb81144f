/* The source of one turn: what more() is paid with. Text that has piled up goes out as one chunk, never ending inside a
 * character; tool calls go out whole at the end. */
#include "core/remote/bulk.h"

static void more(struct rp_source *source) {
    struct ask *ask = (struct ask *)source;
    ask->owed = true;
    if (ask->state == ASK_NEW) attempt_start(ask);
    ask_pay(ask);
}

static void close(struct rp_source *source) {
    struct ask *ask = (struct ask *)source;
    attempt_end(ask);
    ask->owed = false;
    ask->state = ASK_OVER;
    rp_buf_finish(&ask->request);
    rp_buf_finish(&ask->out);
    rp_answer_finish(&ask->answer);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

struct rp_source *rp_remote_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    struct ask *ask = rp_arena_zalloc(turn->arena, sizeof(*ask));
    ask->remote = model->element.state;
    ask->call = call;
    ask->streaming = call->stream && ask->remote->options->stream;
    const struct remote_local *local = turn->patient ? rp_local(&model->element, turn->worker) : NULL;
    if (local && bulk_takes(local->bulk, turn)) {
        ask->bulk = local->bulk;
        ask->streaming = false; /* a result comes whole */
    }
    rp_source_init(&ask->source, &ops, turn);
    return &ask->source;
}

void ask_over(struct ask *ask, const struct rp_fault *fault) {
    ask->state = ASK_OVER;
    ask->failed = fault != NULL;
    if (fault) ask->fault = *fault;
    bulk_single_over(ask);
}

/* ---- paying ------------------------------------------------------------------------------------------------------ */

static void write(struct ask *ask, struct rp_chunk chunk, enum rp_flow flow) {
    chunk.finish = ask->answer.finish;
    ask->owed = false;
    rp_source_write(&ask->source, &chunk, flow); /* the last thing: a write can end the turn */
}

static void fail(struct ask *ask, int code) {
    attempt_end(ask);
    ask_over(ask, &(struct rp_fault){.code = code});
}

/* At the end a torn character becomes U+FFFD; where the reply was cut off, it is nothing. */
static void mend_end(struct ask *ask) {
    struct rp_buf *text = &ask->answer.text;
    size_t whole = rp_utf8_whole(text->data, text->len);
    bool torn = whole < text->len || ask->answer.half;
    ask->answer.half = 0;
    if (!torn) return;
    text->len = whole;
    text->max = text->len + 3 > text->max ? text->len + 3 : text->max;
    if (!ask->failed) rp_buf_append(text, "\xEF\xBF\xBD", 3);
}

/* Moves what can be handed on from the reply to `out`. */
static bool take_text(struct ask *ask) {
    struct rp_buf *text = &ask->answer.text;
    if (ask->state == ASK_OVER) mend_end(ask);
    size_t whole = rp_utf8_whole(text->data, text->len);
    if (whole == 0) return true;
    if (!rp_utf8_valid(text->data, whole)) return false;
    if (whole == text->len) { /* the usual case costs no copy: the buffers change places */
        struct rp_buf taken = *text;
        *text = ask->out;
        text->max = taken.max;
        ask->out = taken;
        rp_buf_clear(text);
        return true;
    }
    rp_buf_clear(&ask->out);
    ask->out.max = text->max;
    rp_buf_append(&ask->out, text->data, whole);
    rp_buf_consume(text, whole);
    return true;
}

static void resume(struct ask *ask) {
    if (!ask->paused || !ask->fetch) return;
    ask->paused = false;
    attempt_moved(ask);
    rp_fetch_resume(ask->fetch);
}

static void put_in_front(struct rp_buf *text, struct rp_str front) {
    struct rp_buf whole;
    rp_buf_init(&whole, text->max + front.len);
    rp_buf_append_str(&whole, front);
    rp_buf_append_str(&whole, rp_buf_str(text));
    rp_buf_finish(text);
    *text = whole;
}

/* What only looked like an echo is text after all. */
static void pass_over_echo(struct ask *ask) {
    struct rp_buf *text = &ask->answer.text;
    struct rp_str prefix = ask->call->prefix;
    size_t left = prefix.len - ask->echoed, len = text->len < left ? text->len : left;
    bool same = len == 0 || memcmp(text->data, prefix.data + ask->echoed, len) == 0;
    bool over = ask->state == ASK_OVER;
    if (same && len) {
        rp_buf_consume(text, len);
        ask->echoed += len;
        resume(ask);
    }
    ask->echoing = same && ask->echoed < prefix.len && !over;
    if (ask->echoing || ask->echoed == prefix.len || ask->echoed == 0) return;
    if (!ask->failed) put_in_front(text, rp_str_n(prefix.data, ask->echoed));
}

static bool pay_text(struct ask *ask) {
    rp_buf_clear(&ask->out);
    if (ask->echoing) pass_over_echo(ask);
    if (!take_text(ask)) {
        rp_log(RP_LOG_WARN, ask->remote->protocol->name, "%s: the reply is not valid UTF-8",
               ask->remote->element->name);
        fail(ask, RP_EUPSTREAM);
        return false;
    }
    if (ask->out.len == 0) return false;
    resume(ask);
    bool last = ask->state == ASK_OVER && !ask->failed && !ask->answer.has_usage && ask->answer.tool_count == 0;
    write(ask, (struct rp_chunk){.type = RP_CHUNK_TEXT, .text = rp_buf_str(&ask->out)}, last ? RP_END : RP_MORE);
    return true;
}

static void pay_tool(struct ask *ask) {
    const struct rp_answer_tool *tool = &ask->answer.tools[ask->tools_given++];
    struct rp_tool_call call = {
        .id = rp_buf_str(&tool->id), .name = rp_buf_str(&tool->name), .arguments = rp_buf_str(&tool->arguments)};
    write(ask, (struct rp_chunk){.type = RP_CHUNK_TOOL, .tool = call}, RP_MORE);
}

static void pay_end(struct ask *ask) {
    if (ask->failed)
        write(ask, (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = ask->fault}, RP_ERROR);
    else if (ask->tools_given < ask->answer.tool_count)
        pay_tool(ask);
    else if (ask->answer.has_usage)
        write(ask, (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = ask->answer.usage}, RP_END);
    else
        write(ask, (struct rp_chunk){.type = RP_CHUNK_NONE}, RP_END);
}

void ask_pay(struct ask *ask) {
    if (!ask->owed) return;
    if (pay_text(ask)) return;
    if (ask->state == ASK_OVER) pay_end(ask);
}
