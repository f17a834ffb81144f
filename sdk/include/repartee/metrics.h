/* Metrics: counters, gauges and histograms of the whole process, read by the transport `ops` at GET /metrics.
 *
 * A series is found or made once, when an element is opened, and lives as long as the process: a reload goes on
 * counting where it was. Any thread. Making one takes a lock; adding, setting and observing do not. */
#ifndef REPARTEE_METRICS_H
#define REPARTEE_METRICS_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rp_metric_kind {
    RP_COUNTER,   /* only goes up; its name ends in _total */
    RP_GAUGE,     /* goes up and down */
    RP_HISTOGRAM, /* of seconds, from 100 µs to a minute; its name ends in _seconds */
};
struct rp_metric;

/* The series of that name with these labels: pairs of a name and a value, ended by NULL, in the same order each time.
 *
 *     rp_metric(RP_COUNTER, "repartee_rule_errors_total", "Rules that failed", "rule", name, "code", code, NULL)
 *
 * Never NULL. Labels must come from the configuration, not from users, who could make as many as they like: beyond 20,000
 * series all further ones share a single one that is not shown. (The core's own series of users are opt-in, and as many as
 * the bot file says.) All series of a name have the kind and help of the first. */
RP_EXPORT struct rp_metric *rp_metric(enum rp_metric_kind kind, const char *name, const char *help, ...)
    __attribute__((sentinel));
RP_EXPORT void rp_metric_add(struct rp_metric *metric, int64_t n);
RP_EXPORT void rp_metric_set(struct rp_metric *metric, int64_t value);
RP_EXPORT void rp_metric_observe(struct rp_metric *metric, int64_t ns); /* a duration, into a histogram */
RP_EXPORT int64_t rp_metric_value(const struct rp_metric *metric); /* a histogram's: the number of observations */
/* All of them in the text format of Prometheus (version 0.0.4). 0, or -RP_ETOOLARGE. */
RP_EXPORT int rp_metrics_text(struct rp_buf *out);

#ifdef __cplusplus
}
#endif
#endif
