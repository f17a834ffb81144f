/* Durations, sizes, counts, amounts of money and rates as people write them in a bot file. The units are in <repartee/option.h>.
 *
 * 0, or -RP_EINVALID (not in the format, negative, or too large for the result) with the result untouched. Text in
 * front of or behind the number, blanks included, is refused. Fractions are taken: "1.5s", "0.5MiB". */
#ifndef CORE_TEXT_UNITS_H
#define CORE_TEXT_UNITS_H

#include <repartee/base.h>

int units_duration(const char *text, int64_t *out_ms);    /* "250ms", "5s", "10m", "1h", "2d", "5" (seconds) */
int units_size(const char *text, int64_t *out_bytes);     /* "512B", "32KiB", "1MiB", "2GiB", "1TiB", "4096" */
int units_count(const char *text, int64_t *out_count);    /* "500", "100k", "1.5M" */
int units_money(const char *text, int64_t *out_billionths); /* "20", "0.50", "0.000000001" */
int units_rate(const char *text, double *out_per_second); /* "5/s", "100/m", "1000/h", "1/d" */

#endif
