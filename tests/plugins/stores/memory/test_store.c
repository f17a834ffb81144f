/* The memory store through its type, as the core calls it, from one thread and from many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <repartee/log.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/log_sink.h"
#include "plugins/stores/memory/memory.h"

#define THREADS 4
#define CALLS 20000

const struct rp_plugin *rp_plugin(void);

static const struct rp_store_type *type;
static struct options options = {.max = 1048576};
static struct rp_store store;

struct answer {
    struct rp_store_op op;
    int calls, code;
    char value[64];
    size_t len;
};

static void keep_answer(struct rp_store_op *op, int code, struct rp_str value) {
    struct answer *answer = (struct answer *)op;
    answer->calls++;
    answer->code = code;
    answer->len = value.len;
    if (value.len && value.len < sizeof answer->value) memcpy(answer->value, value.data, value.len);
}

static struct answer get(const char *key) {
    struct answer answer = {.op = {keep_answer}};
    type->get(&store, NULL, rp_str(key), &answer.op);
    assert_int_equal(answer.calls, 1);
    return answer;
}

static int put(const char *key, struct rp_str value, int64_t ttl_ms) {
    struct answer answer = {.op = {keep_answer}};
    type->put(&store, NULL, rp_str(key), value, ttl_ms, &answer.op);
    assert_int_equal(answer.calls, 1);
    return answer.code;
}

static void the_descriptor_offers_one_store(void **state) {
    (void)state;
    const struct rp_plugin *plugin = rp_plugin();
    assert_int_equal(plugin->magic, RP_ABI_MAGIC);
    assert_string_equal(plugin->stores[0]->type.name, "memory");
    assert_null(plugin->stores[1]);
}

static void calls_answer_once_before_they_return(void **state) {
    (void)state;
    assert_int_equal(get("a").code, -RP_ENOTFOUND);
    assert_int_equal(put("a", RP_STR("b\0c"), 0), 0);
    struct answer answer = get("a");
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.len, 3);
    assert_memory_equal(answer.value, "b\0c", 3);
    struct answer gone = {.op = {keep_answer}};
    type->del(&store, NULL, RP_STR("a"), &gone.op);
    assert_int_equal(gone.calls, 1);
    assert_int_equal(gone.code, 0);
    assert_int_equal(get("a").code, -RP_ENOTFOUND);
}

static void the_longest_life_is_no_overflow(void **state) {
    (void)state;
    assert_int_equal(put("a", RP_STR("x"), INT64_MAX), 0);
    assert_int_equal(get("a").code, 0);
}

static void a_value_beyond_a_shard_is_refused_and_the_old_one_stays(void **state) {
    (void)state;
    static char large[1048576 / SHARDS];
    assert_int_equal(put("a", RP_STR("old"), 0), 0);
    assert_int_equal(put("a", rp_str_n(large, sizeof large), 0), -RP_ETOOLARGE);
    assert_int_equal(put("a", rp_str_n(large, SIZE_MAX), 0), -RP_ETOOLARGE);
    assert_int_equal(get("a").len, 3);
    assert_int_equal(put("a", rp_str_n(large, sizeof large - 200), 0), 0);
    assert_int_equal(get("a").len, sizeof large - 200);
}

static void flooding_it_forgets_the_old_and_keeps_the_new(void **state) {
    (void)state;
    char key[32];
    static const char value[1000];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "flood-%d", i);
        assert_int_equal(put(key, rp_str_n(value, sizeof value), 0), 0);
        assert_int_equal(get(key).code, 0);
    }
    int kept = 0;
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "flood-%d", i);
        kept += get(key).code == 0;
    }
    assert_in_range(kept, 500, 1048);
}

static int add(const char *key, int64_t delta, int64_t ttl_ms, int64_t *out_sum) {
    struct answer answer = {.op = {keep_answer}};
    type->add(&store, NULL, rp_str(key), delta, ttl_ms, &answer.op);
    assert_int_equal(answer.calls, 1);
    if (answer.code == 0) assert_int_equal(rp_str_int64(rp_str_n(answer.value, answer.len), out_sum), 0);
    return answer.code;
}

static void numbers_are_added_to(void **state) {
    (void)state;
    int64_t sum;
    assert_int_equal(add("n", 5, 0, &sum), 0);
    assert_int_equal(sum, 5);
    assert_int_equal(add("n", -7, 0, &sum), 0);
    assert_int_equal(sum, -2);
    assert_int_equal(get("n").len, 2);
    assert_int_equal(put("n", RP_STR("9223372036854775806"), 0), 0);
    assert_int_equal(add("n", 1, 0, &sum), 0);
    assert_true(sum == INT64_MAX);
    assert_int_equal(add("n", 1, 0, &sum), -RP_EINVALID);
    assert_int_equal(add("n", INT64_MIN, 0, &sum), 0);
    assert_int_equal(sum, -1);
    assert_int_equal(add("n", INT64_MIN, 0, &sum), -RP_EINVALID);
    assert_int_equal(put("n", RP_STR("word"), 0), 0);
    assert_int_equal(add("n", 1, 0, &sum), -RP_EINVALID);
    assert_int_equal(get("n").len, 4);
    type->del(&store, NULL, RP_STR("n"), &(struct answer){.op = {keep_answer}}.op);
    assert_int_equal(add("n", 3, 0, &sum), 0);
    assert_int_equal(sum, 3);
}

static void a_number_keeps_the_life_it_began_with(void **state) {
    (void)state;
    int64_t sum;
    assert_int_equal(add("brief", 1, 40, &sum), 0);
    assert_int_equal(add("brief", 1, 3600000, &sum), 0);
    assert_int_equal(sum, 2);
    usleep(60000);
    assert_int_equal(get("brief").code, -RP_ENOTFOUND);
    assert_int_equal(add("brief", 1, 3600000, &sum), 0);
    assert_int_equal(sum, 1);
}

/* Who can fill the store with sessions must not make it forget what he has spent. */
static void what_is_counted_outlasts_a_flood(void **state) {
    static const char value[1000];
    int64_t sum;
    char key[32];
    (void)state;
    assert_int_equal(add("spent", 7, 0, &sum), 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "flood-%d", i);
        assert_int_equal(put(key, rp_str_n(value, sizeof value), 0), 0);
    }
    assert_int_equal(add("spent", 1, 0, &sum), 0);
    assert_int_equal(sum, 8);
}

/* But sums alone may not fill it, and those that are in use stay. */
static void a_flood_of_sums_has_half_of_the_room(void **state) {
    int64_t sum, often = 0;
    char key[32];
    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "value-%d", i);
        assert_int_equal(put(key, RP_STR("x"), 0), 0);
    }
    for (int i = 0; i < 40000; i++) {
        snprintf(key, sizeof key, "sum-%d", i);
        assert_int_equal(add(key, 1, 0, &sum), 0);
        assert_int_equal(add("often", 1, 0, &often), 0);
    }
    assert_int_equal(often, 40000);
    assert_int_equal(add("sum-0", 0, 0, &sum), 0);
    assert_int_equal(sum, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "value-%d", i);
        assert_int_equal(get(key).code, 0);
    }
}

static void *count_up(void *arg) {
    int64_t sum;
    (void)arg;
    for (int i = 0; i < CALLS; i++) assert_int_equal(add("counter", i % 3, 0, &sum), 0);
    return NULL;
}

static void no_addition_is_lost_between_threads(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    int64_t sum, each = 0;
    for (int i = 0; i < CALLS; i++) each += i % 3;
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(add("counter", 0, 0, &sum), 0);
    assert_int_equal(sum, THREADS * each);
}

static void call_from_inside(struct rp_store_op *op, int code, struct rp_str value) {
    assert_int_equal(code, 0);
    assert_int_equal(put("nested", RP_STR("second"), 0), 0);
    assert_int_equal(get("nested").len, 6);
    keep_answer(op, code, value);
}

static void an_answer_may_call_the_store_and_keeps_its_value(void **state) {
    (void)state;
    struct answer answer = {.op = {call_from_inside}};
    put("nested", RP_STR("first"), 0);
    type->get(&store, NULL, RP_STR("nested"), &answer.op);
    assert_int_equal(answer.len, 5);
    assert_memory_equal(answer.value, "first", 5);
}

/* A value names its key, so that a reader sees any mix-up; the store is small, so that entries go all the time. */
static void check_value(struct rp_store_op *op, int code, struct rp_str value) {
    struct answer *answer = (struct answer *)op;
    if (code != 0 && code != -RP_ENOTFOUND) answer->code++;
    if (value.len > 0) answer->code += value.len != 1000 || memcmp(value.data, answer->value, answer->len) != 0;
    answer->calls++;
}

static void *hammer(void *arg) {
    unsigned random = (unsigned)(uintptr_t)arg * 2654435761u + 1;
    struct answer answer = {.op = {check_value}};
    char value[1000];
    memset(value, 'v', sizeof value);
    for (int i = 0; i < CALLS; i++) {
        random = random * 1664525u + 1013904223u;
        answer.len = (size_t)snprintf(answer.value, sizeof answer.value, "key-%u.", (random >> 8) % 2000);
        struct rp_str key = rp_str_n(answer.value, answer.len);
        memcpy(value, answer.value, answer.len);
        switch (random >> 28) {
        case 0:
            type->del(&store, NULL, key, &answer.op);
            break;
        case 1:
        case 2:
        case 3:
        case 4:
            type->put(&store, NULL, key, rp_str_n(value, sizeof value), (random >> 24 & 3) - 1, &answer.op);
            break;
        default:
            type->get(&store, NULL, key, &answer.op);
            break;
        }
    }
    return (void *)(uintptr_t)(answer.calls == CALLS ? answer.code : -1);
}

static void many_threads_never_see_a_wrong_value(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, hammer, (void *)i);
    uintptr_t wrong = 0;
    for (size_t i = 0; i < THREADS; i++) {
        void *mine;
        pthread_join(threads[i], &mine);
        wrong += (uintptr_t)mine;
    }
    assert_int_equal(wrong, 0);
}

static void a_reload_keeps_what_is_in_it(void **state) {
    (void)state;
    static struct options larger = {.max = 4 << 20};
    static char big[200000];
    struct rp_store old = store;
    assert_int_equal(put("a", RP_STR("1"), 0), 0);
    store.element = (struct rp_element){
        .type = &type->type, .name = "main", .options = &larger, .before = &old.element};
    assert_int_equal(type->type.open(&store.element, NULL), 0);
    assert_int_equal(put("big", rp_str_n(big, sizeof big), 0), -RP_ETOOLARGE); /* not before the switch */
    type->type.adopt(&store.element, NULL);
    type->type.adopt(&store.element, NULL);
    assert_int_equal(get("a").len, 1);
    assert_int_equal(put("big", rp_str_n(big, sizeof big), 0), 0);
    store.element.before = NULL;
    type->type.close(&old.element);
    assert_int_equal(get("a").len, 1);
    assert_int_equal(get("big").len, sizeof big);
}

static int open_store(void **state) {
    (void)state;
    type = rp_plugin()->stores[0];
    store.element = (struct rp_element){.type = &type->type, .name = "main", .options = &options};
    return type->type.open(&store.element, NULL);
}

static int close_store(void **state) {
    (void)state;
    type->type.close(&store.element);
    return 0;
}

static int quiet(void **state) {
    (void)state;
    int status = log_open(RP_LOG_OFF, NULL, NULL);
    log_close();
    return status;
}

int main(void) {
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_descriptor_offers_one_store),
        STORE_TEST(calls_answer_once_before_they_return),
        STORE_TEST(the_longest_life_is_no_overflow),
        STORE_TEST(a_value_beyond_a_shard_is_refused_and_the_old_one_stays),
        STORE_TEST(flooding_it_forgets_the_old_and_keeps_the_new),
        STORE_TEST(an_answer_may_call_the_store_and_keeps_its_value),
        STORE_TEST(numbers_are_added_to),
        STORE_TEST(a_number_keeps_the_life_it_began_with),
        STORE_TEST(what_is_counted_outlasts_a_flood),
        STORE_TEST(a_flood_of_sums_has_half_of_the_room),
        STORE_TEST(no_addition_is_lost_between_threads),
        STORE_TEST(many_threads_never_see_a_wrong_value),
        STORE_TEST(a_reload_keeps_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
