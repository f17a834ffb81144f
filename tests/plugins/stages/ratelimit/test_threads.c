/* Threads that take from the same keys get exactly the burst between them. Also meant for the thread sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "plugins/stages/ratelimit/limiter.h"

#define THREADS 4
#define KEYS 2000
#define TRIES 4
#define BURST 10

struct taker {
    pthread_t thread;
    struct limiter *limiter;
    unsigned char passed[KEYS];
};

static void *run(void *pointer) {
    struct taker *taker = pointer;
    for (int i = 0; i < KEYS * TRIES; i++) {
        char key[16];
        int which = i % KEYS;
        snprintf(key, sizeof(key), "user%d", which);
        taker->passed[which] += limiter_take(taker->limiter, 0, rp_str(key), INT64_C(1000000000000)) == 0;
    }
    return NULL;
}

static void threads_share_one_burst_while_the_table_grows(void **state) {
    static struct taker takers[THREADS];
    (void)state;
    struct limiter *limiter = limiter_create(0.001, BURST, 100000);
    for (int i = 0; i < THREADS; i++) {
        takers[i].limiter = limiter;
        assert_int_equal(pthread_create(&takers[i].thread, NULL, run, &takers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(takers[i].thread, NULL);
    for (int key = 0; key < KEYS; key++) {
        int passed = 0;
        for (int i = 0; i < THREADS; i++) passed += takers[i].passed[key];
        assert_int_equal(passed, BURST); /* of THREADS * TRIES that asked */
    }
    limiter_destroy(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_one_burst_while_the_table_grows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
