/* How long a target takes to its first token: the last calls, for the 95th percentile, and an average that forgets, for
 * choosing between targets. Pure functions of a struct; who shares it locks it. */
#ifndef ROUTE_LATENCY_H
#define ROUTE_LATENCY_H

#include <stdint.h>

#define LATENCY_KEPT 128
#define LATENCY_ENOUGH 20       /* calls before there is a percentile */
#define LATENCY_HALVES_MS 30000 /* what is not measured any more counts half after this time: it is tried again */

/* Zero-initialise. */
struct latency {
    int32_t ms[LATENCY_KEPT];
    unsigned count, next;
    double average_ms;
    int64_t measured_ms; /* when */
};
void latency_add(struct latency *latency, int64_t ms, int64_t now_ms);
int64_t latency_p95(const struct latency *latency); /* -1: not enough calls */
/* The lower the better; 0 for a target that nobody has measured yet. */
double latency_score(const struct latency *latency, int64_t now_ms);

#endif
