/* One walk over the text; only metadata, which stages look into, becomes a tree. */
#include <repartee/chat_body.h>
#include <repartee/json_scan.h>

#define NAME_MAX_BYTES 128 /* of a session's or user's name */

enum { MESSAGE, PROMPT, SESSION, USER, STREAM, EXPLAIN, METADATA, ID, FIELDS };

static const char *const names[FIELDS] = {"message", "prompt", "session", "user", "stream", "explain", "metadata", "id"};

struct field {
    char type;           /* the first character of its value; '\0': there is none */
    struct rp_str value; /* a string decoded, anything else as it is written */
};

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

/* Strings without escapes stay where they are; the others are decoded behind one another in `space`, which has room for
 * all of the body and so never moves. */
static struct rp_str take_string(struct rp_scan *scan, struct rp_buf *space) {
    const char *start = scan->at + 1;
    if (!rp_scan_skip(scan)) return rp_str_n(NULL, 0);
    struct rp_str raw = rp_str_n(start, (size_t)(scan->at - start) - 1);
    if (!memchr(raw.data, '\\', raw.len)) return raw;
    struct rp_scan again = *scan;
    size_t before = space->len;
    again.at = start - 1;
    rp_scan_string(&again, space);
    return rp_str_n(space->data + before, space->len - before);
}

static struct field *field_of(struct field *fields, struct rp_str key) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (rp_str_equal(key, rp_str(names[i]))) return &fields[i];
    }
    return NULL;
}

/* A key may be written with escapes as well. */
static struct rp_str plain_key(struct rp_str key, struct rp_buf *space) {
    struct rp_scan scan;
    if (!memchr(key.data, '\\', key.len)) return key;
    rp_scan_init(&scan, rp_str_n(key.data - 1, key.len + 2)); /* with its quotes */
    return take_string(&scan, space);
}

static bool walk(struct rp_scan *scan, struct field *fields, struct rp_buf *space) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        struct field *field = field_of(fields, plain_key(key, space));
        if (field && field->type) return false; /* given twice */
        char type = rp_scan_peek(scan);
        const char *start = scan->at;
        struct rp_str text = {0};
        bool decoded = field && type == '"' && field != &fields[ID];
        if (decoded)
            text = take_string(scan, space);
        else
            rp_scan_skip(scan);
        if (field) *field = (struct field){type, decoded ? text : rp_str_n(start, (size_t)(scan->at - start))};
    }
    return rp_scan_done(scan);
}

/* The parser that builds trees says what is wrong, and where. */
static int syntax_error(struct rp_str body, const char *what, struct rp_error *error) {
    json_t *root;
    int status = rp_json_parse(body.data, body.len, &root, error);
    if (status) return status;
    json_decref(root);
    return rp_error_set(error, RP_EJSON, "%s is not valid JSON", what);
}

static int read_fields(struct rp_str body, const char *what, struct field *fields, struct rp_buf *space,
                       struct rp_error *error) {
    struct rp_scan scan;
    rp_scan_init(&scan, body);
    scan.strict = true;
    if (rp_scan_peek(&scan) == '{') return walk(&scan, fields, space) ? 0 : syntax_error(body, what, error);
    if (!rp_scan_skip(&scan) || !rp_scan_done(&scan)) return syntax_error(body, what, error);
    return rp_error_set(error, RP_EINVALID, "%s must be a JSON object", what);
}

/* ---- what the fields must be ------------------------------------------------------------------------------------- */

static int wrong(struct rp_error *error, const char *name, const char *type) {
    return rp_error_set(error, RP_EINVALID, "the field '%s' must be %s", name, type);
}

static bool absent(const struct field *field) {
    return field->type == '\0' || field->type == 'n';
}

static bool is_name(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) return false;
    }
    return text.len <= NAME_MAX_BYTES;
}

static int read_name(const struct field *fields, int which, struct rp_str *out, struct rp_error *error) {
    const struct field *field = &fields[which];
    if (absent(field)) return 0;
    if (field->type != '"') return wrong(error, names[which], "a string");
    if (!is_name(field->value)) return wrong(error, names[which], "at most 128 bytes without control characters");
    *out = field->value;
    return 0;
}

static int read_text(const struct field *fields, struct rp_str *out, struct rp_error *error) {
    int which = absent(&fields[MESSAGE]) && fields[PROMPT].type ? PROMPT : MESSAGE;
    if (absent(&fields[which])) return rp_error_set(error, RP_EINVALID, "the field 'message' is missing");
    if (fields[which].type != '"') return wrong(error, names[which], "a string");
    *out = fields[which].value;
    return 0;
}

static int read_flag(const struct field *fields, int which, bool *out, struct rp_error *error) {
    const struct field *field = &fields[which];
    if (absent(field)) return 0;
    if (field->type != 't' && field->type != 'f') return wrong(error, names[which], "true or false");
    *out = field->type == 't';
    return 0;
}

/* Last, since it leaves something to free. */
static int read_metadata(const struct field *field, struct rp_str body, const char *what, json_t **out,
                         struct rp_error *error) {
    if (absent(field)) return 0;
    if (field->type != '{') return wrong(error, names[METADATA], "an object");
    if (rp_json_parse(field->value.data, field->value.len, out, NULL) == 0) return 0;
    return syntax_error(body, what, error);
}

int rp_chat_body_parse(struct rp_str body, const char *what, struct rp_buf *space, struct rp_chat_body *out_body,
                       struct rp_error *error) {
    struct rp_chat_body parsed = {0};
    struct field fields[FIELDS] = {0};
    if (!rp_utf8_valid(body.data, body.len)) return rp_error_set(error, RP_EUTF8, "%s is not valid UTF-8", what);
    rp_buf_clear(space);
    if (rp_buf_reserve(space, body.len)) return rp_error_set(error, RP_ETOOLARGE, "%s is too large", what);
    int status = read_fields(body, what, fields, space, error);
    if (!status) status = read_text(fields, &parsed.text, error);
    if (!status) status = read_name(fields, SESSION, &parsed.session, error);
    if (!status) status = read_name(fields, USER, &parsed.user, error);
    if (!status) status = read_flag(fields, STREAM, &parsed.stream, error);
    if (!status) status = read_flag(fields, EXPLAIN, &parsed.explain, error);
    if (!status) status = read_metadata(&fields[METADATA], body, what, &parsed.metadata, error);
    if (fields[ID].type != '\0' && fields[ID].type != 'n') parsed.id = fields[ID].value;
    if (!status) *out_body = parsed;
    return status;
}

void rp_chat_body_finish(struct rp_chat_body *body) {
    json_decref(body->metadata);
    body->metadata = NULL;
}
