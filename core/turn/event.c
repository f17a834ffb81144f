/* Collects a turn's events, and logs and posts them when the turn has ended well: what a failed turn meant to say did not
 * happen. */
#include "core/turn/event.h"

#include <stdlib.h>

#include "core/turn/event_post.h"

#define EVENTS_MAX 64 /* of one turn */

static void forget(void *arg) {
    struct turn_event *event = arg;
    json_decref(event->data);
}

void rp_turn_event(struct rp_turn *pub, const char *name, json_t *data) {
    struct turn *turn = turn_of(pub);
    struct turn_event *event = rp_arena_zalloc(pub->arena, sizeof(*event)), **at = &turn->events;
    size_t count = 0;
    event->name = rp_arena_copy(pub->arena, name, strlen(name));
    event->data = data;
    rp_arena_defer(pub->arena, forget, event);
    for (; *at; at = &(*at)->next) count++;
    if (count < EVENTS_MAX)
        *at = event;
    else
        turn_misuse(turn, "too many events in one turn");
}

static void write_line(const struct turn *turn, const struct turn_event *event) {
    struct rp_log_line line;
    char *data = event->data ? json_dumps(event->data, JSON_COMPACT) : NULL;
    rp_log_open(&line, RP_LOG_INFO, "event");
    rp_log_str(&line, "event", rp_str(event->name));
    rp_log_str(&line, "request_id", rp_str(turn->pub.id));
    rp_log_str(&line, "session", turn->pub.session);
    rp_log_str(&line, "user_id", turn->pub.user);
    if (data) rp_log_str(&line, "data", rp_str(data));
    rp_log_close(&line);
    free(data);
}

void event_send_all(struct turn *turn) {
    if (turn->fault.code) return;
    for (const struct turn_event *event = turn->events; event; event = event->next) {
        write_line(turn, event);
        if (turn->runtime->events) event_post(turn, event);
    }
}
