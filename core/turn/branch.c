/* Branches: a turn's inner stages run for a turn of their own, which has copies of what they may look at. */
#include "core/turn/turn.h"

static struct rp_str *copy_texts(struct rp_arena *arena, const struct rp_str *from, size_t count) {
    struct rp_str *to = rp_arena_alloc(arena, (count + 1) * sizeof(*to));
    for (size_t i = 0; i < count; i++) to[i] = rp_arena_str(arena, from[i]);
    return to;
}

static struct rp_tool_call *copy_calls(struct rp_arena *arena, const struct rp_tool_call *from, size_t count) {
    struct rp_tool_call *to = rp_arena_alloc(arena, (count + 1) * sizeof(*to));
    for (size_t i = 0; i < count; i++)
        to[i] = (struct rp_tool_call){.id = rp_arena_str(arena, from[i].id),
                                      .name = rp_arena_str(arena, from[i].name),
                                      .arguments = rp_arena_str(arena, from[i].arguments),
                                      .own = from[i].own};
    return to;
}

static struct rp_message *copy_messages(struct rp_arena *arena, const struct rp_message *from, size_t count) {
    struct rp_message *to = rp_arena_alloc(arena, (count + 1) * sizeof(*to));
    for (size_t i = 0; i < count; i++)
        to[i] = (struct rp_message){.role = from[i].role,
                                    .text = rp_arena_str(arena, from[i].text),
                                    .calls = copy_calls(arena, from[i].calls, from[i].call_count),
                                    .call_count = from[i].call_count,
                                    .images = copy_texts(arena, from[i].images, from[i].image_count),
                                    .image_count = from[i].image_count};
    return to;
}

/* ---- the prompt ---------------------------------------------------------------------------------------------------- */

static void forget_json(void *arg) {
    json_decref(arg);
}

static const json_t *keep_json(struct rp_arena *arena, const json_t *value) {
    if (value) rp_arena_defer(arena, forget_json, json_incref((json_t *)(uintptr_t)value));
    return value;
}

static const char *copy_text(struct rp_arena *arena, const char *text) {
    return text ? rp_arena_copy(arena, text, strlen(text)) : NULL;
}

static const char *const *copy_list(struct rp_arena *arena, const char *const *from) {
    size_t count = 0;
    if (!from) return NULL;
    while (from[count]) count++;
    const char **to = rp_arena_zalloc(arena, (count + 1) * sizeof(*to));
    for (size_t i = 0; i < count; i++) to[i] = copy_text(arena, from[i]);
    return to;
}

static struct rp_prompt *copy_prompt(struct rp_arena *arena, const struct rp_prompt *from) {
    struct rp_prompt *to = rp_arena_alloc(arena, sizeof(*to));
    *to = *from;
    to->system = rp_arena_str(arena, from->system);
    to->note = rp_arena_str(arena, from->note);
    to->examples = copy_messages(arena, from->examples, from->example_count);
    to->stop = copy_list(arena, from->stop);
    to->by = copy_text(arena, from->by);
    to->grammar = copy_text(arena, from->grammar);
    to->tools = keep_json(arena, from->tools);
    to->schema = keep_json(arena, from->schema);
    return to;
}

/* ---- the turn ------------------------------------------------------------------------------------------------------ */

static void copy_session(struct turn *to, const struct turn *from) {
    struct rp_arena *arena = to->pub.arena;
    const struct session *session = &from->session;
    to->session.user = rp_arena_str(arena, session->user);
    to->session.stored = rp_arena_str(arena, session->stored);
    to->session.said = session->said;
    to->session.message_count = session->message_count;
    to->session.begins = session->begins;
    to->session.summary = rp_arena_str(arena, session->summary);
    to->session.summed = session->summed;
    if (session->vars)
        to->session.vars = json_deep_copy(session->vars);
    else
        to->session.vars_text = rp_arena_str(arena, session->vars_text);
}

static void copy_turn(struct rp_turn *to, const struct rp_turn *from) {
    struct rp_arena *arena = to->arena;
    to->id = copy_text(arena, from->id);
    to->message = rp_arena_str(arena, from->message);
    to->original = rp_arena_str(arena, from->original);
    to->user = rp_arena_str(arena, from->user);
    to->session = rp_arena_str(arena, from->session);
    to->address = rp_arena_str(arena, from->address);
    to->metadata = from->metadata ? json_incref((json_t *)(uintptr_t)from->metadata) : NULL;
    to->stream = true; /* whoever shares it may want to */
    to->started_ns = rp_now_ns();
}

struct rp_turn *rp_turn_branch(struct rp_turn *pub, struct rp_sink *sink) {
    const struct turn *from = turn_of(pub);
    const struct rp_prompt *prompt = from->prompt;
    if (prompt && (prompt->runner || prompt->fits)) return NULL;
    struct turn *turn = turn_make(pub->worker, from->runtime, from->pipeline);
    turn->branch = true;
    turn->origin = rp_turn_ticket(pub);
    turn->phase = TURN_BRANCHED;
    turn->index = from->index + 1;
    turn->sink = sink;
    copy_turn(&turn->pub, pub);
    copy_session(turn, from);
    if (prompt) turn->prompt = copy_prompt(turn->pub.arena, prompt);
    return &turn->pub;
}
