/* Reads templates piece by piece and fills them from captures; values out of Lua tables, reply.c fills in. */
#include "fill.h"

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The length of a `{name}` at the start of the text, or 0. */
static size_t placeholder_len(struct rp_str text) {
    size_t i = 1;
    while (i < text.len && is_word(text.data[i])) i++;
    return i > 1 && i < text.len && text.data[i] == '}' ? i + 1 : 0;
}

static struct rp_str cut(struct rp_str *rest, size_t len) {
    struct rp_str front = rp_str_n(rest->data, len);
    *rest = rp_str_n(rest->data + len, rest->len - len);
    return front;
}

static size_t plain_len(struct rp_str text) {
    const char *opens = memchr(text.data, '{', text.len);
    size_t len = opens ? (size_t)(opens - text.data) : text.len;
    const char *closes = memchr(text.data, '}', len);
    return closes ? (size_t)(closes - text.data) : len;
}

bool fill_next(struct rp_str *rest, struct fill_piece *out_piece) {
    if (rest->len == 0) return false;
    size_t len = plain_len(*rest);
    out_piece->placeholder = false;
    if (len > 0) {
        out_piece->text = cut(rest, len);
    } else if (rest->len > 1 && rest->data[1] == rest->data[0]) {
        out_piece->text = cut(rest, 1);
        cut(rest, 1);
    } else if (rest->data[0] == '{' && (len = placeholder_len(*rest)) > 0) {
        out_piece->placeholder = true;
        out_piece->text = cut(rest, len);
        out_piece->text = rp_str_n(out_piece->text.data + 1, len - 2);
    } else {
        out_piece->text = cut(rest, 1);
    }
    return true;
}

bool fill_has_group(const struct rp_regex *regex, struct rp_str name) {
    if (name.data[0] >= '0' && name.data[0] <= '9') return true;
    for (size_t i = 0; i < rp_regex_name_count(regex); i++) {
        unsigned group;
        if (rp_str_equal(name, rp_str(rp_regex_name(regex, i, &group)))) return true;
    }
    return false;
}

/* The number of the group, or -1. */
static int group_of(const struct rp_regex *regex, struct rp_str name, const struct rp_match *match) {
    int number = 0;
    for (size_t i = 0; i < rp_regex_name_count(regex); i++) {
        unsigned group;
        const char *known = rp_regex_name(regex, i, &group);
        if (rp_str_equal(name, rp_str(known)) && match->group[group].start != SIZE_MAX) return (int)group;
    }
    if (name.len == 0 || name.len > 2) return -1;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') return -1;
        number = number * 10 + (name.data[i] - '0');
    }
    return number;
}

bool captures_group(const struct captures *captures, size_t group, struct rp_str *out_text) {
    const struct rp_match *match = captures->match;
    if (group >= match->count || match->group[group].start == SIZE_MAX) return false;
    *out_text = rp_normalised_original(captures->text, match->group[group].start, match->group[group].end);
    return true;
}

bool captures_find(const struct captures *captures, struct rp_str name, struct rp_str *out_text) {
    int group = group_of(captures->regex, name, captures->match);
    return group >= 0 && captures_group(captures, (size_t)group, out_text);
}

static struct rp_str piece_text(const struct captures *captures, const struct fill_piece *piece) {
    struct rp_str text = piece->text;
    if (piece->placeholder && !captures_find(captures, piece->text, &text)) return RP_STR("");
    return text;
}

struct rp_str captures_fill(const struct captures *captures, struct rp_str template, struct rp_arena *arena) {
    struct fill_piece piece;
    size_t len = 0;
    for (struct rp_str rest = template; fill_next(&rest, &piece);) len += piece_text(captures, &piece).len;
    char *filled = rp_arena_alloc(arena, len + 1), *at = filled;
    for (struct rp_str rest = template; fill_next(&rest, &piece);) {
        struct rp_str text = piece_text(captures, &piece);
        memcpy(at, text.data, text.len);
        at += text.len;
    }
    *at = '\0';
    return rp_str_n(filled, len);
}
