/* Exact sums of money. */
#include "core/money/price.h"

#include <math.h>

#include "core/base/digits.h"

#define PRICE_PARTS 1000 /* of prices in a billionth */

int64_t price_from(double for_a_million) {
    return llround(for_a_million * 1e6);
}

static int64_t cost_of(int64_t tokens, int64_t price) {
    int64_t parts;
    if (tokens <= 0) return 0;
    return __builtin_mul_overflow(tokens, price, &parts) ? INT64_MAX : parts;
}

int64_t money_add(int64_t a, int64_t b) {
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

int64_t price_cost(const struct price *price, const struct rp_usage *usage) {
    int64_t cached = usage->cached_tokens < usage->input_tokens ? usage->cached_tokens : usage->input_tokens;
    int64_t parts = money_add(cost_of(usage->input_tokens - cached, price->input), cost_of(cached, price->cached));
    parts = money_add(parts, cost_of(usage->output_tokens, price->output));
    return parts == INT64_MAX ? parts : parts / PRICE_PARTS + (parts % PRICE_PARTS != 0);
}

const char *money_text(int64_t money, char space[MONEY_TEXT_SIZE]) {
    uint64_t size = money < 0 ? 0 - (uint64_t)money : (uint64_t)money;
    char *end = space + MONEY_TEXT_SIZE - 1;
    char *first = digits_before(end, size % MONEY_ONE, 9);
    *--first = '.';
    first = digits_before(first, size / MONEY_ONE, 1);
    if (money < 0) *--first = '-';
    while (end[-1] == '0') end--;
    if (end[-1] == '.') end--;
    *end = '\0';
    return first;
}
