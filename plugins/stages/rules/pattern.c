/* The pieces of a pattern outside of escapes and classes: groups, flags, repeats, comments. */
#include "pattern.h"

#include "pattern_escape.h"
#include <repartee/unicode.h>

enum { CASELESS = 1, EXTENDED = 2 };

struct pattern_reader pattern_open(struct rp_str pattern) {
    const char *data = pattern.data ? pattern.data : "";
    return (struct pattern_reader){.at = data, .end = data + pattern.len};
}

static int peek(const struct pattern_reader *reader, size_t ahead) {
    return (size_t)(reader->end - reader->at) > ahead ? (unsigned char)reader->at[ahead] : -1;
}

static bool take(struct pattern_reader *reader, const char *text) {
    size_t len = strlen(text);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, text, len) != 0) return false;
    reader->at += len;
    return true;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static enum pattern_kind skip_until(struct pattern_reader *reader, char last, enum pattern_kind kind) {
    return escape_skip_until(&reader->at, reader->end, last) ? kind : PATTERN_LOST;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static enum pattern_kind enter(struct pattern_reader *reader, struct pattern_piece *out, enum pattern_group group) {
    if (reader->depth == PATTERN_DEPTH) return PATTERN_LOST;
    reader->outer[reader->depth++] = reader->flags;
    out->group = group;
    return PATTERN_OPEN;
}

static enum pattern_kind leave(struct pattern_reader *reader) {
    if (reader->depth == 0) return PATTERN_LOST;
    reader->flags = reader->outer[--reader->depth];
    reader->at++;
    return PATTERN_CLOSE;
}

/* (?i) holds to the end of the group around it, (?i:…) for its own body. */
static enum pattern_kind read_flags(struct pattern_reader *reader, struct pattern_piece *out) {
    uint8_t flags = reader->flags, flag;
    bool on = true;
    for (;; reader->at++) {
        int c = peek(reader, 0);
        flag = c == 'i' ? CASELESS : c == 'x' ? EXTENDED : 0;
        if (c == '^') {
            flags = 0;
        } else if (c == '-') {
            on = false;
        } else if (flag == EXTENDED && peek(reader, 1) == 'x') {
            return PATTERN_LOST; /* (?xx): blanks in classes do not count */
        } else if (flag) {
            flags = on ? flags | flag : flags & ~flag;
        } else if (c == -1 || !strchr("msnJU", c)) {
            break;
        }
    }
    if (take(reader, ")")) {
        reader->flags = flags;
        return PATTERN_SKIPPED;
    }
    if (!take(reader, ":")) return PATTERN_LOST;
    enum pattern_kind kind = enter(reader, out, GROUP_PLAIN);
    reader->flags = flags;
    return kind;
}

/* (?( … )yes|no): the condition is a group of its own when it is an assertion. */
static enum pattern_kind read_condition(struct pattern_reader *reader, struct pattern_piece *out) {
    if (peek(reader, 1) == '?' || peek(reader, 1) == '*') return enter(reader, out, GROUP_OPAQUE);
    enum pattern_kind kind = skip_until(reader, ')', PATTERN_OPEN);
    return kind == PATTERN_OPEN ? enter(reader, out, GROUP_OPAQUE) : kind;
}

static enum pattern_kind read_named_group(struct pattern_reader *reader, struct pattern_piece *out, char last) {
    enum pattern_kind kind = skip_until(reader, last, PATTERN_OPEN);
    return kind == PATTERN_OPEN ? enter(reader, out, GROUP_PLAIN) : kind;
}

static bool is_reference(const struct pattern_reader *reader) {
    int c = peek(reader, 0), next = peek(reader, 1);
    return c == 'R' || c == '&' || is_digit(c) || c == '+' || (c == '-' && is_digit(next)) ||
           (c == 'P' && (next == '=' || next == '>'));
}

/* Behind "(?". */
static enum pattern_kind read_question(struct pattern_reader *reader, struct pattern_piece *out) {
    if (take(reader, "#")) return skip_until(reader, ')', PATTERN_SKIPPED);
    if (take(reader, ":") || take(reader, ">") || take(reader, "|")) return enter(reader, out, GROUP_PLAIN);
    if (take(reader, "=") || take(reader, "*") || take(reader, "<=") || take(reader, "<*")) {
        return enter(reader, out, GROUP_LOOK);
    }
    if (take(reader, "!") || take(reader, "<!")) return enter(reader, out, GROUP_NOT);
    if (take(reader, "P<") || take(reader, "<")) return read_named_group(reader, out, '>');
    if (take(reader, "'")) return read_named_group(reader, out, '\'');
    if (is_reference(reader)) return skip_until(reader, ')', PATTERN_ANY);
    if (peek(reader, 0) == '(') return read_condition(reader, out);
    return read_flags(reader, out);
}

/* (*pla: … ) and its kin are groups, in small letters; (*ACCEPT) and its kin are not. */
static enum pattern_kind read_star(struct pattern_reader *reader, struct pattern_piece *out) {
    int c = peek(reader, 0);
    if (c < 'a' || c > 'z') return skip_until(reader, ')', PATTERN_VERB);
    enum pattern_kind kind = skip_until(reader, ':', PATTERN_OPEN);
    return kind == PATTERN_OPEN ? enter(reader, out, GROUP_OPAQUE) : kind;
}

static enum pattern_kind read_group(struct pattern_reader *reader, struct pattern_piece *out) {
    reader->at++;
    if (take(reader, "*")) return read_star(reader, out);
    return take(reader, "?") ? read_question(reader, out) : enter(reader, out, GROUP_PLAIN);
}

/* ---- characters and classes -------------------------------------------------------------------------------------- */

static enum pattern_kind read_character(struct pattern_reader *reader, struct pattern_piece *out) {
    size_t len;
    out->character = rp_unicode_read(reader->at, &len);
    if (len > (size_t)(reader->end - reader->at)) return PATTERN_LOST;
    reader->at += len;
    return PATTERN_CHARACTER;
}

static enum pattern_kind read_escape(struct pattern_reader *reader, struct pattern_piece *out) {
    reader->at++;
    if (take(reader, "Q")) {
        reader->quoted = true;
        return PATTERN_SKIPPED;
    }
    if (take(reader, "E")) return PATTERN_SKIPPED;
    return escape_read(&reader->at, reader->end, &out->character);
}

static enum pattern_kind read_class(struct pattern_reader *reader) {
    struct class_reader class = class_open(rp_str_n(reader->at, (size_t)(reader->end - reader->at)));
    struct class_item item;
    do class_next(&class, &item);
    while (item.kind != CLASS_END && item.kind != CLASS_LOST);
    reader->at = class.at;
    return item.kind == CLASS_END ? PATTERN_CLASS : PATTERN_LOST;
}

/* ---- repeats ----------------------------------------------------------------------------------------------------- */

static uint32_t read_count(struct pattern_reader *reader) {
    uint32_t count = 0;
    for (; is_digit(peek(reader, 0)); reader->at++) {
        if (count < 100000) count = count * 10 + (uint32_t)(*reader->at - '0');
    }
    return count;
}

/* {n}, {n,} and {n,m}. Any other brace stands for itself, unless a later PCRE2 reads it as a repeat too. */
static enum pattern_kind read_brace(struct pattern_reader *reader, struct pattern_piece *out) {
    const char *start = reader->at++;
    int c = peek(reader, 0);
    bool counted = is_digit(c);
    if (c == ',' || c == ' ' || c == '\t') return PATTERN_LOST;
    out->least = out->most = read_count(reader);
    if (counted && take(reader, ",")) {
        out->most = is_digit(peek(reader, 0)) ? read_count(reader) : PATTERN_NO_END;
    }
    c = peek(reader, 0);
    if (counted && take(reader, "}")) return PATTERN_REPEAT;
    if (counted && (c == ' ' || c == '\t')) return PATTERN_LOST;
    reader->at = start;
    return read_character(reader, out);
}

static enum pattern_kind read_repeat(struct pattern_reader *reader, struct pattern_piece *out) {
    int c = peek(reader, 0);
    enum pattern_kind kind = PATTERN_REPEAT;
    if (c == '{') {
        kind = read_brace(reader, out);
    } else {
        reader->at++;
        out->least = c == '+';
        out->most = c == '?' ? 1 : PATTERN_NO_END;
    }
    if (kind == PATTERN_REPEAT && !take(reader, "+")) take(reader, "?"); /* possessive or lazy */
    return kind;
}

/* ---- one piece --------------------------------------------------------------------------------------------------- */

/* Beyond ASCII, PCRE2 skips these under (?x), and some builds of it end a comment at them. Too rare to guess at. */
static bool is_rare_space(int32_t c) {
    return c == 0x85 || c == 0x200E || c == 0x200F || c == 0x2028 || c == 0x2029;
}

static enum pattern_kind skip_comment(struct pattern_reader *reader) {
    struct pattern_piece piece;
    while (reader->at < reader->end) {
        if (take(reader, "\n")) break;
        if (read_character(reader, &piece) == PATTERN_LOST) return PATTERN_LOST;
        if ((piece.character >= '\v' && piece.character <= '\r') || is_rare_space(piece.character)) return PATTERN_LOST;
    }
    return PATTERN_SKIPPED;
}

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Under (?x). PATTERN_END: there is nothing to skip. */
static enum pattern_kind skip_space(struct pattern_reader *reader) {
    struct pattern_reader ahead = {.at = reader->at, .end = reader->end};
    struct pattern_piece piece;
    if (*reader->at == '#') return skip_comment(reader);
    if (is_space(peek(reader, 0))) {
        reader->at++;
        return PATTERN_SKIPPED;
    }
    bool rare = read_character(&ahead, &piece) == PATTERN_CHARACTER && is_rare_space(piece.character);
    return rare ? PATTERN_LOST : PATTERN_END;
}

static enum pattern_kind read_piece(struct pattern_reader *reader, struct pattern_piece *out) {
    if (reader->at == reader->end) return PATTERN_END;
    if (reader->quoted) {
        if (!take(reader, "\\E")) return read_character(reader, out);
        reader->quoted = false;
        return PATTERN_SKIPPED;
    }
    if (reader->flags & EXTENDED) {
        enum pattern_kind skipped = skip_space(reader);
        if (skipped != PATTERN_END) return skipped;
    }
    switch (*reader->at) {
    case '\\':
        return read_escape(reader, out);
    case '[':
        return read_class(reader);
    case '(':
        return read_group(reader, out);
    case ')':
        return leave(reader);
    case '|':
        reader->at++;
        return PATTERN_BAR;
    case '.':
        reader->at++;
        return PATTERN_ANY;
    case '^':
    case '$':
        reader->at++;
        return PATTERN_NOTHING;
    case '*':
    case '+':
    case '?':
    case '{':
        return read_repeat(reader, out);
    default:
        return read_character(reader, out);
    }
}

void pattern_next(struct pattern_reader *reader, struct pattern_piece *out) {
    const char *start = reader->at;
    *out = (struct pattern_piece){.quoted = reader->quoted, .caseless = reader->flags & CASELESS};
    out->kind = read_piece(reader, out);
    if (out->kind == PATTERN_LOST) reader->at = reader->end;
    out->text = rp_str_n(start, (size_t)(reader->at - start));
}
