/* Writes the texts that stand for tools, calls and results, and reads a call back. */
#include "tools.h"

#include <stdlib.h>

#define LIST_MAX ((size_t)1 << 20)

static const char how[] =
    "You can use tools. To use one, answer with nothing but a JSON object of this form, and you will be told the result:\n"
    "{\"tool\": \"NAME\", \"arguments\": {…}}\nThe tools:\n";

/* ---- telling of them --------------------------------------------------------------------------------------------- */

static struct rp_str system_with_tools(struct rp_arena *arena, struct rp_str system, const json_t *tools) {
    char *list = json_dumps(tools, JSON_COMPACT);
    const char *text = rp_arena_printf(arena, "%.*s%s%s%s", RP_STR_ARG(system), system.len ? "\n\n" : "", how,
                                       list ? list : "[]");
    free(list);
    return rp_str(text);
}

/* What the model itself is to have written. */
static struct rp_str call_text(struct rp_arena *arena, const struct rp_message *message) {
    struct rp_buf out;
    rp_buf_init(&out, LIST_MAX);
    rp_buf_append_str(&out, message->text);
    for (size_t i = 0; i < message->call_count; i++) {
        const struct rp_tool_call *call = &message->calls[i];
        rp_buf_printf(&out, "%s{\"tool\": ", out.len ? "\n" : "");
        rp_buf_json(&out, call->name.data, call->name.len);
        rp_buf_printf(&out, ", \"arguments\": %.*s}", RP_STR_ARG(call->arguments));
    }
    struct rp_str text = rp_arena_str(arena, rp_buf_str(&out));
    rp_buf_finish(&out);
    return text;
}

/* Chat templates seldom have a place for results: they come as what the other side says. */
static struct rp_message turned(struct rp_arena *arena, const struct rp_message *message) {
    if (message->role == RP_ROLE_TOOL) {
        struct rp_str name = message->call_count ? message->calls[0].name : RP_STR("the tool");
        const char *text = rp_arena_printf(arena, "Result of %.*s:\n%.*s", RP_STR_ARG(name), RP_STR_ARG(message->text));
        return (struct rp_message){.role = RP_ROLE_USER, .text = rp_str(text)};
    }
    if (message->call_count == 0) return *message;
    return (struct rp_message){.role = message->role, .text = call_text(arena, message)};
}

struct rp_message *tools_conversation(struct rp_arena *arena, const json_t *tools, const struct rp_message *messages,
                                      size_t *count) {
    bool has_system = *count > 0 && messages[0].role == RP_ROLE_SYSTEM;
    size_t first = tools && !has_system;
    struct rp_message *out = rp_arena_zalloc(arena, (*count + 2) * sizeof(*out));
    for (size_t i = 0; i < *count; i++) out[first + i] = turned(arena, &messages[i]);
    if (tools) {
        out[0].text = system_with_tools(arena, has_system ? messages[0].text : RP_STR(""), tools);
        out[0].role = RP_ROLE_SYSTEM;
    }
    *count += first;
    return out;
}

/* ---- reading a call ---------------------------------------------------------------------------------------------- */

bool tools_may_be_call(struct rp_str reply) {
    size_t at = 0;
    while (at < reply.len && (reply.data[at] == ' ' || reply.data[at] == '\n')) at++;
    return at == reply.len || reply.data[at] == '{';
}

static bool is_tool(const json_t *tools, const char *name) {
    size_t i;
    json_t *tool;
    json_array_foreach((json_t *)(uintptr_t)tools, i, tool) {
        const char *known = json_string_value(json_object_get(tool, "name"));
        if (known && strcmp(known, name) == 0) return true;
    }
    return false;
}

bool tools_read_call(struct rp_arena *arena, struct rp_str reply, const json_t *tools, struct rp_tool_call *out) {
    json_t *value;
    char id[RP_ID_SIZE];
    if (rp_json_parse(reply.data, reply.len, &value, NULL) != 0) return false;
    const char *name = json_string_value(json_object_get(value, "tool"));
    char *arguments = json_dumps(json_object_get(value, "arguments"), JSON_COMPACT);
    bool good = name && arguments && is_tool(tools, name);
    rp_id(id);
    if (good)
        *out = (struct rp_tool_call){.id = rp_arena_str(arena, rp_str(id)),
                                     .name = rp_arena_str(arena, rp_str(name)),
                                     .arguments = rp_arena_str(arena, rp_str(arguments))};
    free(arguments);
    json_decref(value);
    return good;
}
