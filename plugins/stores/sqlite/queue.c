/* The queue: which thread a call goes to, in which order, and how many may wait.
 *
 * Reads go to the reader, which sees what has been committed. A read of a key with a write under way goes to the writer,
 * behind that write: so every caller sees all that was asked for before, and nobody sees what could still be lost. */
#include <stdlib.h>

#include "sqlite.h"

#define BATCH_CALLS 512 /* in one transaction */
#define BATCH_BYTES ((size_t)4 << 20)

int queue_init(struct queue *queue) {
    *queue = (struct queue){0};
    line_init(&queue->writes);
    line_init(&queue->reads);
    rp_random(queue->hash_key, sizeof queue->hash_key);
    if (uv_mutex_init(&queue->lock) != 0) return -RP_ENOMEM;
    if (uv_cond_init(&queue->write_wanted) != 0) goto no_write_wanted;
    if (uv_cond_init(&queue->read_wanted) != 0) goto no_read_wanted;
    return 0;
no_read_wanted:
    uv_cond_destroy(&queue->write_wanted);
no_write_wanted:
    uv_mutex_destroy(&queue->lock);
    return -RP_ENOMEM;
}

void queue_finish(struct queue *queue) {
    uv_cond_destroy(&queue->read_wanted);
    uv_cond_destroy(&queue->write_wanted);
    uv_mutex_destroy(&queue->lock);
}

void queue_close(struct queue *queue) {
    uv_mutex_lock(&queue->lock);
    queue->closing = true;
    uv_cond_signal(&queue->write_wanted);
    uv_cond_signal(&queue->read_wanted);
    uv_mutex_unlock(&queue->lock);
}

void queue_set_max(struct queue *queue, size_t max) {
    uv_mutex_lock(&queue->lock);
    queue->max = max;
    uv_mutex_unlock(&queue->lock);
}

/* ---- keys that are being written ----------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct queue *queue, struct rp_str key) {
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.data, key.len, queue->hash_key);
    return hash;
}

static struct call **bucket_of(struct queue *queue, uint64_t hash) {
    return &queue->pending[hash % PENDING_BUCKETS];
}

static void add_pending(struct queue *queue, struct call *call) {
    struct call **bucket = bucket_of(queue, call->hash);
    call->next_same = *bucket;
    *bucket = call;
    queue->pending_count++;
}

static void drop_pending(struct queue *queue, const struct call *call) {
    struct call **at = bucket_of(queue, call->hash);
    while (*at != call) at = &(*at)->next_same;
    *at = call->next_same;
    queue->pending_count--;
}

static bool is_pending(struct queue *queue, const struct call *wanted) {
    if (wanted->kind == CALL_LIST) return queue->pending_count > 0;
    for (const struct call *call = *bucket_of(queue, wanted->hash); call; call = call->next_same)
        if (call->hash == wanted->hash && rp_str_equal(call_key(call), call_key(wanted))) return true;
    return false;
}

/* ---- in -------------------------------------------------------------------------------------------------------------- */

static void add_write(struct queue *queue, struct call *call) {
    line_add(&queue->writes, call);
    if (++queue->write_count == queue->awaited) uv_cond_signal(&queue->write_wanted);
}

static void add_read(struct queue *queue, struct call *call) {
    if (!queue->reads.first) uv_cond_signal(&queue->read_wanted);
    line_add(&queue->reads, call);
}

int queue_add(struct queue *queue, struct call *call) {
    size_t cost = call_cost(call);
    call->hash = hash_of(queue, call_key(call));
    uv_mutex_lock(&queue->lock);
    bool fits = call->kind == CALL_LIST || (cost <= queue->max && queue->waiting <= queue->max - cost);
    if (fits) {
        queue->waiting += cost;
        if (call_writes(call)) add_pending(queue, call);
        if (call_writes(call) || is_pending(queue, call))
            add_write(queue, call);
        else
            add_read(queue, call);
    }
    uv_mutex_unlock(&queue->lock);
    return fits ? 0 : -RP_EBUSY;
}

void queue_read_again(struct queue *queue, struct call *call) {
    uv_mutex_lock(&queue->lock);
    queue->waiting += call_cost(call);
    add_read(queue, call);
    uv_mutex_unlock(&queue->lock);
}

/* ---- out ------------------------------------------------------------------------------------------------------------- */

/* Until there are `count` writes, or the time is over. */
static void await_writes(struct queue *queue, size_t count, uint64_t wait_ns) {
    int64_t end = rp_now_ns() + (int64_t)wait_ns, now;
    queue->awaited = count;
    while (queue->write_count < count && !queue->closing && (now = rp_now_ns()) < end)
        uv_cond_timedwait(&queue->write_wanted, &queue->lock, (uint64_t)(end - now));
}

/* Those who were answered together tend to come again together, but the first of them sooner than the last: without
 * waiting a little, it would go alone and all the others would wait for its fsync. */
bool queue_take_writes(struct queue *queue, uint64_t wait_ns, uint64_t gather_ns, struct line *out_batch) {
    size_t calls = 0, bytes = 0;
    uv_mutex_lock(&queue->lock);
    await_writes(queue, 1, wait_ns);
    if (queue->write_count > 0 && gather_ns > 0) await_writes(queue, queue->last_batch, gather_ns);
    bool open = queue->writes.first || !queue->closing;
    while (queue->writes.first && calls < BATCH_CALLS && bytes < BATCH_BYTES) {
        struct call *call = line_take(&queue->writes);
        bytes += call_cost(call);
        calls++;
        line_add(out_batch, call);
    }
    queue->write_count -= calls;
    if (calls > 0) queue->last_batch = calls;
    uv_mutex_unlock(&queue->lock);
    return open;
}

bool queue_take_reads(struct queue *queue, struct line *out_batch) {
    uv_mutex_lock(&queue->lock);
    while (!queue->reads.first && !queue->closing) uv_cond_wait(&queue->read_wanted, &queue->lock);
    bool open = queue->reads.first || !queue->closing;
    line_move(&queue->reads, out_batch);
    uv_mutex_unlock(&queue->lock);
    return open;
}

void queue_settle(struct queue *queue, const struct line *batch) {
    uv_mutex_lock(&queue->lock);
    for (struct call *call = batch->first; call; call = call->next) {
        queue->waiting -= call_cost(call);
        if (call_writes(call)) drop_pending(queue, call);
    }
    uv_mutex_unlock(&queue->lock);
}
