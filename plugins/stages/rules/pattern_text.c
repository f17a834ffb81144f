/* Copies a pattern piece by piece. Characters in a row are normalised together, as a message's would be; in classes each
 * by itself. */
#include "pattern_text.h"

#include <stdio.h>

#include <repartee/normalise.h>
#include "pattern.h"
#include <repartee/unicode.h>

#define BYTES_MAX ((size_t)1 << 20) /* more than PCRE2 is given */
#define RANGE_MAX 1024              /* characters of a range that are looked at one by one */

struct run { /* characters in a row, with the \Q and \E between them */
    struct rp_str written;
    struct rp_buf text; /* what they stand for */
};
struct copy {
    struct rp_arena *arena;
    struct rp_buf out;
    struct run run;
    bool full;
};

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_str(struct copy *copy, struct rp_str text) {
    copy->full |= rp_buf_append(&copy->out, text.data, text.len) != 0;
}

static bool is_word(int32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* So that it stands for itself wherever it is. */
static void write_character(struct copy *copy, int32_t c) {
    char text[16];
    if (c < ' ' || c == 0x7F) {
        write_str(copy, rp_str_n(text, (size_t)snprintf(text, sizeof(text), "\\x{%x}", (unsigned)c)));
    } else {
        if (c < 0x80 && !is_word(c)) write_str(copy, RP_STR("\\"));
        write_str(copy, rp_str_n(text, rp_unicode_write(c, text)));
    }
}

static void write_text(struct copy *copy, struct rp_str text) {
    size_t len;
    for (size_t at = 0; at < text.len; at += len) write_character(copy, rp_unicode_read(text.data + at, &len));
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* Where the part begins that a repeat behind the run repeats: what its last visible character has become. */
static size_t last_part(const struct rp_normalised *text) {
    size_t at = text->text.len;
    for (size_t i = text->change_count; i > 0; i--) {
        const struct rp_normal_change *change = &text->changes[i - 1];
        if (change->len > 0 && change->at + change->len == at) return change->at;
    }
    if (at > 0) at--;
    while (at > 0 && ((unsigned char)text->text.data[at] & 0xC0) == 0x80) at--;
    return at;
}

/* A repeat follows: the last part must stay one. */
static void write_repeated(struct copy *copy, const struct rp_normalised *text) {
    size_t part = last_part(text), len;
    struct rp_str end = rp_str_n(text->text.data + part, text->text.len - part);
    bool one = end.len > 0 && (rp_unicode_read(end.data, &len), len == end.len);
    write_text(copy, rp_str_n(text->text.data, part));
    if (!one) write_str(copy, RP_STR("(?:"));
    write_text(copy, end);
    if (!one) write_str(copy, RP_STR(")"));
}

static void end_run(struct copy *copy, bool repeated) {
    struct run *run = &copy->run;
    struct rp_normalised text;
    if (run->text.len > 0) {
        rp_normalise(copy->arena, rp_buf_str(&run->text), &text);
        if (text.change_count == 0) {
            write_str(copy, run->written);
        } else if (repeated) {
            write_repeated(copy, &text);
        } else {
            write_text(copy, text.text);
        }
    } else {
        write_str(copy, run->written);
    }
    rp_buf_clear(&run->text);
    run->written = rp_str_n(NULL, 0);
}

static void extend_run(struct copy *copy, const struct pattern_piece *piece) {
    struct run *run = &copy->run;
    char bytes[4];
    if (!run->written.data) run->written.data = piece->text.data;
    run->written.len = (size_t)(piece->text.data + piece->text.len - run->written.data);
    if (piece->kind != PATTERN_CHARACTER) return;
    copy->full |= rp_buf_append(&run->text, bytes, rp_unicode_write(piece->character, bytes)) != 0;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* What a character is once normalised, if that is a single one, or one several times ("…"). 0: nothing to be said. */
static int32_t image_of(struct copy *copy, int32_t c) {
    char bytes[4];
    struct rp_normalised text;
    size_t len, more;
    rp_normalise(copy->arena, rp_str_n(bytes, rp_unicode_write(c, bytes)), &text);
    if (text.text.len == 0) return 0;
    int32_t image = rp_unicode_read(text.text.data, &len);
    for (size_t at = len; at < text.text.len; at += more) {
        if (rp_unicode_read(text.text.data + at, &more) != image) return 0;
    }
    return image;
}

/* [: … :] would be read as the name of a class, and [. … .] and [= … =] as something that PCRE2 does not have. */
static void write_member(struct copy *copy, int32_t c) {
    char text[16];
    if (c == ':' || c == '.' || c == '=') {
        write_str(copy, rp_str_n(text, (size_t)snprintf(text, sizeof(text), "\\x%x", (unsigned)c)));
    } else {
        write_character(copy, c);
    }
}

static void write_images(struct copy *copy, int32_t first, int32_t last) {
    int32_t start = 0, end = 0; /* of the images, what runs on so far */
    for (int32_t c = first; c <= last + 1; c++) {
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        int32_t image = c > last || surrogate ? 0 : image_of(copy, c);
        if (image == c) image = 0;
        if (image && image == end + 1) {
            end = image;
            continue;
        }
        if (start) write_member(copy, start);
        if (end > start) write_str(copy, RP_STR("-"));
        if (end > start) write_member(copy, end);
        start = end = image;
    }
}

/* The class keeps what it has: what messages do not contain any more does no harm. */
static void copy_class(struct copy *copy, struct rp_str text) {
    struct class_reader class = class_open(text);
    struct class_item item;
    write_str(copy, rp_str_n(text.data, class.negated ? 2 : 1));
    for (class_next(&class, &item); item.kind != CLASS_END; class_next(&class, &item)) {
        bool listed = item.kind == CLASS_CHARACTER || item.kind == CLASS_RANGE;
        write_str(copy, item.text);
        if (listed && item.last >= 0x80 && item.last - item.first < RANGE_MAX) write_images(copy, item.first, item.last);
    }
    write_str(copy, RP_STR("]"));
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool is_quote(const struct pattern_piece *piece) {
    return piece->kind == PATTERN_SKIPPED && piece->text.len == 2 && piece->text.data[0] == '\\';
}

static void copy_pieces(struct copy *copy, struct rp_str pattern) {
    struct pattern_reader reader = pattern_open(pattern);
    struct pattern_piece piece;
    for (pattern_next(&reader, &piece); piece.kind != PATTERN_END; pattern_next(&reader, &piece)) {
        if (piece.kind == PATTERN_CHARACTER || is_quote(&piece)) {
            extend_run(copy, &piece);
            continue;
        }
        end_run(copy, piece.kind == PATTERN_REPEAT);
        if (piece.kind == PATTERN_CLASS) {
            copy_class(copy, piece.text);
        } else {
            write_str(copy, piece.text);
        }
    }
    end_run(copy, false);
}

/* Most patterns: nothing in them can change. */
static bool is_plain(struct rp_str pattern) {
    for (size_t i = 0; i < pattern.len; i++) {
        bool escape = pattern.data[i] == '\\' && i + 1 < pattern.len && pattern.data[i + 1] && strchr("xoN0", pattern.data[i + 1]);
        if ((unsigned char)pattern.data[i] >= 0x80 || escape) return false;
    }
    return true;
}

bool pattern_normalise(struct rp_arena *arena, struct rp_str pattern, struct rp_str *out) {
    *out = pattern;
    if (is_plain(pattern)) return true;
    struct copy copy = {.arena = arena};
    rp_buf_init(&copy.out, BYTES_MAX);
    rp_buf_init(&copy.run.text, BYTES_MAX);
    copy_pieces(&copy, pattern);
    if (!rp_str_equal(rp_buf_str(&copy.out), pattern)) *out = rp_arena_str(arena, rp_buf_str(&copy.out));
    rp_buf_finish(&copy.out);
    rp_buf_finish(&copy.run.text);
    return !copy.full;
}

/* The pattern is compiled as it was written first: an author sees mistakes in what stands in the file. */
int pattern_compile(struct rp_arena *arena, struct rp_str *pattern, unsigned flags, struct rp_regex **out,
                    struct rp_error *error) {
    struct rp_str text;
    struct rp_regex *regex;
    int rc = rp_regex_compile(*pattern, flags, &regex, error);
    if (rc != 0) return rc;
    if (!pattern_normalise(arena, *pattern, &text)) {
        rc = rp_error_set(error, RP_ECONFIG, "the pattern is too long once it is normalised");
    } else if (text.data != pattern->data) {
        rc = rp_regex_compile(text, flags, out, error);
    } else {
        *out = regex;
        return 0;
    }
    rp_regex_free(regex);
    *pattern = text;
    return rc;
}
