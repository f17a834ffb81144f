/* Reads the body of POST /v1/chat strictly: a field of a wrong type is an error that names it, unknown fields are
 * nobody's business. */
#include "message.h"


#define NAME_MAX_BYTES 128 /* of a session's or user's name */

static int wrong(struct rp_error *error, const char *name, const char *type) {
    return rp_error_set(error, RP_EINVALID, "the field '%s' must be %s", name, type);
}

static bool absent(const json_t *value) {
    return !value || json_is_null(value);
}

static struct rp_str text_of(const json_t *value) {
    return rp_str_n(json_string_value(value), json_string_length(value));
}

static bool is_name(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) return false;
    }
    return text.len <= NAME_MAX_BYTES;
}

static int read_name(const json_t *root, const char *name, struct rp_str *out, struct rp_error *error) {
    const json_t *value = json_object_get(root, name);
    if (absent(value)) return 0;
    if (!json_is_string(value)) return wrong(error, name, "a string");
    if (!is_name(text_of(value))) return wrong(error, name, "at most 128 bytes without control characters");
    *out = text_of(value);
    return 0;
}

static int read_text(const json_t *root, struct rp_str *out, struct rp_error *error) {
    const char *name = "message";
    const json_t *value = json_object_get(root, name);
    if (absent(value) && json_object_get(root, "prompt")) {
        name = "prompt";
        value = json_object_get(root, name);
    }
    if (absent(value)) return rp_error_set(error, RP_EINVALID, "the field 'message' is missing");
    if (!json_is_string(value)) return wrong(error, name, "a string");
    *out = text_of(value);
    return 0;
}

static int read_stream(const json_t *root, bool *out, struct rp_error *error) {
    const json_t *value = json_object_get(root, "stream");
    if (absent(value)) return 0;
    if (!json_is_boolean(value)) return wrong(error, "stream", "true or false");
    *out = json_is_true(value);
    return 0;
}

static int read_metadata(const json_t *root, json_t **out, struct rp_error *error) {
    json_t *value = json_object_get(root, "metadata");
    if (absent(value)) return 0;
    if (!json_is_object(value)) return wrong(error, "metadata", "an object");
    *out = value;
    return 0;
}

int message_parse(struct rp_str body, struct message *out_message, struct rp_error *error) {
    struct message message = {0};
    if (!rp_utf8_valid(body.data, body.len)) return rp_error_set(error, RP_EUTF8, "the body is not valid UTF-8");
    int status = rp_json_parse(body.data, body.len, &message.root, error);
    if (status) return status;
    if (!json_is_object(message.root)) {
        status = rp_error_set(error, RP_EINVALID, "the body must be a JSON object");
    }
    if (!status) status = read_text(message.root, &message.text, error);
    if (!status) status = read_name(message.root, "session", &message.session, error);
    if (!status) status = read_name(message.root, "user", &message.user, error);
    if (!status) status = read_stream(message.root, &message.stream, error);
    if (!status) status = read_metadata(message.root, &message.metadata, error);
    if (status) {
        message_finish(&message);
        return status;
    }
    *out_message = message;
    return 0;
}

void message_finish(struct message *message) {
    json_decref(message->root);
    message->root = NULL;
}
