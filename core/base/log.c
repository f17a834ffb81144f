/* Forming log lines. A line grows in its own `space`, and moves to the heap only when it is long.
 *
 * Until rp_log_close the ceiling of line->buf is two bytes lower than what there is, so that the end always fits. */
#include "core/base/digits.h"
#include "core/base/json_escape.h"
#include "core/base/log_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define END "}\n"
#define END_SIZE (sizeof END - 1)
#define CUT "\xe2\x80\xa6\"" /* what a cut value ends with: an ellipsis and the quote */
#define CUT_SIZE (sizeof CUT - 1)

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

/* "2026-11-22T12:00:00.123Z"; all but the milliseconds is kept from line to line. */
static struct rp_str timestamp(void) {
    static _Thread_local char text[sizeof "2026-11-22T12:00:00.123Z" + 32];
    static _Thread_local int64_t second = INT64_MIN;
    static _Thread_local size_t prefix;
    int64_t now = rp_wall_ms();

    if (now / 1000 != second) {
        struct tm tm = {0};
        time_t when = (time_t)(now / 1000);
        prefix = gmtime_r(&when, &tm) ? strftime(text, sizeof text - 8, "%Y-%m-%dT%H:%M:%S.", &tm) : 0;
        second = now / 1000;
    }
    unsigned ms = (unsigned)(now % 1000);
    char digits[4] = {(char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};
    memcpy(text + prefix, digits, sizeof digits);
    return rp_str_n(text, prefix + sizeof digits);
}

static bool on_heap(const struct rp_log_line *line) {
    return line->buf.data != line->space;
}

/* false: it is there already, and the line cannot get longer. */
static bool move_to_heap(struct rp_log_line *line) {
    struct rp_buf buf;

    if (on_heap(line)) return false;
    rp_buf_init(&buf, LOG_LINE_SIZE - END_SIZE);
    if (rp_buf_reserve(&buf, 2 * sizeof line->space)) return false;
    rp_buf_append(&buf, line->buf.data, line->buf.len);
    line->buf = buf;
    return true;
}

static void cut_back(struct rp_log_line *line, size_t len) {
    line->buf.len = len;
    line->buf.data[len] = '\0';
}

static int put_key(struct rp_buf *buf, const char *key) {
    int status = rp_buf_append_str(buf, RP_STR(", \""));

    if (!status) status = rp_buf_append(buf, key, strlen(key));
    return status ? status : rp_buf_append_str(buf, RP_STR("\": "));
}

void rp_log_open(struct rp_log_line *line, enum rp_log_level level, const char *component) {
    line->level = rp_log_enabled(level) ? level : RP_LOG_OFF;
    line->buf =
        (struct rp_buf){.data = line->space, .cap = sizeof line->space, .max = sizeof line->space - 1 - END_SIZE};
    line->space[0] = '\0';
    if (line->level == RP_LOG_OFF) return;
    rp_buf_append_str(&line->buf, RP_STR("{\"timestamp\": \""));
    rp_buf_append_str(&line->buf, timestamp());
    rp_buf_append_str(&line->buf, RP_STR("\", \"level\": \""));
    rp_buf_append_str(&line->buf, rp_str(level_names[level]));
    rp_buf_append_str(&line->buf, RP_STR("\""));
    if (component) rp_log_str(line, "component", rp_str(component));
}

/* As much of the value as the line has room for. */
static void put_cut(struct rp_log_line *line, const char *key, struct rp_str value) {
    struct rp_buf *buf = &line->buf;
    size_t before = buf->len;

    if (put_key(buf, key) || rp_buf_append_str(buf, RP_STR("\"")) || buf->max - buf->len < CUT_SIZE) {
        cut_back(line, before);
        return;
    }
    buf->max -= CUT_SIZE;
    json_escape(buf, value.data, value.len);
    buf->max += CUT_SIZE;
    rp_buf_append_str(buf, RP_STR(CUT));
}

void rp_log_str(struct rp_log_line *line, const char *key, struct rp_str value) {
    size_t before = line->buf.len;

    if (line->level == RP_LOG_OFF) return;
    do {
        if (put_key(&line->buf, key) == 0 && rp_buf_json(&line->buf, value.data, value.len) == 0) return;
        cut_back(line, before);
    } while (move_to_heap(line));
    put_cut(line, key, value);
}

void rp_log_json(struct rp_log_line *line, const char *key, struct rp_str json) {
    size_t before = line->buf.len;

    if (line->level == RP_LOG_OFF) return;
    do {
        if (put_key(&line->buf, key) == 0 && rp_buf_append_str(&line->buf, json) == 0) return;
        cut_back(line, before);
    } while (move_to_heap(line));
}

static void put_number(struct rp_log_line *line, const char *key, const char *digits) {
    rp_log_json(line, key, rp_str(digits));
}

void rp_log_int(struct rp_log_line *line, const char *key, int64_t value) {
    char text[DIGITS_MAX];
    char *first = text + sizeof text - 1;

    *first = '\0';
    first = digits_before(first, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
    if (value < 0) *--first = '-';
    put_number(line, key, first);
}

void rp_log_ms(struct rp_log_line *line, const char *key, double milliseconds) {
    char text[32];
    char *first = text + sizeof text - 1;
    double thousandths = fabs(milliseconds) * 1000 + 0.5;

    if (!(thousandths < 1e18)) { /* not a number, or no time that anything took */
        put_number(line, key, "null");
        return;
    }
    *first = '\0';
    first = digits_before(first, (uint64_t)thousandths % 1000, 3);
    *--first = '.';
    first = digits_before(first, (uint64_t)thousandths / 1000, 1);
    if (milliseconds < 0) *--first = '-';
    put_number(line, key, first);
}

void rp_log_close(struct rp_log_line *line) {
    if (line->level != RP_LOG_OFF) {
        line->buf.max += END_SIZE;
        rp_buf_append(&line->buf, END, END_SIZE);
        log_take(line->level, line->buf.data, line->buf.len);
    }
    line->level = RP_LOG_OFF;
    if (on_heap(line)) rp_buf_finish(&line->buf);
}

static void log_text(enum rp_log_level level, const char *component, const char *text, size_t len) {
    struct rp_log_line line;

    rp_log_open(&line, level, component);
    rp_log_str(&line, "message", rp_str_n(text, len));
    rp_log_close(&line);
}

void rp_log(enum rp_log_level level, const char *component, const char *format, ...) {
    char space[1024];
    va_list args;

    if (!rp_log_enabled(level)) return;
    va_start(args, format);
    int len = vsnprintf(space, sizeof space, format, args);
    va_end(args);
    if (len < 0) return;
    if ((size_t)len < sizeof space) {
        log_text(level, component, space, (size_t)len);
        return;
    }
    char *text = rp_alloc(LOG_LINE_SIZE);
    va_start(args, format);
    vsnprintf(text, LOG_LINE_SIZE, format, args);
    va_end(args);
    log_text(level, component, text, strlen(text));
    free(text);
}
