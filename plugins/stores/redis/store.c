/* The store's hooks and calls: a call is copied and given to the worker's client. */
#include <stdlib.h>

#include "redis.h"

struct redis {
    struct url url;
    struct health health;
};

int store_check(const void *base, struct rp_error *error) {
    const struct options *options = base;
    struct url url;
    int code = url_parse(options->url, &url, error);
    if (code == 0) url_finish(&url);
    return code;
}

int store_open(struct rp_element *element, struct rp_error *error) {
    const struct options *options = element->options;
    struct redis *redis = rp_calloc(1, sizeof *redis);
    int code = url_parse(options->url, &redis->url, error);
    if (code) {
        free(redis);
        return code;
    }
    health_init(&redis->health, element->name, &redis->url);
    element->state = redis;
    return 0;
}

void store_close(struct rp_element *element) {
    struct redis *redis = element->state;
    url_finish(&redis->url);
    free(redis);
    element->state = NULL;
}

int store_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    struct redis *redis = element->state;
    (void)error;
    *out_local = client_create(worker, element->options, &redis->url, &redis->health);
    return 0;
}

void store_detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)element, (void)worker;
    client_destroy(local);
}

/* ---- calls ------------------------------------------------------------------------------------------------------------- */

static struct call *call_create(enum kind kind, size_t key_len, struct rp_str value) {
    struct call *call = malloc(sizeof *call + key_len + value.len);
    if (!call) return NULL;
    *call = (struct call){.kind = kind, .key_len = key_len, .value_len = value.len};
    if (value.len) memcpy(call->bytes + key_len, value.data, value.len);
    return call;
}

static void submit(struct rp_store *store, struct rp_worker *worker, struct call *call, struct rp_store_op *op) {
    int code = -RP_ENOMEM;
    if (call) {
        call->op = op;
        code = client_submit(rp_local(&store->element, worker), call);
    }
    if (code == 0) return;
    free(call);
    op->done(op, code, rp_str_n(NULL, 0));
}

static struct call *call_of(struct rp_store *store, enum kind kind, struct rp_str key, struct rp_str value) {
    const struct options *options = store->element.options;
    size_t prefix = strlen(options->prefix);
    struct call *call = call_create(kind, prefix + key.len, value);
    if (!call) return NULL;
    memcpy(call->bytes, options->prefix, prefix);
    if (key.len) memcpy(call->bytes + prefix, key.data, key.len);
    return call;
}

void store_get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    submit(store, worker, call_of(store, CALL_GET, key, rp_str_n(NULL, 0)), op);
}

void store_put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value, int64_t ttl_ms,
               struct rp_store_op *op) {
    const struct options *options = store->element.options;
    if (key.len > KEY_MAX || value.len > (size_t)options->queue / 4) {
        op->done(op, -RP_ETOOLARGE, rp_str_n(NULL, 0));
        return;
    }
    struct call *call = call_of(store, CALL_PUT, key, value);
    if (call) call->ttl_ms = ttl_ms;
    submit(store, worker, call, op);
}

void store_del(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    submit(store, worker, call_of(store, CALL_DEL, key, rp_str_n(NULL, 0)), op);
}

void store_add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
               struct rp_store_op *op) {
    if (key.len > KEY_MAX) {
        op->done(op, -RP_ETOOLARGE, rp_str_n(NULL, 0));
        return;
    }
    struct call *call = call_of(store, CALL_ADD, key, rp_str_n(NULL, 0));
    if (call) {
        call->ttl_ms = ttl_ms;
        call->delta = delta;
    }
    submit(store, worker, call, op);
}

/* A pattern that means the text itself. */
static char *escape(char *out, struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("*?[]^\\", text.data[i]) && text.data[i]) *out++ = '\\';
        *out++ = text.data[i];
    }
    return out;
}

void store_list(struct rp_store *store, struct rp_worker *worker, struct rp_str prefix, struct rp_store_op *op) {
    const struct options *options = store->element.options;
    struct rp_str own = rp_str(options->prefix);
    struct call *call = call_create(CALL_LIST, 2 * (own.len + prefix.len) + 1, rp_str_n(NULL, 0));
    if (call) {
        char *end = escape(escape(call->bytes, own), prefix);
        *end++ = '*';
        call->key_len = (size_t)(end - call->bytes);
        call->cursor[0] = '0';
    }
    submit(store, worker, call, op);
}
