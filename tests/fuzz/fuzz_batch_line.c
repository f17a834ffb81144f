/* The lines of a batch, its input and its output: cut out of bytes, each is an item or has an error, and what is written
 * of it is one line of JSON with the item's own id; what is taken for a result of an earlier run has the head of one. */
#include <stdlib.h>

#include <repartee/line_cutter.h>

#include "core/batch/item.h"
#include "core/batch/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_MAX_BYTES 4096

/* What the tree says of it. */
static void check_item(const struct rp_chat_body *body, struct rp_str line) {
    json_t *tree = NULL;
    if (rp_json_parse(line.data, line.len, &tree, NULL) != 0) return; /* a key of no interest stands there twice */
    const json_t *text = json_is_object(tree) ? json_object_get(tree, "message") : NULL;
    if (json_is_object(tree) && !json_is_string(text)) text = json_object_get(tree, "prompt");
    if (!json_is_object(tree) || !rp_str_equal(body->text, rp_str_n(json_string_value(text), json_string_length(text)))) abort();
    json_decref(tree);
}

static void check_error_line(struct rp_str id, int code) {
    const struct rp_fault fault = {.code = code};
    struct rp_buf out;
    json_t *tree = NULL;
    rp_buf_init(&out, 1 << 16);
    if (item_error_line(&out, "\"line\":1", id, &fault, NULL) != 0) abort();
    if (memchr(out.data, '\n', out.len) != out.data + out.len - 1) abort();
    if (rp_json_parse(out.data, out.len, &tree, NULL) != 0 || !json_object_get(tree, "error")) abort();
    if ((id.len > 0) != (json_object_get(tree, "id") != NULL)) abort();
    json_decref(tree);
    rp_buf_finish(&out);
}

static void on_line(struct rp_str line, struct rp_buf *space) {
    struct rp_chat_body body;
    struct ledger_entry entry;
    int code = item_parse(line, space, &body, NULL);
    if (code == 0 && line.data[strspn(line.data, " \t")] == '{') check_item(&body, line);
    check_error_line(body.id, code ? -code : RP_EBUSY);
    rp_chat_body_finish(&body);
    if (ledger_read(line, &entry) && (entry.line < 1 || entry.line > LEDGER_LINES)) abort();
    ledger_is_torn(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_str input = {(const char *)data, size}, line;
    struct rp_cutter cutter;
    struct rp_buf space;
    enum rp_line_kind kind;
    rp_cutter_init(&cutter, LINE_MAX_BYTES);
    rp_buf_init(&space, LINE_MAX_BYTES);
    while ((kind = rp_cutter_next(&cutter, &input, &line)) != RP_LINE_NONE)
        if (kind == RP_LINE_TEXT) on_line(line, &space);
    if (rp_cutter_rest(&cutter, &line) == RP_LINE_TEXT) on_line(line, &space);
    rp_cutter_finish(&cutter);
    rp_buf_finish(&space);
    return 0;
}
