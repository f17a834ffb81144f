/* The parser of server-sent events, as the WHATWG describes the format. Whole lines are taken where they stand; only a
 * line that a cut has torn apart is put together in the `line` buffer. */
#include <repartee/http_client.h>

#define EVENT_NAME_MAX 256

struct feed {
    int (*on_event)(void *arg, struct rp_str event, struct rp_str data);
    void *arg;
};

void rp_sse_init(struct rp_sse *sse, size_t max_event) {
    *sse = (struct rp_sse){0};
    rp_buf_init(&sse->line, max_event);
    rp_buf_init(&sse->data, max_event);
    rp_buf_init(&sse->event, EVENT_NAME_MAX);
}

void rp_sse_finish(struct rp_sse *sse) {
    rp_buf_finish(&sse->line);
    rp_buf_finish(&sse->data);
    rp_buf_finish(&sse->event);
}

static int take_event(struct rp_sse *sse, const struct feed *feed) {
    int rc = 0;
    if (sse->data.len > 0) { /* each line of data has left its line feed; the last is not part of the value */
        struct rp_str event = sse->event.len ? rp_buf_str(&sse->event) : RP_STR("message");
        rc = feed->on_event(feed->arg, event, rp_str_n(sse->data.data, sse->data.len - 1));
    }
    rp_buf_clear(&sse->data);
    rp_buf_clear(&sse->event);
    return rc;
}

static int take_field(struct rp_sse *sse, struct rp_str name, struct rp_str value) {
    if (rp_str_equal(name, RP_STR("data"))) {
        int rc = rp_buf_append_str(&sse->data, value);
        return rc ? rc : rp_buf_append(&sse->data, "\n", 1);
    }
    if (rp_str_equal(name, RP_STR("event"))) {
        rp_buf_clear(&sse->event);
        return rp_buf_append_str(&sse->event, value);
    }
    return 0; /* id and retry are for clients that reconnect; the rest is to be ignored */
}

static struct rp_str without_bom(struct rp_str line) {
    bool bom = line.len >= 3 && memcmp(line.data, "\xEF\xBB\xBF", 3) == 0;
    return bom ? rp_str_n(line.data + 3, line.len - 3) : line;
}

static int take_line(struct rp_sse *sse, struct rp_str line, const struct feed *feed) {
    if (line.len > sse->line.max) return -RP_ETOOLARGE;
    if (!sse->started) line = without_bom(line);
    sse->started = true;
    if (line.len == 0) return take_event(sse, feed);
    const char *colon = memchr(line.data, ':', line.len);
    if (!colon) return take_field(sse, line, rp_str_n(NULL, 0));
    struct rp_str name = {line.data, (size_t)(colon - line.data)};
    struct rp_str value = {colon + 1, line.len - name.len - 1};
    if (value.len > 0 && value.data[0] == ' ') value = rp_str_n(value.data + 1, value.len - 1);
    return take_field(sse, name, value); /* a comment is a field without a name */
}

/* The part of a line up to its end: what waited before goes in front. */
static int end_line(struct rp_sse *sse, const char *data, size_t len, const struct feed *feed) {
    if (sse->line.len == 0) return take_line(sse, rp_str_n(data, len), feed);
    int rc = rp_buf_append(&sse->line, data, len);
    if (rc == 0) rc = take_line(sse, rp_buf_str(&sse->line), feed);
    rp_buf_clear(&sse->line);
    return rc;
}

static const char *find_line_end(const char *data, size_t len) {
    const char *lf = memchr(data, '\n', len);
    const char *cr = memchr(data, '\r', lf ? (size_t)(lf - data) : len);
    return cr ? cr : lf;
}

int rp_sse_feed(struct rp_sse *sse, const char *data, size_t len,
                int (*on_event)(void *arg, struct rp_str event, struct rp_str data), void *arg) {
    const struct feed feed = {on_event, arg};
    const char *end = data + len;
    while (data < end) {
        if (sse->after_cr && *data == '\n') data++;
        sse->after_cr = false;
        const char *stop = find_line_end(data, (size_t)(end - data));
        if (!stop) return rp_buf_append(&sse->line, data, (size_t)(end - data));
        const char *line = data;
        sse->after_cr = *stop == '\r';
        data = stop + 1;
        int rc = end_line(sse, line, (size_t)(stop - line), &feed);
        if (rc != 0) return rc;
    }
    return 0;
}
