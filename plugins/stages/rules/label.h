/* Finds which of some labels a model has named, however it has put it. */
#ifndef RULES_LABEL_H
#define RULES_LABEL_H

#include <repartee/base.h>

/* Exactly; else but for case, white space and punctuation around it; else the only one of them that occurs in the text.
 * `count` when that is none of them, or more than one. Capitals count as small letters in ASCII only. */
size_t label_find(struct rp_str text, const struct rp_str *labels, size_t count);

#endif
