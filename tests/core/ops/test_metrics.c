/* Metrics: one series for one set of labels, the text format, and counting from several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/metrics.h>
#include <stdio.h>
#include <uv.h>

static struct rp_buf text;

static const char *shown(void) {
    rp_buf_finish(&text);
    rp_buf_init(&text, (size_t)16 << 20);
    assert_int_equal(rp_metrics_text(&text), 0);
    return text.data;
}

static void assert_shown(const char *line) {
    if (!strstr(shown(), line)) fail_msg("'%s' is not in:\n%s", line, text.data);
}

static void test_labels_make_the_series(void **state) {
    (void)state;
    struct rp_metric *a = rp_metric(RP_COUNTER, "labelled_total", "Help", "rule", "a", NULL);
    struct rp_metric *b = rp_metric(RP_COUNTER, "labelled_total", "Help", "rule", "b", NULL);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(a, rp_metric(RP_COUNTER, "labelled_total", "Help", "rule", "a", NULL));
    rp_metric_add(a, 2);
    rp_metric_add(b, 1);
    assert_shown("# HELP labelled_total Help\n# TYPE labelled_total counter\n"
                 "labelled_total{rule=\"a\"} 2\nlabelled_total{rule=\"b\"} 1\n");
}

static void test_a_series_without_labels(void **state) {
    (void)state;
    struct rp_metric *gauge = rp_metric(RP_GAUGE, "plain", "Help", NULL);
    rp_metric_set(gauge, 5);
    rp_metric_add(gauge, -7);
    assert_shown("# TYPE plain gauge\nplain -2\n");
}

static void test_label_values_are_escaped(void **state) {
    (void)state;
    rp_metric(RP_COUNTER, "escaped_total", "Help", "rule", "a\"b\\c\nd", NULL);
    assert_shown("escaped_total{rule=\"a\\\"b\\\\c\\nd\"} 0\n");
}

static void test_labels_that_are_too_long_are_cut(void **state) {
    (void)state;
    char *value = rp_calloc(1, 10001);
    memset(value, 'x', 10000);
    rp_metric_add(rp_metric(RP_COUNTER, "long_total", "Help", "rule", value, NULL), 3);
    assert_shown("xxx\"} 3\n");
    free(value);
}

static void test_a_histogram_adds_up(void **state) {
    (void)state;
    struct rp_metric *metric = rp_metric(RP_HISTOGRAM, "some_seconds", "Help", "model", "m", NULL);
    rp_metric_observe(metric, 100000);       /* on a bound: inside */
    rp_metric_observe(metric, 3000000);      /* 3 ms */
    rp_metric_observe(metric, 90000000000);  /* above all bounds */
    assert_shown("some_seconds_bucket{model=\"m\",le=\"0.0001\"} 1\n");
    assert_shown("some_seconds_bucket{model=\"m\",le=\"0.0025\"} 1\n");
    assert_shown("some_seconds_bucket{model=\"m\",le=\"0.005\"} 2\n");
    assert_shown("some_seconds_bucket{model=\"m\",le=\"60\"} 2\n");
    assert_shown("some_seconds_bucket{model=\"m\",le=\"+Inf\"} 3\n");
    assert_shown("some_seconds_sum{model=\"m\"} 90.0031\n");
    assert_shown("some_seconds_count{model=\"m\"} 3\n");
    assert_int_equal(rp_metric_value(metric), 3);
}

enum { THREADS = 4, ROUNDS = 10000 };

static void count_up(void *arg) {
    (void)arg;
    struct rp_metric *metric = rp_metric(RP_COUNTER, "shared_total", "Help", "by", "all", NULL);
    for (int i = 0; i < ROUNDS; i++) rp_metric_add(metric, 1);
}

static void test_threads_lose_nothing(void **state) {
    uv_thread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) uv_thread_create(&threads[i], count_up, NULL);
    for (int i = 0; i < THREADS; i++) uv_thread_join(&threads[i]);
    assert_shown("shared_total{by=\"all\"} 40000\n");
}

static void test_too_many_series_share_one(void **state) {
    (void)state;
    char name[32];
    struct rp_metric *last = NULL;
    for (int i = 0; i < 20100; i++) {
        snprintf(name, sizeof(name), "flood_%d_total", i % 200);
        char label[16];
        snprintf(label, sizeof(label), "%d", i);
        last = rp_metric(RP_COUNTER, name, "Help", "n", label, NULL);
    }
    rp_metric_add(last, 1);
    assert_null(strstr(shown(), "n=\"20099\""));
    assert_ptr_equal(last, rp_metric(RP_COUNTER, "flood_0_total", "Help", "n", "one more", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_make_the_series),     cmocka_unit_test(test_a_series_without_labels),
        cmocka_unit_test(test_label_values_are_escaped),   cmocka_unit_test(test_labels_that_are_too_long_are_cut),
        cmocka_unit_test(test_a_histogram_adds_up),        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_too_many_series_share_one),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rp_buf_finish(&text);
    return failed;
}
