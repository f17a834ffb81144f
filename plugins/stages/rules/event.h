/* Events that functions tell: kept until the function has come to its end. */
#ifndef RULES_EVENT_H
#define RULES_EVENT_H

#include "run.h"

/* Owns `data`, which may be NULL; the name lives as long as the turn. */
void event_tell(struct run *run, const char *name, json_t *data);
void event_send(struct run *run); /* the function has ended well, or waits for an answer */

#endif
