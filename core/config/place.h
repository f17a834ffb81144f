/* Finds the very line of an option inside an element that spans several. */
#ifndef CORE_CONFIG_PLACE_H
#define CORE_CONFIG_PLACE_H

#include "core/config/script.h"

/* The line on which `key =` stands within the braces of the call of `word` that starts on `place`; that line itself
 * when it cannot be told. */
int place_of_option(struct place place, const char *word, const char *key);

#endif
