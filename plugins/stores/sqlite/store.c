/* The store's hooks and calls: a call is copied, queued, and answered by the inbox. What cannot be queued is answered at
 * once. */
#include "sqlite.h"

int store_open(struct rp_element *element, struct rp_error *error) {
    struct database *database;
    int code = database_open(element, &database, error);
    if (code == 0) element->state = database;
    return code;
}

void store_close(struct rp_element *element) {
    database_close(element->state);
    element->state = NULL;
}

int store_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    struct database *database = element->state;
    struct inbox *inbox = inbox_create(worker, &database->queue);
    if (!inbox) return rp_error_set(error, RP_ENOMEM, "cannot make a lock");
    *out_local = inbox;
    return 0;
}

void store_detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)element, (void)worker;
    inbox_end(local);
}

static int64_t expiry(int64_t ttl_ms) {
    int64_t now = rp_wall_ms();
    if (ttl_ms <= 0) return 0;
    return ttl_ms > INT64_MAX - now ? INT64_MAX : now + ttl_ms;
}

static bool fits(const struct options *options, struct rp_str key, struct rp_str value) {
    return key.len <= KEY_MAX && value.len <= (size_t)options->queue / 4;
}

static int submit(struct rp_store *store, struct rp_worker *worker, struct call *call, struct rp_store_op *op) {
    struct database *database = store->element.state;
    if (!call) return -RP_ENOMEM;
    call->inbox = rp_local(&store->element, worker);
    call->op = op;
    int code = queue_add(&database->queue, call);
    if (code)
        call_free(call);
    else
        call->inbox->out++;
    return code;
}

static void refuse(struct rp_store_op *op, int code) {
    if (code) op->done(op, code, rp_str_n(NULL, 0));
}

void store_get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    struct rp_str none = {NULL, 0};
    if (key.len > KEY_MAX)
        refuse(op, -RP_ENOTFOUND);
    else
        refuse(op, submit(store, worker, call_create(CALL_GET, key, none), op));
}

void store_put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value, int64_t ttl_ms,
               struct rp_store_op *op) {
    if (!fits(store->element.options, key, value)) {
        refuse(op, -RP_ETOOLARGE);
        return;
    }
    struct call *call = call_create(CALL_PUT, key, value);
    if (call) call->expires_ms = expiry(ttl_ms);
    refuse(op, submit(store, worker, call, op));
}

void store_del(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    struct rp_str none = {NULL, 0};
    refuse(op, submit(store, worker, call_create(CALL_DEL, key, none), op));
}

void store_add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
               struct rp_store_op *op) {
    struct rp_str none = {NULL, 0};
    if (key.len > KEY_MAX) {
        refuse(op, -RP_ETOOLARGE);
        return;
    }
    struct call *call = call_create(CALL_ADD, key, none);
    if (call) {
        call->expires_ms = expiry(ttl_ms);
        call->delta = delta;
    }
    refuse(op, submit(store, worker, call, op));
}

void store_list(struct rp_store *store, struct rp_worker *worker, struct rp_str prefix, struct rp_store_op *op) {
    struct rp_str none = {NULL, 0};
    submit(store, worker, call_create(CALL_LIST, prefix, none), op);
}
