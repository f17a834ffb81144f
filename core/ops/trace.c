/* A queue of records with a hash table over their ids. Both live under one lock, which is held for as long as it takes to
 * copy a record. */
#include "core/ops/trace.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 4096 /* a power of two */

struct entry {
    struct entry *next;        /* in the queue, the younger one */
    struct entry *next_hashed; /* in the bucket, the older one */
    size_t id_len, len;
    char data[]; /* the id, then the record */
};

static struct {
    pthread_mutex_t lock;
    int64_t keep, bytes;        /* the limits */
    int64_t count, used;        /* what there is */
    struct entry *oldest, *youngest;
    struct entry *buckets[BUCKETS];
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct entry **bucket_of(struct rp_str id) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < id.len; i++) hash = (hash ^ (unsigned char)id.data[i]) * UINT64_C(0x100000001B3);
    return &trace.buckets[(hash ^ hash >> 32) & (BUCKETS - 1)];
}

static struct rp_str id_of(const struct entry *entry) {
    return rp_str_n(entry->data, entry->id_len);
}

static int64_t size_of(const struct entry *entry) {
    return (int64_t)(sizeof(*entry) + entry->id_len + entry->len);
}

static void drop_oldest(void) {
    struct entry *entry = trace.oldest, **at = bucket_of(id_of(entry));
    while (*at != entry) at = &(*at)->next_hashed;
    *at = entry->next_hashed;
    trace.oldest = entry->next;
    if (!trace.oldest) trace.youngest = NULL;
    trace.count--;
    trace.used -= size_of(entry);
    free(entry);
}

static void make_room(int64_t count, int64_t size) {
    while (trace.oldest && (trace.count + count > trace.keep || trace.used + size > trace.bytes)) drop_oldest();
}

void trace_limit(int64_t keep, int64_t bytes) {
    pthread_mutex_lock(&trace.lock);
    trace.keep = keep;
    trace.bytes = bytes;
    make_room(0, 0);
    pthread_mutex_unlock(&trace.lock);
}

static struct entry *make_entry(struct rp_str id, struct rp_str record) {
    struct entry *entry = rp_alloc(sizeof(*entry) + id.len + record.len);
    *entry = (struct entry){.id_len = id.len, .len = record.len};
    memcpy(entry->data, id.data, id.len);
    memcpy(entry->data + id.len, record.data, record.len);
    return entry;
}

/* Of two records with one id, which a client may have chosen, the younger one is found. */
static void add(struct entry *entry) {
    struct entry **bucket = bucket_of(id_of(entry));
    entry->next_hashed = *bucket;
    *bucket = entry;
    *(trace.youngest ? &trace.youngest->next : &trace.oldest) = entry;
    trace.youngest = entry;
    trace.count++;
    trace.used += size_of(entry);
}

void trace_keep(const char *id, struct rp_str record) {
    struct rp_str name = rp_str(id);
    pthread_mutex_lock(&trace.lock);
    if (trace.keep > 0) {
        bool large = (int64_t)record.len > trace.bytes / 8;
        struct entry *entry = make_entry(name, large ? RP_STR("{\"error\":\"the record was too large to keep\"}") : record);
        make_room(1, size_of(entry));
        add(entry);
    }
    pthread_mutex_unlock(&trace.lock);
}

int rp_trace_text(struct rp_str id, struct rp_buf *out) {
    int code = -RP_ENOTFOUND;
    pthread_mutex_lock(&trace.lock);
    struct entry *entry = *bucket_of(id);
    while (entry && !rp_str_equal(id_of(entry), id)) entry = entry->next_hashed;
    if (entry) code = rp_buf_append(out, entry->data + entry->id_len, entry->len);
    pthread_mutex_unlock(&trace.lock);
    return code;
}
