/* Goes through a character class: [a-z\d[:alpha:]]. */
#include "pattern_escape.h"
#include <repartee/unicode.h>

static int peek(const struct class_reader *reader, size_t ahead) {
    return (size_t)(reader->end - reader->at) > ahead ? (unsigned char)reader->at[ahead] : -1;
}

struct class_reader class_open(struct rp_str text) {
    struct class_reader reader = {.at = text.data + 1, .end = text.data + text.len};
    reader.negated = peek(&reader, 0) == '^';
    if (reader.negated) reader.at++;
    return reader;
}

/* [:alpha:] and [:^alpha:]; anything else behind "[:" is too odd to guess at. */
static enum class_kind read_posix(struct class_reader *reader) {
    const char *at = reader->at + 2;
    if (at < reader->end && *at == '^') at++;
    while (at < reader->end && *at >= 'a' && *at <= 'z') at++;
    if (reader->end - at < 2 || at[0] != ':' || at[1] != ']') return CLASS_LOST;
    reader->at = at + 2;
    return CLASS_SET;
}

static enum class_kind read_escape(struct class_reader *reader, int32_t *out_character) {
    int c = peek(reader, 1);
    if (c == 'Q' || c == 'E' || (c >= '1' && c <= '9')) return CLASS_LOST; /* digits: always octal here */
    reader->at++;
    if (c == 'b') {
        reader->at++;
        *out_character = '\b';
        return CLASS_CHARACTER;
    }
    enum pattern_kind kind = escape_read(&reader->at, reader->end, out_character);
    if (kind == PATTERN_CHARACTER) return CLASS_CHARACTER;
    return kind == PATTERN_ANY ? CLASS_SET : CLASS_LOST;
}

static enum class_kind read_member(struct class_reader *reader, int32_t *out_character) {
    int c = peek(reader, 0), next = peek(reader, 1);
    if (c == -1) return CLASS_LOST;
    if (c == '\\') return read_escape(reader, out_character);
    if (c == '[' && (next == ':' || next == '.' || next == '=')) return next == ':' ? read_posix(reader) : CLASS_LOST;
    size_t len;
    *out_character = rp_unicode_read(reader->at, &len);
    if (len > (size_t)(reader->end - reader->at)) return CLASS_LOST;
    reader->at += len;
    return CLASS_CHARACTER;
}

/* Behind a character: a hyphen and the other end of a range? A hyphen in front of the bracket stands for itself. */
static void read_range(struct class_reader *reader, struct class_item *item) {
    if (peek(reader, 0) != '-' || peek(reader, 1) == ']') return;
    reader->at++;
    bool fine = read_member(reader, &item->last) == CLASS_CHARACTER && item->last >= item->first;
    item->kind = fine ? CLASS_RANGE : CLASS_LOST;
}

void class_next(struct class_reader *reader, struct class_item *out) {
    const char *start = reader->at;
    *out = (struct class_item){.kind = CLASS_END};
    if (peek(reader, 0) == ']' && reader->begun) { /* right at the start it stands for itself */
        reader->at++;
    } else {
        out->kind = read_member(reader, &out->first);
        out->last = out->first;
        if (out->kind == CLASS_CHARACTER) read_range(reader, out);
    }
    reader->begun = true;
    out->text = rp_str_n(start, (size_t)(reader->at - start));
}
