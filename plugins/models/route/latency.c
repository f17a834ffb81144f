/* Keeps the last times to the first token and says what they come to. */
#include "latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT 0.2 /* of the newest in the average */

static void average_in(struct latency *latency, int64_t ms, int64_t now_ms) {
    latency->average_ms = latency->known ? latency->average_ms * (1 - WEIGHT) + (double)ms * WEIGHT : (double)ms;
    latency->known = true;
    latency_ask(latency, now_ms);
}

void latency_ask(struct latency *latency, int64_t now_ms) {
    if (!latency->known) latency->asked++;
    latency->since_ms = now_ms;
}

static void keep(struct latency *latency, int64_t ms) {
    latency->ms[latency->next] = ms < 0 ? 0 : ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
    latency->next = (latency->next + 1) % LATENCY_KEPT;
    if (latency->count < LATENCY_KEPT) latency->count++;
}

void latency_add(struct latency *latency, int64_t ms, int64_t now_ms) {
    keep(latency, ms);
    average_in(latency, ms, now_ms);
}

/* What it would have taken is not known. Were nothing kept, the percentile would sink by what is cut off above it; were the
 * time until the other was there, it would rise without end while this one is dead. */
void latency_lose(struct latency *latency, int64_t usual_ms, int64_t ms, int64_t now_ms) {
    keep(latency, usual_ms);
    average_in(latency, ms, now_ms);
}

void latency_fail(struct latency *latency, int64_t ms, int64_t now_ms) {
    average_in(latency, ms > LATENCY_FAILED_MS ? ms : LATENCY_FAILED_MS, now_ms);
}

static int compare(const void *a, const void *b) {
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

int64_t latency_p95(const struct latency *latency) {
    int32_t sorted[LATENCY_KEPT];
    if (latency->count < LATENCY_ENOUGH) return -1;
    memcpy(sorted, latency->ms, latency->count * sizeof(sorted[0]));
    qsort(sorted, latency->count, sizeof(sorted[0]), compare);
    return sorted[(latency->count * 95 + 99) / 100 - 1];
}

double latency_score(const struct latency *latency, int64_t now_ms) {
    if (!latency->known && latency->asked == 0) return 0;
    double ms = latency->known ? latency->average_ms : (double)latency->asked * LATENCY_FAILED_MS;
    return (ms + 1) * exp2(-(double)(now_ms - latency->since_ms) / LATENCY_HALVES_MS);
}
