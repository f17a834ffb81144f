/* The one engine that masks: a whole text is a stream of one piece. What is masked is defined in mask.h; here is why
 * the pieces do not matter. Each pattern's takings form a sequence. An element is added to it only when PCRE2 decided it
 * without wanting to see beyond the end of the text, or when the text is known to end there; so the sequence is the same
 * for every cut, only known sooner or later. Text goes out up to the first place that any pattern is undecided about,
 * and a mask goes out when it is sure which pattern begins it. The rest is a merge of the sequences. */
#include "mask.h"

#include <repartee/log.h>
#include <stdlib.h>

#define TEXT_MAX (64u << 20) /* a backstop; the reply's and the message's own limits are far below */

enum hit_state {
    HIT_UNKNOWN,   /* to be searched for, at `from` */
    HIT_NONE,      /* no match begins in the text at hand; the search goes on at `from`, its end */
    HIT_UNDECIDED, /* a match may begin at `from` */
    HIT_FOUND,     /* start to end are taken; the search goes on at `from` */
};
struct hit {
    enum hit_state state;
    size_t from, start, end; /* bytes of `text` */
};
struct mask_stream {
    const struct mask *mask;
    struct rp_buf text; /* the original: context that patterns look back at, then what waits from `done` on */
    struct rp_buf out;
    size_t done;       /* given out, as it was or masked; a match that begins before it overlaps the last mask */
    struct hit hits[]; /* one a rule */
};

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

static unsigned classes_of(struct rp_str text) {
    unsigned seen = 0;
    for (size_t i = 0; i < text.len; i++) seen |= byte_classes[(unsigned char)text.data[i]];
    if ((seen & MASK_WIDE) && !(seen & MASK_DIGIT) && has_wide_digit(text)) seen |= MASK_DIGIT;
    return seen;
}

/* Text without the classes that a pattern needs holds no match; while more can follow, none even begins in it. */
static bool is_absent(const struct mask_rule *rule, unsigned seen, bool final) {
    if (final) return (rule->needs & ~seen) != 0;
    return rule->starts != 0 && (rule->starts & seen) == 0;
}

static size_t next_character(struct rp_str text, size_t at) {
    do at++;
    while (at < text.len && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    return at;
}

static size_t taken(const struct mask_rule *rule, struct rp_str match) {
    return rule->check && match.len ? rule->check(match) : match.len;
}

/* The rule's next taking from hit->from on. */
static int search(const struct mask_rule *rule, struct rp_str text, bool final, struct hit *hit) {
    unsigned flags = RP_MATCH_TRUSTED | (final ? 0 : RP_MATCH_PARTIAL);
    struct rp_match match;
    while (hit->from < text.len) {
        int found = rp_regex_match(rule->regex, text, hit->from, flags, &match);
        if (found < 0) return found;
        if (found == RP_MATCH_NONE) break;
        size_t start = match.group[0].start;
        if (found == RP_MATCH_UNDECIDED) {
            hit->state = HIT_UNDECIDED;
            hit->from = start;
            return 0;
        }
        size_t len = taken(rule, rp_str_n(text.data + start, match.group[0].end - start));
        hit->from = len ? start + len : next_character(text, start);
        if (len == 0) continue;
        hit->state = HIT_FOUND;
        hit->start = start;
        hit->end = hit->from;
        return 0;
    }
    hit->state = HIT_NONE;
    hit->from = text.len;
    return 0;
}

static int search_all(struct mask_stream *stream, struct rp_str text, unsigned seen, bool final) {
    for (size_t i = 0; i < stream->mask->count; i++) {
        const struct mask_rule *rule = &stream->mask->rules[i];
        struct hit *hit = &stream->hits[i];
        if (hit->state != HIT_UNKNOWN) continue;
        if (is_absent(rule, seen, final)) {
            hit->state = HIT_NONE;
            hit->from = text.len;
            continue;
        }
        int code = search(rule, text, final, hit);
        if (code) {
            rp_log(RP_LOG_WARN, "redact", "pattern '%s' needed too many steps", rule->name);
            return code;
        }
    }
    return 0;
}

/* The first place that is not decided yet: the text's end where every pattern is sure. */
static size_t frontier(const struct mask_stream *stream, size_t end) {
    for (size_t i = 0; i < stream->mask->count; i++) {
        const struct hit *hit = &stream->hits[i];
        if (hit->state == HIT_UNDECIDED && hit->from < end) end = hit->from;
    }
    return end;
}

/* The taking that starts first; of those the longest, then the first in the list. NULL: none is known. */
static struct hit *earliest(struct mask_stream *stream) {
    struct hit *best = NULL;
    for (size_t i = 0; i < stream->mask->count; i++) {
        struct hit *hit = &stream->hits[i];
        if (hit->state != HIT_FOUND) continue;
        if (!best || hit->start < best->start || (hit->start == best->start && hit->end > best->end)) best = hit;
    }
    return best;
}

static int give(struct mask_stream *stream, struct rp_str text, size_t to) {
    int code = rp_buf_append(&stream->out, text.data + stream->done, to - stream->done);
    stream->done = to;
    return code;
}

static int give_mask(struct mask_stream *stream, struct rp_str text, const struct hit *hit) {
    int code = give(stream, text, hit->start);
    stream->done = hit->end;
    return code ? code : rp_buf_append_str(&stream->out, rp_str(stream->mask->rules[hit - stream->hits].word));
}

/* Merges what the patterns take, as far as all of them are sure. */
static int merge(struct mask_stream *stream, struct rp_str text, unsigned seen, bool final) {
    for (;;) {
        int code = search_all(stream, text, seen, final);
        if (code) return code;
        size_t sure = frontier(stream, text.len);
        struct hit *hit = earliest(stream);
        if (hit && hit->start < stream->done) {
            if (hit->end > stream->done) stream->done = hit->end;
        } else if (hit && hit->start < sure) {
            if ((code = give_mask(stream, text, hit))) return code;
        } else {
            return sure > stream->done ? give(stream, text, sure) : 0;
        }
        hit->state = HIT_UNKNOWN;
    }
}

/* All that waits, from the first place where a match may begin. Called before anything is searched anew. */
static struct rp_str waiting(const struct mask_stream *stream) {
    size_t from = frontier(stream, stream->done);
    return rp_str_n(stream->text.data + from, stream->text.len - from);
}

/* Drops the text that no pattern can look back at any more. */
static void trim(struct mask_stream *stream) {
    size_t keep = frontier(stream, stream->done);
    for (size_t i = 0; i < stream->mask->context && keep > 0; i++) {
        do keep--;
        while (keep > 0 && ((unsigned char)stream->text.data[keep] & 0xC0) == 0x80);
    }
    if (keep == 0) return;
    rp_buf_consume(&stream->text, keep);
    stream->done -= keep;
    for (size_t i = 0; i < stream->mask->count; i++) {
        struct hit *hit = &stream->hits[i];
        hit->from -= keep;
        if (hit->state != HIT_FOUND) continue;
        hit->start -= keep;
        hit->end -= keep;
    }
}

static int check_hold(const struct mask_stream *stream) {
    if (stream->text.len - stream->done <= stream->mask->hold) return 0;
    size_t from = frontier(stream, stream->text.len);
    for (size_t i = 0; i < stream->mask->count; i++) {
        if (stream->hits[i].state != HIT_UNDECIDED || stream->hits[i].from != from) continue;
        rp_log(RP_LOG_WARN, "redact", "pattern '%s' is undecided about more text than hold = %zu allows",
               stream->mask->rules[i].name, stream->mask->hold);
    }
    return -RP_EREGEX;
}

struct mask_stream *mask_stream_create(const struct mask *mask) {
    struct mask_stream *stream = rp_calloc(1, sizeof(*stream) + mask->count * sizeof(stream->hits[0]));
    stream->mask = mask;
    rp_buf_init(&stream->text, TEXT_MAX);
    rp_buf_init(&stream->out, TEXT_MAX);
    return stream;
}

void mask_stream_destroy(struct mask_stream *stream) {
    if (!stream) return;
    rp_buf_finish(&stream->text);
    rp_buf_finish(&stream->out);
    free(stream);
}

int mask_feed(struct mask_stream *stream, struct rp_str piece, bool final, struct rp_str *out_text) {
    rp_buf_clear(&stream->out);
    if (!rp_utf8_valid(piece.data, piece.len)) return -RP_EUTF8;
    int code = rp_buf_append_str(&stream->text, piece);
    if (code) return code;
    unsigned seen = classes_of(waiting(stream));
    for (size_t i = 0; i < stream->mask->count; i++) {
        if (stream->hits[i].state != HIT_FOUND) stream->hits[i].state = HIT_UNKNOWN;
    }
    if ((code = merge(stream, rp_buf_str(&stream->text), seen, final))) return code;
    if ((code = check_hold(stream))) return code;
    *out_text = rp_buf_str(&stream->out);
    trim(stream);
    return 0;
}

static bool all_absent(const struct mask *mask, struct rp_str text) {
    unsigned seen = classes_of(text);
    for (size_t i = 0; i < mask->count; i++) {
        if (!is_absent(&mask->rules[i], seen, true)) return false;
    }
    return true;
}

int mask_text(const struct mask *mask, struct rp_arena *arena, struct rp_str text, struct rp_str *out_text) {
    if (all_absent(mask, text)) {
        *out_text = text;
        return 0;
    }
    struct mask_stream *stream = mask_stream_create(mask);
    struct rp_str masked;
    int code = mask_feed(stream, text, true, &masked);
    if (code == 0) *out_text = rp_str_equal(masked, text) ? text : rp_arena_str(arena, masked);
    mask_stream_destroy(stream);
    return code;
}
