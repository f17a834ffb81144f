/* Takes log lines in their JSON form, from any thread, and makes sentences of them. */
#include "core/testing/log_lines.h"

#include <stdlib.h>
#include <uv.h>

#include "core/base/log_sink.h"

#define KEPT_MAX ((size_t)64 << 10) /* bytes of lines; more is not shown */

static struct rp_buf kept;
static uv_mutex_t lock;
static uv_once_t once = UV_ONCE_INIT;

static void prepare(void) {
    if (uv_mutex_init(&lock)) abort();
    rp_buf_init(&kept, KEPT_MAX);
}

static void take(void *arg, const char *line, size_t len) {
    (void)arg;
    uv_mutex_lock(&lock);
    rp_buf_append(&kept, line, len);
    uv_mutex_unlock(&lock);
}

void log_lines_keep(void) {
    uv_once(&once, prepare);
    log_divert(RP_LOG_WARN, take, NULL);
}

void log_lines_restore(void) {
    log_divert(RP_LOG_WARN, NULL, NULL);
    uv_once(&once, prepare);
    rp_buf_finish(&kept);
}

void log_lines_forget(void) {
    uv_mutex_lock(&lock);
    rp_buf_clear(&kept);
    uv_mutex_unlock(&lock);
}

static const char *field(const json_t *line, const char *name) {
    const char *text = json_string_value(json_object_get(line, name));
    return text ? text : "";
}

/* A turn's own line has no component: what it says, the failure says already. */
static void write_line(const json_t *line, struct rp_buf *out) {
    const char *component = field(line, "component"), *error = field(line, "error");
    if (!*component) return;
    rp_buf_printf(out, "%s%s: %s%s%s", out->len ? "\n" : "", component, field(line, "message"), *error ? ": " : "", error);
}

struct rp_str log_lines_read(struct rp_arena *arena) {
    struct rp_buf out;
    rp_buf_init(&out, 4 * KEPT_MAX);
    uv_mutex_lock(&lock);
    const char *at = kept.data, *end = kept.data + kept.len, *newline;
    while (at && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        json_t *line;
        if (rp_json_parse(at, (size_t)(newline - at), &line, NULL) == 0) {
            write_line(line, &out);
            json_decref(line);
        }
        at = newline + 1;
    }
    uv_mutex_unlock(&lock);
    struct rp_str text = rp_arena_str(arena, rp_buf_str(&out));
    rp_buf_finish(&out);
    return text;
}
