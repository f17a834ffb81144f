/* Events that turns send to the world outside. */
#ifndef CORE_TURN_EVENT_H
#define CORE_TURN_EVENT_H

#include "core/turn/turn.h"

struct turn_event {
    const char *name;
    json_t *data; /* NULL: none */
    struct turn_event *next;
};

/* Sends what the turn has collected, when it has ended well. */
void event_send_all(struct turn *turn);

#endif
