/* Reads a PCRE2 pattern for the literals it needs. A descent over alternatives, branches and pieces; each branch offers
 * its runs of plain characters and the sets of its groups, and keeps the best. Compiling is left to PCRE2. */
#include "literal.h"

#define DEPTH_MAX 24 /* groups inside one another; deeper ones yield nothing */

struct reader {
    const unsigned char *at, *end;
    bool caseless;
    bool quoted; /* between \Q and \E */
    bool lost;   /* something was not understood: no literals at all */
    unsigned depth;
};

enum atom_kind {
    ATOM_CHARACTER, /* exactly these bytes, or their other case */
    ATOM_GROUP,     /* something that needs one of `set`; or, with an empty set, nothing that we know of */
    ATOM_NOTHING,   /* zero width: stands between two characters without parting them */
};
struct atom {
    enum atom_kind kind;
    unsigned len;
    unsigned char bytes[4];
    struct literals set;
};
struct branch {
    struct literal run; /* characters in a row, so far */
    struct literals best;
};

static void read_alternatives(struct reader *reader, struct literals *out);

static void lose(struct reader *reader) {
    reader->lost = true;
    reader->at = reader->end;
}

static int peek(const struct reader *reader, size_t ahead) {
    return (size_t)(reader->end - reader->at) > ahead ? reader->at[ahead] : -1;
}

static bool take(struct reader *reader, const char *text) {
    size_t len = strlen(text);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, text, len) != 0) return false;
    reader->at += len;
    return true;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

static size_t shortest(const struct literals *set) {
    size_t len = LITERAL_BYTES;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].len < len) len = set->items[i].len;
    }
    return len;
}

/* A set of longer literals is met by fewer messages; of two alike the smaller one. */
static bool better(const struct literals *a, const struct literals *b) {
    if (a->count == 0 || b->count == 0) return a->count != 0;
    size_t len_a = shortest(a), len_b = shortest(b);
    return len_a != len_b ? len_a > len_b : a->count < b->count;
}

static void offer(struct branch *branch, const struct literals *set) {
    if (better(set, &branch->best)) {
        branch->best.count = set->count;
        memcpy(branch->best.items, set->items, set->count * sizeof(set->items[0]));
    }
}

static void end_run(struct branch *branch) {
    if (branch->run.len == 0) return;
    struct literals set;
    set.count = 1;
    set.items[0] = branch->run;
    offer(branch, &set);
    branch->run.len = 0;
}

static void extend_run(struct branch *branch, const struct atom *atom) {
    if (branch->run.len + atom->len > LITERAL_BYTES) end_run(branch);
    for (unsigned i = 0; i < atom->len; i++) {
        branch->run.text[branch->run.len++] = (char)literal_fold(atom->bytes[i]);
    }
}

/* False when the union would be too large to be of use. */
static bool unite(struct literals *out, const struct literals *more) {
    if (more->count == 0 || out->count + more->count > LITERAL_COUNT) return false;
    memcpy(out->items + out->count, more->items, more->count * sizeof(more->items[0]));
    out->count += more->count;
    return true;
}

/* ---- characters -------------------------------------------------------------------------------------------------- */

bool literal_caseless(uint32_t c) {
    return (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

static unsigned char_len(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static uint32_t decode(const unsigned char *bytes, unsigned len) {
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c = bytes[0] & masks[len];
    for (unsigned i = 1; i < len; i++) c = c << 6 | (bytes[i] & 0x3F);
    return c;
}

static void read_character(struct reader *reader, struct atom *atom) {
    unsigned len = char_len(*reader->at);
    if ((size_t)(reader->end - reader->at) < len) {
        lose(reader);
        return;
    }
    bool known = !reader->caseless || len == 1 || literal_caseless(decode(reader->at, len));
    atom->kind = known ? ATOM_CHARACTER : ATOM_GROUP;
    atom->len = len;
    memcpy(atom->bytes, reader->at, len);
    reader->at += len;
}

static void skip_until(struct reader *reader, unsigned char last) {
    while (reader->at < reader->end && *reader->at != last) reader->at++;
    if (reader->at == reader->end) {
        lose(reader);
    } else {
        reader->at++;
    }
}

static bool is_hex(int c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What follows \x, \p and \P: a character or a class that we need not know, only its end. */
static void skip_argument(struct reader *reader, int letter) {
    if (peek(reader, 0) == '{') {
        skip_until(reader, '}');
    } else if (letter == 'x') {
        for (int i = 0; i < 2 && is_hex(peek(reader, 0)); i++) reader->at++;
    } else if (is_letter(peek(reader, 0))) {
        reader->at++;
    } else {
        lose(reader);
    }
}

static void read_quote(struct reader *reader, struct atom *atom) {
    if (peek(reader, 0) == -1 || (peek(reader, 0) == '\\' && peek(reader, 1) == 'E')) {
        lose(reader); /* an empty quote: what a quantifier behind it repeats is not worth knowing */
        return;
    }
    reader->quoted = true;
    read_character(reader, atom);
}

static void read_control(struct atom *atom, int letter) {
    static const char letters[] = "tnrfae", values[] = "\t\n\r\f\a\033";
    atom->kind = ATOM_CHARACTER;
    atom->len = 1;
    atom->bytes[0] = (unsigned char)values[strchr(letters, letter) - letters];
}

static void read_escape(struct reader *reader, struct atom *atom) {
    reader->at++;
    int c = peek(reader, 0);
    if (c == -1) {
        lose(reader);
    } else if (!is_letter(c) && !is_digit(c)) {
        read_character(reader, atom);
    } else if (is_digit(c)) {
        while (is_digit(peek(reader, 0))) reader->at++; /* a back reference or an octal number */
    } else {
        reader->at++;
        if (strchr("dDwWsShHvVRX", c)) return;
        if (strchr("xpP", c)) {
            skip_argument(reader, c);
        } else if (strchr("bBAzZGK", c)) {
            atom->kind = ATOM_NOTHING;
        } else if (strchr("tnrfae", c)) {
            read_control(atom, c);
        } else if (c == 'Q') {
            read_quote(reader, atom);
        } else {
            lose(reader);
        }
    }
}

static void skip_class(struct reader *reader) {
    reader->at++;
    if (peek(reader, 0) == '^') reader->at++;
    if (peek(reader, 0) == ']') reader->at++; /* stands for itself at the start */
    while (reader->at < reader->end && *reader->at != ']') {
        int c = *reader->at, next = peek(reader, 1);
        bool odd = (c == '[' && (next == ':' || next == '.' || next == '=')) ||
                   (c == '\\' && (next == 'Q' || next == 'E' || next == 'c' || next == -1));
        if (odd) {
            lose(reader);
            return;
        }
        reader->at += c == '\\' ? 2 : 1;
    }
    if (reader->at == reader->end) {
        lose(reader);
    } else {
        reader->at++;
    }
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static void read_body(struct reader *reader, struct atom *atom) {
    if (++reader->depth > DEPTH_MAX) {
        lose(reader);
        return;
    }
    read_alternatives(reader, &atom->set);
    if (!take(reader, ")")) lose(reader);
    reader->depth--;
}

/* (?i) holds to the end of the group around it, (?i:…) for its own body. */
static void read_flags(struct reader *reader, struct atom *atom) {
    bool on = true, caseless = reader->caseless;
    for (;; reader->at++) {
        int c = peek(reader, 0);
        if (c == '-') {
            on = false;
        } else if (c == '^') {
            caseless = false;
        } else if (c == 'i') {
            caseless = on;
        } else if (c == -1 || !strchr("msnJU", c)) { /* x changes how the rest reads: not for us */
            break;
        }
    }
    bool before = reader->caseless;
    reader->caseless = caseless;
    if (take(reader, ")")) {
        atom->kind = ATOM_NOTHING;
    } else if (take(reader, ":")) {
        read_body(reader, atom);
        reader->caseless = before;
    } else {
        lose(reader);
    }
}

static bool take_look_around(struct reader *reader) {
    return take(reader, "=") || take(reader, "!") || take(reader, "<=") || take(reader, "<!");
}

static void read_group(struct reader *reader, struct atom *atom) {
    reader->at++;
    if (peek(reader, 0) == '*') {
        lose(reader); /* (*ACCEPT) and its kin */
    } else if (!take(reader, "?")) {
        read_body(reader, atom);
    } else if (take_look_around(reader)) {
        read_body(reader, atom);
        atom->kind = ATOM_NOTHING;
    } else if (take(reader, ":") || take(reader, ">") || take(reader, "|")) {
        read_body(reader, atom);
    } else if (take(reader, "P<") || take(reader, "<")) {
        skip_until(reader, '>');
        read_body(reader, atom);
    } else if (take(reader, "'")) {
        skip_until(reader, '\'');
        read_body(reader, atom);
    } else {
        read_flags(reader, atom); /* takes comments, conditions, calls and the like for what they are: not flags */
    }
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static void read_atom(struct reader *reader, struct atom *atom) {
    atom->kind = ATOM_GROUP;
    atom->len = 0;
    atom->set.count = 0;
    if (reader->quoted) {
        read_character(reader, atom);
        return;
    }
    switch (*reader->at) {
    case '\\':
        read_escape(reader, atom);
        break;
    case '[':
        skip_class(reader);
        break;
    case '(':
        read_group(reader, atom);
        break;
    case '.':
        reader->at++;
        break;
    case '^':
    case '$':
        reader->at++;
        atom->kind = ATOM_NOTHING;
        break;
    case '*':
    case '+':
    case '?':
        lose(reader);
        break;
    default:
        read_character(reader, atom);
    }
}

/* {n}, {n,} and {n,m}; any other brace stands for itself, unless a later PCRE2 reads it as a quantifier. */
static bool read_counts(struct reader *reader, unsigned *out_least) {
    const unsigned char *at = reader->at + 1;
    unsigned least = 0;
    if (at < reader->end && (*at == ',' || *at == ' ' || *at == '\t')) lose(reader);
    if (reader->lost || at == reader->end || !is_digit(*at)) return false;
    for (; at < reader->end && is_digit(*at); at++) least |= *at != '0';
    if (at < reader->end && *at == ',') {
        for (at++; at < reader->end && is_digit(*at);) at++;
    }
    if (at < reader->end && *at == '}') {
        reader->at = at + 1;
        *out_least = least;
        return true;
    }
    if (at < reader->end && (*at == ' ' || *at == '\t')) lose(reader);
    return false;
}

static bool read_quantifier(struct reader *reader, unsigned *out_least) {
    switch (peek(reader, 0)) {
    case '*':
    case '?':
        *out_least = 0;
        break;
    case '+':
        *out_least = 1;
        break;
    case '{':
        return read_counts(reader, out_least);
    default:
        return false;
    }
    reader->at++;
    return true;
}

/* Sets *out_least to how often the atom occurs at least, and tells whether it is repeated at all. */
static bool read_repeat(struct reader *reader, unsigned *out_least) {
    *out_least = 1;
    if (reader->quoted) {
        if (!take(reader, "\\E")) return false;
        reader->quoted = false;
    }
    if (!read_quantifier(reader, out_least)) return false;
    if (peek(reader, 0) == '+' || peek(reader, 0) == '?') reader->at++; /* possessive or lazy */
    unsigned second;
    if (read_quantifier(reader, &second)) lose(reader);
    return true;
}

static void read_piece(struct reader *reader, struct branch *branch) {
    struct atom atom;
    unsigned least;
    read_atom(reader, &atom);
    if (reader->lost) return;
    bool repeated = read_repeat(reader, &least);
    if (atom.kind == ATOM_NOTHING) {
        if (repeated) lose(reader);
        return;
    }
    if (atom.kind == ATOM_CHARACTER && least > 0) extend_run(branch, &atom);
    if (atom.kind == ATOM_CHARACTER && !repeated) return;
    end_run(branch);
    if (atom.kind == ATOM_GROUP && least > 0) offer(branch, &atom.set);
}

static bool at_branch_end(const struct reader *reader) {
    return reader->at == reader->end || (!reader->quoted && (*reader->at == '|' || *reader->at == ')'));
}

static void read_alternatives(struct reader *reader, struct literals *out) {
    bool caseless = reader->caseless, usable = true;
    out->count = 0;
    do {
        struct branch branch;
        branch.run.len = 0;
        branch.best.count = 0;
        while (!at_branch_end(reader)) read_piece(reader, &branch);
        end_run(&branch);
        if (!unite(out, &branch.best)) usable = false;
    } while (!reader->lost && take(reader, "|"));
    reader->caseless = caseless;
    if (!usable) out->count = 0;
}

void literals_find(struct rp_str pattern, struct literals *out) {
    const unsigned char *data = (const unsigned char *)pattern.data;
    struct reader reader = {.at = data, .end = data + pattern.len};
    read_alternatives(&reader, out);
    if (reader.lost || reader.at != reader.end) out->count = 0;
}
