/* The store behind the memory: what another machine has kept is found, and a store that fails, hangs or lies costs an
 * answer, never a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log_sink.h"
#include "scene.h"

#define HELLO "Hello, world"

static struct test_store store;

/* Another machine, or this one after a restart: nothing in memory. */
static void reopen(void) {
    unsigned calls = scene.upstream.calls, closes = scene.upstream.closes;
    scene_close();
    scene_open();
    scene.upstream.calls = calls;
    scene.upstream.closes = closes;
}

static void what_was_kept_is_found_by_another(void **state) {
    (void)state;
    for (int later = 0; later < 2; later++) {
        scene_expect("hi", HELLO, "model:main");
        store.later = later;
        reopen();
        scene_expect("hi", HELLO, "cache");
        assert_int_equal(scene_count("found"), 1);
        scene_expect("hi", HELLO, "cache");
        assert_int_equal(scene_count("hits"), 1);
        assert_int_equal(scene.upstream.calls, 1);
        test_store_finish(&store);
        test_store_init(&store);
        scene_close();
        scene.upstream.calls = scene.upstream.closes = 0;
        scene_open();
    }
}

static void a_crowd_looks_once(void **state) {
    (void)state;
    static struct rig_client clients[10];
    scene_expect("hi", HELLO, "model:main");
    store.later = true;
    reopen();
    for (int i = 0; i < 10; i++) {
        struct rp_turn_start start = {.message = RP_STR("hi"), .stream = true};
        assert_int_equal(rig_start(&scene.rig, &clients[i], &start), 0);
    }
    for (int i = 0; i < 10; i++) {
        rig_finish(&scene.rig, &clients[i]);
        assert_string_equal(clients[i].text.data, HELLO);
        assert_string_equal(clients[i].by, "cache");
        rig_client_clear(&clients[i]);
    }
    assert_int_equal(scene_count("found"), 1);
    assert_int_equal(scene_count("joined"), 9);
    assert_int_equal(scene.upstream.calls, 1);
}

static void an_explained_turn_looks_there_too(void **state) {
    (void)state;
    scene_expect("hi", HELLO, "model:main");
    store.later = true;
    reopen();
    struct rig_client client = {0};
    struct rp_turn_start start = {.message = RP_STR("hi"), .explain = true};
    assert_int_equal(rig_start(&scene.rig, &client, &start), 0);
    rig_finish(&scene.rig, &client);
    assert_string_equal(client.by, "cache");
    rig_client_clear(&client);
    assert_int_equal(rig_start(&scene.rig, &client, &start), 0);
    rig_finish(&scene.rig, &client);
    rig_client_clear(&client);
}

static void nonsense_is_no_answer(void **state) {
    (void)state;
    scene_expect("hi", HELLO, "model:main");
    for (size_t i = 0; i < TEST_STORE_PLACES; i++)
        if (store.keys[i]) store.values[i].data[0] = 'X';
    reopen();
    scene_expect("hi", HELLO, "model:main");
    reopen();
    scene_expect("hi", HELLO, "cache"); /* it was written again */
}

static void what_is_sent_back_is_forgotten_there(void **state) {
    (void)state;
    struct key key = {{1}};
    char space[SHELF_KEY_SIZE];
    struct cache *cache = scene.rig.stages[1].element.state;
    struct answer *answer = answer_create(&key, rp_wall_ms(), (struct rp_usage){0}, RP_STR("a"), RP_STR("b"));
    shelf_put(cache, scene.rig.worker, answer);
    assert_int_not_equal(test_store_value(&store, shelf_key(&key, space).data).len, 0);
    shelf_del(cache, scene.rig.worker, &key);
    assert_int_equal(test_store_value(&store, "cache/0100000000000000000000000000000000000000000000000000000000000000").len,
                     0);
    answer_unref(answer);
}

/* ---- a store that fails -------------------------------------------------------------------------------------------- */

static char log_path[] = "/tmp/cache-test-XXXXXX";

static unsigned lines_with(const char *text) {
    char line[4096];
    unsigned count = 0;
    FILE *file = fopen(log_path, "rb");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}

static void a_store_that_fails_is_told_once_and_memory_goes_on(void **state) {
    (void)state;
    int fd = mkstemp(log_path);
    assert_true(fd >= 0);
    assert_int_equal(log_open(RP_LOG_INFO, log_path, NULL), 0);
    store.fail_put = -RP_EIO;
    scene_expect("one", HELLO, "model:main");
    scene_expect("one", HELLO, "cache");
    assert_int_equal(store.puts, 1);
    scene_expect("two", HELLO, "model:main");
    scene_expect("two", HELLO, "cache");
    assert_int_equal(store.puts, 1); /* left alone for a moment */
    uv_sleep(1050);
    scene_expect("three", HELLO, "model:main");
    assert_int_equal(store.puts, 2);
    assert_int_equal(scene_count("store errors"), 2);
    log_close();
    assert_int_equal(lines_with("the store 'test' fails"), 1);
    remove(log_path);
}

/* ---- a store that hangs -------------------------------------------------------------------------------------------- */

static struct rp_store_op *hanging[8];
static size_t hanging_count;

static void hang(struct rp_store *base, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    (void)base, (void)worker, (void)key;
    hanging[hanging_count++] = op;
}

static void take(struct rp_store *base, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                 int64_t ttl_ms, struct rp_store_op *op) {
    (void)base, (void)worker, (void)key, (void)value, (void)ttl_ms;
    op->done(op, 0, RP_STR(""));
}

static void answer_at_last(void) {
    for (size_t i = 0; i < hanging_count; i++) hanging[i]->done(hanging[i], -RP_ENOTFOUND, RP_STR(""));
    hanging_count = 0;
}

static const struct rp_store_type hanging_type = {.type = {.name = "hanging"}, .get = hang, .put = take};

static void a_store_that_hangs_is_waited_for_a_moment_and_left_alone(void **state) {
    (void)state;
    store.store.element.type = &hanging_type.type;
    int64_t before = rp_now_ns();
    scene_expect("one", HELLO, "model:main");
    assert_true(rp_now_ns() - before > INT64_C(95000000));
    before = rp_now_ns();
    scene_expect("two", HELLO, "model:main");
    assert_true(rp_now_ns() - before < INT64_C(95000000));
    assert_int_equal(hanging_count, 1);
    answer_at_last();
    scene_expect("one", HELLO, "cache");
}

static void whoever_waits_for_it_may_leave(void **state) {
    (void)state;
    store.store.element.type = &hanging_type.type;
    for (int explain = 0; explain < 2; explain++) {
        struct rig_client client = {0};
        struct rp_turn_start start = {.message = RP_STR("hi"), .explain = explain};
        assert_int_equal(rig_start(&scene.rig, &client, &start), 0);
        rig_spin(&scene.rig, 5);
        assert_int_equal(hanging_count, 1);
        rp_turn_cancel(client.turn);
        rig_spin(&scene.rig, 5);
        assert_int_equal(client.dones, 1);
        rig_client_clear(&client);
        answer_at_last();
    }
    assert_int_equal(scene.upstream.calls, 0);
}

static int setup(void **state) {
    (void)state;
    scene_reset();
    test_store_init(&store);
    store.store.element.name = "test";
    scene.options.store = &store.store;
    scene_open();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    scene_close();
    test_store_finish(&store);
    return 0;
}

int main(void) {
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_kept_is_found_by_another),
        STORE_TEST(a_crowd_looks_once),
        STORE_TEST(an_explained_turn_looks_there_too),
        STORE_TEST(nonsense_is_no_answer),
        STORE_TEST(what_is_sent_back_is_forgotten_there),
        STORE_TEST(a_store_that_fails_is_told_once_and_memory_goes_on),
        STORE_TEST(a_store_that_hangs_is_waited_for_a_moment_and_left_alone),
        STORE_TEST(whoever_waits_for_it_may_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
