/* Fills a state with a bot's rules: runs its files, each in its own environment, and then seals it. */
#ifndef RULES_LOADER_H
#define RULES_LOADER_H

#include <jansson.h>

struct vm;
void loader_run(struct vm *vm, const json_t *config); /* mistakes go to vm->mistakes */

#endif
