/* The one engine that masks: a whole text is a stream of one piece. The sieve finds; here its takings become words. */
#include "mask.h"

#include <repartee/log.h>
#include <stdlib.h>

#define OUT_MAX (64u << 20) /* a backstop; the reply's and the message's own limits are far below */

struct mask_stream {
    const struct mask *mask;
    struct rp_sieve *sieve;
    unsigned *counts; /* NULL: nobody counts */
    struct rp_buf out;
};

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static const unsigned char byte_classes[256] = {
    ['0' ... '9'] = MASK_DIGIT | MASK_LOCAL,
    ['a' ... 'z'] = MASK_LOCAL,
    ['A' ... 'Z'] = MASK_LOCAL,
    ['.'] = MASK_LOCAL,
    ['_'] = MASK_LOCAL,
    ['%'] = MASK_LOCAL,
    ['-'] = MASK_LOCAL,
    ['+'] = MASK_LOCAL | MASK_PLUS,
    ['@'] = MASK_AT,
    [0xEF] = MASK_WIDE,
};

/* U+FF10 to U+FF19 are EF BC 90 to EF BC 99; the comma that ends every other Chinese phrase is EF BC 8C. */
static bool has_wide_digit(struct rp_str text) {
    const char *end = text.data + text.len;
    for (const char *at = text.data; (at = memchr(at, 0xEF, (size_t)(end - at))); at++) {
        if (end - at >= 3 && (unsigned char)at[1] == 0xBC && ((unsigned char)at[2] & 0xF0) == 0x90) return true;
    }
    return false;
}

unsigned mask_classes(struct rp_str text) {
    unsigned seen = 0;
    for (size_t i = 0; i < text.len; i++) seen |= byte_classes[(unsigned char)text.data[i]];
    if ((seen & MASK_WIDE) && !(seen & MASK_DIGIT) && has_wide_digit(text)) seen |= MASK_DIGIT;
    return seen;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

struct mask_stream *mask_stream_create(const struct mask *mask) {
    struct mask_stream *stream = rp_calloc(1, sizeof(*stream));
    stream->mask = mask;
    stream->sieve = rp_sieve_create(&mask->set);
    rp_buf_init(&stream->out, OUT_MAX);
    return stream;
}

void mask_stream_count(struct mask_stream *stream, unsigned *counts) {
    stream->counts = counts;
}

void mask_stream_destroy(struct mask_stream *stream) {
    if (!stream) return;
    rp_sieve_destroy(stream->sieve);
    rp_buf_finish(&stream->out);
    free(stream);
}

static int refuse(const struct mask_stream *stream, size_t pattern, int code) {
    const char *name = stream->mask->rules[pattern].name;
    if (code == -RP_ETOOLARGE) {
        rp_log(RP_LOG_WARN, "redact", "pattern '%s' is undecided about more text than hold = %zu allows", name,
               stream->mask->set.hold);
    } else {
        rp_log(RP_LOG_WARN, "redact", "pattern '%s' needed too many steps", name);
    }
    return -RP_EREGEX;
}

int mask_feed(struct mask_stream *stream, struct rp_str piece, bool final, struct rp_str *out_text) {
    struct rp_sieve_part part = {0};
    int code = rp_sieve_feed(stream->sieve, piece, final), found;
    if (code) return code;
    rp_buf_clear(&stream->out);
    while ((found = rp_sieve_next(stream->sieve, &part)) > 0) {
        struct rp_str text = found == RP_SIEVE_MATCH ? rp_str(stream->mask->rules[part.pattern].word) : part.text;
        if (found == RP_SIEVE_MATCH && stream->counts) stream->counts[part.pattern]++;
        if ((code = rp_buf_append_str(&stream->out, text))) return code;
    }
    if (found < 0) return refuse(stream, part.pattern, found);
    *out_text = rp_buf_str(&stream->out);
    return 0;
}

int mask_text_counted(const struct mask *mask, struct rp_arena *arena, struct rp_str text, unsigned *counts,
                      struct rp_str *out_text) {
    if (rp_sieve_absent(&mask->set, text)) {
        *out_text = text;
        return 0;
    }
    struct mask_stream *stream = mask_stream_create(mask);
    stream->counts = counts;
    struct rp_str masked;
    int code = mask_feed(stream, text, true, &masked);
    if (code == 0) *out_text = rp_str_equal(masked, text) ? text : rp_arena_str(arena, masked);
    mask_stream_destroy(stream);
    return code;
}

int mask_text(const struct mask *mask, struct rp_arena *arena, struct rp_str text, struct rp_str *out_text) {
    return mask_text_counted(mask, arena, text, NULL, out_text);
}
