/* What conversation tests have not reached of a bot. */
#ifndef CORE_TESTING_COVERAGE_H
#define CORE_TESTING_COVERAGE_H

#include <stdio.h>

#include "core/turn/alone.h"

struct coverage { /* of all stages together */
    size_t items, reached; /* rules, dialogs, guards and so on */
    size_t lines, ran;     /* of their functions */
};

void coverage_start(const struct alone *alone); /* before the first turn */
/* Writes down what was not reached, a line each with file and line, and a line that counts. */
struct coverage coverage_tell(const struct alone *alone, FILE *out);
/* The same for one stage's inventory, without the line that counts. */
void coverage_items(const json_t *items, struct coverage *coverage, FILE *out);

#endif
