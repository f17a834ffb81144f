/* Reads escapes. In a class some mean something else; pattern_class.c knows which. */
#include "pattern_escape.h"

#include <repartee/unicode.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int digit_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

bool escape_skip_until(const char **at, const char *end, char last) {
    const char *found = *at < end ? memchr(*at, last, (size_t)(end - *at)) : NULL;
    *at = found ? found + 1 : end;
    return found;
}

/* At most `digits` digits; none make 0. */
static int32_t read_number(const char **at, const char *end, int base, unsigned digits) {
    int32_t value = 0;
    for (; digits > 0 && *at < end && digit_value(**at) < base; digits--, (*at)++) value = value * base + digit_value(**at);
    return value;
}

static enum pattern_kind character(int32_t value, int32_t *out_character) {
    *out_character = value;
    return value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF) ? PATTERN_LOST : PATTERN_CHARACTER;
}

/* {…} with a number in it, *at at the brace. */
static enum pattern_kind read_braced(const char **at, const char *end, int base, int32_t *out_character) {
    ++*at;
    int32_t value = read_number(at, end, base, 7);
    if (*at == end || **at != '}') return PATTERN_LOST;
    ++*at;
    return character(value, out_character);
}

static enum pattern_kind read_hex(const char **at, const char *end, int32_t *out_character) {
    if (*at < end && **at == '{') return read_braced(at, end, 16, out_character);
    return character(read_number(at, end, 16, 2), out_character);
}

/* \N is any character but a line's end, \N{U+41} is one. */
static enum pattern_kind read_named(const char **at, const char *end, int32_t *out_character) {
    if (end - *at < 3 || memcmp(*at, "{U+", 3) != 0) return PATTERN_ANY;
    *at += 2;
    return read_braced(at, end, 16, out_character);
}

static enum pattern_kind read_property(const char **at, const char *end) {
    if (*at == end) return PATTERN_LOST;
    if (*(*at)++ != '{') return PATTERN_ANY;
    return escape_skip_until(at, end, '}') ? PATTERN_ANY : PATTERN_LOST;
}

/* \g and \k: a number, or a name in one of several brackets. */
static enum pattern_kind read_reference(const char **at, const char *end) {
    static const char opening[] = "{<'", closing[] = "}>'";
    const char *bracket = *at < end ? memchr(opening, **at, 3) : NULL;
    if (bracket) {
        ++*at;
        return escape_skip_until(at, end, closing[bracket - opening]) ? PATTERN_ANY : PATTERN_LOST;
    }
    if (*at < end && (**at == '-' || **at == '+')) ++*at;
    if (*at == end || !is_digit(**at)) return PATTERN_LOST;
    while (*at < end && is_digit(**at)) ++*at;
    return PATTERN_ANY;
}

static enum pattern_kind read_control(const char **at, const char *end, int32_t *out_character) {
    if (*at == end || **at < ' ' || **at > '~') return PATTERN_LOST;
    char c = *(*at)++;
    return character((c >= 'a' && c <= 'z' ? c - 32 : c) ^ 0x40, out_character);
}

static enum pattern_kind read_letter(const char **at, const char *end, char letter, int32_t *out_character) {
    static const char controls[] = "aefnrt", values[] = "\a\033\f\n\r\t";
    const char *control = strchr(controls, letter);
    if (control) return character(values[control - controls], out_character);
    if (strchr("dDwWsShHvVRX", letter)) return PATTERN_ANY;
    if (strchr("bBAzZGK", letter)) return PATTERN_NOTHING;
    switch (letter) {
    case 'x':
        return read_hex(at, end, out_character);
    case 'o':
        return *at < end && **at == '{' ? read_braced(at, end, 8, out_character) : PATTERN_LOST;
    case 'N':
        return read_named(at, end, out_character);
    case 'p':
    case 'P':
        return read_property(at, end);
    case 'g':
    case 'k':
        return read_reference(at, end);
    case 'c':
        return read_control(at, end, out_character);
    default:
        return PATTERN_LOST;
    }
}

enum pattern_kind escape_read(const char **at, const char *end, int32_t *out_character) {
    if (*at == end) return PATTERN_LOST;
    if (**at == '0') return character(read_number(at, end, 8, 3), out_character);
    if (is_digit(**at)) { /* a reference to a group, or an octal number: depends on how many groups there are */
        while (*at < end && is_digit(**at)) ++*at;
        return PATTERN_ANY;
    }
    if (is_letter(**at)) {
        char letter = *(*at)++;
        return read_letter(at, end, letter, out_character);
    }
    size_t len;
    *out_character = rp_unicode_read(*at, &len);
    if (len > (size_t)(end - *at)) return PATTERN_LOST;
    *at += len;
    return PATTERN_CHARACTER;
}
