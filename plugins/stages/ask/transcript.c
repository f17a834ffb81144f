/* Writes a conversation down as text. */
#include "ask.h"

#define TEXT_MAX ((size_t)4 << 10) /* bytes of a message; the rest of a longer one is left out */
#define LINE_TOKENS 6              /* of what stands around a message */
#define NEXT_LINE_TOKENS 3         /* in front of each further line of it, apart from a tool's name */
#define OUT_MAX ((size_t)8 << 20)

static struct rp_str shortened(struct rp_str text) {
    return text.len > TEXT_MAX ? rp_str_n(text.data, rp_utf8_whole(text.data, TEXT_MAX)) : text;
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

/* Every line of the text, each with who says it in front. */
static void put_lines(struct rp_buf *out, struct rp_str who, const char *what, struct rp_str text) {
    struct rp_str rest = shortened(text);
    bool cut = rest.len < text.len;
    do {
        const char *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        rp_buf_printf(out, "%.*s%s", RP_STR_ARG(who), what);
        rp_buf_append(out, rest.data, len);
        rp_buf_printf(out, "%s\n", !end && cut ? " [shortened]" : "");
        rest = end ? rp_str_n(end + 1, rest.len - len - 1) : RP_STR("");
    } while (rest.len > 0);
}

static void put_call(struct rp_buf *out, const struct rp_tool_call *call) {
    put_lines(out, rp_str(""), "bot calls ", call->name);
    out->len--; /* the line goes on */
    put_lines(out, rp_str(""), ": ", call->arguments);
}

static void put_message(struct rp_buf *out, const struct rp_message *message) {
    if (message->role == RP_ROLE_TOOL) {
        put_lines(out, message->call_count ? message->calls[0].name : RP_STR("a tool"), " gives: ", message->text);
        return;
    }
    for (size_t i = 0; i < message->call_count; i++) put_call(out, &message->calls[i]);
    if (message->call_count && message->text.len == 0) return;
    put_lines(out, message->role == RP_ROLE_USER ? RP_STR("user") : RP_STR("bot"), ": ", message->text);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static int64_t tokens_of_lines(const struct rp_model *model, int64_t each, struct rp_str text) {
    int64_t tokens = rp_model_tokens(model, text);
    for (size_t i = 0; i < text.len; i++) tokens += text.data[i] == '\n' ? each : 0;
    return tokens;
}

static int64_t tokens_of(const struct rp_model *model, const struct rp_message *message) {
    bool result = message->role == RP_ROLE_TOOL && message->call_count;
    int64_t name = result ? rp_model_tokens(model, message->calls[0].name) : 0;
    int64_t tokens = LINE_TOKENS + tokens_of_lines(model, NEXT_LINE_TOKENS + name, shortened(message->text));
    for (size_t i = 0; message->role == RP_ROLE_ASSISTANT && i < message->call_count; i++)
        tokens += LINE_TOKENS + tokens_of_lines(model, NEXT_LINE_TOKENS, shortened(message->calls[i].arguments));
    return tokens;
}

static size_t first_with_room(const struct rp_model *model, const struct rp_message *messages, size_t count,
                              int64_t tokens) {
    size_t first = count;
    while (first > 0) {
        tokens -= tokens_of(model, &messages[first - 1]);
        if (tokens < 0) break;
        first--;
    }
    return first;
}

struct rp_str transcript_write(struct rp_arena *arena, const struct rp_model *model, struct rp_str before,
                               const struct rp_message *messages, size_t count, int64_t tokens) {
    size_t first = first_with_room(model, messages, count, tokens - tokens_of_lines(model, NEXT_LINE_TOKENS, before));
    struct rp_buf out;
    rp_buf_init(&out, OUT_MAX);
    if (before.len) rp_buf_printf(&out, "The record so far:\n");
    if (before.len) put_lines(&out, RP_STR(">"), " ", before);
    rp_buf_printf(&out, "%sWhat was said since%s:\n", before.len ? "\n" : "", first ? ", without its beginning" : "");
    for (size_t i = first; i < count; i++) put_message(&out, &messages[i]);
    struct rp_str text = rp_arena_str(arena, rp_buf_str(&out));
    rp_buf_finish(&out);
    return text;
}
