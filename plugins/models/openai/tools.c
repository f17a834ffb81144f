/* Tool calls: joined by index while a stream brings them in pieces. */
#include "openai.h"

/* One element of "tool_calls", before it is known which call it belongs to. */
struct piece {
    int64_t index;
    struct rp_buf id, name;
    struct rp_str arguments; /* as written */
};

#define PIECE_NAME_MAX 256

static bool read_function(struct piece *piece, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "name")        ? rp_scan_text(scan, &piece->name)
                    : rp_str_is(key, "arguments") ? rp_scan_raw(scan, &piece->arguments)
                                                  : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

static bool read_fields(struct piece *piece, struct rp_scan *scan) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "index")      ? rp_scan_count(scan, &piece->index)
                    : rp_str_is(key, "id")       ? rp_scan_text(scan, &piece->id)
                    : rp_str_is(key, "function") ? read_function(piece, scan)
                                                 : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

/* Id and name come whole, and some servers repeat them with every piece. */
static bool join(struct rp_answer *answer, const struct piece *piece) {
    struct rp_answer_tool *tool = rp_answer_tool(answer, piece->index);
    if (!tool) return false;
    if (tool->id.len == 0) rp_buf_append_str(&tool->id, rp_buf_str(&piece->id));
    if (tool->name.len == 0) rp_buf_append_str(&tool->name, rp_buf_str(&piece->name));
    if (piece->arguments.len == 0) return true;
    struct rp_scan scan;
    rp_scan_init(&scan, piece->arguments);
    return rp_answer_scan_arguments(tool, &scan);
}

static bool read_piece(struct rp_answer *answer, struct rp_scan *scan, int64_t place) {
    struct piece piece = {.index = place}; /* a whole completion gives no index */
    rp_buf_init(&piece.id, PIECE_NAME_MAX);
    rp_buf_init(&piece.name, PIECE_NAME_MAX);
    bool good = read_fields(&piece, scan) && join(answer, &piece);
    rp_buf_finish(&piece.id);
    rp_buf_finish(&piece.name);
    return good;
}

bool tools_read(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '[') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '[');
    for (int64_t place = 0; rp_scan_item(scan, &first); place++) {
        if (!read_piece(answer, scan, place)) return false;
    }
    return !scan->broken;
}
