/* The order of messages, and which of the history are left out: the oldest, until the rest fits, and then what is no
 * user's message at the beginning, since models want a conversation to begin with the user. */
#include <repartee/talk.h>

static size_t skipped(const struct rp_call_parts *parts) {
    size_t first = parts->history_count, size = 0;
    while (first > 0) {
        size += parts->history[first - 1].text.len;
        if (size > parts->history_size) break;
        first--;
    }
    while (first < parts->history_count && parts->history[first].role != RP_ROLE_USER) first++;
    return first;
}

static struct rp_message *append(struct rp_message *to, const struct rp_message *from, size_t count) {
    if (count) memcpy(to, from, count * sizeof(*to));
    return to + count;
}

void rp_call_build(struct rp_call *call, struct rp_arena *arena, const struct rp_call_parts *parts) {
    struct rp_message system = {.role = RP_ROLE_SYSTEM, .text = parts->system};
    struct rp_message message = {
        .role = RP_ROLE_USER, .text = parts->message, .images = parts->images, .image_count = parts->image_count};
    struct rp_message note = {.role = RP_ROLE_SYSTEM, .text = parts->note};
    size_t first = skipped(parts);
    size_t most = 3 + parts->example_count + (parts->history_count - first);
    struct rp_message *messages = rp_arena_alloc(arena, most * sizeof(*messages)), *end = messages;
    end = append(end, &system, parts->system.len ? 1 : 0);
    end = append(end, parts->examples, parts->example_count);
    end = append(end, parts->history + first, parts->history_count - first);
    end = append(end, &message, 1);
    end = append(end, &note, parts->note.len ? 1 : 0);
    call->messages = messages;
    call->message_count = (size_t)(end - messages);
}
