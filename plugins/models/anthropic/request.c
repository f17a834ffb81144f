/* Writes the request for the Messages API. What the other protocols say in messages of the system is one text here, and
 * neighbours of the same role are one message, since the API wants roles to alternate. */
#include <math.h>

#include "anthropic.h"

#define MAX_TOKENS 4096                       /* the API wants to be told a limit */
#define WITHOUT_SAMPLING "2026-10-21"         /* the first version that refuses these settings */
#define SCHEMA_HEAD ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":"

static int append(struct rp_buf *out, const char *text) {
    return rp_buf_append(out, text, strlen(text));
}

/* ---- the system --------------------------------------------------------------------------------------------------- */

/* Texts of the system, wherever they stand, with an empty line between them. */
static int append_system(struct rp_buf *out, const struct anthropic_options *options, const struct rp_call *call) {
    struct rp_buf text;
    int rc = 0;
    rp_buf_init(&text, out->max);
    for (size_t i = 0; rc == 0 && i < call->message_count; i++) {
        if (call->messages[i].role != RP_ROLE_SYSTEM || call->messages[i].text.len == 0) continue;
        if (text.len > 0) rc = append(&text, "\n\n");
        if (rc == 0) rc = rp_buf_append_str(&text, call->messages[i].text);
    }
    if (rc == 0 && text.len == 0 && options->remote.system) rc = append(&text, options->remote.system);
    if (rc == 0 && text.len > 0) rc = append(out, ",\"system\":");
    if (rc == 0 && text.len > 0) rc = rp_buf_json(out, text.data, text.len);
    rp_buf_finish(&text);
    return rc;
}

/* ---- blocks of a message ----------------------------------------------------------------------------------------- */

static int append_string(struct rp_buf *out, const char *head, struct rp_str text) {
    int rc = append(out, head);
    return rc ? rc : rp_buf_json(out, text.data, text.len);
}

static int append_image(struct rp_buf *out, struct rp_str url) {
    static const char scheme[] = "data:", mark[] = ";base64,";
    size_t head = sizeof(scheme) - 1, end = head;
    if (url.len < head || memcmp(url.data, scheme, head) != 0) {
        int rc = append_string(out, "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":", url);
        return rc ? rc : append(out, "}}");
    }
    while (end < url.len && url.data[end] != ';') end++;
    if (url.len - end < sizeof(mark) - 1 || memcmp(url.data + end, mark, sizeof(mark) - 1) != 0) return -RP_EUNSUPPORTED;
    struct rp_str type = {url.data + head, end - head};
    struct rp_str data = {url.data + end + sizeof(mark) - 1, url.len - end - (sizeof(mark) - 1)};
    int rc = append_string(out, "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":", type);
    if (rc == 0) rc = append_string(out, ",\"data\":", data);
    return rc ? rc : append(out, "}}");
}

/* The arguments are JSON, and are sent as such: an object, or nothing. */
static int append_call(struct rp_buf *out, const struct rp_tool_call *call) {
    bool object = call->arguments.len > 0 && call->arguments.data[0] == '{';
    int rc = append_string(out, "{\"type\":\"tool_use\",\"id\":", call->id);
    if (rc == 0) rc = append_string(out, ",\"name\":", call->name);
    if (rc == 0) rc = append(out, ",\"input\":");
    if (rc == 0) rc = rp_buf_append_str(out, object ? call->arguments : RP_STR("{}"));
    return rc ? rc : append(out, "}");
}

static int append_result(struct rp_buf *out, const struct rp_message *message) {
    int rc = append_string(out, "{\"type\":\"tool_result\",\"tool_use_id\":", message->calls[0].id);
    if (rc == 0) rc = append_string(out, ",\"content\":", message->text);
    return rc ? rc : append(out, "}");
}

static int append_words(struct rp_buf *out, const struct rp_message *message) {
    int rc = append_string(out, "{\"type\":\"text\",\"text\":", message->text);
    return rc ? rc : append(out, "}");
}

/* How many blocks a message comes to: empty texts are refused, so they are none. */
static size_t block_count(const struct rp_message *message) {
    if (message->role == RP_ROLE_SYSTEM) return 0;
    if (message->role == RP_ROLE_TOOL) return message->call_count ? 1 : 0;
    size_t calls = message->role == RP_ROLE_ASSISTANT ? message->call_count : 0;
    return message->image_count + (message->text.len > 0) + calls;
}

static int append_block(struct rp_buf *out, const struct rp_message *message, size_t at) {
    if (message->role == RP_ROLE_TOOL) return append_result(out, message);
    if (at < message->image_count) return append_image(out, message->images[at]);
    at -= message->image_count;
    if (at == 0 && message->text.len > 0) return append_words(out, message);
    return append_call(out, &message->calls[at - (message->text.len > 0)]);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static int append_content(struct rp_buf *out, const struct rp_message *message, bool first) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < block_count(message); i++) {
        if (i > 0 || !first) rc = append(out, ",");
        if (rc == 0) rc = append_block(out, message, i);
    }
    return rc;
}

static bool is_assistant(const struct rp_message *message) {
    return message->role == RP_ROLE_ASSISTANT;
}

/* `before`: the last message that was written; NULL: none. */
static int append_message(struct rp_buf *out, const struct rp_message *message, const struct rp_message **before) {
    bool same = *before && is_assistant(*before) == is_assistant(message);
    int rc = 0;
    if (block_count(message) == 0) return 0;
    if (!same && *before) rc = append(out, "]},");
    if (!same && rc == 0)
        rc = append(out, is_assistant(message) ? "{\"role\":\"assistant\",\"content\":[" : "{\"role\":\"user\",\"content\":[");
    *before = message;
    return rc ? rc : append_content(out, message, !same);
}

/* What the reply has begun with is the assistant's last message, and the model goes on from there. */
static int append_messages(struct rp_buf *out, const struct rp_call *call) {
    const struct rp_message begun = {.role = RP_ROLE_ASSISTANT, .text = call->prefix}, *before = NULL;
    int rc = append(out, ",\"messages\":[");
    for (size_t i = 0; rc == 0 && i < call->message_count; i++) rc = append_message(out, &call->messages[i], &before);
    if (rc == 0) rc = append_message(out, &begun, &before);
    return rc ? rc : append(out, before ? "]}]" : "]");
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

/* Temperatures end at 1 here, and newer models take only one of the two. */
static int append_sampling(struct rp_buf *out, const struct anthropic_options *options, const struct rp_prompt *prompt) {
    if (strcmp(options->version, WITHOUT_SAMPLING) >= 0) return 0;
    double temperature = isnan(prompt->temperature) ? options->remote.temperature : prompt->temperature;
    double top_p = isnan(prompt->top_p) ? options->remote.top_p : prompt->top_p;
    if (temperature < 0 && top_p < 0) return 0;
    int rc = append(out, temperature >= 0 ? ",\"temperature\":" : ",\"top_p\":");
    return rc ? rc : rp_buf_json_number(out, temperature >= 0 ? fmin(temperature, 1) : top_p);
}

static int append_stop(struct rp_buf *out, const char *const *stop) {
    if (!stop || !*stop) return 0;
    int rc = append(out, ",\"stop_sequences\":[");
    for (size_t i = 0; rc == 0 && stop[i]; i++) {
        if (i > 0) rc = append(out, ",");
        if (rc == 0) rc = rp_buf_json(out, stop[i], strlen(stop[i]));
    }
    return rc ? rc : append(out, "]");
}

static int append_tool(struct rp_buf *out, const json_t *tool) {
    const char *name = json_string_value(json_object_get(tool, "name"));
    const char *description = json_string_value(json_object_get(tool, "description"));
    const json_t *parameters = json_object_get(tool, "parameters");
    if (!name) return -RP_EINVALID;
    int rc = append(out, "{\"name\":");
    if (rc == 0) rc = rp_buf_json(out, name, strlen(name));
    if (rc == 0 && description) rc = append(out, ",\"description\":");
    if (rc == 0 && description) rc = rp_buf_json(out, description, strlen(description));
    if (rc == 0) rc = append(out, ",\"input_schema\":");
    if (rc == 0) rc = parameters ? rp_buf_json_value(out, parameters) : append(out, "{\"type\":\"object\"}");
    return rc ? rc : append(out, "}");
}

static int append_tools(struct rp_buf *out, const json_t *tools) {
    if (json_array_size(tools) == 0) return 0;
    int rc = append(out, ",\"tools\":[");
    for (size_t i = 0; rc == 0 && i < json_array_size(tools); i++) {
        if (i > 0) rc = append(out, ",");
        if (rc == 0) rc = append_tool(out, json_array_get(tools, i));
    }
    return rc ? rc : append(out, "]");
}

static int append_schema(struct rp_buf *out, const json_t *schema) {
    if (!schema) return 0;
    int rc = append(out, SCHEMA_HEAD);
    if (rc == 0) rc = rp_buf_json_value(out, schema);
    return rc ? rc : append(out, "}}");
}

static int64_t token_limit(const struct anthropic_options *options, const struct rp_prompt *prompt) {
    if (prompt->max_tokens > 0) return prompt->max_tokens;
    return options->remote.max_tokens > 0 ? options->remote.max_tokens : MAX_TOKENS;
}

int64_t request_reply(const struct rp_model *model) {
    const struct rp_prompt unset = {0};
    return token_limit(model->element.options, &unset);
}

int request_write(const void *data, const struct rp_call *call, bool stream, struct rp_buf *out) {
    const struct anthropic_options *options = data;
    int rc = append(out, "{\"model\":");
    if (rc == 0) rc = rp_buf_json(out, options->remote.model, strlen(options->remote.model));
    if (rc == 0) rc = rp_buf_printf(out, ",\"max_tokens\":%lld", (long long)token_limit(options, call->prompt));
    if (rc == 0) rc = append_system(out, options, call);
    if (rc == 0) rc = append_messages(out, call);
    if (rc == 0) rc = append_sampling(out, options, call->prompt);
    if (rc == 0) rc = append_stop(out, call->prompt->stop);
    if (rc == 0) rc = append_tools(out, call->prompt->tools);
    if (rc == 0) rc = append_schema(out, call->prompt->schema);
    if (rc == 0 && stream) rc = append(out, ",\"stream\":true");
    return rc ? rc : append(out, "}");
}

int request_head(const void *data, const char *key, struct rp_buf *out) {
    const struct anthropic_options *options = data;
    int rc = rp_buf_printf(out, "anthropic-version: %s", options->version);
    if (rc == 0) rc = rp_buf_append(out, "", 1);
    if (rc || !key) return rc;
    rc = rp_buf_printf(out, options->auth == AUTH_BEARER ? "Authorization: Bearer %s" : "x-api-key: %s", key);
    return rc ? rc : rp_buf_append(out, "", 1);
}
