/* Whether one JSON value is part of another. */
#ifndef CORE_TESTING_JSON_PART_H
#define CORE_TESTING_JSON_PART_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Objects may have more fields than `part` names; everything else must be equal, arrays entry by entry. */
bool json_part_of(const json_t *part, const json_t *whole);

#endif
