#include "support/store.h"

#include <stdio.h>
#include <stdlib.h>

struct answer {
    struct rp_task task;
    struct rp_store_op *op;
    int code;
    struct rp_buf value;
};

static void on_answer(struct rp_task *task) {
    struct answer *answer = (struct answer *)task;
    answer->op->done(answer->op, answer->code, rp_buf_str(&answer->value));
    rp_buf_finish(&answer->value);
    free(answer);
}

static struct answer *make(struct rp_store_op *op, int code, struct rp_str value) {
    struct answer *made = rp_calloc(1, sizeof(*made));
    *made = (struct answer){.task = {.run = on_answer}, .op = op, .code = code};
    rp_buf_init(&made->value, 1 << 20);
    rp_buf_append_str(&made->value, value);
    return made;
}

static void give_later(struct rp_worker *worker, struct rp_store_op *op, int code, struct rp_str value) {
    rp_task_schedule(worker, &make(op, code, value)->task);
}

void test_store_go_on(struct test_store *store, struct rp_worker *worker) {
    store->stalls = false;
    while (store->stalled_count > 0) rp_task_schedule(worker, store->stalled[--store->stalled_count]);
}

static void give(struct test_store *store, struct rp_worker *worker, struct rp_store_op *op, int code,
                 struct rp_str value) {
    if (store->stalls && store->stalled_count < TEST_STORE_STALLED)
        store->stalled[store->stalled_count++] = &make(op, code, value)->task;
    else if (store->later)
        give_later(worker, op, code, value);
    else
        op->done(op, code, value);
}

/* The place of the key, or a free one. */
static size_t find(struct test_store *store, struct rp_str key) {
    size_t free_place = TEST_STORE_PLACES;
    for (size_t i = 0; i < TEST_STORE_PLACES; i++) {
        if (store->keys[i] && rp_str_equal(rp_str(store->keys[i]), key)) return i;
        if (!store->keys[i] && free_place == TEST_STORE_PLACES) free_place = i;
    }
    if (free_place == TEST_STORE_PLACES) abort();
    return free_place;
}

static void forget(struct test_store *store, size_t at) {
    free(store->keys[at]);
    store->keys[at] = NULL;
    rp_buf_finish(&store->values[at]);
}

static void get(struct rp_store *base, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    struct test_store *store = (struct test_store *)base;
    size_t at = find(store, key);
    give(store, worker, op, store->keys[at] ? 0 : -RP_ENOTFOUND, rp_buf_str(&store->values[at]));
}

static void put(struct rp_store *base, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                int64_t ttl_ms, struct rp_store_op *op) {
    struct test_store *store = (struct test_store *)base;
    (void)ttl_ms;
    store->puts++;
    if (store->fail_put == 0) {
        size_t at = find(store, key);
        forget(store, at);
        store->keys[at] = strndup(key.data, key.len);
        rp_buf_init(&store->values[at], 1 << 20);
        rp_buf_append_str(&store->values[at], value);
        if (store->on_put) store->on_put(store);
    }
    give(store, worker, op, store->fail_put, RP_STR(""));
}

static void del(struct rp_store *base, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    struct test_store *store = (struct test_store *)base;
    forget(store, find(store, key));
    give(store, worker, op, 0, RP_STR(""));
}

static void list(struct rp_store *base, struct rp_worker *worker, struct rp_str prefix, struct rp_store_op *op) {
    struct test_store *store = (struct test_store *)base;
    for (size_t i = 0; i < TEST_STORE_PLACES; i++) {
        const char *key = store->keys[i];
        if (key && strncmp(key, prefix.data, prefix.len) == 0) give_later(worker, op, 0, rp_str(key));
    }
    give_later(worker, op, -RP_ENOTFOUND, RP_STR(""));
}

static void add(struct rp_store *base, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
                struct rp_store_op *op) {
    struct test_store *store = (struct test_store *)base;
    size_t at = find(store, key);
    int64_t sum = 0;
    char text[24];
    store->adds++;
    if (store->fail_add == 0) {
        if (store->keys[at]) rp_str_int64(rp_buf_str(&store->values[at]), &sum);
        if (!store->keys[at]) store->ttl_ms[at] = ttl_ms;
        forget(store, at);
        sum += delta;
        store->keys[at] = strndup(key.data, key.len);
        rp_buf_init(&store->values[at], 1 << 20);
        rp_buf_printf(&store->values[at], "%lld", (long long)sum);
    }
    snprintf(text, sizeof(text), "%lld", (long long)sum);
    give(store, worker, op, store->fail_add, store->fail_add ? RP_STR("") : rp_str(text));
}

static const struct rp_store_type type = {
    .type = {.name = "test"}, .get = get, .put = put, .del = del, .list = list, .add = add};

void test_store_init(struct test_store *store) {
    memset(store, 0, sizeof(*store));
    store->store.element.type = &type.type;
}

void test_store_finish(struct test_store *store) {
    for (size_t i = 0; i < TEST_STORE_PLACES; i++) forget(store, i);
}

struct rp_str test_store_value(struct test_store *store, const char *key) {
    size_t at = find(store, rp_str(key));
    return store->keys[at] ? rp_buf_str(&store->values[at]) : RP_STR("");
}
