/* Lines of calls. */
#include "redis.h"

void line_init(struct line *line) {
    line->first = NULL;
    line->last = &line->first;
}

void line_add(struct line *line, struct call *call) {
    call->next = NULL;
    *line->last = call;
    line->last = &call->next;
}

struct call *line_take(struct line *line) {
    struct call *call = line->first;
    if (!call) return NULL;
    line->first = call->next;
    if (!line->first) line->last = &line->first;
    return call;
}

void line_prepend(struct line *line, struct line *front) {
    if (!front->first) return;
    *front->last = line->first;
    if (!line->first) line->last = front->last;
    line->first = front->first;
    line_init(front);
}
