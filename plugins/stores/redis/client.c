/* The client's calls. While the connection is being made they wait; when that fails they fail, and so do new ones until
 * the next try. Calls that were under way when a connection broke are sent once more on the next: doing one of them twice
 * is the same as once. Only adding is not, so it fails then. */
#include <stdlib.h>

#include "redis.h"

static int64_t now_of(const struct client *client) {
    return rp_worker_now_ms(client->worker);
}

static size_t cost_of(const struct call *call) {
    return sizeof *call + 16 + call->key_len + call->value_len;
}

static size_t prefix_len(const struct client *client) {
    return strlen(client->options->prefix);
}

/* ---- calls ------------------------------------------------------------------------------------------------------------- */

static void fail(struct client *client, struct call *call, int code) {
    client->bytes -= cost_of(call);
    rp_metric_add(client->health->errors, 1);
    command_fail(call, code);
}

static void fail_line(struct client *client, struct line *line, int code) {
    struct line left;
    struct call *call;
    line_init(&left);
    line_prepend(&left, line); /* what comes in meanwhile is not meant */
    while ((call = line_take(&left))) fail(client, call, code);
}

/* Lines are in the order of asking, and what was sent was asked for first. */
static const struct call *oldest(const struct client *client) {
    return client->sent.first ? client->sent.first : client->waiting.first;
}

static void watch_deadline(struct client *client) {
    const struct call *call = oldest(client);
    if (!call || rp_timer_started(&client->deadline)) return;
    rp_timer_start(client->worker, &client->deadline, call->deadline_ms - now_of(client));
}

static void on_reply(redisAsyncContext *context, void *answer, void *arg);

static void send_call(struct client *client, struct call *call) {
    line_add(&client->sent, call);
    if (command_send(client->context, call, on_reply, call) != REDIS_OK)
        connection_lost(client, "the connection was closed");
}

void client_send_waiting(struct client *client) {
    while (client->state == CLIENT_READY && client->waiting.first) send_call(client, line_take(&client->waiting));
}

/* Answers come in the order of sending. Without one the connection is gone: then connection_lost sees to the call. */
static void on_reply(redisAsyncContext *context, void *answer, void *arg) {
    struct client *client = context->data;
    struct call *call = arg;
    if (!answer || client->context != context || client->sent.first != call) return;
    line_take(&client->sent);
    size_t cost = cost_of(call);
    if (command_answer(call, answer, prefix_len(client), client->health)) {
        client->bytes -= cost;
        return;
    }
    call->again = false;
    call->deadline_ms = now_of(client) + client->options->timeout;
    line_add(&client->waiting, call);
    client_send_waiting(client);
    watch_deadline(client);
}

void client_send_again(struct client *client) {
    struct line again, gone;
    struct call *call;
    line_init(&again);
    line_init(&gone);
    while ((call = line_take(&client->sent))) {
        line_add(call->again || call->kind == CALL_ADD ? &gone : &again, call);
        call->again = true;
    }
    line_prepend(&client->waiting, &again);
    fail_line(client, &gone, -RP_EIO);
}

void client_fail_waiting(struct client *client) {
    fail_line(client, &client->waiting, -RP_EIO);
}

int client_submit(struct client *client, struct call *call) {
    size_t cost = cost_of(call), max = (size_t)client->options->queue;
    bool list = call->kind == CALL_LIST; /* is not answered from inside, so it waits where others fail */
    if (client->state == CLIENT_ENDED || (client->state == CLIENT_AWAY && !list)) {
        rp_metric_add(client->health->errors, 1);
        return -RP_EIO;
    }
    if (!list && (cost > max || client->bytes > max - cost)) return -RP_EBUSY;
    client->bytes += cost;
    call->deadline_ms = now_of(client) + client->options->timeout;
    line_add(&client->waiting, call);
    client_send_waiting(client);
    watch_deadline(client);
    return 0;
}

/* ---- deadlines ----------------------------------------------------------------------------------------------------------- */

/* A server that does not answer one call answers none: the connection is given up, as the answer may come still. */
static void on_deadline(struct rp_timer *timer) {
    struct client *client = (struct client *)((char *)timer - offsetof(struct client, deadline));
    int64_t now = now_of(client);
    struct line late;
    struct call *call;
    line_init(&late);
    bool stalled = client->sent.first && client->sent.first->deadline_ms <= now;
    while ((call = client->sent.first) && call->deadline_ms <= now) line_add(&late, line_take(&client->sent));
    if (!stalled)
        while ((call = client->waiting.first) && call->deadline_ms <= now) line_add(&late, line_take(&client->waiting));
    if (stalled) connection_lost(client, "no answer in time");
    fail_line(client, &late, -RP_EIO);
    watch_deadline(client);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

struct client *client_create(struct rp_worker *worker, const struct options *options, const struct url *url,
                             struct health *health) {
    struct client *client = rp_calloc(1, sizeof *client);
    client->worker = worker;
    client->options = options;
    client->url = url;
    client->health = health;
    client->deadline.run = on_deadline;
    line_init(&client->waiting);
    line_init(&client->sent);
    connection_begin(client);
    return client;
}

void client_destroy(struct client *client) {
    if (client->state == CLIENT_READY) rp_metric_add(client->health->connections, -1);
    client->state = CLIENT_ENDED;
    rp_timer_stop(client->worker, &client->attempt);
    rp_timer_stop(client->worker, &client->deadline);
    lookup_forget(client->lookup);
    connection_drop(client);
    fail_line(client, &client->sent, -RP_EDRAINING);
    fail_line(client, &client->waiting, -RP_EDRAINING);
    rp_timer_stop(client->worker, &client->deadline);
    if (client->down) atomic_fetch_sub(&client->health->down, 1);
    free(client);
}
