/* A call: one allocation with its key and value, and the lines that calls stand in. */
#include <stdlib.h>

#include "sqlite.h"

struct call *call_create(enum kind kind, struct rp_str key, struct rp_str value) {
    struct call *call = malloc(sizeof *call + key.len + value.len);
    if (!call) return NULL;
    *call = (struct call){.kind = kind, .key_len = key.len, .value_len = value.len};
    if (key.len) memcpy(call->bytes, key.data, key.len);
    if (value.len) memcpy(call->bytes + key.len, value.data, value.len);
    return call;
}

void call_free(struct call *call) {
    rp_buf_finish(&call->out);
    rp_buf_finish(&call->at);
    free(call);
}

size_t call_cost(const struct call *call) {
    return sizeof *call + 16 + call->key_len + call->value_len;
}

void line_init(struct line *line) {
    line->first = NULL;
    line->last = &line->first;
}

void line_add(struct line *line, struct call *call) {
    call->next = NULL;
    *line->last = call;
    line->last = &call->next;
}

struct call *line_take(struct line *line) {
    struct call *call = line->first;
    if (!call) return NULL;
    line->first = call->next;
    if (!line->first) line->last = &line->first;
    return call;
}

void line_move(struct line *from, struct line *to) {
    if (!from->first) return;
    *to->last = from->first;
    to->last = from->last;
    line_init(from);
}
