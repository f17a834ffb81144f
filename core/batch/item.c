/* What an item may be, and how results are written. */
#include "core/batch/item.h"

#include <repartee/json_scan.h>

#include "core/turn/turn.h"

#define ID_MAX_BYTES 256 /* of an item's id, as it is written */
#define ID_MAX_DIGITS 18 /* of one that is a number, its sign included: what every reader of JSON can hold */

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static char first_of(struct rp_str text) {
    struct rp_scan scan;
    rp_scan_init(&scan, text);
    return rp_scan_peek(&scan);
}

/* A text by itself, in quotes. */
static int read_text(struct rp_str text, struct rp_buf *space, struct rp_chat_body *out_body, struct rp_error *error) {
    struct rp_scan scan;
    if (!rp_utf8_valid(text.data, text.len)) return rp_error_set(error, RP_EUTF8, "the item is not valid UTF-8");
    rp_buf_clear(space);
    rp_scan_init(&scan, text);
    scan.strict = true;
    if (!rp_scan_string(&scan, space) || !rp_scan_done(&scan))
        return rp_error_set(error, RP_EJSON, "the item is not valid JSON");
    *out_body = (struct rp_chat_body){.text = rp_buf_str(space)};
    return 0;
}

static bool is_id(struct rp_str id) {
    char first = id.data[0];
    bool whole = first == '-' || (first >= '0' && first <= '9');
    for (size_t i = 1; whole && i < id.len; i++) whole = id.data[i] >= '0' && id.data[i] <= '9';
    return whole ? id.len <= ID_MAX_DIGITS : first == '"' && id.len <= ID_MAX_BYTES;
}

static int check_id(struct rp_chat_body *body, struct rp_error *error) {
    if (body->id.len == 0 || is_id(body->id)) return 0;
    rp_chat_body_finish(body);
    *body = (struct rp_chat_body){0};
    return rp_error_set(error, RP_EINVALID,
                        "the field 'id' must be a string of at most 254 bytes or a whole number of at "
                        "most 18 digits");
}

/* Of an item that is JSON, but not as it should be: whoever sent it wants to know which it was. */
static struct rp_str find_id(struct rp_str text) {
    struct rp_scan scan;
    struct rp_str key, id = {0};
    if (!rp_utf8_valid(text.data, text.len)) return id;
    rp_scan_init(&scan, text);
    scan.strict = true;
    for (bool first = rp_scan_open(&scan, '{'); rp_scan_key(&scan, &first, &key);) {
        if (rp_str_equal(key, RP_STR("id")))
            rp_scan_raw(&scan, &id);
        else
            rp_scan_skip(&scan);
    }
    return rp_scan_done(&scan) && id.len > 0 && is_id(id) ? id : (struct rp_str){0};
}

int item_parse(struct rp_str text, struct rp_buf *space, struct rp_chat_body *out_body, struct rp_error *error) {
    struct rp_chat_body body = {0};
    int code = first_of(text) == '"' ? read_text(text, space, &body, error)
                                     : rp_chat_body_parse(text, "the item", space, &body, error);
    if (code == -RP_EINVALID && first_of(text) != '{')
        rp_error_set(error, RP_EINVALID, "the item must be a text in quotes or a JSON object");
    if (code == 0) code = check_id(&body, error);
    if (code != 0) body = (struct rp_chat_body){.id = find_id(text)};
    *out_body = body;
    return code;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int put_head(struct rp_buf *out, const char *head, struct rp_str id, int status) {
    int code = rp_buf_printf(out, "{%s%s\"status\":%d", head, head[0] ? "," : "", status);
    if (code == 0 && id.len > 0) code = rp_buf_append_str(out, RP_STR(",\"id\":"));
    return code == 0 ? rp_buf_append_str(out, id) : code;
}

static int put_text(struct rp_buf *out, const char *key, const char *text) {
    int code = rp_buf_append_str(out, rp_str(key));
    return code == 0 ? rp_buf_json(out, text, strlen(text)) : code;
}

int item_reply_line(struct rp_buf *out, const char *head, struct rp_str id, const struct rp_turn *turn,
                    enum rp_finish finish) {
    int code = put_head(out, head, id, 200);
    if (code == 0) code = put_text(out, ",\"request_id\":", turn->id);
    if (code == 0) code = turn_json_members(turn, finish, out);
    return code == 0 ? rp_buf_append_str(out, RP_STR("}\n")) : code;
}

int item_error_line(struct rp_buf *out, const char *head, struct rp_str id, const struct rp_fault *fault,
                    const char *request_id) {
    const char *message = fault->message ? fault->message : rp_error_text(fault->code);
    int code = put_head(out, head, id, rp_error_http_status(fault->code));
    if (code == 0) code = rp_buf_printf(out, ",\"error\":{\"code\":\"%s\"", rp_error_code(fault->code));
    if (code == 0) code = put_text(out, ",\"message\":", message);
    if (code == 0 && request_id) code = put_text(out, ",\"request_id\":", request_id);
    if (code == 0 && fault->retry_after > 0) code = rp_buf_printf(out, ",\"retry_after\":%d", fault->retry_after);
    return code == 0 ? rp_buf_append_str(out, RP_STR("}}\n")) : code;
}
