/* Several workers on threads of their own, one database: every worker sees what another has been told is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "place.h"

#define ROUNDS 300 /* of each chain */
#define CHAINS 8   /* of each worker's own start */

/* A chain puts a value on one worker and, as soon as that is acknowledged, looks for it on the next. */
struct chain {
    struct rp_store_op op;
    unsigned number, at;
    int round, wrong;
};

static struct chain chains[STORE_RIG_WORKERS * CHAINS];
static uv_sem_t chains_left, workers_left;

static struct rp_worker *worker_of(const struct chain *chain) {
    return place_rig.group.workers[chain->at];
}

static struct rp_str key_of(const struct chain *chain, char out[32]) {
    snprintf(out, 32, "chain-%u", chain->number);
    return rp_str(out);
}

static void on_put(struct rp_store_op *op, int code, struct rp_str value);

static void put(struct chain *chain) {
    char key[32], text[32];
    snprintf(text, sizeof text, "%d", chain->round);
    chain->op.done = on_put;
    place_type()->put(&place_rig.store, worker_of(chain), key_of(chain, key), rp_str(text), 60000, &chain->op);
}

static void on_get(struct rp_store_op *op, int code, struct rp_str value) {
    struct chain *chain = (struct chain *)op;
    char text[32];
    snprintf(text, sizeof text, "%d", chain->round);
    chain->wrong += code != 0 || !rp_str_equal(value, rp_str(text));
    if (++chain->round == ROUNDS)
        uv_sem_post(&chains_left);
    else
        put(chain);
}

static void get_there(struct rp_worker *worker, void *arg) {
    struct chain *chain = arg;
    char key[32];
    chain->op.done = on_get;
    place_type()->get(&place_rig.store, worker, key_of(chain, key), &chain->op);
}

static void on_put(struct rp_store_op *op, int code, struct rp_str value) {
    struct chain *chain = (struct chain *)op;
    (void)value;
    chain->wrong += code != 0;
    chain->at = (chain->at + 1) % STORE_RIG_WORKERS;
    rp_worker_post(worker_of(chain), get_there, chain);
}

static void begin(struct rp_worker *worker, void *arg) {
    (void)worker;
    put(arg);
}

static void end(struct rp_worker *worker, void *arg) {
    (void)arg;
    unsigned index = rp_worker_index(worker);
    place_type()->type.detach(&place_rig.store.element, worker, place_rig.locals[index]);
    worker_end(worker);
    uv_sem_post(&workers_left);
}

static void every_worker_sees_what_is_acknowledged(void **state) {
    (void)state;
    size_t count = sizeof chains / sizeof *chains;
    uv_sem_init(&chains_left, 0);
    uv_sem_init(&workers_left, 0);
    assert_int_equal(store_rig_open(&place_rig, place_type(), "main", &place_options, STORE_RIG_WORKERS), 0);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) worker_start(place_rig.group.workers[i]);
    for (size_t i = 0; i < count; i++) {
        chains[i] = (struct chain){.number = (unsigned)i, .at = (unsigned)i % STORE_RIG_WORKERS};
        rp_worker_post(worker_of(&chains[i]), begin, &chains[i]);
    }
    for (size_t i = 0; i < count; i++) uv_sem_wait(&chains_left);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) rp_worker_post(place_rig.group.workers[i], end, NULL);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) uv_sem_wait(&workers_left);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) worker_join(place_rig.group.workers[i]);
    place_type()->type.close(&place_rig.store.element);
    worker_group_finish(&place_rig.group);
    for (size_t i = 0; i < count; i++) assert_int_equal(chains[i].wrong, 0);
    uv_sem_destroy(&chains_left);
    uv_sem_destroy(&workers_left);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_worker_sees_what_is_acknowledged, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
