/* A disk that fails does so with every call: it is said once, and once more when it has worked again for a while. */
#include <repartee/log.h>

#include "sqlite.h"

#define A_WHILE_NS INT64_C(1000000000)

void health_bad(struct health *health, const char *why, size_t calls) {
    if (!health->failing) rp_log(RP_LOG_ERROR, "sqlite", "cannot %s '%s': %s", health->what, health->path, why);
    health->failing = true;
    health->failed_ns = rp_now_ns();
    health->failed += calls;
    rp_metric_add(health->errors, (int64_t)calls);
}

void health_good(struct health *health) {
    if (!health->failing || rp_now_ns() - health->failed_ns < A_WHILE_NS) return;
    rp_log(RP_LOG_WARN, "sqlite", "can %s '%s' again; %lu calls have failed meanwhile", health->what, health->path,
           health->failed);
    health->failing = false;
    health->failed = 0;
}
