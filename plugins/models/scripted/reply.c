/* One turn's reply out of a script, piece by piece, with the waits that were asked for. */
#include <stdio.h>

#include "scripted.h"

struct reply {
    struct rp_source source; /* first */
    const struct scripted *scripted;
    const struct rp_call *call;
    const struct script *script;
    size_t at; /* the piece that comes next */
    size_t characters, calls;
    size_t number; /* of this reply among all: makes the ids of its calls */
    struct rp_timer timer;
};

static struct rp_str last_message(const struct rp_call *call) {
    return call->message_count ? call->messages[call->message_count - 1].text : rp_str_n(NULL, 0);
}

static struct rp_str system_text(const struct rp_call *call) {
    bool there = call->message_count && call->messages[0].role == RP_ROLE_SYSTEM;
    return there ? call->messages[0].text : rp_str_n(NULL, 0);
}

/* What a placeholder at `at` stands for; its length in the text is left in `out_len`, 0 when there is none. */
static struct rp_str placeholder(const struct reply *reply, const char *at, size_t left, size_t *out_len) {
    static const struct rp_str names[] = {{"{message}", 9}, {"{system}", 8}, {"{history}", 9}};
    size_t which = 0;
    while (which < 3 && (left < names[which].len || memcmp(at, names[which].data, names[which].len) != 0)) which++;
    *out_len = which < 3 ? names[which].len : 0;
    if (which == 3) return rp_str_n(NULL, 0);
    if (which == 0) return last_message(reply->call);
    if (which == 1) return system_text(reply->call);
    return rp_str(rp_arena_printf(reply->source.turn->arena, "%zu", reply->call->message_count));
}

/* Two passes: how long it gets, then the text. */
static size_t fill_in(const struct reply *reply, struct rp_str text, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < text.len;) {
        size_t len = 0;
        struct rp_str value = {text.data + i, 1};
        if (text.data[i] == '{') {
            struct rp_str found = placeholder(reply, text.data + i, text.len - i, &len);
            if (len) value = found;
        }
        if (out && value.len) memcpy(out + used, value.data, value.len);
        used += value.len;
        i += len ? len : 1;
    }
    return used;
}

static struct rp_str piece_text(const struct reply *reply, const struct piece *piece) {
    if (!memchr(piece->text.data, '{', piece->text.len)) return piece->text;
    size_t len = fill_in(reply, piece->text, NULL);
    char *out = rp_arena_alloc(reply->source.turn->arena, len + 1);
    fill_in(reply, piece->text, out);
    return rp_str_n(out, len);
}

static size_t count_characters(struct rp_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* A token is four characters here. */
static struct rp_usage usage(const struct reply *reply) {
    size_t asked = 0;
    for (size_t i = 0; i < reply->call->message_count; i++) asked += count_characters(reply->call->messages[i].text);
    return (struct rp_usage){.input_tokens = (int64_t)(asked + 3) / 4,
                             .output_tokens = (int64_t)(reply->characters + 3) / 4};
}

static struct rp_chunk tool_chunk(struct reply *reply, const struct piece *piece) {
    const char *id = rp_arena_printf(reply->source.turn->arena, "call_%zu_%zu", reply->number, reply->calls++);
    return (struct rp_chunk){.type = RP_CHUNK_TOOL, .tool = {.id = rp_str(id), .name = piece->tool, .arguments = piece->text}};
}

static void give(struct reply *reply) {
    if (reply->at == reply->script->count) {
        struct rp_chunk end = {.type = RP_CHUNK_USAGE, .usage = usage(reply)};
        if (reply->calls) end.finish = RP_FINISH_TOOLS;
        rp_source_write(&reply->source, &end, RP_END);
        return;
    }
    const struct piece *piece = &reply->script->pieces[reply->at++];
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT};
    if (piece->fault) {
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = piece->fault}};
    } else if (piece->tool.len) {
        chunk = tool_chunk(reply, piece);
    } else {
        chunk.text = piece_text(reply, piece);
        reply->characters += count_characters(chunk.text);
    }
    rp_source_write(&reply->source, &chunk, piece->fault ? RP_ERROR : RP_MORE);
}

static void on_timer(struct rp_timer *timer) {
    give((struct reply *)((char *)timer - offsetof(struct reply, timer)));
}

static void more(struct rp_source *source) {
    struct reply *reply = (struct reply *)source;
    const struct scripted_options *options = reply->scripted->options;
    int64_t wait = reply->at == 0 ? options->first : reply->at < reply->script->count ? options->delay : 0;
    if (wait == 0)
        give(reply);
    else
        rp_timer_start(source->turn->worker, &reply->timer, wait);
}

static void close(struct rp_source *source) {
    rp_timer_stop(source->turn->worker, &((struct reply *)source)->timer);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

unsigned scripted_ability(const char *name) {
    if (strcmp(name, "tools") == 0) return RP_TAKES_TOOLS;
    if (strcmp(name, "schema") == 0) return RP_TAKES_SCHEMA;
    return strcmp(name, "grammar") == 0 ? RP_TAKES_GRAMMAR : 0;
}

unsigned scripted_takes(const struct rp_model *model) {
    const struct scripted_options *options = model->element.options;
    unsigned takes = 0;
    for (size_t i = 0; i < options->takes.count; i++) takes |= scripted_ability(options->takes.items[i]);
    return takes;
}

struct rp_source *scripted_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    struct scripted *scripted = model->element.state;
    struct reply *reply = rp_arena_zalloc(turn->arena, sizeof(*reply));
    size_t turns = atomic_fetch_add(&scripted->next, 1);
    size_t last = scripted->count - 1;
    reply->scripted = scripted;
    reply->call = call;
    size_t which = scripted->options->cycle ? turns % scripted->count : turns < last ? turns : last;
    reply->script = &scripted->scripts[which];
    reply->number = turns;
    reply->timer.run = on_timer;
    rp_source_init(&reply->source, &ops, turn);
    return &reply->source;
}
