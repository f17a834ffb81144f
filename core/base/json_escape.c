/* Writing JSON text: strings, and the object that every client gets for an error.
 *
 * Runs of bytes that need nothing are copied whole. Escaped are, besides what JSON asks for, all characters that end a
 * line or drive a terminal (DEL, U+0080 to U+009F, U+2028, U+2029). Broken UTF-8 becomes U+FFFD, byte by byte. */
#include "core/base/json_escape.h"
#include "core/base/utf8_sequence.h"

/* Whether one of eight bytes is a control character, a quote, a backslash, or not ASCII. */
static inline bool eight_need_a_look(const char *data) {
    uint64_t word = utf8_load(data);
    return ((word & UTF8_HIGH) | eight_below_blank(word) | eight_equal(word, '"') | eight_equal(word, '\\') |
            eight_equal(word, 0x7f)) != 0;
}

/* A whole character beyond ASCII that must not stand in a line as it is. */
static inline bool drives_terminal(const unsigned char *bytes) {
    if (bytes[0] == 0xc2) return bytes[1] < 0xa0;
    return bytes[0] == 0xe2 && bytes[1] == 0x80 && (bytes[2] == 0xa8 || bytes[2] == 0xa9);
}

/* The length of the character at `data` when it can be copied as it is, else 0. */
static inline size_t clean_step(const char *data, size_t len) {
    unsigned char byte = (unsigned char)data[0];

    if (byte < 0x80) return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f;
    size_t step = utf8_sequence(data, len);
    return step && drives_terminal((const unsigned char *)data) ? 0 : step;
}

static size_t clean_run(const char *data, size_t len) {
    size_t at = 0;

    while (at < len) {
        if ((unsigned char)data[at] < 0x80 && len - at >= 8 && !eight_need_a_look(data + at)) {
            at += 8;
            continue;
        }
        size_t step = clean_step(data + at, len - at);
        if (step == 0) break;
        at += step;
    }
    return at;
}

/* Copies what fits of a clean run. */
static size_t copy_run(struct rp_buf *buf, const char *data, size_t run) {
    if (rp_buf_append(buf, data, run) == 0) return run;
    size_t room = buf->max > buf->len ? buf->max - buf->len : 0;
    run = rp_utf8_whole(data, room < run ? room : run);
    return rp_buf_append(buf, data, run) == 0 ? run : 0;
}

static unsigned code_point(const unsigned char *bytes, size_t step) {
    if (step == 1) return bytes[0];
    if (step == 2) return (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu);
    return (bytes[0] & 0x0fu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
}

/* The escape for one character that is not clean; `step` 0: broken. */
static struct rp_str escape_of(const char *data, size_t step, char space[8]) {
    static const char hex[] = "0123456789abcdef", plain[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";

    if (step == 0) return RP_STR("\xef\xbf\xbd");
    const char *short_form = memchr(plain, data[0], sizeof plain - 1);
    if (short_form) {
        space[0] = '\\';
        space[1] = letters[short_form - plain];
        return rp_str_n(space, 2);
    }
    unsigned code = code_point((const unsigned char *)data, step);
    char text[6] = {'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    memcpy(space, text, sizeof text);
    return rp_str_n(space, sizeof text);
}

size_t json_escape(struct rp_buf *buf, const char *data, size_t len) {
    size_t at = 0;
    char space[8];

    while (at < len) {
        size_t run = clean_run(data + at, len - at);
        size_t taken = run ? copy_run(buf, data + at, run) : 0;
        at += taken;
        if (taken < run || at == len) break;
        size_t step = utf8_sequence(data + at, len - at);
        if (rp_buf_append_str(buf, escape_of(data + at, step, space))) break;
        at += step ? step : 1;
    }
    return at;
}

static void cut_back(struct rp_buf *buf, size_t len) {
    buf->len = len;
    if (buf->data) buf->data[len] = '\0';
}

int rp_buf_json(struct rp_buf *buf, const char *data, size_t len) {
    size_t before = buf->len;

    /* room for the usual case at once, for the others bit by bit */
    if (rp_buf_reserve(buf, len + 2) || rp_buf_append(buf, "\"", 1)) return -RP_ETOOLARGE;
    if (json_escape(buf, data, len) == len && rp_buf_append(buf, "\"", 1) == 0) return 0;
    cut_back(buf, before);
    return -RP_ETOOLARGE;
}

static int json_member(struct rp_buf *buf, struct rp_str key, const char *value) {
    if (!value) return 0;
    int status = rp_buf_append_str(buf, key);
    return status ? status : rp_buf_json(buf, value, strlen(value));
}

int rp_buf_json_error(struct rp_buf *buf, int code, const char *message, const char *request_id) {
    size_t before = buf->len;
    int status = json_member(buf, RP_STR("{\"error\": {\"code\": "), rp_error_code(code));

    if (!status) status = json_member(buf, RP_STR(", \"message\": "), message ? message : rp_error_text(code));
    if (!status) status = json_member(buf, RP_STR(", \"request_id\": "), request_id);
    if (!status) status = rp_buf_append_str(buf, RP_STR("}}"));
    if (status) cut_back(buf, before);
    return status;
}
