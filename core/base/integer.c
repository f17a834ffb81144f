/* Whole numbers as text. */
#include <repartee/base.h>

/* Towards the negative side, which reaches one further. */
int rp_str_int64(struct rp_str text, int64_t *out_number) {
    bool minus = text.len > 0 && text.data[0] == '-';
    int64_t number = 0;
    if (text.len == minus) return -RP_EINVALID;
    for (size_t i = minus; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9) return -RP_EINVALID;
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_sub_overflow(number, digit, &number))
            return -RP_EINVALID;
    }
    if (!minus && number == INT64_MIN) return -RP_EINVALID;
    *out_number = minus ? number : -number;
    return 0;
}
