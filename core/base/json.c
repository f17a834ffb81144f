/* Reading JSON: jansson behind a check of its own for depth, which runs first and costs no stack. */
#include <repartee/base.h>

/* The position behind the string that starts at `at`, or `len`; errors are left to the parser. */
static size_t skip_string(const char *data, size_t len, size_t at) {
    for (at++; at < len; at++) {
        if (data[at] == '"') return at;
        if (data[at] == '\\') at++;
    }
    return len;
}

/* The line of the first NUL byte, or 0: jansson passes over one that stands behind a number. */
static int nul_line(const char *data, size_t len) {
    const char *nul = memchr(data, 0, len);
    int line = 1;
    if (!nul) return 0;
    for (const char *at = data; at < nul; at++) line += *at == '\n';
    return line;
}

/* The line on which arrays and objects get too deep, or 0. */
static int too_deep(const char *data, size_t len) {
    unsigned depth = 0;
    int line = 1;

    for (size_t at = 0; at < len; at++) {
        switch (data[at]) {
        case '"':
            at = skip_string(data, len, at);
            break;
        case '[':
        case '{':
            if (++depth > RP_JSON_DEPTH) return line;
            break;
        case ']':
        case '}':
            if (depth > 0) depth--;
            break;
        case '\n':
            line++;
            break;
        default:
            break;
        }
    }
    return 0;
}

static int refuse(struct rp_error *error, int line, const char *text) {
    int code = rp_error_set(error, RP_EJSON, "line %d: %s", line, text);
    if (error) error->line = line;
    return code;
}

static int explain(struct rp_error *error, const json_error_t *reason) {
    int line = reason->line > 0 ? reason->line : 1;

    switch (json_error_code(reason)) {
    case json_error_premature_end_of_input:
        return refuse(error, line, "the text ends too early");
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return refuse(error, line, "\\u0000 is not allowed");
    case json_error_invalid_utf8:
        return refuse(error, line, "not valid UTF-8");
    default:
        return refuse(error, line, reason->text);
    }
}

int rp_json_parse(const char *data, size_t len, json_t **out_value, struct rp_error *error) {
    json_error_t reason;

    if (len == 0) return refuse(error, 1, "the text is empty");
    int line = nul_line(data, len);
    if (line) return refuse(error, line, "a NUL byte is not allowed");
    line = too_deep(data, len);
    if (line) {
        int code = rp_error_set(error, RP_EJSON, "line %d: nested deeper than %d", line, RP_JSON_DEPTH);
        if (error) error->line = line;
        return code;
    }
    json_t *value = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (!value) return explain(error, &reason);
    *out_value = value;
    return 0;
}
