/* Server-sent events. The data of each is one line of JSON, so no text can end an event early. */
#include "http.h"

int sse_delta(struct rp_buf *out, struct rp_str text) {
    int status = rp_buf_append_str(out, RP_STR("event: delta\ndata: {\"text\":"));
    if (!status) status = rp_buf_json(out, text.data, text.len);
    if (!status) status = rp_buf_append_str(out, RP_STR("}\n\n"));
    return status;
}

int sse_done(struct rp_buf *out, const struct rp_turn *turn, enum rp_finish finish) {
    int status = rp_buf_append_str(out, RP_STR("event: done\ndata: "));
    if (!status) status = rp_turn_json(turn, finish, out);
    if (!status) status = rp_buf_append_str(out, RP_STR("\n\n"));
    return status;
}

int sse_error(struct rp_buf *out, const struct rp_fault *fault, const char *request_id) {
    int status = rp_buf_append_str(out, RP_STR("event: error\ndata: "));
    if (!status) status = rp_buf_json_error(out, fault->code, fault->message, request_id);
    if (!status) status = rp_buf_append_str(out, RP_STR("\n\n"));
    return status;
}
