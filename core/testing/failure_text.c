/* One failure as text: what was expected, what came, and which words make the difference. What a bot says is shown with
 * its control characters made visible: a terminal must not obey it. */
#include <repartee/base.h>
#include <string.h>

#include "core/testing/diff.h"
#include "core/testing/report.h"

#define SHORT 60  /* bytes of a text whose words one can compare by eye */
#define AROUND 60 /* bytes of what is the same that are shown on either side of a difference */

enum colour { PLAIN, RED, GREEN, GREY };

static const char *const codes[] = {[PLAIN] = "", [RED] = "\033[31m", [GREEN] = "\033[32m", [GREY] = "\033[2m"};

struct pen {
    FILE *out;
    const char *indent; /* of the text's second line and all further ones */
    bool colour;
};

static void paint(const struct pen *pen, enum colour colour) {
    if (pen->colour) fputs(colour == PLAIN ? "\033[0m" : codes[colour], pen->out);
}

static void put_character(const struct pen *pen, unsigned char c) {
    if (c == '\n')
        fprintf(pen->out, "\n%s            ", pen->indent);
    else if ((c < 0x20 && c != '\t') || c == 0x7f)
        fprintf(pen->out, "\\x%02x", c);
    else
        fputc(c, pen->out);
}

/* C1 control characters, U+0080 to U+009F, are C2 80 to C2 9F. */
static void put_text(const struct pen *pen, struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char *at = (const unsigned char *)text.data + i;
        if (*at == 0xC2 && i + 1 < text.len && at[1] < 0xA0) {
            fprintf(pen->out, "\\x%02x", at[1]);
            i++;
        } else {
            put_character(pen, *at);
        }
    }
}

static void put_line(const struct pen *pen, const char *label, enum colour colour, struct rp_str text) {
    fprintf(pen->out, "%s%-12s", pen->indent, label);
    paint(pen, colour);
    put_text(pen, text);
    if (colour != PLAIN) paint(pen, PLAIN);
    fputc('\n', pen->out);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static size_t back_to_character(struct rp_str text, size_t at) {
    while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80) at--;
    return at;
}

/* A long stretch of what is the same is left out but for its ends. */
static void put_same(const struct pen *pen, struct rp_str text, bool first, bool last) {
    if (text.len <= 2 * AROUND + 10) {
        put_text(pen, text);
        return;
    }
    size_t from = back_to_character(text, text.len - AROUND);
    if (!first) put_text(pen, rp_str_n(text.data, back_to_character(text, AROUND)));
    fputs(" … ", pen->out);
    if (!last) put_text(pen, rp_str_n(text.data + from, text.len - from));
}

static void put_part(const struct pen *pen, const struct diff_part *part, bool first, bool last) {
    static const struct {
        enum colour colour;
        const char *open, *close;
    } looks[] = {[DIFF_GONE] = {RED, "[-", "-]"}, [DIFF_NEW] = {GREEN, "{+", "+}"}};
    if (part->kind == DIFF_SAME) {
        put_same(pen, part->text, first, last);
        return;
    }
    paint(pen, looks[part->kind].colour);
    fputs(looks[part->kind].open, pen->out);
    put_text(pen, part->text);
    fputs(looks[part->kind].close, pen->out);
    paint(pen, PLAIN);
}

static void put_words(const struct pen *pen, const struct failure *failure) {
    struct rp_arena *arena = rp_arena_create();
    struct diff_part *parts;
    size_t count = diff_words(arena, failure->expected, failure->got, &parts);
    fprintf(pen->out, "%s%-12s", pen->indent, "difference");
    for (size_t i = 0; i < count; i++) put_part(pen, &parts[i], i == 0, i + 1 == count);
    fputc('\n', pen->out);
    rp_arena_destroy(arena);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool is_long(struct rp_str text) {
    return text.len > SHORT || (text.len && memchr(text.data, '\n', text.len));
}

void failure_text(const struct failure *failure, const char *indent, bool colour, FILE *out) {
    struct pen pen = {.out = out, .indent = indent, .colour = colour};
    if (failure->compared) {
        put_line(&pen, "expected", RED, failure->expected);
        put_line(&pen, "got", GREEN, failure->got);
        bool words = failure->words && failure->expected.len && failure->got.len;
        if (words && (is_long(failure->expected) || is_long(failure->got))) put_words(&pen, failure);
    }
    if (failure->hint) put_line(&pen, "hint", PLAIN, rp_str(failure->hint));
    if (failure->log.len) put_line(&pen, "log", GREY, failure->log);
}
