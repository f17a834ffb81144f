/* Writes the record stage by stage. A note's first field names what it is about; the others follow in the order in which
 * they were written, so that new notes need nothing here. */
#include "core/explain/tree.h"

#include <stdlib.h>

#define WIDTH 100 /* bytes of a value that is shown */

struct tree {
    FILE *out;
    bool colour;
};

static void paint(const struct tree *tree, const char *code) {
    if (tree->colour) fputs(code, tree->out);
}

#define BOLD "\033[1m"
#define GREY "\033[2m"
#define PLAIN "\033[0m"

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* `newline`: what stands for a line break. */
static void put_lines(const struct tree *tree, struct rp_str text, const char *newline) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool c1 = c == 0xC2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xA0;
        if (c1) c = (unsigned char)text.data[++i];
        if (c == '\n')
            fputs(newline, tree->out);
        else if (c1 || c < 0x20 || c == 0x7f)
            fprintf(tree->out, "\\x%02x", c);
        else
            fputc(c, tree->out);
    }
}

static void put_short(const struct tree *tree, struct rp_str text) {
    size_t len = text.len > WIDTH ? rp_utf8_whole(text.data, WIDTH) : text.len;
    put_lines(tree, rp_str_n(text.data, len), "\\n");
    if (len < text.len) fputs("…", tree->out);
}

static void put_value(const struct tree *tree, const json_t *value) {
    if (json_is_string(value)) {
        put_short(tree, rp_str_n(json_string_value(value), json_string_length(value)));
    } else if (json_is_real(value)) {
        fprintf(tree->out, "%.1f", json_real_value(value));
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        put_short(tree, rp_str(text));
        free(text);
    }
}

static double number(const json_t *object, const char *name) {
    return json_number_value(json_object_get(object, name));
}

static void put_us(const struct tree *tree, double us) {
    if (us < 1000)
        fprintf(tree->out, "%.0f µs", us);
    else if (us < 1e6)
        fprintf(tree->out, "%.1f ms", us / 1e3);
    else
        fprintf(tree->out, "%.2f s", us / 1e6);
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

/* "rule order-status (rules/orders.lua:12): answered, pattern …": what it is about, where, what became of it, the rest. */
static void put_rest(const struct tree *tree, const json_t *note, const char *what) {
    const char *key, *before = ": ";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)note, key, value) {
        if (strcmp(key, "what") == 0 || strcmp(key, "at") == 0 || strcmp(key, what) == 0) continue;
        fputs(before, tree->out);
        if (strcmp(key, "outcome") != 0 && strcmp(key, "verdict") != 0) fprintf(tree->out, "%s ", key);
        put_value(tree, value);
        before = ", ";
    }
}

static void put_note(const struct tree *tree, const json_t *note, const char *branch) {
    const char *what = json_string_value(json_object_get(note, "what"));
    const json_t *name = json_object_get(note, what), *at = json_object_get(note, "at");
    fprintf(tree->out, "%s%s", branch, what);
    if (name) fputc(' ', tree->out);
    if (name) put_value(tree, name);
    paint(tree, GREY);
    if (at) fputs(" (", tree->out);
    if (at) put_value(tree, at);
    if (at) fputc(')', tree->out);
    paint(tree, PLAIN);
    put_rest(tree, note, what);
    fputc('\n', tree->out);
}

static void put_notes(const struct tree *tree, const json_t *notes, const char *indent) {
    size_t index, count = json_array_size(notes);
    json_t *note;
    json_array_foreach(notes, index, note) {
        fputs(indent, tree->out);
        put_note(tree, note, index + 1 < count ? "├ " : "└ ");
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void put_label(const struct tree *tree, const char *label) {
    paint(tree, BOLD);
    fprintf(tree->out, "%-11s", label);
    paint(tree, PLAIN);
}

static void put_line(const struct tree *tree, const char *label, const json_t *value) {
    if (!value || (json_is_string(value) && json_string_length(value) == 0)) return;
    put_label(tree, label);
    put_value(tree, value);
    fputc('\n', tree->out);
}

static void put_stage(const struct tree *tree, const json_t *stage, bool last) {
    const char *outcome = json_string_value(json_object_get(stage, "outcome"));
    fputs(last ? "└─ " : "├─ ", tree->out);
    paint(tree, BOLD);
    fprintf(tree->out, "%-10s", json_string_value(json_object_get(stage, "stage")));
    paint(tree, PLAIN);
    fprintf(tree->out, " %-9s ", outcome ? outcome : "");
    paint(tree, GREY);
    put_us(tree, number(stage, "us"));
    paint(tree, PLAIN);
    fputc('\n', tree->out);
    put_notes(tree, json_object_get(stage, "notes"), last ? "   " : "│  ");
}

static void put_reply(const struct tree *tree, const json_t *record, const struct rp_str *reply) {
    const json_t *part = json_object_get(record, "reply"), *usage = json_object_get(record, "usage");
    if (reply) put_label(tree, "reply");
    if (reply) put_lines(tree, *reply, "\n           ");
    if (reply) fputc('\n', tree->out);
    put_line(tree, "by", json_object_get(part, "by"));
    put_line(tree, "refused", json_object_get(record, "error"));
    put_line(tree, "", json_object_get(record, "error_message"));
    put_line(tree, "finish", json_object_get(part, "finish"));
    if (number(usage, "input_tokens") + number(usage, "output_tokens") > 0) {
        put_label(tree, "tokens");
        fprintf(tree->out, "%.0f in, %.0f out%s\n", number(usage, "input_tokens"), number(usage, "output_tokens"),
                json_is_true(json_object_get(usage, "estimated")) ? ", estimated" : "");
    }
    put_line(tree, "cost", json_object_get(usage, "cost"));
    put_label(tree, "time");
    put_us(tree, number(record, "us"));
    if (number(part, "us_to_first") > 0) {
        fputs(", the first text after ", tree->out);
        put_us(tree, number(part, "us_to_first"));
    }
    fputc('\n', tree->out);
}

void tree_write(const json_t *record, const struct rp_str *reply, bool colour, FILE *out) {
    struct tree tree = {out, colour};
    const json_t *stages = json_object_get(record, "stages"), *text = json_object_get(record, "text");
    json_t *stage;
    size_t index, count = json_array_size(stages);
    put_line(&tree, "message", json_object_get(record, "message"));
    if (!json_equal(text, json_object_get(record, "message"))) put_line(&tree, "became", text);
    put_line(&tree, "event", json_object_get(record, "event"));
    put_line(&tree, "session", json_object_get(record, "session"));
    put_line(&tree, "request", json_object_get(record, "id"));
    json_array_foreach(stages, index, stage) put_stage(&tree, stage, index + 1 == count);
    put_notes(&tree, json_object_get(record, "notes"), "");
    put_reply(&tree, record, reply);
}
