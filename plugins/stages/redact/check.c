/* Check digits: the Chinese resident identity card (GB 11643, ISO 7064 MOD 11-2) and bank cards (ISO 7812, Luhn). */
#include "check.h"

#define DIGITS_MAX 24
#define CARD_MIN 13
#define ID_LENGTH 18

struct digits {
    size_t count;
    unsigned char value[DIGITS_MAX]; /* 10 for an X */
    size_t start[DIGITS_MAX], end[DIGITS_MAX];
};

/* The digit at `at`, and its length in bytes; -1 where something else stands. */
static int digit_at(struct rp_str text, size_t at, size_t *out_len) {
    const unsigned char *byte = (const unsigned char *)text.data + at;
    *out_len = 1;
    if (byte[0] >= '0' && byte[0] <= '9') return byte[0] - '0';
    if (byte[0] == 'X' || byte[0] == 'x') return 10;
    if (byte[0] != 0xEF || text.len - at < 3) return -1;
    *out_len = 3;
    if (byte[1] == 0xBC && byte[2] >= 0x90 && byte[2] <= 0x99) return byte[2] - 0x90;
    bool is_wide_x = (byte[1] == 0xBC && byte[2] == 0xB8) || (byte[1] == 0xBD && byte[2] == 0x98);
    return is_wide_x ? 10 : -1;
}

static struct digits digits_of(struct rp_str text) {
    struct digits digits = {0};
    size_t len;
    for (size_t at = 0; at < text.len && digits.count < DIGITS_MAX; at += len) {
        int value = digit_at(text, at, &len);
        if (value < 0) continue;
        digits.value[digits.count] = (unsigned char)value;
        digits.start[digits.count] = at;
        digits.end[digits.count++] = at + len;
    }
    return digits;
}

static int number(const struct digits *digits, size_t at, size_t count) {
    int value = 0;
    for (size_t i = at; i < at + count; i++) value = value * 10 + digits->value[i];
    return value;
}

static bool is_date(int year, int month, int day) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1900 || year > 2099 || month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

size_t check_id_card(struct rp_str match) {
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    struct digits digits = digits_of(match);
    if (digits.count != ID_LENGTH) return 0;
    if (!is_date(number(&digits, 6, 4), number(&digits, 10, 2), number(&digits, 12, 2))) return 0;
    int sum = 0;
    for (size_t i = 0; i + 1 < ID_LENGTH; i++) sum += weights[i] * digits.value[i];
    return (sum + digits.value[ID_LENGTH - 1]) % 11 == 1 ? match.len : 0;
}

static bool is_luhn(const struct digits *digits, size_t count) {
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        int value = digits->value[count - 1 - i];
        if (i % 2) value = value > 4 ? 2 * value - 9 : 2 * value;
        sum += value;
    }
    return sum % 10 == 0;
}

/* The pattern is greedy and runs into a number that follows the card: "6222 … 0128 100". So each end at a separator
 * counts, the longest first. */
size_t check_bank_card(struct rp_str match) {
    struct digits digits = digits_of(match);
    for (size_t count = digits.count; count >= CARD_MIN; count--) {
        if (count < digits.count && digits.start[count] == digits.end[count - 1]) continue;
        if (is_luhn(&digits, count)) return digits.end[count - 1];
    }
    return 0;
}
