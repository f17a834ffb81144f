/* Numbers with units, parsed exactly and without the locale. */
#include "core/text/units.h"

#include <repartee/option.h>

#define FRACTION_DIGITS 9

struct unit {
    const char *name;
    int64_t factor;
};

/* whole + fraction / scale */
struct number {
    int64_t whole, fraction, scale;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads digits with at most one point inside; the text behind them, or NULL. */
static const char *read_number(const char *text, struct number *out) {
    struct number number = {.scale = 1};

    if (!text || !is_digit(*text)) return NULL;
    for (; is_digit(*text); text++) {
        int digit = *text - '0';
        if (number.whole > (INT64_MAX - digit) / 10) return NULL;
        number.whole = number.whole * 10 + digit;
    }
    if (*text == '.') {
        const char *first = ++text;
        for (; is_digit(*text); text++) {
            if (text - first == FRACTION_DIGITS) return NULL;
            number.fraction = number.fraction * 10 + (*text - '0');
            number.scale *= 10;
        }
        if (text == first) return NULL;
    }
    *out = number;
    return text;
}

static const struct unit *find_unit(const struct unit *units, const char *name) {
    for (; units->name; units++) {
        if (strcmp(units->name, name) == 0) return units;
    }
    return NULL;
}

/* What is less than one in the result is cut off. */
static int scaled(const char *text, const struct unit *units, int64_t *out) {
    struct number number;
    const char *rest = read_number(text, &number);
    const struct unit *unit = rest ? find_unit(units, rest) : NULL;

    if (!unit || number.whole > INT64_MAX / unit->factor) return -RP_EINVALID;
    int64_t whole = number.whole * unit->factor;
    int64_t part = (int64_t)((double)number.fraction / (double)number.scale * (double)unit->factor + 1e-6);
    if (part > INT64_MAX - whole) return -RP_EINVALID;
    *out = whole + part;
    return 0;
}

int units_duration(const char *text, int64_t *out_ms) {
    static const struct unit units[] = {
        {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
    };
    return scaled(text, units, out_ms);
}

int units_size(const char *text, int64_t *out_bytes) {
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"KiB", INT64_C(1) << 10},
        {"MiB", INT64_C(1) << 20},
        {"GiB", INT64_C(1) << 30},
        {"TiB", INT64_C(1) << 40},
        {NULL, 0},
    };
    return scaled(text, units, out_bytes);
}

int units_count(const char *text, int64_t *out_count) {
    static const struct unit units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {NULL, 0}};
    return scaled(text, units, out_count);
}

int units_money(const char *text, int64_t *out_billionths) {
    static const struct unit units[] = {{"", 1000000000}, {NULL, 0}};
    return scaled(text, units, out_billionths);
}

int units_rate(const char *text, double *out_per_second) {
    static const struct unit units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}, {"/d", 86400}, {NULL, 0}};
    struct number number;
    const char *rest = read_number(text, &number);
    const struct unit *unit = rest ? find_unit(units, rest) : NULL;

    if (!unit) return -RP_EINVALID;
    *out_per_second = ((double)number.whole + (double)number.fraction / (double)number.scale) / (double)unit->factor;
    return 0;
}

int rp_duration(const char *text, int64_t *out_ms) {
    return units_duration(text, out_ms);
}
