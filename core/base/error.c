/* The record of load-time errors, and the texts that belong to the codes of <repartee/error.h>. */
#include <repartee/base.h>

#include <stdio.h>

struct error_kind {
    const char *code, *text;
    int status;
};

static const struct error_kind kinds[] = {
#define KIND(name, number, code_, status_, text_) [number] = {.code = code_, .text = text_, .status = status_},
    RP_ERRORS(KIND)
#undef KIND
};

static const struct error_kind *error_kind(int code) {
    unsigned number = code < 0 ? 0u - (unsigned)code : (unsigned)code;

    if (number >= sizeof kinds / sizeof kinds[0] || !kinds[number].code) number = RP_EINTERNAL;
    return &kinds[number];
}

const char *rp_error_code(int code) {
    return error_kind(code)->code;
}

const char *rp_error_text(int code) {
    return error_kind(code)->text;
}

int rp_error_http_status(int code) {
    return error_kind(code)->status;
}

/* One line that a terminal shows as it is: cut between characters, control characters turned into blanks. */
static void one_line(char *out, size_t size, const char *text, size_t len) {
    if (len >= size) len = rp_utf8_whole(text, size - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        out[i] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
    }
    out[len] = '\0';
}

static int error_fill(struct rp_error *error, int code, const char *file, int line, const char *format, va_list args) {
    /* The arguments may point into *error: a caller that adds context to what it got passes error->text. */
    char text[sizeof error->text + 4];
    char place[sizeof error->file];

    code = code < 0 ? -code : code;
    if (!error) return -code;
    int len = vsnprintf(text, sizeof text, format, args);
    if (len < 0) len = 0;
    one_line(place, sizeof place, file, strlen(file));
    error->code = code;
    error->line = line;
    memcpy(error->file, place, sizeof place);
    one_line(error->text, sizeof error->text, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
    return -code;
}

int rp_error_set(struct rp_error *error, int code, const char *format, ...) {
    va_list args;

    va_start(args, format);
    code = error_fill(error, code, "", 0, format, args);
    va_end(args);
    return code;
}

int rp_error_at(struct rp_error *error, int code, const char *file, int line, const char *format, ...) {
    va_list args;

    va_start(args, format);
    code = error_fill(error, code, file ? file : "", line, format, args);
    va_end(args);
    return code;
}
