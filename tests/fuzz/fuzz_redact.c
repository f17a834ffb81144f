/* Masking: whatever the text and however it is cut, what comes out of the pieces is what the whole gives. The first bytes
 * of the input say where to cut. */
#include <stdlib.h>

#include "plugins/stages/redact/mask.h"

#define CUTS 8

static struct mask *make_mask(void) {
    static const struct rp_pattern patterns[] = {
        {.name = "phone_cn"},
        {.name = "id_card_cn"},
        {.name = "bank_card"},
        {.name = "email"},
        {.name = "ipv4"},
        {.name = "word", .match = "\\bfoo\\b"},
        {.name = "context", .match = "(?<![\\p{L}])\\p{Lu}{2,}(?!\\w)"},
        {.name = "line", .match = "(?m)^- .{1,9}$"},
    };
    const struct rp_pattern_list list = {patterns, sizeof(patterns) / sizeof(patterns[0])};
    struct mask *mask;
    if (mask_create(&list, NULL, 1 << 20, &mask, NULL)) abort();
    return mask;
}

static void feed(struct mask_stream *stream, struct rp_str piece, bool final, struct rp_buf *all) {
    struct rp_str out;
    if (mask_feed(stream, piece, final, &out) || rp_buf_append_str(all, out)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct mask *mask;
    if (!mask) mask = make_mask();
    if (size < CUTS) return 0;
    struct rp_str text = {(const char *)data + CUTS, size - CUTS}, whole;
    if (!rp_utf8_valid(text.data, text.len)) return 0;
    struct rp_arena *arena = rp_arena_create();
    struct mask_stream *stream = mask_stream_create(mask);
    struct rp_buf all;
    rp_buf_init(&all, 1 << 24);
    size_t from = 0;
    for (size_t i = 0; i < CUTS; i++) {
        size_t to = from + data[i];
        if (to >= text.len) break;
        to = from + rp_utf8_whole(text.data + from, to - from);
        feed(stream, rp_str_n(text.data + from, to - from), false, &all);
        from = to;
    }
    feed(stream, rp_str_n(text.data + from, text.len - from), true, &all);
    if (mask_text(mask, arena, text, &whole) || !rp_str_equal(whole, rp_buf_str(&all))) abort();
    rp_buf_finish(&all);
    mask_stream_destroy(stream);
    rp_arena_destroy(arena);
    return 0;
}
