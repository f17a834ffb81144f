/* The sessions' names come from outside, so they are hashed with a secret. */
#include <stdlib.h>

#include "core/batch/queues.h"

void queues_init(struct queues *queues, size_t sessions) {
    queues->count = 64;
    while (queues->count < sessions) queues->count *= 2;
    queues->buckets = rp_calloc(queues->count, sizeof(struct queue *));
    rp_random(queues->secret, sizeof(queues->secret));
}

void queues_finish(struct queues *queues) {
    for (size_t i = 0; i < queues->count; i++) {
        while (queues->buckets[i]) {
            struct queue *queue = queues->buckets[i];
            queues->buckets[i] = queue->next;
            free(queue);
        }
    }
    free(queues->buckets);
}

/* Where the session's queue is linked, or where a new one goes. */
static struct queue **find(struct queues *queues, struct rp_str session) {
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)session.data, session.len, queues->secret);
    struct queue **at = &queues->buckets[hash & (queues->count - 1)];
    while (*at && !rp_str_equal(rp_str_n((*at)->key, (*at)->len), session)) at = &(*at)->next;
    return at;
}

struct queue *queues_enter(struct queues *queues, struct rp_str session, bool *out_free) {
    struct queue **at = find(queues, session);
    *out_free = *at == NULL;
    if (*at) return *at;
    struct queue *queue = rp_calloc(1, sizeof(*queue) + session.len);
    queue->last = &queue->first;
    queue->len = session.len;
    memcpy(queue->key, session.data, session.len);
    return *at = queue;
}

void queue_add(struct queue *queue, struct queued *queued) {
    queued->next = NULL;
    *queue->last = queued;
    queue->last = &queued->next;
}

static struct queued *take_first(struct queue *queue) {
    struct queued *first = queue->first;
    queue->first = first->next;
    if (!queue->first) queue->last = &queue->first;
    return first;
}

struct queued *queues_leave(struct queues *queues, struct queue *queue) {
    if (queue->first) return take_first(queue);
    *find(queues, rp_str_n(queue->key, queue->len)) = queue->next;
    free(queue);
    return NULL;
}

struct queued *queues_drop(struct queues *queues, size_t *bucket) {
    for (; *bucket < queues->count; ++*bucket) {
        for (struct queue *queue = queues->buckets[*bucket]; queue; queue = queue->next)
            if (queue->first) return take_first(queue);
    }
    return NULL;
}
