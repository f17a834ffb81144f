/* One line, one message: blank lines are none, a line that is too long costs only itself. */
#include <repartee/line_cutter.h>

void rp_cutter_init(struct rp_cutter *cutter, size_t max) {
    *cutter = (struct rp_cutter){.max = max, .given = true};
    rp_buf_init(&cutter->buf, max + 1); /* and a CR that does not count */
}

void rp_cutter_finish(struct rp_cutter *cutter) {
    rp_buf_finish(&cutter->buf);
}

static bool blank(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r') return false;
    }
    return true;
}

static enum rp_line_kind give(struct rp_cutter *cutter, struct rp_str line, struct rp_str *out_line) {
    bool too_long = cutter->too_long;
    cutter->too_long = false;
    cutter->given = true;
    cutter->number++;
    if (line.len && line.data[line.len - 1] == '\r') line.len--;
    if (too_long || line.len > cutter->max) return RP_LINE_LONG;
    if (blank(line)) return RP_LINE_NONE;
    *out_line = line;
    return RP_LINE_TEXT;
}

static void add(struct rp_cutter *cutter, const char *data, size_t len) {
    if (cutter->given) rp_buf_clear(&cutter->buf);
    cutter->given = false;
    if (!cutter->too_long && rp_buf_append(&cutter->buf, data, len)) cutter->too_long = true;
}

/* The line has begun with earlier bytes, so that it must be put together; others are taken where they stand. */
static bool torn(const struct rp_cutter *cutter) {
    return !cutter->given || cutter->too_long;
}

enum rp_line_kind rp_cutter_next(struct rp_cutter *cutter, struct rp_str *input, struct rp_str *out_line) {
    while (input->len) {
        const char *end = memchr(input->data, '\n', input->len);
        struct rp_str line = rp_str_n(input->data, end ? (size_t)(end - input->data) : input->len);
        size_t taken = line.len + (end ? 1 : 0);
        *input = rp_str_n(input->data + taken, input->len - taken);
        if (!end || torn(cutter)) {
            add(cutter, line.data, line.len);
            line = rp_buf_str(&cutter->buf);
        }
        enum rp_line_kind kind = end ? give(cutter, line, out_line) : RP_LINE_NONE;
        if (kind != RP_LINE_NONE) return kind;
    }
    return RP_LINE_NONE;
}

enum rp_line_kind rp_cutter_rest(struct rp_cutter *cutter, struct rp_str *out_line) {
    add(cutter, "", 0);
    return give(cutter, rp_buf_str(&cutter->buf), out_line);
}
