/* Metrics of users: as many as are allowed, and one for all the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <repartee/metrics.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/money/users.h"

static int64_t tokens(const char *bot, const char *user, const char *direction) {
    return rp_metric_value(rp_metric(RP_COUNTER, "repartee_user_tokens_total", "", "bot", bot, "user", user,
                                     "direction", direction, NULL));
}

static void count(const char *bot, const char *user, int64_t most) {
    users_count(bot, rp_str(user), most, &(struct rp_usage){.input_tokens = 3, .output_tokens = 2}, 7);
}

static void the_first_have_their_own_and_the_rest_share_one(void **state) {
    (void)state;
    count("shop", "ann", 2);
    count("shop", "bob", 2);
    count("shop", "carl", 2);
    count("shop", "dora", 2);
    count("shop", "ann", 2);
    assert_int_equal(tokens("shop", "ann", "input"), 6);
    assert_int_equal(tokens("shop", "ann", "output"), 4);
    assert_int_equal(tokens("shop", "bob", "input"), 3);
    assert_int_equal(tokens("shop", "other", "input"), 6);
    struct rp_buf text;
    rp_buf_init(&text, 1 << 20);
    assert_int_equal(rp_metrics_text(&text), 0);
    assert_non_null(strstr(text.data, "repartee_user_cost_total{bot=\"shop\",user=\"ann\"} 14\n"));
    assert_null(strstr(text.data, "carl"));
    rp_buf_finish(&text);
}

static void nobody_has_an_empty_name(void **state) {
    (void)state;
    count("quiet", "", 100);
    assert_int_equal(tokens("quiet", "", "input"), 3);
}

#define THREADS 4
#define ROUNDS 4000

static void *hammer(void *arg) {
    char user[32];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(user, sizeof(user), "user-%d", (i * 7 + (int)(intptr_t)arg) % 300);
        count("busy", user, 100);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state) {
    pthread_t threads[THREADS];
    int64_t sum = tokens("busy", "other", "input");
    char user[32];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(intptr_t)i), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    sum += tokens("busy", "other", "input");
    assert_true(sum > 0);
    for (int i = 0; i < 300; i++) {
        snprintf(user, sizeof(user), "user-%d", i);
        sum += tokens("busy", user, "input");
    }
    assert_int_equal(sum, 3 * THREADS * ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_have_their_own_and_the_rest_share_one),
        cmocka_unit_test(nobody_has_an_empty_name),
        cmocka_unit_test(nothing_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
