/* Money: whole billionths of the currency of the section `prices { }`, so that sums are exact, and what calls of models cost. */
#ifndef CORE_MONEY_PRICE_H
#define CORE_MONEY_PRICE_H

#include <repartee/turn.h>

#define MONEY_ONE INT64_C(1000000000)

/* Of one token, in thousandths of a billionth: 0.15 for a million tokens is 150,000. */
struct price {
    int64_t input, output;
    int64_t cached; /* of input that the provider had read before */
};

/* A price as people write it, for a million tokens. */
int64_t price_from(double for_a_million);
#define PRICE_MOST 1e6 /* for a million tokens */

/* Rounded up; what does not fit is INT64_MAX. */
int64_t price_cost(const struct price *price, const struct rp_usage *usage);
int64_t money_add(int64_t a, int64_t b); /* stays within the ends of int64_t */

/* "0.000179": no zeros at the end. */
#define MONEY_TEXT_SIZE 32
const char *money_text(int64_t money, char space[MONEY_TEXT_SIZE]);

#endif
