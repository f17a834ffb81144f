/* What a turn adds to its session: what the user said, what the bot replied, and in between the tools that a model needed
 * for it. Text is kept as the client and the stages saw it; calls and results, which pass no filter on their way to the
 * model, are masked here as the pipeline masks what goes to the log, and shortened. */
#include "core/turn/turn.h"

#define TEXT_MAX ((size_t)4 << 10) /* bytes of one result, or of a call's arguments */
#define ROUNDS_SHARE 8             /* what part of a session the rounds of one turn may be */

void turn_remember(struct rp_source *source, const struct rp_message *rounds, size_t count) {
    struct turn *turn = turn_of(source->turn);
    if (turn->source != source) return; /* a rule's own question: its reply goes to the rule */
    turn->rounds = rounds;
    turn->round_messages = count;
}

/* ---- what is kept of a round --------------------------------------------------------------------------------------- */

static int mask_value(void *turn, struct rp_str text, struct rp_str *out_text) {
    *out_text = turn_mask(turn, text);
    return 0;
}

/* They must stay JSON. */
static struct rp_str keep_arguments(struct turn *turn, struct rp_str arguments) {
    struct rp_str masked;
    if (rp_json_map(turn->pub.arena, arguments, mask_value, turn, &masked) != 0) return RP_STR("{}");
    if (masked.len <= TEXT_MAX) return masked;
    return rp_str(rp_arena_printf(turn->pub.arena, "{\"left_out\":\"%zu bytes\"}", masked.len));
}

static struct rp_str keep_result(struct turn *turn, struct rp_str result) {
    struct rp_str masked = turn_mask(turn, result);
    if (masked.len <= TEXT_MAX) return masked;
    struct rp_str kept = rp_str_n(masked.data, rp_utf8_whole(masked.data, TEXT_MAX));
    const char *mark = rp_arena_printf(turn->pub.arena, "\n[shortened: the first %zu of %zu bytes]", kept.len, masked.len);
    return rp_arena_join(turn->pub.arena, kept, rp_str(mark));
}

static struct rp_message keep_calls(struct turn *turn, const struct rp_message *message) {
    struct rp_tool_call *calls = rp_arena_zalloc(turn->pub.arena, (message->call_count + 1) * sizeof(*calls));
    for (size_t i = 0; i < message->call_count; i++)
        calls[i] = (struct rp_tool_call){.name = message->calls[i].name,
                                         .arguments = keep_arguments(turn, message->calls[i].arguments)};
    return (struct rp_message){.role = RP_ROLE_ASSISTANT, .calls = calls, .call_count = message->call_count};
}

/* The newest rounds that fit, each as a whole. Returns where they begin. */
static size_t keep_rounds(struct turn *turn, struct rp_message *out) {
    size_t room = (size_t)turn->runtime->limits.session / ROUNDS_SHARE, first = turn->round_messages, size = 0;
    for (size_t i = turn->round_messages; i > 0; i--) {
        const struct rp_message *message = &turn->rounds[i - 1];
        out[i - 1] = message->role == RP_ROLE_TOOL ? *message : keep_calls(turn, message);
        if (message->role == RP_ROLE_TOOL) out[i - 1].text = keep_result(turn, message->text);
        size += out[i - 1].text.len;
        for (size_t k = 0; message->role != RP_ROLE_TOOL && k < message->call_count; k++)
            size += out[i - 1].calls[k].name.len + out[i - 1].calls[k].arguments.len;
        if (size > room) break;
        if (message->role != RP_ROLE_TOOL) first = i - 1;
    }
    return first;
}

/* ---- the exchange -------------------------------------------------------------------------------------------------- */

static struct rp_str own_reply(const struct turn *turn) {
    struct rp_str reply = rp_buf_str(&turn->reply);
    return rp_str_n(reply.data + turn->pending_len, reply.len - turn->pending_len);
}

/* What a filter has stopped shall not come back by way of the tools that it came from. */
static bool has_rounds(const struct turn *turn) {
    return turn->round_messages > 0 && turn->last.finish != RP_FINISH_FILTER && !turn->pub.event;
}

size_t remember_exchange(struct turn *turn, const struct rp_message **out_messages) {
    size_t rounds = has_rounds(turn) ? turn->round_messages : 0;
    struct rp_message *messages = rp_arena_alloc(turn->pub.arena, (rounds + 2) * sizeof(*messages));
    size_t first = rounds ? keep_rounds(turn, messages + 1) : 0;
    struct rp_message *at = messages + first;
    messages[rounds + 1] = (struct rp_message){.role = RP_ROLE_ASSISTANT, .text = own_reply(turn)};
    *at = (struct rp_message){.role = RP_ROLE_USER, .text = turn->pub.message};
    *out_messages = turn->pub.event ? at + 1 : at;
    if (turn->pub.event) return messages[rounds + 1].text.len ? 1 : 0;
    return rounds - first + 2;
}
