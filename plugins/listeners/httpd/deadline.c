/* Deadlines of a connection. The deadline is a field; one timer goes off no later than it and is started again when it
 * was too early, so that a request on a kept connection touches no timer. */
#include "httpd.h"

static struct connection *of_timer(struct rp_timer *timer) {
    return (struct connection *)((char *)timer - offsetof(struct connection, timer));
}

static void set_at(struct connection *connection, int64_t at) {
    struct rp_worker *worker = connection->home->worker;
    connection->due = at;
    if (at == 0) return;
    if (rp_timer_started(&connection->timer) && connection->timer.due <= at) return;
    int64_t left = at - rp_worker_now_ms(worker);
    rp_timer_start(worker, &connection->timer, left > 0 ? left : 0);
}

void deadline_set(struct connection *connection, int64_t ms) {
    set_at(connection, ms ? rp_worker_now_ms(connection->home->worker) + ms : 0);
}

/* A bucket: every byte buys a little time, but never more than the grace ahead of now. So silence ends a body after
 * the grace, and a drip ends it almost as soon. */
void deadline_of_body(struct connection *connection, size_t bytes) {
    const struct options *options = connection->home->httpd->options;
    int64_t bought = connection->due + (int64_t)bytes * 1000 / options->body_rate;
    int64_t latest = rp_worker_now_ms(connection->home->worker) + options->body_grace_ms;
    set_at(connection, bought < latest ? bought : latest);
}

static void stalled(struct connection *connection) {
    if (output_moves(connection)) {
        deadline_set(connection, connection->home->httpd->options->write_ms);
        return;
    }
    rp_log(RP_LOG_INFO, "httpd", "%s took nothing for too long: connection dropped", connection->address);
    connection_reset(connection);
}

static void give_up(struct connection *connection) {
    struct rp_http_exchange *exchange = connection->exchange;
    switch (connection->state) {
    case CONNECTION_READING:
        if (!request_started(&exchange->parsed)) {
            connection_close(connection);
            return;
        }
        feed_refuse(connection, rp_error_http_status(RP_ESLOW), RP_ESLOW, NULL);
        return;
    case CONNECTION_SERVING:
    case CONNECTION_FLUSHING:
    case CONNECTION_UPGRADED:
        stalled(connection);
        return;
    default:
        connection_close(connection);
    }
}

void on_deadline(struct rp_timer *timer) {
    struct connection *connection = of_timer(timer);
    if (connection->due == 0) return;
    if (rp_worker_now_ms(connection->home->worker) < connection->due) {
        set_at(connection, connection->due);
    } else {
        connection->due = 0;
        give_up(connection);
    }
}
