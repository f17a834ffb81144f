/* A reply may be what a model or another user wrote: control characters, which could move the cursor or set the
 * terminal up anew, are shown as U+FFFD. */
#include "layout.h"

#define PROMPT "bot> "
#define INDENT "     "
#define BREAKS_MAX 100 /* empty lines in a row */

static int begin(struct layout *layout, struct rp_buf *out) {
    int code = layout->begun ? 0 : rp_buf_append_str(out, RP_STR(PROMPT));
    layout->begun = true;
    for (; !code && layout->breaks; layout->breaks--) {
        code = rp_buf_append_str(out, layout->breaks == 1 ? RP_STR("\n" INDENT) : RP_STR("\n"));
    }
    return code;
}

/* The length of the control character at the front, or 0: C0 but tab, DEL, and C1 in UTF-8. */
static size_t control(const char *data, size_t len) {
    unsigned char first = (unsigned char)data[0];
    if (first < 0x20) return first != '\t';
    if (first == 0x7f) return 1;
    return first == 0xc2 && len > 1 && (unsigned char)data[1] < 0xa0 ? 2 : 0;
}

static int add_run(struct layout *layout, const char *data, size_t len, struct rp_buf *out) {
    if (len == 0) return 0;
    int code = begin(layout, out);
    return code ? code : rp_buf_append(out, data, len);
}

int layout_text(struct layout *layout, struct rp_str text, struct rp_buf *out) {
    size_t from = 0;
    int code = 0;
    for (size_t at = 0; at < text.len && !code;) {
        size_t size = control(text.data + at, text.len - at);
        if (size == 0) {
            at++;
            continue;
        }
        code = add_run(layout, text.data + from, at - from, out);
        if (text.data[at] == '\n') layout->breaks += layout->breaks < BREAKS_MAX;
        else if (text.data[at] != '\r' && !code) code = add_run(layout, "\xef\xbf\xbd", 3, out);
        from = at += size;
    }
    return code ? code : add_run(layout, text.data ? text.data + from : "", text.len - from, out);
}

int layout_end(struct layout *layout, const char *error, struct rp_buf *out) {
    bool begun = layout->begun;
    *layout = (struct layout){0};
    if (!error) return rp_buf_append_str(out, begun ? RP_STR("\n") : RP_STR(PROMPT "\n"));
    return rp_buf_printf(out, "%sbot! %s\n", begun ? "\n" : "", error);
}
