#include "masks.h"

#include <stdlib.h>

struct mask *masks_of(const struct rp_pattern *patterns, size_t count) {
    struct rp_pattern_list list = {patterns, count};
    struct rp_error error = {0};
    struct mask *mask = NULL;
    if (mask_create(&list, NULL, 4096, &mask, &error)) fail_msg("%s", error.text);
    return mask;
}

struct mask *masks_all(void) {
    static const struct rp_pattern all[] = {ALL_BUILT_IN};
    return masks_of(all, sizeof(all) / sizeof(all[0]));
}

struct mask *masks_own(const char *match) {
    struct rp_pattern own = {.name = "own", .match = match};
    return masks_of(&own, 1);
}

char *masks_whole(const struct mask *mask, const char *text) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_str masked;
    int code = mask_text(mask, arena, rp_str(text), &masked);
    if (code) fail_msg("'%s': %s", text, rp_error_code(code));
    char *copy = strndup(masked.data, masked.len);
    rp_arena_destroy(arena);
    return copy;
}

void masks_expect_pieces(const struct mask *mask, const char *text, const bool *cut, const char *whole) {
    struct mask_stream *stream = mask_stream_create(mask);
    size_t len = strlen(text), from = 0, given = 0, whole_len = strlen(whole);
    for (size_t to = 1; to <= len; to++) {
        if (to < len && !cut[to - 1]) continue;
        /* A copy of its own, so that a read beyond the piece is seen by the sanitizer. */
        char *piece = malloc(to - from);
        memcpy(piece, text + from, to - from);
        struct rp_str out;
        int code = mask_feed(stream, rp_str_n(piece, to - from), to == len, &out);
        free(piece);
        if (code) fail_msg("'%s' cut at %zu and %zu: %s", text, from, to, rp_error_code(code));
        if (given + out.len > whole_len || (out.len && memcmp(whole + given, out.data, out.len) != 0)) {
            fail_msg("'%s' cut at %zu and %zu: after '%.*s' came '%.*s', not a beginning of '%s'", text, from, to,
                     (int)given, whole, RP_STR_ARG(out), whole);
        }
        given += out.len;
        from = to;
    }
    if (given != whole_len) fail_msg("'%s': only '%.*s' came of '%s'", text, (int)given, whole, whole);
    mask_stream_destroy(stream);
}

bool masks_is_boundary(const char *text, size_t at) {
    return ((unsigned char)text[at] & 0xC0) != 0x80;
}
