/* Writes the request for /api/chat. */
#include <math.h>

#include "ollama.h"

static int append(struct rp_buf *out, const char *text) {
    return rp_buf_append(out, text, strlen(text));
}

static int append_text(struct rp_buf *out, const char *head, struct rp_str text) {
    int rc = append(out, head);
    return rc ? rc : rp_buf_json(out, text.data, text.len);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* The arguments are JSON, and are sent as such: an object, or nothing. */
static int append_calls(struct rp_buf *out, const struct rp_message *message) {
    int rc = append(out, ",\"tool_calls\":[");
    for (size_t i = 0; rc == 0 && i < message->call_count; i++) {
        const struct rp_tool_call *call = &message->calls[i];
        bool object = call->arguments.len > 0 && call->arguments.data[0] == '{';
        rc = append_text(out, i ? ",{\"id\":" : "{\"id\":", call->id);
        if (rc == 0) rc = append_text(out, ",\"function\":{\"name\":", call->name);
        if (rc == 0) rc = append(out, ",\"arguments\":");
        if (rc == 0) rc = rp_buf_append_str(out, object ? call->arguments : RP_STR("{}"));
        if (rc == 0) rc = append(out, "}}");
    }
    return rc ? rc : append(out, "]");
}

static int append_result(struct rp_buf *out, const struct rp_tool_call *call) {
    int rc = append_text(out, ",\"tool_name\":", call->name);
    return rc ? rc : append_text(out, ",\"tool_call_id\":", call->id);
}

/* The server wants the bytes themselves and fetches nothing. */
static int append_images(struct rp_buf *out, const struct rp_message *message) {
    int rc = append(out, ",\"images\":[");
    for (size_t i = 0; rc == 0 && i < message->image_count; i++) {
        struct rp_str url = message->images[i];
        const char *comma = memchr(url.data, ',', url.len);
        if (url.data[0] != 'd' || !comma) return -RP_EUNSUPPORTED;
        rc = append_text(out, i ? "," : "", rp_str_n(comma + 1, url.len - (size_t)(comma + 1 - url.data)));
    }
    return rc ? rc : append(out, "]");
}

static int append_message(struct rp_buf *out, const struct rp_message *message) {
    static const char *const heads[] = {
        [RP_ROLE_SYSTEM] = "{\"role\":\"system\",\"content\":",
        [RP_ROLE_USER] = "{\"role\":\"user\",\"content\":",
        [RP_ROLE_ASSISTANT] = "{\"role\":\"assistant\",\"content\":",
        [RP_ROLE_TOOL] = "{\"role\":\"tool\",\"content\":",
    };
    int rc = append_text(out, heads[message->role], message->text);
    if (rc == 0 && message->image_count) rc = append_images(out, message);
    if (rc == 0 && message->call_count && message->role == RP_ROLE_ASSISTANT) rc = append_calls(out, message);
    if (rc == 0 && message->call_count && message->role == RP_ROLE_TOOL) rc = append_result(out, message->calls);
    return rc ? rc : append(out, "}");
}

static int append_messages(struct rp_buf *out, const struct ollama_options *options, const struct rp_call *call) {
    const char *system = options->remote.system;
    bool own = system && *system && (call->message_count == 0 || call->messages[0].role != RP_ROLE_SYSTEM);
    int rc = append(out, ",\"messages\":[");
    if (rc == 0 && own) rc = append_message(out, &(struct rp_message){.role = RP_ROLE_SYSTEM, .text = rp_str(system)});
    for (size_t i = 0; rc == 0 && i < call->message_count; i++) {
        if (own || i > 0) rc = append(out, ",");
        if (rc == 0) rc = append_message(out, &call->messages[i]);
    }
    if (rc == 0 && call->prefix.len) rc = append(out, ","); /* the server goes on from an assistant's last message */
    if (rc == 0 && call->prefix.len)
        rc = append_message(out, &(struct rp_message){.role = RP_ROLE_ASSISTANT, .text = call->prefix});
    return rc ? rc : append(out, "]");
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

/* The members of "options", each with its comma behind it. */
static int append_number(struct rp_buf *out, const char *head, double number) {
    if (isnan(number) || number < 0) return 0;
    int rc = append(out, head);
    if (rc == 0) rc = rp_buf_json_number(out, number);
    return rc ? rc : append(out, ",");
}

static int append_count(struct rp_buf *out, const char *head, int64_t count) {
    return count > 0 ? rp_buf_printf(out, "%s%lld,", head, (long long)count) : 0;
}

static int append_stop(struct rp_buf *out, const char *const *stop) {
    if (!stop || !*stop) return 0;
    int rc = append(out, "\"stop\":[");
    for (size_t i = 0; rc == 0 && stop[i]; i++) rc = append_text(out, i ? "," : "", rp_str(stop[i]));
    return rc ? rc : append(out, "],");
}

static int append_options(struct rp_buf *out, const struct ollama_options *options, const struct rp_prompt *prompt) {
    const struct rp_remote_options *own = &options->remote;
    size_t before = out->len;
    int rc = append(out, ",\"options\":{");
    size_t empty = out->len;
    if (rc == 0)
        rc = append_number(out, "\"temperature\":", isnan(prompt->temperature) ? own->temperature : prompt->temperature);
    if (rc == 0) rc = append_number(out, "\"top_p\":", isnan(prompt->top_p) ? own->top_p : prompt->top_p);
    if (rc == 0) rc = append_count(out, "\"num_predict\":", prompt->max_tokens > 0 ? prompt->max_tokens : own->max_tokens);
    if (rc == 0) rc = append_count(out, "\"num_ctx\":", own->context);
    if (rc == 0) rc = append_stop(out, prompt->stop);
    if (rc) return rc;
    out->len = out->len == empty ? before : out->len - 1; /* the last comma */
    out->data[out->len] = '\0';
    return out->len == before ? 0 : append(out, "}");
}

static int append_tools(struct rp_buf *out, const json_t *tools) {
    if (json_array_size(tools) == 0) return 0;
    int rc = append(out, ",\"tools\":[");
    for (size_t i = 0; rc == 0 && i < json_array_size(tools); i++) {
        rc = append(out, i ? ",{\"type\":\"function\",\"function\":" : "{\"type\":\"function\",\"function\":");
        if (rc == 0) rc = rp_buf_json_value(out, json_array_get(tools, i));
        if (rc == 0) rc = append(out, "}");
    }
    return rc ? rc : append(out, "]");
}

static int append_schema(struct rp_buf *out, const json_t *schema) {
    if (!schema) return 0;
    int rc = append(out, ",\"format\":");
    return rc ? rc : rp_buf_json_value(out, schema);
}

/* The server takes a duration as text, or a number of seconds: "-1" as text would be refused. */
static int append_keep_alive(struct rp_buf *out, const char *keep_alive) {
    if (!keep_alive || !*keep_alive) return 0;
    if (strspn(keep_alive, "-0123456789") == strlen(keep_alive)) return rp_buf_printf(out, ",\"keep_alive\":%s", keep_alive);
    return append_text(out, ",\"keep_alive\":", rp_str(keep_alive));
}

static int append_think(struct rp_buf *out, int think) {
    static const char *const values[] = {"", "false", "true", "\"low\"", "\"medium\"", "\"high\""};
    return think ? rp_buf_printf(out, ",\"think\":%s", values[think]) : 0;
}

int request_write(const void *data, const struct rp_call *call, bool stream, struct rp_buf *out) {
    const struct ollama_options *options = data;
    int rc = append_text(out, "{\"model\":", rp_str(options->remote.model));
    if (rc == 0) rc = append_messages(out, options, call);
    if (rc == 0) rc = append_options(out, options, call->prompt);
    if (rc == 0) rc = append_tools(out, call->prompt->tools);
    if (rc == 0) rc = append_schema(out, call->prompt->schema);
    if (rc == 0) rc = append_keep_alive(out, options->keep_alive);
    if (rc == 0) rc = append_think(out, options->think);
    return rc ? rc : append(out, stream ? ",\"stream\":true}" : ",\"stream\":false}");
}

int request_head(const void *options, const char *key, struct rp_buf *out) {
    (void)options;
    int rc = key ? rp_buf_printf(out, "Authorization: Bearer %s", key) : 0;
    return rc == 0 && key ? rp_buf_append(out, "", 1) : rc;
}
