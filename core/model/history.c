/* Which of the earlier messages go to the model. They are counted from the newest to the oldest, exchange by exchange, and
 * only until the room is used up; where their bytes show that all the rest has room, nothing is counted any more. */
#include "core/model/history.h"

#include "core/model/terms.h"

#include <stdlib.h>

enum {
    MESSAGE_TOKENS = 6,     /* of a message's form: its role, its beginning and end */
    TOOL_TOKENS = 24,       /* of the form in which servers tell a model of a tool */
    IMAGE_TOKENS = 1000,    /* of an image, roughly */
    SUMMARY_TOKENS = 100,   /* of what stands around a summary */
    SUMMARY_LINE_TOKENS = 2, /* and in front of each of its lines */
    REPLY_TOKENS_MAX = 1024 /* left for a reply whose length nobody has set: a quarter of the context, at most this */
};

/* ---- tools --------------------------------------------------------------------------------------------------------- */

static bool offers(const json_t *tools, struct rp_str name) {
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const char *known = json_string_value(json_object_get(json_array_get(tools, i), "name"));
        if (known && rp_str_is(name, known)) return true;
    }
    return false;
}

/* Providers refuse calls of tools in a conversation that offers none, and models should not see what they cannot do. */
static bool takes_round(const struct rp_call *call, const struct rp_call_parts *parts, const struct rp_message *message) {
    const json_t *tools = call->prompt ? call->prompt->tools : NULL;
    if (!tools || (parts->model && !(rp_model_takes(parts->model) & RP_TAKES_TOOLS))) return false;
    for (size_t i = 0; i < message->call_count; i++)
        if (!offers(tools, message->calls[i].name)) return false;
    return true;
}

static bool is_call(const struct rp_message *message) {
    return message->role == RP_ROLE_ASSISTANT && message->call_count > 0;
}

bool history_takes(const struct rp_call *call, const struct rp_call_parts *parts, const struct rp_history *history,
                   size_t at, bool *round) {
    const struct rp_message *message = &parts->history[at];
    if (is_call(message)) *round = at >= history->bare && takes_round(call, parts, message);
    return is_call(message) || message->role == RP_ROLE_TOOL ? *round : true;
}

/* ---- counting ------------------------------------------------------------------------------------------------------ */

struct scale {
    const struct rp_model *model;
    bool bytes; /* count them instead: there are at least as many, and one more where a tokenizer puts one in front */
};

static int64_t weigh(struct scale scale, struct rp_str text) {
    if (text.len == 0) return 0;
    return scale.bytes ? (int64_t)text.len + 1 : rp_model_tokens(scale.model, text);
}

static int64_t weigh_message(struct scale scale, const struct rp_message *message) {
    int64_t tokens = MESSAGE_TOKENS + weigh(scale, message->text) + (int64_t)message->image_count * IMAGE_TOKENS;
    for (size_t i = 0; is_call(message) && i < message->call_count; i++)
        tokens +=
            MESSAGE_TOKENS + weigh(scale, message->calls[i].name) + weigh(scale, message->calls[i].arguments);
    return tokens;
}

static int64_t weigh_json(struct scale scale, const json_t *value) {
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    int64_t tokens = weigh(scale, rp_str(text));
    free(text);
    return tokens;
}

static int64_t weigh_summary(struct scale scale, struct rp_str summary) {
    int64_t lines = 1;
    if (summary.len == 0) return 0;
    for (size_t i = 0; i < summary.len; i++) lines += summary.data[i] == '\n';
    return SUMMARY_TOKENS + lines * SUMMARY_LINE_TOKENS + weigh(scale, summary);
}

static struct rp_str system_of(const struct rp_call_parts *parts) {
    const struct model_terms *terms = parts->model ? parts->model->terms : NULL;
    return parts->system.len == 0 && terms ? rp_str(terms->system) : parts->system;
}

/* All that goes along in any case. */
static int64_t weigh_rest(struct scale scale, const struct rp_call *call, const struct rp_call_parts *parts) {
    const struct rp_message message = {.text = parts->message, .image_count = parts->image_count};
    int64_t tokens = weigh(scale, system_of(parts)) + weigh(scale, parts->note) + weigh_message(scale, &message);
    for (size_t i = 0; i < parts->example_count; i++) tokens += weigh_message(scale, &parts->examples[i]);
    tokens += 3 * MESSAGE_TOKENS; /* system, note, the beginning of the reply */
    if (!call->prompt) return tokens;
    tokens += weigh_json(scale, call->prompt->tools) + weigh_json(scale, call->prompt->schema);
    return tokens + (int64_t)json_array_size(call->prompt->tools) * TOOL_TOKENS;
}

static int64_t weigh_history(struct scale scale, const struct rp_call_parts *parts) {
    int64_t tokens = 0;
    for (size_t i = 0; i < parts->history_count; i++) tokens += weigh_message(scale, &parts->history[i]);
    return tokens;
}

/* ---- the room ------------------------------------------------------------------------------------------------------ */

static int64_t room_for_reply(const struct rp_call *call, const struct rp_model *model, int64_t context) {
    int64_t wanted = call->prompt ? call->prompt->max_tokens : 0;
    if (wanted <= 0) wanted = rp_model_reply(model);
    if (wanted > 0) return wanted;
    return context / 4 < REPLY_TOKENS_MAX ? context / 4 : REPLY_TOKENS_MAX;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Of several models one may have more room than the others: each of them says for itself what is too large. */
static bool is_one(const struct rp_model *model) {
    return !((const struct rp_model_type *)(const void *)model->element.type)->forwards;
}

/* What of the budget the context has room for. Where bytes show that it has, nothing need be counted. */
static void fit_context(struct rp_arena *arena, const struct rp_call *call, const struct rp_call_parts *parts,
                        bool count, struct rp_history *out) {
    const struct scale tokens = {.model = parts->model}, bytes = {.bytes = true};
    int64_t context = parts->model ? rp_model_context(parts->model) : 0;
    if (context <= 0) return;
    int64_t left = context - room_for_reply(call, parts->model, context);
    int64_t wanted = weigh_summary(bytes, parts->summary) + weigh_history(bytes, parts);
    if (!count && weigh_rest(bytes, call, parts) + least(out->budget, wanted) <= left) return;
    int64_t rest = weigh_rest(tokens, call, parts);
    out->budget = rest < left ? least(out->budget, left - rest) : 0;
    if (rest > context && is_one(parts->model))
        out->too_large = rp_arena_printf(arena,
                                         "the message is too long for the model: with what belongs to it there are "
                                         "about %lld tokens, and it has room for %lld",
                                         (long long)rest, (long long)context);
}

/* ---- choosing ------------------------------------------------------------------------------------------------------ */

struct walk {
    const struct rp_call *call;
    const struct rp_call_parts *parts;
    struct rp_history *history;
    int64_t bytes; /* of all messages that have not been looked at yet */
    int64_t left;  /* tokens */
    size_t texts;  /* that there is still room for */
    bool count;    /* although it need not be */
};
struct exchange {
    size_t start, texts;
    int64_t bytes;        /* with all tools */
    int64_t spoken, done; /* tokens of the texts; of the tools */
};

/* The exchange that ends in front of `end`; false: no user's message begins one. */
static bool find_exchange(const struct walk *walk, size_t end, struct exchange *out) {
    const struct scale bytes = {.bytes = true};
    *out = (struct exchange){.start = end};
    while (out->start > 0) {
        const struct rp_message *message = &walk->parts->history[--out->start];
        out->bytes += weigh_message(bytes, message);
        out->texts += !is_call(message) && message->role != RP_ROLE_TOOL;
        if (message->role == RP_ROLE_USER) return true;
    }
    return false;
}

static void count_exchange(const struct walk *walk, size_t end, struct exchange *exchange) {
    const struct scale scale = {.model = walk->parts->model};
    bool round = false;
    for (size_t i = exchange->start; i < end; i++) {
        const struct rp_message *message = &walk->parts->history[i];
        bool tool = is_call(message) || message->role == RP_ROLE_TOOL;
        if (history_takes(walk->call, walk->parts, walk->history, i, &round))
            *(tool ? &exchange->done : &exchange->spoken) += weigh_message(scale, message);
    }
}

/* From here on, towards the oldest, tools are left out: there is no more room for them, but perhaps for what was said. */
static bool fits_bare(struct walk *walk, size_t end, struct exchange *exchange) {
    if (exchange->done == 0 || exchange->spoken > walk->left) return false;
    walk->history->bare = end;
    exchange->done = 0;
    return true;
}

static bool take_exchange(struct walk *walk, size_t end, struct exchange *exchange) {
    if (exchange->texts > walk->texts) return false;
    if (walk->count || walk->bytes > walk->left) {
        count_exchange(walk, end, exchange);
        if (exchange->spoken + exchange->done > walk->left && !fits_bare(walk, end, exchange)) return false;
        walk->left -= exchange->spoken + exchange->done;
    }
    walk->texts -= exchange->texts;
    walk->bytes -= exchange->bytes;
    walk->history->texts += exchange->texts;
    walk->history->first = exchange->start;
    return true;
}

static void walk_back(struct walk *walk) {
    struct exchange exchange;
    size_t end = walk->parts->history_count;
    bool room = true;
    walk->history->first = end;
    while (find_exchange(walk, end, &exchange)) {
        room = room && take_exchange(walk, end, &exchange);
        if (!room) walk->history->dropped += exchange.texts;
        end = exchange.start;
    }
}

static void choose(const struct rp_call *call, const struct rp_call_parts *parts, size_t texts, struct rp_history *out,
                   bool count) {
    int64_t summary = weigh_summary((struct scale){.model = parts->model}, parts->summary);
    out->summary = summary > 0 && summary <= out->budget;
    out->texts = out->dropped = out->bare = 0;
    struct walk walk = {.call = call,
                        .parts = parts,
                        .history = out,
                        .left = out->budget - (out->summary ? summary : 0),
                        .texts = texts,
                        .bytes = weigh_history((struct scale){.bytes = true}, parts),
                        .count = count};
    walk_back(&walk);
    out->tokens = count ? out->budget - walk.left : -1;
}

void rp_history_choose(struct rp_arena *arena, const struct rp_call *call, const struct rp_call_parts *parts,
                       bool count, struct rp_history *out) {
    *out = (struct rp_history){.budget = parts->history_tokens};
    fit_context(arena, call, parts, count, out);
    choose(call, parts, parts->history_texts, out, count);
}

/* The newest exchange is kept as it is if it was to be, even where it alone needs more than that. */
void rp_history_halve(const struct rp_call *call, const struct rp_call_parts *parts, struct rp_history *history) {
    const struct rp_history whole = *history;
    struct walk walk = {.parts = parts};
    struct exchange newest;
    history->budget /= 2;
    choose(call, parts, parts->history_texts / 2, history, false);
    if (history->texts > 0 || whole.texts == 0 || !find_exchange(&walk, parts->history_count, &newest)) return;
    history->budget = whole.budget;
    choose(call, parts, newest.texts, history, false);
}
