/* A server that is away is so for every worker and every call: it is said once, and once more when it is back. */
#include <repartee/log.h>
#include <stdio.h>

#include "redis.h"

#define QUIET_NS INT64_C(60000000000) /* between two lines about what the server refuses */

void health_init(struct health *health, const char *store, const struct url *url) {
    health->store = store;
    if (url->socket)
        snprintf(health->where, sizeof health->where, "%s", url->socket);
    else
        snprintf(health->where, sizeof health->where, "%s:%d", url->host, url->port);
    health->errors = rp_metric(RP_COUNTER, "repartee_store_errors_total", "Calls that a store has failed", "store",
                               store, "call", "any", NULL);
    health->connections = rp_metric(RP_GAUGE, "repartee_store_connections", "Connections of a store that are in use",
                                    "store", store, NULL);
}

void health_down(struct health *health, const char *why) {
    if (atomic_fetch_add(&health->down, 1) == 0)
        rp_log(RP_LOG_ERROR, "redis", "store '%s': Redis at %s cannot be reached: %s", health->store, health->where,
               why);
}

void health_up(struct health *health) {
    if (atomic_fetch_sub(&health->down, 1) == 1)
        rp_log(RP_LOG_WARN, "redis", "store '%s': Redis at %s can be reached again", health->store, health->where);
}

void health_refused(struct health *health, const char *why) {
    int64_t now = rp_now_ns(), last = atomic_load(&health->refused_ns);
    if (last && now - last < QUIET_NS) return;
    if (!atomic_compare_exchange_strong(&health->refused_ns, &last, now)) return;
    rp_log(RP_LOG_ERROR, "redis", "store '%s': Redis refuses a command: %.300s", health->store, why);
}
