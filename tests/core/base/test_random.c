/* Ids and random bytes: shape, and that nothing comes twice, not over threads nor after a fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <repartee/base.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define EACH 5000

static char ids[THREADS * EACH][RP_ID_SIZE];

static void *make_ids(void *arg) {
    char(*mine)[RP_ID_SIZE] = arg;
    for (size_t i = 0; i < EACH; i++) rp_id(mine[i]);
    return NULL;
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static void ids_of_all_threads_differ(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, make_ids, ids[i * EACH]);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    qsort(ids, THREADS * EACH, RP_ID_SIZE, compare);
    for (size_t i = 0; i < THREADS * EACH; i++) {
        assert_int_equal(strlen(ids[i]), RP_ID_SIZE - 1);
        assert_int_equal(strspn(ids[i], "0123456789abcdefghijklmnopqrstuvwxyz"), RP_ID_SIZE - 1);
        if (i > 0) assert_string_not_equal(ids[i], ids[i - 1]);
    }
}

/* With 20,000 ids each digit that can stand somewhere does stand there: 5 bits for all but two places, 4 for those. */
static void every_place_uses_all_its_digits(void **state) {
    (void)state;
    for (size_t place = 0; place < RP_ID_SIZE - 1; place++) {
        bool seen[128] = {false};
        unsigned digits = 0;
        for (size_t i = 0; i < THREADS * EACH; i++) {
            bool *digit = &seen[(unsigned char)ids[i][place]];
            digits += !*digit;
            *digit = true;
        }
        assert_int_equal(digits, place == 12 || place == 25 ? 16 : 32);
    }
}

static void a_forked_child_draws_other_bytes(void **state) {
    (void)state;
    unsigned char warm[1], mine[64], other[64];
    int ends[2];
    rp_random(warm, sizeof warm); /* the pool is filled before the fork */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rp_random(other, sizeof other);
        _exit(write(ends[1], other, sizeof other) == sizeof other ? 0 : 1);
    }
    rp_random(mine, sizeof mine);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], other, sizeof other), sizeof other);
    assert_memory_not_equal(mine, other, sizeof mine);
    close(ends[0]);
    close(ends[1]);
}

static void any_amount_is_filled(void **state) {
    (void)state;
    for (size_t len = 0; len < 3000; len += len < 140 ? 1 : 97) {
        unsigned char bytes[3001], any[3001] = {0};
        for (int round = 0; round < 20; round++) { /* a byte that is never filled stays 0 twenty times */
            memset(bytes, 0, sizeof bytes);
            rp_random(bytes, len);
            for (size_t i = 0; i < sizeof bytes; i++) any[i] |= bytes[i];
        }
        for (size_t i = 0; i < sizeof any; i++) assert_int_equal(any[i] != 0, i < len);
    }
}

static void the_monotonic_clock_never_goes_back(void **state) {
    (void)state;
    int64_t last = rp_now_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = rp_now_ns();
        assert_true(now >= last);
        last = now;
    }
    assert_true(rp_wall_ms() > INT64_C(1700000000000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_all_threads_differ),           cmocka_unit_test(every_place_uses_all_its_digits),
        cmocka_unit_test(a_forked_child_draws_other_bytes),    cmocka_unit_test(any_amount_is_filled),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
