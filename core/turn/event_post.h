/* Events on their way to the server that `events { url = … }` names: posted as JSON, signed, tried again for a while.
 *
 *     {"event": "handoff", "session": "s1", "user": "u1", "request_id": "…", "timestamp": "…", "data": {…}}
 *
 * X-Repartee-Event-Id is the same in each attempt, so that the receiver can tell a repetition. */
#ifndef CORE_TURN_EVENT_POST_H
#define CORE_TURN_EVENT_POST_H

#include "core/turn/event.h"

struct event_posts;

void event_post(struct turn *turn, const struct turn_event *event); /* copies everything; the turn may end */
int64_t event_posts_count(const struct event_posts *posts); /* on their way, those included that wait to be tried again;
                                                               takes NULL */
void event_posts_destroy(struct event_posts *posts); /* those still under way are given up; takes NULL */

#endif
