/* Rules as a shop with very many of them writes them, in English and Chinese, and messages that meet them or do not. The
 * same in every run. */
#ifndef TESTS_BENCH_RULE_WRITER_H
#define TESTS_BENCH_RULE_WRITER_H

#include <repartee/base.h>

#define WRITER_LENGTH 100 /* characters of a message */

/* Appends rule number `index` in Lua. */
void writer_rule(struct rp_buf *out, size_t index);
/* Appends its patterns alone: the first, or the second where it has two. False: there is none of that number. */
bool writer_pattern(struct rp_buf *out, size_t index, int which);
/* Appends a message that the rule answers, or one that speaks of the same things and which no rule answers. */
void writer_hit(struct rp_buf *out, size_t index);
void writer_miss(struct rp_buf *out, size_t index);

#endif
