/* Normalised texts are what utf8proc makes of them, normalised again the same, and lead back to whole characters. */
#include <stdlib.h>
#include <utf8proc.h>

#include <repartee/normalise.h>

#define NFKC (UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE | UTF8PROC_IGNORE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(struct rp_str original, struct rp_str normal) {
    utf8proc_uint8_t *mapped;
    utf8proc_ssize_t len =
        utf8proc_map((const utf8proc_uint8_t *)original.data, (utf8proc_ssize_t)original.len, &mapped, NFKC);
    if (len < 0 || !rp_str_equal(normal, rp_str_n((const char *)mapped, (size_t)len))) abort();
    free(mapped);
}

static bool at_character(struct rp_str text, size_t at) {
    return at == text.len || ((unsigned char)text.data[at] & 0xC0) != 0x80;
}

static void check_spans(const struct rp_normalised *text) {
    size_t behind = 0;
    for (size_t at = 0, next; at < text->text.len; at = next) {
        for (next = at + 1; !at_character(text->text, next);) next++;
        struct rp_str span = rp_normalised_original(text, at, next);
        size_t from = (size_t)(span.data - text->original.data);
        if (from + span.len > text->original.len || from + span.len < behind) abort();
        if (!at_character(text->original, from) || !at_character(text->original, from + span.len)) abort();
        behind = from + span.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_str original = rp_str_n((const char *)data, size);
    struct rp_normalised text, again;
    if (size > 2048 || !rp_utf8_valid(original.data, size)) return 0; /* utf8proc sorts by swaps */
    struct rp_arena *arena = rp_arena_create();
    rp_normalise(arena, original, &text);
    compare(original, text.text);
    rp_normalise(arena, text.text, &again);
    if (again.change_count > 0) abort();
    if (text.change_count > 0) check_spans(&text);
    rp_arena_destroy(arena);
    return 0;
}
