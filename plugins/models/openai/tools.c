/* Tool calls: joined by index while a stream brings them in pieces. */
#include <stdlib.h>

#include "decode.h"

#define TOOL_NAME_MAX 256
#define TOOL_ARGUMENTS_MAX (256 * 1024)

struct tool *tool_at(struct tool_list *list, int64_t index) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].index == index) return &list->items[i];
    }
    if (list->count == TOOLS_MAX) return NULL;
    list->items = rp_realloc(list->items, (list->count + 1) * sizeof(list->items[0]));
    struct tool *tool = &list->items[list->count++];
    *tool = (struct tool){.index = index};
    rp_buf_init(&tool->id, TOOL_NAME_MAX);
    rp_buf_init(&tool->name, TOOL_NAME_MAX);
    rp_buf_init(&tool->arguments, TOOL_ARGUMENTS_MAX);
    return tool;
}

void tools_finish(struct tool_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        rp_buf_finish(&list->items[i].id);
        rp_buf_finish(&list->items[i].name);
        rp_buf_finish(&list->items[i].arguments);
    }
    free(list->items);
    *list = (struct tool_list){0};
}

static bool decode_function(struct rp_scan *scan, struct rp_buf *name, struct rp_buf *arguments) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        struct rp_buf *out = rp_str_equal(key, RP_STR("name"))        ? name
                             : rp_str_equal(key, RP_STR("arguments")) ? arguments
                                                                      : NULL;
        if (!(out ? rp_scan_text(scan, out) : rp_scan_skip(scan))) return false;
    }
    return !scan->broken;
}

static bool decode_piece(struct rp_scan *scan, struct tool *piece) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good;
        if (rp_str_equal(key, RP_STR("index")))
            good = rp_scan_integer(scan, &piece->index);
        else if (rp_str_equal(key, RP_STR("id")))
            good = rp_scan_text(scan, &piece->id);
        else if (rp_str_equal(key, RP_STR("function")))
            good = decode_function(scan, &piece->name, &piece->arguments);
        else
            good = rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

/* Id and name come whole, and some servers repeat them with every piece. */
static bool join(struct tool_list *list, const struct tool *piece) {
    struct tool *tool = tool_at(list, piece->index);
    if (!tool) return false;
    if (tool->id.len == 0) rp_buf_append_str(&tool->id, rp_buf_str(&piece->id));
    if (tool->name.len == 0) rp_buf_append_str(&tool->name, rp_buf_str(&piece->name));
    return rp_buf_append_str(&tool->arguments, rp_buf_str(&piece->arguments)) == 0;
}

bool tools_decode(struct tool_list *list, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '[') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '['), good = true;
    for (int64_t at = 0; good && rp_scan_item(scan, &first); at++) {
        struct tool_list piece = {0};
        struct tool *tool = tool_at(&piece, at); /* a whole completion gives no index */
        good = decode_piece(scan, tool) && join(list, tool);
        tools_finish(&piece);
    }
    return good && !scan->broken;
}

bool tools_valid(struct tool_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        struct tool *tool = &list->items[i];
        if (tool->arguments.len == 0) rp_buf_append(&tool->arguments, "{}", 2);
        struct rp_scan scan;
        rp_scan_init(&scan, rp_buf_str(&tool->arguments));
        bool json = rp_scan_skip(&scan) && rp_scan_done(&scan);
        if (!json || tool->name.len == 0 || !rp_utf8_valid(tool->name.data, tool->name.len) ||
            !rp_utf8_valid(tool->arguments.data, tool->arguments.len))
            return false;
    }
    return true;
}
