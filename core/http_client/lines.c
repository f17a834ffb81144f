/* Lines out of a stream of bytes. Whole ones are taken where they stand; only one that a cut has torn apart is copied. */
#include <repartee/http_client.h>

struct feed {
    int (*on_line)(void *arg, struct rp_str line);
    void *arg;
};

void rp_lines_init(struct rp_lines *lines, size_t max_line) {
    rp_buf_init(&lines->line, max_line);
}

void rp_lines_finish(struct rp_lines *lines) {
    rp_buf_finish(&lines->line);
}

static int take(const struct rp_lines *lines, struct rp_str line, const struct feed *feed) {
    if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
    if (line.len > lines->line.max) return -RP_ETOOLARGE;
    return line.len ? feed->on_line(feed->arg, line) : 0;
}

/* A line up to its end: what waited before goes in front. */
static int end_line(struct rp_lines *lines, const char *data, size_t len, const struct feed *feed) {
    if (lines->line.len == 0) return take(lines, rp_str_n(data, len), feed);
    int rc = rp_buf_append(&lines->line, data, len);
    if (rc == 0) rc = take(lines, rp_buf_str(&lines->line), feed);
    rp_buf_clear(&lines->line);
    return rc;
}

int rp_lines_feed(struct rp_lines *lines, const char *data, size_t len, int (*on_line)(void *arg, struct rp_str line),
                  void *arg) {
    const struct feed feed = {on_line, arg};
    for (const char *end = data + len; data < end;) {
        const char *stop = memchr(data, '\n', (size_t)(end - data));
        if (!stop) return rp_buf_append(&lines->line, data, (size_t)(end - data));
        int rc = end_line(lines, data, (size_t)(stop - data), &feed);
        if (rc != 0) return rc;
        data = stop + 1;
    }
    return 0;
}

int rp_lines_end(struct rp_lines *lines, int (*on_line)(void *arg, struct rp_str line), void *arg) {
    const struct feed feed = {on_line, arg};
    return end_line(lines, NULL, 0, &feed);
}
