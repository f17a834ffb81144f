/* Normalises up to the last character that nothing can join any more, and keeps the way back. */
#include "normal_stream.h"

#include <stdlib.h>

#include <repartee/unicode.h>

#ifndef DROP_MIN /* the tests drop at once */
#define DROP_MIN 4096 /* bytes, so that what is kept is not moved for each piece */
#endif

void normal_stream_init(struct normal_stream *stream, struct rp_arena *arena, size_t max) {
    *stream = (struct normal_stream){.arena = arena};
    rp_buf_init(&stream->original, max);
}

void normal_stream_finish(struct normal_stream *stream) {
    rp_buf_finish(&stream->original);
    free(stream->changes);
    stream->changes = NULL;
    stream->change_count = stream->change_cap = 0;
}

size_t normal_stream_total(const struct normal_stream *stream) {
    return stream->from + stream->original.len;
}

struct rp_str normal_stream_original(const struct normal_stream *stream, size_t from, size_t to) {
    return rp_str_n(stream->original.data + (from - stream->from), to - from);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static struct rp_normal_change *new_changes(struct normal_stream *stream, size_t count) {
    if (stream->change_count + count > stream->change_cap) {
        stream->change_cap = 2 * (stream->change_count + count);
        stream->changes = rp_realloc(stream->changes, stream->change_cap * sizeof(*stream->changes));
    }
    struct rp_normal_change *first = &stream->changes[stream->change_count];
    stream->change_count += count;
    return first;
}

static void add_changes(struct normal_stream *stream, const struct rp_normalised *text) {
    struct rp_normal_change *to = new_changes(stream, text->change_count);
    for (size_t i = 0; i < text->change_count; i++) {
        to[i] = text->changes[i];
        to[i].at += (uint32_t)stream->len;
        to[i].from += (uint32_t)stream->done;
    }
}

/* Where the last character of the piece starts that joins nothing in front of it; SIZE_MAX: all of them do. */
static size_t last_start(struct rp_str piece) {
    const uint8_t *table = rp_unicode_table();
    for (size_t at = piece.len, len; at > 0;) {
        at--;
        while (at > 0 && ((unsigned char)piece.data[at] & 0xC0) == 0x80) at--;
        if (rp_unicode_class(table, rp_unicode_read(piece.data + at, &len)) != RP_UNICODE_JOINS) return at;
    }
    return SIZE_MAX;
}

bool normal_starts_anew(struct rp_str text) {
    size_t len;
    return text.len == 0 || rp_unicode_class(rp_unicode_table(), rp_unicode_read(text.data, &len)) != RP_UNICODE_JOINS;
}

int normal_stream_feed(struct normal_stream *stream, struct rp_str piece, bool settled, struct rp_str *out_text) {
    struct rp_normalised text;
    if (!rp_utf8_valid(piece.data, piece.len)) return -RP_EUTF8;
    size_t last = settled ? piece.len : last_start(piece), before = normal_stream_total(stream);
    if (rp_buf_append_str(&stream->original, piece) != 0) return -RP_EREPLYSIZE;
    size_t until = last == SIZE_MAX ? stream->done : before + last;
    rp_normalise(stream->arena, normal_stream_original(stream, stream->done, until), &text);
    if (text.change_count) add_changes(stream, &text);
    stream->len += text.text.len;
    stream->done = until;
    *out_text = text.text;
    return 0;
}

/* ---- the way back ------------------------------------------------------------------------------------------------ */

static struct rp_normalised all_changes(const struct normal_stream *stream) {
    return (struct rp_normalised){.changes = stream->changes, .change_count = stream->change_count};
}

size_t normal_stream_start(const struct normal_stream *stream, size_t at) {
    struct rp_normalised text = all_changes(stream);
    return rp_normalised_start(&text, at);
}

size_t normal_stream_end(const struct normal_stream *stream, size_t at) {
    struct rp_normalised text = all_changes(stream);
    return rp_normalised_end(&text, at);
}

/* The first place from `at` to `end` whose original is still there. */
static size_t first_kept(const struct normal_stream *stream, size_t at, size_t end) {
    size_t kept = at > stream->dropped ? at : stream->dropped;
    return kept < end ? kept : end;
}

/* The changes that may lie between two places: the first one of them, and how many. */
static size_t changes_between(const struct normal_stream *stream, size_t first, size_t end, size_t *out_count) {
    struct rp_normalised all = all_changes(stream);
    size_t at = rp_normalised_changes_before(&all, first), behind = rp_normalised_changes_before(&all, end);
    at -= at > 0;
    *out_count = behind > at ? behind - at : 0;
    return at;
}

/* The changes between two places, as they look from `at`, where the original has `from`. A change that lies across the
 * first place is there with the rest of it. Only these are copied: a text may have as many changes as matches. */
static size_t copy_changes(const struct normal_stream *stream, size_t at, size_t from, size_t first, size_t end,
                           const struct rp_normal_change **out_changes) {
    size_t most, count = 0, start = changes_between(stream, first, end, &most);
    struct rp_normal_change *out = rp_arena_alloc(stream->arena, (most + 1) * sizeof(*out));
    *out_changes = out;
    for (size_t i = start; i < start + most; i++) {
        struct rp_normal_change change = stream->changes[i];
        if (change.at + change.len < first || change.from < from) continue;
        if (change.at < first) {
            change.len -= (uint32_t)(first - change.at);
            change.at = (uint32_t)first;
        }
        change.at -= (uint32_t)at;
        change.from = (uint32_t)(change.from - from + (first - at));
        out[count++] = change;
    }
    return count;
}

void normal_stream_view(const struct normal_stream *stream, size_t at, struct rp_str text, struct rp_normalised *out) {
    size_t end = at + text.len, first = first_kept(stream, at, end), front = first - at;
    size_t from = normal_stream_start(stream, first), to = normal_stream_end(stream, end);
    *out = (struct rp_normalised){.text = text, .original = text};
    out->change_count = copy_changes(stream, at, from, first, end, &out->changes);
    if (out->change_count == 0) return;
    struct rp_str original = normal_stream_original(stream, from, to > from ? to : from);
    char *copy = rp_arena_alloc(stream->arena, front + original.len + 1);
    if (front) memcpy(copy, text.data, front);
    memcpy(copy + front, original.data, original.len);
    copy[front + original.len] = '\0';
    out->original = rp_str_n(copy, front + original.len);
}

void normal_stream_drop(struct normal_stream *stream, size_t original, size_t normalised) {
    struct rp_normalised all = all_changes(stream);
    size_t gone = rp_normalised_changes_before(&all, normalised);
    const struct rp_normal_change *last = gone ? &stream->changes[gone - 1] : NULL;
    if (last && normalised < last->at + last->len) normalised = last->at; /* not into the middle of a change */
    size_t start = rp_normalised_start(&all, normalised);
    if (start > original || start < stream->from + DROP_MIN) return;
    rp_buf_consume(&stream->original, start - stream->from);
    stream->from = start;
    stream->dropped = normalised;
    if (gone < 2) return;
    gone--; /* the last one tells how far the two texts have moved apart */
    memmove(stream->changes, stream->changes + gone, (stream->change_count - gone) * sizeof(*stream->changes));
    stream->change_count -= gone;
}
