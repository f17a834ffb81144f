/* An entry's bytes: its kind, the length of its body (little-endian, 32 bits), the body. That is a text, or of a round
 * name, arguments and result of each call, every one a text with its length in front. */
#include "core/turn/session_entry.h"

enum { TEXT_HEAD = 4, ENTRY_HEAD = 1 + TEXT_HEAD, CALL_PARTS = 3 };

/* ---- texts --------------------------------------------------------------------------------------------------------- */

int text_take(struct rp_str *rest, struct rp_str *out) {
    if (rest->len < TEXT_HEAD) return -RP_EIO;
    const unsigned char *p = (const unsigned char *)rest->data;
    size_t len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (len > rest->len - TEXT_HEAD) return -RP_EIO;
    *out = rp_str_n(rest->data + TEXT_HEAD, len);
    *rest = rp_str_n(rest->data + TEXT_HEAD + len, rest->len - TEXT_HEAD - len);
    return 0;
}

static int put_length(struct rp_buf *out, size_t len) {
    unsigned char bytes[TEXT_HEAD] = {len & 255, len >> 8 & 255, len >> 16 & 255, len >> 24 & 255};
    return rp_buf_append(out, bytes, sizeof(bytes));
}

int text_put(struct rp_buf *out, struct rp_str text) {
    int result = put_length(out, text.len);
    return result ? result : rp_buf_append_str(out, text);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static bool is_round(struct rp_str body) {
    size_t parts = 0;
    struct rp_str part;
    for (; body.len > 0; parts++)
        if (text_take(&body, &part) != 0) return false;
    return parts > 0 && parts % CALL_PARTS == 0;
}

int entry_take(struct rp_str *rest, bool rounds, struct entry *out) {
    const char *start = rest->data;
    struct rp_str body, behind = rp_str_n(start + 1, rest->len - 1);
    if (*start != ENTRY_USER && *start != ENTRY_BOT && (*start != ENTRY_ROUND || !rounds)) return -RP_EIO;
    if (text_take(&behind, &body) != 0) return -RP_EIO;
    if (*start == ENTRY_ROUND && !is_round(body)) return -RP_EIO;
    *out = (struct entry){
        .kind = (enum entry_kind)*start, .all = rp_str_n(start, (size_t)(behind.data - start)), .body = body};
    *rest = behind;
    return 0;
}

static size_t count_calls(struct rp_str body) {
    size_t parts = 0;
    for (struct rp_str part; body.len > 0 && text_take(&body, &part) == 0;) parts++;
    return parts / CALL_PARTS;
}

size_t entry_messages(const struct entry *entry) {
    return entry->kind == ENTRY_ROUND ? 1 + count_calls(entry->body) : 1;
}

struct rp_message *entry_open(const struct entry *entry, struct rp_arena *arena, const char *id, size_t *calls,
                               struct rp_message *out) {
    if (entry->kind != ENTRY_ROUND) {
        *out = (struct rp_message){.role = (enum rp_role)entry->kind, .text = entry->body};
        return out + 1;
    }
    size_t count = count_calls(entry->body);
    struct rp_tool_call *made = rp_arena_alloc(arena, count * sizeof(*made));
    struct rp_str rest = entry->body;
    *out = (struct rp_message){.role = RP_ROLE_ASSISTANT, .text = RP_STR(""), .calls = made, .call_count = count};
    for (size_t i = 0; i < count; i++) {
        const char *number = rp_arena_printf(arena, "%.6s%03zx", id, (*calls)++ & 4095);
        made[i] = (struct rp_tool_call){.id = rp_str(number), .own = true};
        out[i + 1] = (struct rp_message){.role = RP_ROLE_TOOL, .calls = &made[i], .call_count = 1};
        text_take(&rest, &made[i].name);
        text_take(&rest, &made[i].arguments);
        text_take(&rest, &out[i + 1].text);
    }
    return out + 1 + count;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static bool has_results(const struct rp_message *messages, size_t count) {
    if (messages->call_count >= count) return false;
    for (size_t i = 1; i <= messages->call_count; i++)
        if (messages[i].role != RP_ROLE_TOOL) return false;
    return true;
}

static size_t round_size(const struct rp_message *messages) {
    size_t size = 0;
    for (size_t i = 0; i < messages->call_count; i++)
        size += CALL_PARTS * TEXT_HEAD + messages->calls[i].name.len + messages->calls[i].arguments.len +
                messages[i + 1].text.len;
    return size;
}

size_t entry_span(const struct rp_message *messages, size_t count, size_t *out_size) {
    bool calls = messages->role == RP_ROLE_ASSISTANT && messages->call_count > 0;
    if (messages->role != RP_ROLE_USER && messages->role != RP_ROLE_ASSISTANT) return 0;
    if (calls && !has_results(messages, count)) return 0;
    *out_size = ENTRY_HEAD + (calls ? round_size(messages) : messages->text.len);
    return calls ? 1 + messages->call_count : 1;
}

int entry_put(struct rp_buf *out, const struct rp_message *messages, size_t span) {
    char kind = span > 1 ? ENTRY_ROUND : (char)messages->role;
    int result = rp_buf_append(out, &kind, 1);
    if (span == 1) return result ? result : text_put(out, messages->text);
    if (result == 0) result = put_length(out, round_size(messages));
    for (size_t i = 0; result == 0 && i + 1 < span; i++) {
        result = text_put(out, messages->calls[i].name);
        if (result == 0) result = text_put(out, messages->calls[i].arguments);
        if (result == 0) result = text_put(out, messages[i + 1].text);
    }
    return result;
}
