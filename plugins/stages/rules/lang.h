/* Guesses the language of a message, by its script and by common words. */
#ifndef RULES_LANG_H
#define RULES_LANG_H

#include <repartee/base.h>

#define LANG_CODE_MAX 35 /* bytes of a language tag */

/* "en", "zh", …; NULL when nothing tells. Valid UTF-8. */
const char *lang_guess(struct rp_str text);
/* A language tag as rules may set it: letters, digits and hyphens, "zh", "pt-BR". */
bool lang_valid(struct rp_str tag);

#endif
