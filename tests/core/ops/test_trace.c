/* The records that are kept: found by id, the oldest go, within both limits; and who may see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "core/ops/trace.h"

static const char *find(const char *id) {
    static struct rp_buf out;
    if (!out.max) rp_buf_init(&out, 1 << 20);
    rp_buf_clear(&out);
    int code = rp_trace_text(rp_str(id), &out);
    if (code == -RP_ENOTFOUND) return NULL;
    assert_int_equal(code, 0);
    return out.data ? out.data : "";
}

static void nothing_is_kept_unless_asked_for(void **state) {
    (void)state;
    trace_keep("a", RP_STR("{}"));
    assert_null(find("a"));
}

static void the_last_ones_are_found(void **state) {
    (void)state;
    char id[16];
    trace_limit(3, 1 << 20);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        trace_keep(id, rp_str(id));
    }
    assert_null(find("t1"));
    assert_string_equal(find("t2"), "t2");
    assert_string_equal(find("t4"), "t4");
    trace_keep("t4", RP_STR("again")); /* a client may use an id twice */
    assert_string_equal(find("t4"), "again");
    assert_null(find("t2"));
    assert_null(find(""));
}

static void bytes_count_too(void **state) {
    (void)state;
    char record[1001];
    memset(record, 'x', sizeof(record) - 1);
    record[sizeof(record) - 1] = '\0';
    trace_limit(0, 0);
    trace_limit(1000, 10000);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof(id), "b%d", i);
        trace_keep(id, rp_str(record));
    }
    assert_null(find("b10"));
    assert_non_null(find("b12"));
    assert_non_null(find("b19"));
    char *large = rp_calloc(1, 9000);
    memset(large, 'y', 8999);
    trace_keep("large", rp_str(large));
    free(large);
    assert_string_equal(find("large"), "{\"error\":\"the record was too large to keep\"}");
}

static void a_lower_limit_makes_room_at_once(void **state) {
    (void)state;
    trace_limit(0, 1 << 20);
    assert_null(find("b19"));
    assert_null(find("large"));
}

static void *keep_many(void *arg) {
    for (int i = 0; i < 2000; i++) {
        char id[32];
        snprintf(id, sizeof(id), "%c%d", *(const char *)arg, i);
        trace_keep(id, RP_STR("{\"a\": 1}"));
        struct rp_buf out;
        rp_buf_init(&out, 100);
        rp_trace_text(RP_STR("p5"), &out);
        rp_buf_finish(&out);
    }
    return NULL;
}

static void threads_may_keep_and_ask_at_once(void **state) {
    (void)state;
    pthread_t threads[3];
    static const char *const names = "pqr";
    trace_limit(500, 1 << 20);
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, keep_many, (void *)(names + i)), 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    assert_true(find("p1999") || find("q1999") || find("r1999"));
    trace_limit(0, 0);
}

static void only_those_who_may_see_see(void **state) {
    (void)state;
    struct rp_str nothing = {0}, loop = RP_STR("127.0.0.1"), far = RP_STR("192.0.2.7");
    struct rp_explain_options none = {RP_EXPLAIN_NONE, NULL}, local = {RP_EXPLAIN_LOCAL, NULL},
                              all = {RP_EXPLAIN_ALL, NULL}, token = {RP_EXPLAIN_NONE, "secret-1"};
    assert_false(rp_may_explain(&none, loop, nothing));
    assert_false(rp_may_explain(&none, loop, RP_STR("secret-1")));
    assert_true(rp_may_explain(&local, loop, nothing));
    assert_true(rp_may_explain(&local, RP_STR("::1"), nothing));
    assert_false(rp_may_explain(&local, far, nothing));
    assert_false(rp_may_explain(&local, RP_STR("127"), nothing));
    assert_true(rp_may_explain(&all, far, nothing));
    assert_true(rp_may_explain(&token, far, RP_STR("secret-1")));
    assert_false(rp_may_explain(&token, far, RP_STR("secret-2")));
    assert_false(rp_may_explain(&token, far, RP_STR("secret-")));
    assert_false(rp_may_explain(&token, far, nothing));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_unless_asked_for), cmocka_unit_test(the_last_ones_are_found),
        cmocka_unit_test(bytes_count_too),                  cmocka_unit_test(a_lower_limit_makes_room_at_once),
        cmocka_unit_test(threads_may_keep_and_ask_at_once), cmocka_unit_test(only_those_who_may_see_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
