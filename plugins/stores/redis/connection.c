/* The client's connection: made again whenever it is lost, later each time that it cannot be made. */
#include <stdio.h>
#include <stdlib.h>

#include "redis.h"

#define FIRST_WAIT_MS 100
#define LAST_WAIT_MS 5000
#define LIVED_MS 1000 /* a connection that was ready for less counts as another failure */
#define WHY_SIZE 200

static void attempt_failed(struct client *client, const char *why);

/* ---- the connection ---------------------------------------------------------------------------------------------------- */

/* From inside hiredis' own callbacks too: it waits with freeing until they have returned. */
void connection_drop(struct client *client) {
    redisAsyncContext *context = client->context;
    client->context = NULL;
    if (context) redisAsyncFree(context);
}

void connection_lost(struct client *client, const char *why) {
    if (client->state != CLIENT_READY) return;
    rp_metric_add(client->health->connections, -1);
    client->state = CLIENT_RESOLVING;
    connection_drop(client);
    client_send_again(client);
    if (rp_worker_now_ms(client->worker) - client->ready_ms < LIVED_MS) {
        attempt_failed(client, why);
        return;
    }
    client->attempts = 0;
    connection_begin(client);
}

static void words_of(const redisAsyncContext *context, const char *otherwise, char out[WHY_SIZE]) {
    snprintf(out, WHY_SIZE, "%.190s", context->c.err ? context->c.errstr : otherwise);
}

static void on_disconnect(const redisAsyncContext *context, int status) {
    struct client *client = context->data;
    (void)status;
    if (client->context != context) return; /* dropped by us */
    client->context = NULL;                 /* hiredis frees it */
    char why[WHY_SIZE];
    words_of(context, "the connection was closed", why);
    if (client->state == CLIENT_READY)
        connection_lost(client, why);
    else
        attempt_failed(client, why);
}

/* ---- being let in -------------------------------------------------------------------------------------------------------- */

static void be_ready(struct client *client) {
    rp_timer_stop(client->worker, &client->attempt);
    client->state = CLIENT_READY;
    client->ready_ms = rp_worker_now_ms(client->worker);
    rp_metric_add(client->health->connections, 1);
    if (client->down) health_up(client->health);
    client->down = false;
    client_send_waiting(client);
}

static void on_greeting(redisAsyncContext *context, void *answer, void *arg) {
    struct client *client = context->data;
    const redisReply *reply = answer;
    (void)arg;
    if (!reply || client->context != context || client->state != CLIENT_GREETING) return;
    if (reply->type == REDIS_REPLY_ERROR) {
        char why[WHY_SIZE];
        snprintf(why, sizeof why, "it says: %.190s", reply->str);
        attempt_failed(client, why);
    } else if (--client->greetings == 0) {
        be_ready(client);
    }
}

static void greet(struct client *client, int count, const char **words) {
    client->greetings++;
    redisAsyncCommandArgv(client->context, on_greeting, NULL, count, words, NULL);
}

/* The calls come only behind these answers: without SELECT they would go to another database. PING, so that a port that
 * takes connections and says nothing is not taken for a server. The context must not be freed in here: hiredis is not
 * done with it. */
static void be_let_in(struct client *client) {
    const struct url *url = client->url;
    char database[16];
    snprintf(database, sizeof database, "%d", url->database);
    client->state = CLIENT_GREETING;
    client->greetings = 0;
    if (url->user)
        greet(client, 3, (const char *[]){"AUTH", url->user, url->password});
    else if (url->password)
        greet(client, 2, (const char *[]){"AUTH", url->password});
    if (url->database) greet(client, 2, (const char *[]){"SELECT", database});
    greet(client, 1, (const char *[]){"PING"});
}

/* ---- connecting ---------------------------------------------------------------------------------------------------------- */

static void on_connect(const redisAsyncContext *context, int status) {
    struct client *client = context->data;
    if (client->context != context) return;
    if (status == REDIS_OK) {
        be_let_in(client);
        return;
    }
    client->context = NULL; /* hiredis frees it */
    char why[WHY_SIZE];
    words_of(context, "no connection", why);
    attempt_failed(client, why);
}

/* Its err is still set when it failed at once. */
static bool take_context(struct client *client, redisAsyncContext *context) {
    context->data = client;
    if (context->err || watch_start(context, rp_worker_loop(client->worker)) != 0) return false;
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    client->context = context;
    return true;
}

static void connect_now(struct client *client) {
    const struct url *url = client->url;
    client->state = CLIENT_CONNECTING;
    redisAsyncContext *context = url->socket ? redisAsyncConnectUnix(url->socket)
                                             : redisAsyncConnect(client->addresses[client->address], url->port);
    if (!context) abort(); /* memory is out */
    if (take_context(client, context)) return;
    char why[WHY_SIZE];
    words_of(context, "it cannot be watched", why);
    redisAsyncFree(context);
    attempt_failed(client, why);
}

void connection_resolved(struct client *client, int error) {
    if (error || client->address_count == 0)
        attempt_failed(client, error ? uv_strerror(error) : "its name has no address");
    else
        connect_now(client);
}

static void on_attempt_late(struct rp_timer *timer) {
    struct client *client = (struct client *)((char *)timer - offsetof(struct client, attempt));
    if (client->state == CLIENT_AWAY) {
        connection_begin(client);
        return;
    }
    client->address = client->address_count; /* the time is over for the other addresses as well */
    attempt_failed(client, "no answer in time");
}

void connection_begin(struct client *client) {
    client->attempt.run = on_attempt_late;
    rp_timer_start(client->worker, &client->attempt, client->options->connect_timeout);
    client->state = CLIENT_RESOLVING;
    if (client->url->socket) {
        connect_now(client);
        return;
    }
    int status = lookup_start(client);
    if (status) attempt_failed(client, uv_strerror(status));
}

/* Not all at the same moment when a server that many wait for comes back. */
static int64_t wait_ms(const struct client *client) {
    int64_t wait = FIRST_WAIT_MS;
    uint16_t random;
    for (unsigned i = 1; i < client->attempts && wait < LAST_WAIT_MS; i++) wait *= 2;
    if (wait > LAST_WAIT_MS) wait = LAST_WAIT_MS;
    rp_random(&random, sizeof random);
    return wait - wait * random / 4 / UINT16_MAX;
}

/* One address does not answer: the next, or away for a while. */
static void attempt_failed(struct client *client, const char *why) {
    bool connecting = client->state == CLIENT_CONNECTING;
    connection_drop(client);
    lookup_forget(client->lookup);
    client->lookup = NULL;
    if (connecting && client->address + 1 < client->address_count) {
        client->address++;
        connect_now(client);
        return;
    }
    client->state = CLIENT_AWAY;
    client->attempts++;
    rp_timer_start(client->worker, &client->attempt, wait_ms(client));
    if (!client->down) health_down(client->health, why);
    client->down = true;
    client_fail_waiting(client);
}
