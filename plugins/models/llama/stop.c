/* Finds stop texts in what has been held back plus the new piece, and mends what is no UTF-8. */
#define _GNU_SOURCE /* memmem */
#include "stop.h"

#include <stdlib.h>

#define HELD_MAX ((size_t)1 << 20)
#define REPLACEMENT "\xEF\xBF\xBD"

void stop_init(struct stop *stop, const char *const *texts) {
    size_t count = 0;
    while (texts && texts[count]) count++;
    *stop = (struct stop){.texts = rp_calloc(count + 1, sizeof(*stop->texts))};
    for (size_t i = 0; i < count; i++)
        if (*texts[i]) stop->texts[stop->count++] = rp_strdup(texts[i]);
    rp_buf_init(&stop->held, HELD_MAX);
    rp_buf_init(&stop->decided, 3 * HELD_MAX);
}

void stop_finish(struct stop *stop) {
    for (size_t i = 0; i < stop->count; i++) free(stop->texts[i]);
    free(stop->texts);
    rp_buf_finish(&stop->held);
    rp_buf_finish(&stop->decided);
}

/* ---- stop texts -------------------------------------------------------------------------------------------------- */

/* The earliest stop text in what is held; SIZE_MAX: none. */
static size_t find(const struct stop *stop) {
    size_t earliest = SIZE_MAX;
    for (size_t i = 0; i < stop->count; i++) {
        const char *at = memmem(stop->held.data, stop->held.len, stop->texts[i], strlen(stop->texts[i]));
        if (at && (size_t)(at - stop->held.data) < earliest) earliest = (size_t)(at - stop->held.data);
    }
    return earliest;
}

/* How many bytes at the end may be the beginning of this text. */
static size_t begun(const struct rp_buf *held, const char *text) {
    size_t most = strlen(text) - 1;
    if (most > held->len) most = held->len;
    while (most > 0 && memcmp(held->data + held->len - most, text, most) != 0) most--;
    return most;
}

/* The bytes that are decided: not the beginning of a stop text, and no torn character. */
static size_t decided(const struct stop *stop) {
    size_t hold = 0;
    for (size_t i = 0; i < stop->count; i++) {
        size_t bytes = begun(&stop->held, stop->texts[i]);
        if (bytes > hold) hold = bytes;
    }
    return rp_utf8_whole(stop->held.data, stop->held.len - hold);
}

/* ---- valid text -------------------------------------------------------------------------------------------------- */

/* The length of the valid text at the start. */
static size_t valid_prefix(const char *data, size_t len) {
    size_t at = 0;
    while (at < len) {
        size_t step = 1;
        while (step <= 4 && at + step <= len && !rp_utf8_valid(data + at, step)) step++;
        if (step > 4 || at + step > len) break;
        at += step;
    }
    return at;
}

/* Moves the first `len` held bytes to `decided`, mended. */
static void move(struct stop *stop, size_t len) {
    const char *data = stop->held.data;
    rp_buf_clear(&stop->decided);
    if (len == 0) return;
    if (rp_utf8_valid(data, len)) {
        rp_buf_append(&stop->decided, data, len);
    } else {
        for (size_t at = 0; at < len;) {
            size_t good = valid_prefix(data + at, len - at);
            rp_buf_append(&stop->decided, data + at, good);
            at += good;
            if (at == len) break;
            rp_buf_append(&stop->decided, REPLACEMENT, sizeof(REPLACEMENT) - 1);
            at++;
        }
    }
    rp_buf_consume(&stop->held, len);
}

bool stop_feed(struct stop *stop, const char *data, size_t len, struct rp_str *out) {
    rp_buf_append(&stop->held, data, len);
    size_t at = find(stop);
    bool found = at != SIZE_MAX;
    move(stop, found ? at : decided(stop));
    if (found) rp_buf_clear(&stop->held);
    *out = rp_buf_str(&stop->decided);
    return found;
}

struct rp_str stop_rest(struct stop *stop) {
    move(stop, stop->held.len);
    return rp_buf_str(&stop->decided);
}
