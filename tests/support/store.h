/* A store for tests: a few places, answers at once or by a task, and can be looked into. */
#ifndef TESTS_SUPPORT_STORE_H
#define TESTS_SUPPORT_STORE_H

#include <repartee/plugin.h>

#define TEST_STORE_PLACES 256
#define TEST_STORE_STALLED 16

struct test_store {
    struct rp_store store; /* first; store.element.type is set by test_store_init */
    char *keys[TEST_STORE_PLACES];
    struct rp_buf values[TEST_STORE_PLACES];
    int64_t ttl_ms[TEST_STORE_PLACES]; /* of what add() has made */
    bool later;        /* answers by a task of the worker */
    bool stalls;       /* answers when the test says so */
    struct rp_task *stalled[TEST_STORE_STALLED];
    size_t stalled_count;
    int fail_put;      /* the code of puts to come; 0: they work */
    int fail_add;      /* of adds */
    unsigned puts, adds;
    void (*on_put)(struct test_store *store); /* after each that worked; NULL: none */
};

void test_store_init(struct test_store *store);
void test_store_finish(struct test_store *store); /* forgets everything */
void test_store_go_on(struct test_store *store, struct rp_worker *worker); /* what is stalled is answered soon */
struct rp_str test_store_value(struct test_store *store, const char *key); /* empty: not there */

#endif
