/* Writes the request for chat completions. By hand: the shape is fixed, and nothing of it needs a tree. */
#include <math.h>

#include "openai.h"

#define SCHEMA_HEAD ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"reply\",\"schema\":"
#define GO_ON ",\"continue_final_message\":true,\"add_generation_prompt\":false"
#define STREAM_WANTED ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"

static int append_number(struct rp_buf *out, const char *head, double value) {
    if (isnan(value) || value < 0) return 0;
    int rc = rp_buf_append_str(out, rp_str(head));
    return rc ? rc : rp_buf_json_number(out, value);
}

static int append_text(struct rp_buf *out, const char *head, struct rp_str text) {
    int rc = rp_buf_append_str(out, rp_str(head));
    return rc ? rc : rp_buf_json(out, text.data, text.len);
}

/* The arguments are JSON, sent as a string. */
static int append_calls(struct rp_buf *out, const struct rp_message *message) {
    int rc = rp_buf_append_str(out, RP_STR(",\"tool_calls\":["));
    for (size_t i = 0; rc == 0 && i < message->call_count; i++) {
        const struct rp_tool_call *call = &message->calls[i];
        rc = append_text(out, i ? ",{\"id\":" : "{\"id\":", call->id);
        if (rc == 0) rc = append_text(out, ",\"type\":\"function\",\"function\":{\"name\":", call->name);
        if (rc == 0) rc = append_text(out, ",\"arguments\":", call->arguments);
        if (rc == 0) rc = rp_buf_append(out, "}}", 2);
    }
    return rc ? rc : rp_buf_append(out, "]", 1);
}

/* A text with images is a list of parts. */
static int append_parts(struct rp_buf *out, const struct rp_message *message) {
    int rc = append_text(out, "[{\"type\":\"text\",\"text\":", message->text);
    for (size_t i = 0; rc == 0 && i < message->image_count; i++)
        rc = append_text(out, i ? "}},{\"type\":\"image_url\",\"image_url\":{\"url\":"
                                : "},{\"type\":\"image_url\",\"image_url\":{\"url\":",
                         message->images[i]);
    return rc ? rc : rp_buf_append_str(out, RP_STR("}}]"));
}

static int append_content(struct rp_buf *out, const char *head, const struct rp_message *message) {
    if (message->image_count == 0) return append_text(out, head, message->text);
    int rc = rp_buf_append_str(out, rp_str(head));
    return rc ? rc : append_parts(out, message);
}

static int append_message(struct rp_buf *out, const struct rp_message *message, bool first) {
    static const char *const heads[] = {
        [RP_ROLE_SYSTEM] = ",{\"role\":\"system\",\"content\":",
        [RP_ROLE_USER] = ",{\"role\":\"user\",\"content\":",
        [RP_ROLE_ASSISTANT] = ",{\"role\":\"assistant\",\"content\":",
        [RP_ROLE_TOOL] = ",{\"role\":\"tool\",\"content\":",
    };
    int rc = append_content(out, heads[message->role] + first, message);
    if (rc == 0 && message->role == RP_ROLE_TOOL && message->call_count)
        rc = append_text(out, ",\"tool_call_id\":", message->calls[0].id);
    if (rc == 0 && message->role == RP_ROLE_ASSISTANT && message->call_count) rc = append_calls(out, message);
    return rc ? rc : rp_buf_append(out, "}", 1);
}

static int append_prefix(struct rp_buf *out, int goes_on, struct rp_str prefix) {
    static const char *const tails[] = {[GOES_ON_NO] = "}",
                                        [GOES_ON_MESSAGE] = "}",
                                        [GOES_ON_PREFIX] = ",\"prefix\":true}",
                                        [GOES_ON_ECHO] = ",\"prefix\":true}",
                                        [GOES_ON_PARTIAL] = ",\"partial\":true}",
                                        [GOES_ON_FINAL] = "}"};
    int rc = append_text(out, ",{\"role\":\"assistant\",\"content\":", prefix);
    return rc ? rc : rp_buf_append_str(out, rp_str(tails[goes_on]));
}

static int append_messages(struct rp_buf *out, const struct openai_options *options, const struct rp_call *call) {
    bool has_system = call->message_count > 0 && call->messages[0].role == RP_ROLE_SYSTEM;
    bool first = true;
    int rc = rp_buf_append_str(out, RP_STR(",\"messages\":["));
    if (rc == 0 && !has_system && options->remote.system && *options->remote.system) {
        rc = append_message(
            out, &(struct rp_message){.role = RP_ROLE_SYSTEM, .text = rp_str(options->remote.system)}, true);
        first = false;
    }
    for (size_t i = 0; rc == 0 && i < call->message_count; i++, first = false)
        rc = append_message(out, &call->messages[i], first);
    if (rc == 0 && call->prefix.len) rc = append_prefix(out, options->goes_on, call->prefix);
    return rc ? rc : rp_buf_append(out, "]", 1);
}

static int append_stop(struct rp_buf *out, const char *const *stop) {
    if (!stop || !*stop) return 0;
    int rc = rp_buf_append_str(out, RP_STR(",\"stop\":["));
    for (size_t i = 0; rc == 0 && stop[i]; i++) {
        if (i > 0) rc = rp_buf_append(out, ",", 1);
        if (rc == 0) rc = rp_buf_json(out, stop[i], strlen(stop[i]));
    }
    return rc ? rc : rp_buf_append(out, "]", 1);
}

static int append_value(struct rp_buf *out, const char *head, const json_t *value, const char *tail) {
    if (!value) return 0;
    int rc = rp_buf_append_str(out, rp_str(head));
    if (rc == 0) rc = rp_buf_json_value(out, value);
    return rc ? rc : rp_buf_append_str(out, rp_str(tail));
}

static int append_tools(struct rp_buf *out, const json_t *tools) {
    int rc = json_array_size(tools) ? rp_buf_append_str(out, RP_STR(",\"tools\":[")) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(tools); i++) {
        const char *head = i ? ",{\"type\":\"function\",\"function\":" : "{\"type\":\"function\",\"function\":";
        rc = append_value(out, head, json_array_get(tools, i), "}");
    }
    return rc || json_array_size(tools) == 0 ? rc : rp_buf_append(out, "]", 1);
}

/* llama-server and others take a grammar in GBNF under this name; OpenAI does not. */
static int append_grammar(struct rp_buf *out, const char *grammar) {
    return grammar ? append_text(out, ",\"grammar\":", rp_str(grammar)) : 0;
}

static int append_settings(struct rp_buf *out, const struct openai_options *options, const struct rp_prompt *prompt) {
    static const char *const limit_names[] = {
        [MAX_TOKENS_OLD] = "max_tokens", [MAX_TOKENS_NEW] = "max_completion_tokens"};
    int64_t limit = prompt->max_tokens > 0 ? prompt->max_tokens : options->remote.max_tokens;
    int rc = append_number(out, ",\"temperature\":", isnan(prompt->temperature) ? options->remote.temperature : prompt->temperature);
    if (rc == 0) rc = append_number(out, ",\"top_p\":", isnan(prompt->top_p) ? options->remote.top_p : prompt->top_p);
    if (rc == 0 && limit > 0)
        rc = rp_buf_printf(out, ",\"%s\":%lld", limit_names[options->max_tokens_field], (long long)limit);
    if (rc == 0) rc = append_stop(out, prompt->stop);
    if (rc == 0) rc = append_tools(out, prompt->tools);
    if (rc == 0) rc = append_value(out, SCHEMA_HEAD, prompt->schema, "}}");
    if (rc == 0) rc = append_grammar(out, prompt->grammar);
    return rc;
}

int request_write(const void *data, const struct rp_call *call, bool stream, struct rp_buf *out) {
    const struct openai_options *options = data;
    int rc = rp_buf_append_str(out, RP_STR("{\"model\":"));
    if (rc == 0) rc = rp_buf_json(out, options->remote.model, strlen(options->remote.model));
    if (rc == 0) rc = append_messages(out, options, call);
    if (rc == 0) rc = append_settings(out, options, call->prompt);
    if (rc == 0 && call->prefix.len && options->goes_on == GOES_ON_FINAL) rc = rp_buf_append_str(out, RP_STR(GO_ON));
    if (rc == 0 && stream) rc = rp_buf_append_str(out, RP_STR(STREAM_WANTED));
    return rc ? rc : rp_buf_append(out, "}", 1);
}

int request_head(const void *data, const char *key, struct rp_buf *out) {
    const struct openai_options *options = data;
    bool organization = options->organization && *options->organization;
    int rc = key ? rp_buf_printf(out, "Authorization: Bearer %s", key) : 0;
    if (rc == 0 && key) rc = rp_buf_append(out, "", 1);
    if (rc == 0 && organization) rc = rp_buf_printf(out, "OpenAI-Organization: %s", options->organization);
    return rc == 0 && organization ? rp_buf_append(out, "", 1) : rc;
}
