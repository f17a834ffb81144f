/* One line, one message: blank lines are none, a line that is too long costs only itself. */
#include "lines.h"

void lines_init(struct lines *lines, size_t max) {
    *lines = (struct lines){.max = max};
    rp_buf_init(&lines->buf, max + 1); /* and a CR that does not count */
}

void lines_finish(struct lines *lines) {
    rp_buf_finish(&lines->buf);
}

static bool blank(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r') return false;
    }
    return true;
}

static enum line_kind give(struct lines *lines, struct rp_str *out_line) {
    struct rp_str line = rp_buf_str(&lines->buf);
    bool too_long = lines->too_long;
    lines->too_long = false;
    lines->given = true;
    if (line.len && line.data[line.len - 1] == '\r') line.len--;
    if (too_long || line.len > lines->max) return LINE_LONG;
    if (blank(line)) return LINE_NONE;
    *out_line = line;
    return LINE_TEXT;
}

static void add(struct lines *lines, const char *data, size_t len) {
    if (lines->given) rp_buf_clear(&lines->buf);
    lines->given = false;
    if (!lines->too_long && rp_buf_append(&lines->buf, data, len)) lines->too_long = true;
}

enum line_kind lines_next(struct lines *lines, struct rp_str *input, struct rp_str *out_line) {
    while (input->len) {
        const char *end = memchr(input->data, '\n', input->len);
        size_t len = end ? (size_t)(end - input->data) : input->len;
        add(lines, input->data, len);
        len += end ? 1 : 0;
        *input = rp_str_n(input->data + len, input->len - len);
        enum line_kind kind = end ? give(lines, out_line) : LINE_NONE;
        if (kind != LINE_NONE) return kind;
    }
    return LINE_NONE;
}

enum line_kind lines_rest(struct lines *lines, struct rp_str *out_line) {
    add(lines, "", 0);
    return give(lines, out_line);
}
