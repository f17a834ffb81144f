/* Finds with a sieve, which tells the same for every cut; here its matches become what the guard puts in their place. */
#include "guard_text.h"

#include "fill.h"

/* Of the original: what waits for a decision is limited by itself, and some of what is decided is kept. */
#define GUARD_KEPT_MAX(max) ((max) < SIZE_MAX / 4 ? 2 * (max) + (1 << 20) : (max))

/* What the guard says in place of the match; `text` is what the match's groups lie in. */
static struct rp_str fill(const struct guard_use *use, const struct rp_sieve_part *part, const struct rp_match *match,
                          const struct rp_normalised *text) {
    if (!use->guard->has_with) return use->sentence;
    struct captures captures = {use->patterns->patterns[part->pattern].regex, match, text};
    return captures_fill(&captures, use->guard->with, use->arena);
}

static void note_found(const struct guard_use *use, struct guard_found *found, struct rp_str matched,
                       struct rp_str with) {
    if (found->found) return;
    *found = (struct guard_found){true, rp_arena_str(use->arena, matched), with};
}

/* ---- a whole text ------------------------------------------------------------------------------------------------ */

static int regex_code(int code) {
    return code == -RP_ETOOLARGE ? -RP_EREPLYSIZE : code;
}

static int whole_match(const struct guard_use *use, const struct rp_sieve *sieve, const struct rp_sieve_part *part,
                       const struct rp_normalised *text, struct guard_found *found, struct rp_str *out_with) {
    struct rp_match match;
    struct rp_str searched;
    int code = rp_sieve_groups(sieve, part, &match, &searched);
    if (code) return code;
    *out_with = fill(use, part, &match, text);
    note_found(use, found, rp_normalised_original(text, part->at, part->at + part->text.len), *out_with);
    return 0;
}

static int look(const struct guard_use *use, struct rp_sieve *sieve, const struct rp_normalised *text,
                struct guard_found *out) {
    struct rp_sieve_part part;
    struct rp_str with;
    int code = rp_sieve_feed(sieve, text->text, true);
    while (code == 0 && (code = rp_sieve_next(sieve, &part)) == RP_SIEVE_TEXT) code = 0;
    return code == RP_SIEVE_MATCH ? whole_match(use, sieve, &part, text, out, &with) : code;
}

int guard_look(const struct guard_use *use, const struct rp_normalised *text, struct guard_found *out) {
    struct rp_sieve *sieve = rp_sieve_create(&use->patterns->set);
    *out = (struct guard_found){.with = use->guard->has_with ? use->guard->with : use->sentence};
    int code = look(use, sieve, text, out);
    rp_sieve_destroy(sieve);
    return regex_code(code);
}

/* A replacement under way: the original is copied up to each taking, and goes on behind it. */
struct replacing {
    const struct rp_normalised *text;
    struct rp_buf out;
    size_t copied;     /* bytes of the original */
    size_t taken_from; /* of the normalised text; SIZE_MAX: no taking is open */
    struct rp_str with;
};

/* The open taking ends at `end` of the normalised text. What it touches of the original goes. */
static int close_taking(struct replacing *replacing, size_t end) {
    if (replacing->taken_from == SIZE_MAX) return 0;
    struct rp_str original = replacing->text->original;
    struct rp_str gone = rp_normalised_original(replacing->text, replacing->taken_from, end);
    size_t from = (size_t)(gone.data - original.data), to = from + gone.len;
    int code = 0;
    if (from > replacing->copied) {
        code = rp_buf_append(&replacing->out, original.data + replacing->copied, from - replacing->copied);
    }
    if (to > replacing->copied) replacing->copied = to;
    replacing->taken_from = SIZE_MAX;
    return code ? code : rp_buf_append_str(&replacing->out, replacing->with);
}

static int replace(const struct guard_use *use, struct rp_sieve *sieve, struct replacing *replacing,
                   struct guard_found *found) {
    struct rp_sieve_part part;
    int kind = 0, code = rp_sieve_feed(sieve, replacing->text->text, true);
    while (code == 0 && (kind = rp_sieve_next(sieve, &part)) > 0) {
        code = close_taking(replacing, part.at);
        if (code || kind == RP_SIEVE_TEXT) continue;
        replacing->taken_from = part.at;
        code = whole_match(use, sieve, &part, replacing->text, found, &replacing->with);
    }
    if (code == 0 && kind < 0) code = kind;
    if (code == 0) code = close_taking(replacing, replacing->text->text.len);
    struct rp_str original = replacing->text->original;
    if (code || !found->found) return code;
    return rp_buf_append(&replacing->out, original.data + replacing->copied, original.len - replacing->copied);
}

int guard_replace(const struct guard_use *use, const struct rp_normalised *text, struct guard_found *out,
                  struct rp_str *out_text) {
    struct rp_sieve *sieve = rp_sieve_create(&use->patterns->set);
    struct replacing replacing = {.text = text, .taken_from = SIZE_MAX};
    rp_buf_init(&replacing.out, use->max);
    *out = (struct guard_found){.found = false};
    int code = replace(use, sieve, &replacing, out);
    *out_text = text->original;
    if (code == 0 && out->found) *out_text = rp_arena_str(use->arena, rp_buf_str(&replacing.out));
    rp_buf_finish(&replacing.out);
    rp_sieve_destroy(sieve);
    return regex_code(code);
}

/* ---- in pieces --------------------------------------------------------------------------------------------------- */

void guard_stream_init(struct guard_stream *stream, const struct guard_use *use) {
    *stream = (struct guard_stream){.use = use};
    rp_buf_init(&stream->out, use->max);
    normal_stream_init(&stream->normal, use->arena, GUARD_KEPT_MAX(use->max));
}

bool guard_settles(const struct guard_use *use) {
    struct rp_str with = use->guard->has_with ? use->guard->with : use->sentence;
    bool captured = with.len > 0 && with.data[0] == '{';
    return use->guard->action != GUARD_FLAG && !captured && normal_starts_anew(with);
}

void guard_stream_finish(struct guard_stream *stream) {
    rp_sieve_destroy(stream->sieve);
    stream->sieve = NULL;
    rp_buf_finish(&stream->out);
    normal_stream_finish(&stream->normal);
}

/* A reply in one piece that no pattern is in: 0, without a sieve. 1 where one is; -RP_EUTF8. */
static int look_once(const struct guard_use *use, struct rp_str text) {
    struct rp_normalised whole;
    if (!rp_utf8_valid(text.data, text.len)) return -RP_EUTF8;
    rp_normalise(use->arena, text, &whole);
    for (size_t i = 0; i < use->patterns->set.count; i++) {
        struct rp_match match;
        if (rp_regex_match(use->patterns->patterns[i].regex, whole.text, 0, RP_MATCH_TRUSTED, &match) != RP_MATCH_NONE)
            return 1;
    }
    return 0;
}

static int copy_until(struct guard_stream *stream, size_t place) {
    if (place <= stream->copied) return 0;
    struct rp_str text = normal_stream_original(&stream->normal, stream->copied, place);
    stream->copied = place;
    return rp_buf_append_str(&stream->out, text);
}

/* What was taken ends where the next part begins. */
static void close_taken(struct guard_stream *stream, size_t at) {
    size_t end = stream->taken ? normal_stream_end(&stream->normal, at) : 0;
    if (end > stream->copied) stream->copied = end;
    stream->taken = false;
}

static int on_text(struct guard_stream *stream, const struct rp_sieve_part *part) {
    stream->given = part->at + part->text.len;
    return copy_until(stream, normal_stream_end(&stream->normal, stream->given));
}

static struct rp_str written(const struct guard_stream *stream, const struct rp_sieve_part *part) {
    size_t from = normal_stream_start(&stream->normal, part->at);
    size_t to = normal_stream_end(&stream->normal, part->at + part->text.len);
    return from < to ? normal_stream_original(&stream->normal, from, to) : RP_STR("");
}

/* Of the text that was searched, what the groups lie in; they are moved along. The rest may be long, with as many
 * matches, and must not be copied for each of them. */
static struct rp_str keep_groups(struct rp_str text, struct rp_match *match) {
    size_t from = match->group[0].start, to = match->group[0].end;
    for (size_t i = 1; i < match->count; i++) {
        if (match->group[i].start == SIZE_MAX) continue;
        if (match->group[i].start < from) from = match->group[i].start;
        if (match->group[i].end > to) to = match->group[i].end;
    }
    for (size_t i = 0; i < match->count; i++) {
        if (match->group[i].start == SIZE_MAX) continue;
        match->group[i].start -= from;
        match->group[i].end -= from;
    }
    return rp_str_n(text.data + from, to - from);
}

static int on_match(struct guard_stream *stream, const struct rp_sieve_part *part, bool *out_ended) {
    const struct guard_use *use = stream->use;
    struct rp_normalised searched;
    struct rp_match match;
    struct rp_str text;
    int code = rp_sieve_groups(stream->sieve, part, &match, &text);
    if (code == 0) code = copy_until(stream, normal_stream_start(&stream->normal, part->at));
    if (code) return code;
    text = keep_groups(text, &match);
    normal_stream_view(&stream->normal, part->at - match.group[0].start, text, &searched);
    struct rp_str with = fill(use, part, &match, &searched);
    note_found(use, &stream->found, written(stream, part), with);
    stream->given = part->at + part->text.len;
    stream->taken = true;
    *out_ended = use->guard->action == GUARD_BLOCK;
    return rp_buf_append_str(&stream->out, with);
}

static int sift(struct guard_stream *stream, bool final, bool *out_ended) {
    struct rp_sieve_part part;
    int kind, code = 0;
    while (code == 0 && !*out_ended && (kind = rp_sieve_next(stream->sieve, &part)) != RP_SIEVE_DONE) {
        if (kind < 0) return kind;
        close_taken(stream, part.at);
        code = kind == RP_SIEVE_TEXT ? on_text(stream, &part) : on_match(stream, &part, out_ended);
    }
    if (code || *out_ended || !final) return code;
    close_taken(stream, stream->normal.len);
    return copy_until(stream, normal_stream_total(&stream->normal));
}

/* A flag changes nothing: the text goes by, and is only looked at. */
static int watch(struct guard_stream *stream) {
    struct rp_sieve_part part;
    int kind;
    while ((kind = rp_sieve_next(stream->sieve, &part)) > 0) {
        stream->given = part.at + part.text.len;
        if (kind == RP_SIEVE_MATCH) note_found(stream->use, &stream->found, written(stream, &part), RP_STR(""));
    }
    stream->copied = normal_stream_total(&stream->normal);
    return kind;
}

/* A pattern may look back, and its groups lie there then. */
static void drop_given(struct guard_stream *stream) {
    size_t back = 4 * stream->use->patterns->set.context; /* bytes of so many characters */
    size_t keep = stream->given > back ? stream->given - back : 0;
    normal_stream_drop(&stream->normal, stream->copied, keep);
}

/* Nobody knows whether the text matches: for a guard that blocks, it does. */
static int block_blindly(struct guard_stream *stream, bool *out_ended) {
    const struct guard_use *use = stream->use;
    struct rp_match none = {.count = 0};
    struct rp_normalised nothing = {.text = RP_STR(""), .original = RP_STR("")};
    for (size_t i = 0; i < RP_REGEX_GROUPS; i++) none.group[i].start = none.group[i].end = SIZE_MAX;
    note_found(use, &stream->found, RP_STR(""), RP_STR(""));
    *out_ended = true;
    return rp_buf_append_str(&stream->out, fill(use, &(struct rp_sieve_part){.pattern = 0}, &none, &nothing));
}

/* One piece through the sieve, from where it came to `out`. */
static int feed(struct guard_stream *stream, struct rp_str piece, enum guard_piece kind, bool *out_ended) {
    enum guard_action action = stream->use->guard->action;
    struct rp_str normal;
    bool final = kind == GUARD_PIECE_LAST;
    int code = normal_stream_feed(&stream->normal, piece, kind != GUARD_PIECE_OPEN, &normal);
    if (code == 0) code = rp_sieve_feed(stream->sieve, normal, final);
    if (code == 0) code = action == GUARD_FLAG ? watch(stream) : sift(stream, final, out_ended);
    if (code == -RP_EREGEX && action == GUARD_BLOCK) code = block_blindly(stream, out_ended);
    if (code == 0 && !*out_ended && rp_sieve_waiting(stream->sieve).len > stream->use->max) code = -RP_EREPLYSIZE;
    return code;
}

int guard_stream_feed(struct guard_stream *stream, struct rp_str piece, enum guard_piece kind, struct rp_str *out_text,
                      bool *out_ended) {
    *out_ended = false;
    int code = !stream->sieve && kind == GUARD_PIECE_LAST ? look_once(stream->use, piece) : 1;
    *out_text = piece;
    if (code <= 0) return code;
    if (!stream->sieve) stream->sieve = rp_sieve_create(&stream->use->patterns->set);
    rp_buf_clear(&stream->out);
    code = feed(stream, piece, kind, out_ended);
    if (stream->use->guard->action != GUARD_FLAG) *out_text = rp_buf_str(&stream->out);
    if (code == 0 && !*out_ended) drop_given(stream);
    return regex_code(code);
}
