/* Counts how many patterns need a literal: what many rules speak of, many messages will. */
#ifndef RULES_POPULARITY_H
#define RULES_POPULARITY_H

#include <repartee/base.h>

struct popularity;

struct popularity *popularity_create(void);
void popularity_destroy(struct popularity *popularity);
void popularity_add(struct popularity *popularity, struct rp_str text); /* borrowed as long as it lives */
uint32_t popularity_of(const struct popularity *popularity, struct rp_str text);

#endif
