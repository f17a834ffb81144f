#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_rig.h"

#define VALUE_MAX ((size_t)64 << 20)
#define PATIENCE_NS INT64_C(20000000000)

static void on_done(struct rp_store_op *op, int code, struct rp_str value) {
    struct store_answer *answer = (struct store_answer *)op;
    answer->calls++;
    answer->code = code;
    if (!answer->value.max) rp_buf_init(&answer->value, VALUE_MAX);
    rp_buf_clear(&answer->value);
    rp_buf_append_str(&answer->value, value);
}

static void on_key(struct rp_store_op *op, int code, struct rp_str key) {
    struct store_answer *answer = (struct store_answer *)op;
    answer->calls += code != 0;
    answer->code = code;
    if (code != 0) return;
    rp_buf_append_str(&answer->value, key);
    rp_buf_append(&answer->value, "\n", 1);
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static int attach_all(struct store_rig *rig) {
    struct rp_element *element = &rig->store.element;
    for (unsigned i = 0; rig->type->type.attach && i < rig->group.count; i++) {
        int code = rig->type->type.attach(element, rig->group.workers[i], &rig->locals[i], &rig->error);
        if (code) return code;
    }
    return 0;
}

int store_rig_open(struct store_rig *rig, const struct rp_store_type *type, const char *name, const void *options,
                   unsigned workers) {
    *rig = (struct store_rig){.type = type};
    rig->store.element = (struct rp_element){
        .type = &type->type, .name = name, .file = "rig.lua", .line = 1, .options = options, .local = rig->locals};
    int code = type->type.open(&rig->store.element, &rig->error);
    if (code) return code;
    worker_group_init(&rig->group, workers);
    rig->worker = rig->group.workers[0];
    assert_int_equal(attach_all(rig), 0);
    return 0;
}

void store_rig_close(struct store_rig *rig) {
    struct rp_element *element = &rig->store.element;
    for (unsigned i = 0; rig->type->type.detach && i < rig->group.count; i++)
        rig->type->type.detach(element, rig->group.workers[i], rig->locals[i]);
    rig->type->type.close(element);
    worker_group_finish(&rig->group);
}

/* ---- calls ------------------------------------------------------------------------------------------------------------- */

void store_rig_wait(struct store_rig *rig, struct store_answer *answer) {
    int64_t give_up = rp_now_ns() + PATIENCE_NS;
    while (answer->calls == 0 && rp_now_ns() < give_up) worker_turn_loop(rig->worker);
    assert_int_equal(answer->calls, 1);
}

static void clear(struct store_answer *answer) {
    rp_buf_finish(&answer->value);
    *answer = (struct store_answer){.op = {on_done}};
    rp_buf_init(&answer->value, VALUE_MAX);
}

void store_rig_begin_get(struct store_rig *rig, struct rp_str key, struct store_answer *answer) {
    answer->op.done = on_done;
    rig->type->get(&rig->store, rig->worker, key, &answer->op);
}

void store_rig_begin_put(struct store_rig *rig, struct rp_str key, struct rp_str value, int64_t ttl_ms,
                         struct store_answer *answer) {
    answer->op.done = on_done;
    rig->type->put(&rig->store, rig->worker, key, value, ttl_ms, &answer->op);
}

void store_rig_begin_add(struct store_rig *rig, struct rp_str key, int64_t delta, int64_t ttl_ms,
                         struct store_answer *answer) {
    answer->op.done = on_done;
    rig->type->add(&rig->store, rig->worker, key, delta, ttl_ms, &answer->op);
}

void store_rig_get(struct store_rig *rig, const char *key, struct store_answer *answer) {
    clear(answer);
    store_rig_begin_get(rig, rp_str(key), answer);
    store_rig_wait(rig, answer);
}

void store_rig_list(struct store_rig *rig, struct rp_str prefix, struct store_answer *answer) {
    clear(answer);
    answer->op.done = on_key;
    rig->type->list(&rig->store, rig->worker, prefix, &answer->op);
    assert_int_equal(answer->calls, 0); /* never inside the call */
    store_rig_wait(rig, answer);
}

static int finish(struct store_rig *rig, struct store_answer *answer) {
    store_rig_wait(rig, answer);
    rp_buf_finish(&answer->value);
    return answer->code;
}

int store_rig_put_bytes(struct store_rig *rig, struct rp_str key, struct rp_str value) {
    struct store_answer answer = {0};
    store_rig_begin_put(rig, key, value, 0, &answer);
    return finish(rig, &answer);
}

int store_rig_put(struct store_rig *rig, const char *key, const char *value, int64_t ttl_ms) {
    struct store_answer answer = {0};
    store_rig_begin_put(rig, rp_str(key), rp_str(value), ttl_ms, &answer);
    return finish(rig, &answer);
}

int store_rig_add(struct store_rig *rig, const char *key, int64_t delta, int64_t ttl_ms, int64_t *out_sum) {
    struct store_answer answer = {0};
    store_rig_begin_add(rig, rp_str(key), delta, ttl_ms, &answer);
    store_rig_wait(rig, &answer);
    if (answer.code == 0) assert_int_equal(rp_str_int64(rp_buf_str(&answer.value), out_sum), 0);
    return finish(rig, &answer);
}

static void expect_sum(struct store_rig *rig, int64_t delta, int64_t expected) {
    int64_t sum;
    assert_int_equal(store_rig_add(rig, "n", delta, 0, &sum), 0);
    assert_true(sum == expected);
}

void store_rig_check_numbers(struct store_rig *rig) {
    int64_t sum;
    expect_sum(rig, 5, 5);
    expect_sum(rig, -7, -2);
    expect_sum(rig, 0, -2);
    assert_true(store_rig_has(rig, "n", "-2"));
    assert_int_equal(store_rig_put(rig, "n", "9223372036854775806", 0), 0);
    expect_sum(rig, 1, INT64_MAX);
    assert_int_equal(store_rig_add(rig, "n", 1, 0, &sum), -RP_EINVALID);
    assert_true(store_rig_has(rig, "n", "9223372036854775807"));
    expect_sum(rig, INT64_MIN, -1);
    assert_int_equal(store_rig_add(rig, "n", INT64_MIN, 0, &sum), -RP_EINVALID);
    assert_int_equal(store_rig_put(rig, "n", "word", 0), 0);
    assert_int_equal(store_rig_add(rig, "n", 1, 0, &sum), -RP_EINVALID);
    assert_true(store_rig_has(rig, "n", "word"));
    assert_int_equal(store_rig_del(rig, "n"), 0);
    expect_sum(rig, 3, 3);
}

int store_rig_del(struct store_rig *rig, const char *key) {
    struct store_answer answer = {.op = {on_done}};
    rig->type->del(&rig->store, rig->worker, rp_str(key), &answer.op);
    return finish(rig, &answer);
}

bool store_rig_has(struct store_rig *rig, const char *key, const char *value) {
    struct store_answer answer = {0};
    store_rig_get(rig, key, &answer);
    bool equal = answer.code == 0 && rp_str_equal(rp_buf_str(&answer.value), rp_str(value));
    rp_buf_finish(&answer.value);
    return equal;
}

int store_rig_code(struct store_rig *rig, const char *key) {
    struct store_answer answer = {0};
    store_rig_get(rig, key, &answer);
    rp_buf_finish(&answer.value);
    return answer.code;
}
