/* What workers share of a target: many threads ask, measure and check one at the same time. Under ThreadSanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "plugins/models/route/route.h"

#define THREADS 4
#define ROUNDS 2000

static struct rp_element element = {.name = "main"};
static struct target target = {.name = "a"};
static struct route route = {
    .element = &element, .targets = &target, .count = 1, .rules = {.failures = 3, .window = 10, .rest_ms = 1}};
static atomic_int looking; /* calls that look, now */
static atomic_int most, looks;
static atomic_llong now; /* a millisecond each time that somebody asks */

static void ask_once(unsigned round) {
    const char *why;
    int64_t at = atomic_fetch_add(&now, 1);
    enum breaker_answer answer = target_ask(&target, false, at, &why);
    if (answer == BREAKER_NO) return;
    if (answer == BREAKER_LOOK) {
        int count = atomic_fetch_add(&looking, 1) + 1;
        if (count > atomic_load(&most)) atomic_store(&most, count);
        atomic_fetch_add(&looks, 1);
        atomic_fetch_sub(&looking, 1);
    }
    bool failed = round % 3 != 0;
    if (failed)
        target_failed(&target, 5, 0, at);
    else
        target_first(&target, round % 50, at);
    target_end(&route, &target, answer == BREAKER_LOOK, failed ? BREAKER_FAILED : BREAKER_WELL, at);
}

static void work(void *arg) {
    (void)arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        ask_once(round);
        target_p95(&target);
        target_score(&target, atomic_load(&now));
        target_wait_ms(&target, false, atomic_load(&now));
        if (round % 10 == 0) target_checked(&route, &target, round % 20 ? RP_EUPSTREAM : 0, atomic_load(&now));
    }
}

static void one_at_a_time_looks_whoever_asks(void **state) {
    (void)state;
    uv_thread_t threads[THREADS];
    uv_mutex_init(&target.lock);
    uv_mutex_init(&route.lock);
    tell_open(&route);
    for (int i = 0; i < THREADS; i++) assert_int_equal(uv_thread_create(&threads[i], work, NULL), 0);
    for (int i = 0; i < THREADS; i++) uv_thread_join(&threads[i]);
    assert_true(atomic_load(&looks) > 10);
    assert_int_equal(atomic_load(&most), 1);
    uv_mutex_destroy(&target.lock);
    uv_mutex_destroy(&route.lock);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_at_a_time_looks_whoever_asks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
