/* JSON frames in and out:
 *
 *     {"type": "message", "text": "…", "session": "s1", "user": "u1", "id": "…", "metadata": {…},
 *      "explain": true}                                                                          in
 *     {"type": "cancel", "id": "…"}   {"type": "ping"}                                              in
 *     {"type": "delta", "text": "…"}  {"type": "reply", …}  {"type": "error", "error": {…}}         out
 *
 * Unknown fields are ignored. What a message may say is checked by the core when its turn starts. */
#include "frame.h"

#include <ctype.h>

static const struct {
    const char *name;
    enum frame_type type;
} types[] = {{"message", FRAME_MESSAGE}, {"cancel", FRAME_CANCEL}, {"ping", FRAME_PING}};

static int read_type(const json_t *root, enum frame_type *out_type, struct rp_error *error) {
    const char *name = json_string_value(json_object_get(root, "type"));
    if (!name) return rp_error_set(error, RP_EINVALID, "a frame needs 'type', a string");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *out_type = types[i].type;
        return 0;
    }
    return rp_error_set(error, RP_EINVALID, "'type' must be 'message', 'cancel' or 'ping'");
}

/* JSON null counts as not given. */
static int read_string(const json_t *root, const char *name, struct rp_str *out_text, struct rp_error *error) {
    const json_t *value = json_object_get(root, name);
    if (!value || json_is_null(value)) return 0;
    if (!json_is_string(value)) return rp_error_set(error, RP_EINVALID, "'%s' must be a string", name);
    *out_text = rp_str_n(json_string_value(value), json_string_length(value));
    return 0;
}

static bool id_valid(struct rp_str id) {
    if (id.len > FRAME_ID_MAX) return false;
    for (size_t i = 0; i < id.len; i++) {
        if (!isalnum((unsigned char)id.data[i]) && !(id.data[i] && strchr("._-", id.data[i]))) return false;
    }
    return true;
}

static int read_id(const json_t *root, struct rp_str *out_id, struct rp_error *error) {
    struct rp_str id = {0};
    int code = read_string(root, "id", &id, error);
    if (code) return code;
    if (!id_valid(id)) {
        return rp_error_set(error, RP_EINVALID, "'id' takes at most %d of the characters a-z A-Z 0-9 . _ -",
                            FRAME_ID_MAX);
    }
    *out_id = id;
    return 0;
}

static int read_message(json_t *root, struct frame *frame, struct rp_error *error) {
    int code = read_string(root, "text", &frame->text, error);
    if (!code && !frame->text.data) code = read_string(root, "message", &frame->text, error);
    if (!code && !frame->text.data) code = rp_error_set(error, RP_EINVALID, "a message needs 'text', a string");
    if (!code) code = read_string(root, "session", &frame->session, error);
    if (!code) code = read_string(root, "user", &frame->user, error);
    if (code) return code;
    const json_t *explain = json_object_get(root, "explain");
    if (explain && !json_is_boolean(explain) && !json_is_null(explain))
        return rp_error_set(error, RP_EINVALID, "'explain' must be true or false");
    frame->explain = json_is_true(explain);
    json_t *metadata = json_object_get(root, "metadata");
    if (!metadata || json_is_null(metadata)) return 0;
    if (!json_is_object(metadata)) return rp_error_set(error, RP_EINVALID, "'metadata' must be an object");
    frame->metadata = metadata;
    return 0;
}

int frame_parse(struct rp_str text, struct frame *out_frame, struct rp_error *error) {
    struct frame frame = {0};
    int code = rp_json_parse(text.data, text.len, &frame.root, error);
    if (code) return code;
    if (!json_is_object(frame.root)) code = rp_error_set(error, RP_EINVALID, "a frame must be a JSON object");
    if (!code) code = read_type(frame.root, &frame.type, error);
    if (!code) code = read_id(frame.root, &frame.id, error);
    if (!code && frame.type == FRAME_MESSAGE) code = read_message(frame.root, &frame, error);
    if (code) {
        frame_finish(&frame);
        return code;
    }
    *out_frame = frame;
    return 0;
}

void frame_finish(struct frame *frame) {
    json_decref(frame->root);
    *frame = (struct frame){0};
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

/* The object that was appended at `at` continues the one in front of it. */
static void join(struct rp_buf *buf, size_t at) {
    buf->data[at] = ',';
}

int frame_delta(struct rp_buf *buf, struct rp_str text) {
    int code = rp_buf_append_str(buf, RP_STR("{\"type\":\"delta\",\"text\":"));
    if (!code) code = rp_buf_json(buf, text.data, text.len);
    return code ? code : rp_buf_append_str(buf, RP_STR("}"));
}

int frame_reply(struct rp_buf *buf, const struct rp_turn *turn, enum rp_finish finish) {
    int code = rp_buf_append_str(buf, RP_STR("{\"type\":\"reply\""));
    size_t at = buf->len;
    if (!code) code = rp_turn_json(turn, finish, buf);
    if (!code) join(buf, at);
    return code;
}

int frame_error(struct rp_buf *buf, const struct rp_fault *fault, const char *request_id) {
    int code = rp_buf_append_str(buf, RP_STR("{\"type\":\"error\""));
    if (!code && fault->retry_after > 0) code = rp_buf_printf(buf, ",\"retry_after\":%d", fault->retry_after);
    size_t at = buf->len;
    if (!code) code = rp_buf_json_error(buf, fault->code, fault->message, request_id);
    if (!code) join(buf, at);
    return code;
}

int frame_pong(struct rp_buf *buf) {
    return rp_buf_append_str(buf, RP_STR("{\"type\":\"pong\"}"));
}
