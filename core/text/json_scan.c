/* The cursor over JSON text: a descent that is as deep as RP_JSON_DEPTH at most. */
#include <repartee/json_scan.h>

#include "core/base/utf8_sequence.h"

static bool fail(struct rp_scan *scan) {
    scan->broken = true;
    scan->at = scan->end;
    return false;
}

static void skip_space(struct rp_scan *scan) {
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

void rp_scan_init(struct rp_scan *scan, struct rp_str text) {
    *scan = (struct rp_scan){.at = text.data, .end = text.data + text.len};
}

char rp_scan_peek(struct rp_scan *scan) {
    skip_space(scan);
    return scan->at < scan->end ? *scan->at : '\0';
}

bool rp_scan_done(struct rp_scan *scan) {
    skip_space(scan);
    return !scan->broken && scan->at == scan->end;
}

static bool expect(struct rp_scan *scan, char c) {
    if (rp_scan_peek(scan) != c || scan->at == scan->end) return fail(scan);
    scan->at++;
    return true;
}

/* ---- objects and arrays ------------------------------------------------------------------------------------------ */

bool rp_scan_open(struct rp_scan *scan, char bracket) {
    if (scan->depth == RP_JSON_DEPTH) return fail(scan);
    scan->depth++;
    return expect(scan, bracket);
}

/* Past the comma in front of the next element; false where the bracket closes. */
static bool element(struct rp_scan *scan, bool *first, char close) {
    if (scan->broken) return false;
    if (rp_scan_peek(scan) == close) {
        scan->at++;
        scan->depth--;
        return false;
    }
    if (!*first && !expect(scan, ',')) return false;
    *first = false;
    return true;
}

bool rp_scan_item(struct rp_scan *scan, bool *first) {
    return element(scan, first, ']');
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

static int hex4(const char *at, const char *end) {
    int value = 0;
    if (end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t encode_utf8(unsigned code, char out[4]) {
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(len == 1 ? code : lead[len] | code);
    return len;
}

/* Behind "\u": the bytes it stands for; 0: it is no escape, or one that `strict` refuses; SIZE_MAX: none, it was left
 * in `half`. */
static size_t unicode_escape(struct rp_scan *scan, char out[4]) {
    int code = hex4(scan->at, scan->end);
    if (code < 0) return 0;
    scan->at += 4;
    if (code >= 0xD800 && code <= 0xDBFF && scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u') {
        int low = hex4(scan->at + 2, scan->end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            scan->at += 6;
        }
    }
    bool half = code >= 0xD800 && code <= 0xDFFF; /* of a surrogate pair */
    if (scan->strict && (half || code == 0)) return 0;
    if (scan->half && code <= 0xDBFF && half && scan->at < scan->end && *scan->at == '"') {
        *scan->half = (uint16_t)code;
        return SIZE_MAX;
    }
    if (half) code = 0xFFFD;
    return encode_utf8((unsigned)code, out);
}

/* Behind a backslash: how many bytes it stands for; 0: it is no escape. */
static size_t escape(struct rp_scan *scan, char out[4]) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (scan->at == scan->end) return 0;
    char c = *scan->at++;
    if (c == 'u') return unicode_escape(scan, out);
    const char *place = c ? strchr(names, c) : NULL;
    if (!place) return 0;
    out[0] = values[place - names];
    return 1;
}

/* What the string before has left: with its second half it is a character, without it is none. */
static bool join_half(struct rp_scan *scan, struct rp_buf *out) {
    unsigned high = *scan->half;
    const char *at = scan->at;
    if (at < scan->end && *at == '"') return true; /* the string is empty: it may still come */
    int low = scan->end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex4(at + 2, scan->end) : -1;
    bool pair = low >= 0xDC00 && low <= 0xDFFF;
    char bytes[4];
    size_t len = encode_utf8(pair ? 0x10000 + ((high - 0xD800) << 10) + ((unsigned)low - 0xDC00) : 0xFFFD, bytes);
    *scan->half = 0;
    if (pair) scan->at += 6;
    return rp_buf_append(out, bytes, len) == 0;
}

/* To the quote, the escape, or the control character that ends a run of plain characters. */
static const char *behind_run(const char *at, const char *end) {
    for (; end - at >= 8; at += 8) {
        uint64_t word = utf8_load(at);
        if (eight_below_blank(word) | eight_equal(word, '"') | eight_equal(word, '\\')) break;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) at++;
    return at;
}

/* One way through strings, decoded or passed over (`out` NULL). */
static bool take_string(struct rp_scan *scan, struct rp_buf *out) {
    if (!expect(scan, '"')) return false;
    if (out && scan->half && *scan->half && !join_half(scan, out)) return fail(scan);
    for (;;) {
        const char *run = scan->at;
        scan->at = behind_run(run, scan->end);
        if (out && scan->at > run && rp_buf_append(out, run, (size_t)(scan->at - run)) != 0) return fail(scan);
        if (scan->at == scan->end || (unsigned char)*scan->at < 0x20) return fail(scan);
        if (*scan->at++ == '"') return true;
        char bytes[4];
        size_t len = escape(scan, bytes);
        if (len == 0 || (out && len <= sizeof(bytes) && rp_buf_append(out, bytes, len) != 0)) return fail(scan);
    }
}

bool rp_scan_string(struct rp_scan *scan, struct rp_buf *out) {
    return take_string(scan, out);
}

bool rp_scan_key(struct rp_scan *scan, bool *first, struct rp_str *out_key) {
    if (!element(scan, first, '}')) return false;
    rp_scan_peek(scan);
    const char *start = scan->at;
    if (!take_string(scan, NULL)) return false;
    *out_key = rp_str_n(start + 1, (size_t)(scan->at - start) - 2);
    return expect(scan, ':');
}

bool rp_scan_text(struct rp_scan *scan, struct rp_buf *out) {
    return rp_scan_peek(scan) == '"' ? rp_scan_string(scan, out) : rp_scan_skip(scan);
}

bool rp_scan_short(struct rp_scan *scan, struct rp_buf *out) {
    struct rp_scan before = *scan;
    rp_buf_clear(out);
    if (rp_scan_peek(scan) == '"' && rp_scan_string(scan, out)) return true;
    rp_buf_clear(out);
    *scan = before;
    return rp_scan_skip(scan);
}

/* ---- numbers and the rest ---------------------------------------------------------------------------------------- */

static bool digits(struct rp_scan *scan) {
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') scan->at++;
    return scan->at > start || fail(scan);
}

static bool accept(struct rp_scan *scan, const char *set) {
    if (scan->at == scan->end || !*scan->at || !strchr(set, *scan->at)) return false;
    scan->at++;
    return true;
}

static bool skip_number(struct rp_scan *scan) {
    accept(scan, "-");
    if (!accept(scan, "0") && !digits(scan)) return false;
    if (accept(scan, ".") && !digits(scan)) return false;
    if (!accept(scan, "eE")) return true;
    accept(scan, "+-");
    return digits(scan);
}

bool rp_scan_integer(struct rp_scan *scan, int64_t *out) {
    rp_scan_peek(scan);
    const char *at = scan->at;
    if (!skip_number(scan)) return false;
    bool negative = *at == '-';
    int64_t value = 0;
    for (at += negative; at < scan->at && *at >= '0' && *at <= '9' && value < INT64_MAX / 20; at++)
        value = value * 10 + (*at - '0');
    *out = negative ? -value : value;
    return true;
}

bool rp_scan_count(struct rp_scan *scan, int64_t *out) {
    char first = rp_scan_peek(scan);
    bool number = (first >= '0' && first <= '9') || first == '-';
    if (!number) return rp_scan_skip(scan);
    if (!rp_scan_integer(scan, out)) return false;
    if (*out < 0) *out = 0;
    if (*out > RP_SCAN_COUNT_MAX) *out = RP_SCAN_COUNT_MAX;
    return true;
}

static bool skip_word(struct rp_scan *scan, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0) return fail(scan);
    scan->at += len;
    return true;
}

static bool skip_members(struct rp_scan *scan) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        if (!rp_scan_skip(scan)) return false;
    }
    return !scan->broken;
}

static bool skip_items(struct rp_scan *scan) {
    bool first = rp_scan_open(scan, '[');
    while (rp_scan_item(scan, &first)) {
        if (!rp_scan_skip(scan)) return false;
    }
    return !scan->broken;
}

bool rp_scan_skip(struct rp_scan *scan) {
    switch (rp_scan_peek(scan)) {
    case '{':
        return skip_members(scan);
    case '[':
        return skip_items(scan);
    case '"':
        return take_string(scan, NULL);
    case 't':
        return skip_word(scan, "true");
    case 'f':
        return skip_word(scan, "false");
    case 'n':
        return skip_word(scan, "null");
    default:
        return skip_number(scan);
    }
}

bool rp_scan_raw(struct rp_scan *scan, struct rp_str *out) {
    rp_scan_peek(scan);
    const char *start = scan->at;
    if (!rp_scan_skip(scan)) return false;
    *out = rp_str_n(start, (size_t)(scan->at - start));
    return true;
}
