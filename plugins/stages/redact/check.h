/* What makes a number more than a row of digits. Each check gets what a pattern matched, separators included, and
 * returns how many bytes of it are the real thing, 0 for none. Full-width digits count as digits. */
#ifndef REDACT_CHECK_H
#define REDACT_CHECK_H

#include <repartee/base.h>

size_t check_id_card(struct rp_str match);   /* a date of birth that exists, and the check digit of GB 11643 */
size_t check_bank_card(struct rp_str match); /* Luhn; 13 digits or more */

#endif
