/* How long a target takes to its first token: the last calls, for the 95th percentile, and an average that forgets, for
 * choosing between targets. Pure functions of a struct; who shares it locks it. */
#ifndef ROUTE_LATENCY_H
#define ROUTE_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#define LATENCY_KEPT 128
#define LATENCY_ENOUGH 20        /* calls before there is a percentile */
#define LATENCY_HALVES_MS 30000  /* what is not asked any more counts half after this time: it is tried again */
#define LATENCY_FAILED_MS 10000  /* what a call without a reply counts as in the average, if it took no longer */

/* Zero-initialise. */
struct latency {
    int32_t ms[LATENCY_KEPT];
    unsigned count, next;
    unsigned asked; /* calls, while nothing is known */
    bool known;
    double average_ms; /* where it is known */
    int64_t since_ms;  /* the average is of then */
};
/* A call goes out. Until it has come to something others need not look too: one turn tries a target again, not all that
 * come in the meantime. */
void latency_ask(struct latency *latency, int64_t now_ms);
void latency_add(struct latency *latency, int64_t ms, int64_t now_ms);  /* its first token came after that time */
/* It had not come after `ms`, when another was quicker, who was asked because it had not come after `usual_ms`. */
void latency_lose(struct latency *latency, int64_t usual_ms, int64_t ms, int64_t now_ms);
void latency_fail(struct latency *latency, int64_t ms, int64_t now_ms); /* it failed instead */
int64_t latency_p95(const struct latency *latency);                     /* -1: not enough calls */
/* The lower the better; 0 for a target that nobody has asked yet. */
double latency_score(const struct latency *latency, int64_t now_ms);

#endif
