/* A fetch whose answer is written down already: the same callbacks in the same order, from the ready list instead of
 * from curl. Limits of time do not count, the limit of size does. */
#include <strings.h>

#include "core/http_client/internal.h"

static struct rp_fetch *fetch_of(struct rp_task *task) {
    return (struct rp_fetch *)((char *)task - offsetof(struct rp_fetch, answer_task));
}

static size_t next_piece(const struct rp_fetch *fetch) {
    const struct http_stand_in *stand_in = fetch->client->stand_in;
    size_t left = fetch->answer->body.len - fetch->body_bytes;
    return stand_in->piece && left ? stand_in->piece(stand_in->arg, left) : left;
}

enum after { GO_ON, WAIT, WHOLE, TOO_LARGE };

static enum after give_piece(struct rp_fetch *fetch) {
    size_t len = next_piece(fetch);
    if (len == 0) return WHOLE;
    if (fetch->max_body && len > fetch->max_body - fetch->body_bytes) return TOO_LARGE;
    const char *data = fetch->answer->body.data + fetch->body_bytes;
    if (fetch->ops.on_data && fetch->ops.on_data(fetch, data, len) == RP_FETCH_PAUSE) {
        fetch->paused = true;
        return WAIT;
    }
    fetch->body_bytes += len;
    return fetch->body_bytes == fetch->answer->body.len ? WHOLE : GO_ON;
}

static enum after give(struct rp_fetch *fetch) {
    if (!fetch->head_done) {
        fetch->head_done = true;
        fetch->status = fetch->answer->status;
        if (fetch->ops.on_head) fetch->ops.on_head(fetch, fetch->status);
        if (fetch->cancelled) return WAIT;
    }
    return give_piece(fetch);
}

static void on_task(struct rp_task *task) {
    struct rp_fetch *fetch = fetch_of(task);
    struct http_client *client = fetch->client;
    if (fetch->answer->code != 0) {
        fetch_finish(fetch, fetch->answer->code, fetch->answer->detail);
        return;
    }
    client_enter(client); /* as with curl on the stack: whoever cancels in a callback is heard behind it */
    enum after after = give(fetch);
    if (fetch->cancelled) after = WAIT;
    client_leave(client);
    if (after == GO_ON) rp_task_schedule(client->worker, task);
    if (after == WHOLE) fetch_finish(fetch, 0, "");
    if (after == TOO_LARGE) fetch_finish(fetch, -RP_ETOOLARGE, "the response is too large");
}

void answer_start(struct rp_fetch *fetch, const struct rp_fetch_request *request) {
    const struct http_stand_in *stand_in = fetch->client->stand_in;
    fetch->answer = stand_in->answer(stand_in->arg, request);
    fetch->answer_task.run = on_task;
    rp_task_schedule(fetch->client->worker, &fetch->answer_task);
}

void answer_resume(struct rp_fetch *fetch) {
    fetch->paused = false;
    rp_task_schedule(fetch->client->worker, &fetch->answer_task);
}

const char *answer_field(const struct rp_fetch *fetch, const char *name) {
    size_t len = strlen(name);
    for (const char *const *field = fetch->answer->fields; field && *field; field++) {
        if (strncasecmp(*field, name, len) != 0 || (*field)[len] != ':') continue;
        const char *value = *field + len + 1;
        return value + strspn(value, " \t");
    }
    return NULL;
}
