/* The Redis store through its type, as the core calls it, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"

static void what_was_put_is_found_until_it_is_deleted(void **state) {
    (void)state;
    server_open();
    assert_int_equal(store_rig_put(&server_rig, "a", "1", 0), 0);
    assert_int_equal(store_rig_put(&server_rig, "b", "", 3600000), 0);
    assert_int_equal(store_rig_put(&server_rig, "", "the empty key", INT64_MAX), 0);
    assert_int_equal(store_rig_put(&server_rig, "a", "2", 0), 0);
    server_close();
    server_open();
    assert_true(store_rig_has(&server_rig, "a", "2"));
    assert_true(store_rig_has(&server_rig, "b", ""));
    assert_true(store_rig_has(&server_rig, "", "the empty key"));
    assert_int_equal(store_rig_del(&server_rig, "a"), 0);
    assert_int_equal(store_rig_del(&server_rig, "a"), 0);
    assert_int_equal(store_rig_code(&server_rig, "a"), -RP_ENOTFOUND);
    server_close();
}

static void keys_and_values_are_bytes(void **state) {
    (void)state;
    char key[KEY_MAX + 1], value[256];
    memset(key, 0xff, sizeof key);
    for (size_t i = 0; i < sizeof value; i++) value[i] = (char)i;
    server_open();
    assert_int_equal(store_rig_put_bytes(&server_rig, RP_STR("a\0b"), RP_STR("1")), 0);
    assert_int_equal(store_rig_put_bytes(&server_rig, RP_STR("a\r\n*3"), RP_STR("2")), 0);
    assert_int_equal(store_rig_put_bytes(&server_rig, rp_str_n(key, KEY_MAX), rp_str_n(value, sizeof value)), 0);
    assert_int_equal(store_rig_put_bytes(&server_rig, rp_str_n(key, KEY_MAX + 1), RP_STR("")), -RP_ETOOLARGE);
    struct store_answer answer = {0};
    store_rig_begin_get(&server_rig, rp_str_n(key, KEY_MAX), &answer);
    store_rig_wait(&server_rig, &answer);
    assert_true(rp_str_equal(rp_buf_str(&answer.value), rp_str_n(value, sizeof value)));
    rp_buf_finish(&answer.value);
    assert_int_equal(store_rig_code(&server_rig, "a"), -RP_ENOTFOUND);
    assert_true(store_rig_has(&server_rig, "a\r\n*3", "2"));
    server_close();
}

static void nothing_is_found_behind_its_expiry(void **state) {
    (void)state;
    server_open();
    assert_int_equal(store_rig_put(&server_rig, "short", "1", 30), 0);
    assert_int_equal(store_rig_put(&server_rig, "long", "2", 3600000), 0);
    usleep(60000);
    assert_int_equal(store_rig_code(&server_rig, "short"), -RP_ENOTFOUND);
    assert_true(store_rig_has(&server_rig, "long", "2"));
    server_close();
}

static void numbers_are_added_to(void **state) {
    (void)state;
    int64_t sum;
    server_open();
    store_rig_check_numbers(&server_rig);
    server_close();
    server_open();
    assert_int_equal(store_rig_add(&server_rig, "n", 1, 0, &sum), 0);
    assert_int_equal(sum, 4);
    server_close();
}

static void a_number_keeps_the_life_it_began_with(void **state) {
    (void)state;
    int64_t sum;
    server_open();
    assert_int_equal(store_rig_add(&server_rig, "n", 1, 200, &sum), 0);
    assert_int_equal(store_rig_add(&server_rig, "n", 1, 3600000, &sum), 0);
    assert_int_equal(sum, 2);
    usleep(230000);
    assert_int_equal(store_rig_code(&server_rig, "n"), -RP_ENOTFOUND);
    assert_int_equal(store_rig_add(&server_rig, "n", 1, INT64_MAX, &sum), 0);
    assert_int_equal(sum, 1);
    server_close();
}

static void calls_keep_their_order(void **state) {
    (void)state;
    enum { ROUNDS = 500 };
    static struct store_answer puts[ROUNDS], gets[ROUNDS];
    memset(puts, 0, sizeof puts);
    memset(gets, 0, sizeof gets);
    server_open();
    for (int i = 0; i < ROUNDS; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        store_rig_begin_put(&server_rig, RP_STR("k"), rp_str(value), 0, &puts[i]);
        store_rig_begin_get(&server_rig, RP_STR("k"), &gets[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        store_rig_wait(&server_rig, &gets[i]);
        assert_int_equal(puts[i].code, 0);
        assert_int_equal(atoi(gets[i].value.data), i);
        rp_buf_finish(&gets[i].value);
        rp_buf_finish(&puts[i].value);
    }
    server_close();
}

static void large_values_come_back_whole(void **state) {
    (void)state;
    size_t len = (size_t)server_options.queue / 4;
    char *value = malloc(len + 1);
    for (size_t i = 0; i < len; i++) value[i] = (char)('a' + i % 23);
    value[len] = '\0';
    server_open();
    assert_int_equal(store_rig_put(&server_rig, "large", value, 0), 0);
    assert_true(store_rig_has(&server_rig, "large", value));
    assert_int_equal(store_rig_put_bytes(&server_rig, RP_STR("large"), rp_str_n(value, len + 1)), -RP_ETOOLARGE);
    server_close();
    free(value);
}

static void beyond_its_queue_it_is_busy(void **state) {
    (void)state;
    enum { PUTS = 64 };
    static struct store_answer answers[PUTS];
    static char value[16 << 10];
    memset(answers, 0, sizeof answers);
    int busy = 0;
    server_options.queue = 256 << 10;
    server_open();
    for (int i = 0; i < PUTS; i++)
        store_rig_begin_put(&server_rig, RP_STR("k"), rp_str_n(value, sizeof value), 0, &answers[i]);
    for (int i = 0; i < PUTS; i++) {
        store_rig_wait(&server_rig, &answers[i]);
        busy += answers[i].code == -RP_EBUSY;
        if (answers[i].code != -RP_EBUSY) assert_int_equal(answers[i].code, 0);
        rp_buf_finish(&answers[i].value);
    }
    assert_in_range(busy, 1, PUTS - 1);
    assert_int_equal(store_rig_put(&server_rig, "k", "x", 0), 0);
    server_close();
}

/* ---- lists ------------------------------------------------------------------------------------------------------------- */

static void put_many(const char *format, int count) {
    char key[64];
    struct store_answer *answers = calloc((size_t)count, sizeof *answers);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, format, i);
        store_rig_begin_put(&server_rig, rp_str(key), RP_STR("v"), 0, &answers[i]);
    }
    for (int i = 0; i < count; i++) {
        store_rig_wait(&server_rig, &answers[i]);
        assert_int_equal(answers[i].code, 0);
        rp_buf_finish(&answers[i].value);
    }
    free(answers);
}

static void a_list_has_the_keys_with_the_prefix(void **state) {
    (void)state;
    struct store_answer answer = {0};
    char line[64];
    server_open();
    put_many("timer/%06d", 1000);
    put_many("timer%d", 3);
    put_many("t*mer/%d", 2);
    store_rig_list(&server_rig, RP_STR("timer/"), &answer);
    assert_int_equal(answer.code, -RP_ENOTFOUND);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "timer/%06d\n", i);
        assert_non_null(strstr(answer.value.data, line));
    }
    assert_null(strstr(answer.value.data, "timer1"));
    store_rig_list(&server_rig, RP_STR("t*mer/"), &answer); /* a star is a star */
    assert_true(strcmp(answer.value.data, "t*mer/0\nt*mer/1\n") == 0 ||
                strcmp(answer.value.data, "t*mer/1\nt*mer/0\n") == 0);
    store_rig_list(&server_rig, RP_STR("x"), &answer);
    assert_int_equal(answer.value.len, 0);
    rp_buf_finish(&answer.value);
    server_close();
}

static void stores_with_other_prefixes_do_not_meet(void **state) {
    (void)state;
    struct store_answer answer = {0};
    server_open();
    assert_int_equal(store_rig_put(&server_rig, "a", "1", 0), 0);
    server_close();
    server_options.prefix = "other:";
    server_open();
    assert_int_equal(store_rig_code(&server_rig, "a"), -RP_ENOTFOUND);
    store_rig_list(&server_rig, RP_STR(""), &answer);
    assert_int_equal(answer.value.len, 0);
    rp_buf_finish(&answer.value);
    server_close();
}

/* ---- several workers --------------------------------------------------------------------------------------------------- */

#define ROUNDS 200

/* Puts a value on one worker, and looks for it on the next as soon as that is answered. */
struct chain {
    struct rp_store_op op;
    unsigned number, at;
    int round, wrong;
};

static struct chain chains[4 * STORE_RIG_WORKERS];
static uv_sem_t chains_left, workers_left;

static struct rp_worker *worker_of(const struct chain *chain) {
    return server_rig.group.workers[chain->at];
}

static struct rp_str text_of(char out[32], const char *format, int number) {
    snprintf(out, 32, format, number);
    return rp_str(out);
}

static void on_put(struct rp_store_op *op, int code, struct rp_str value);

static void put_next(struct chain *chain) {
    char key[32], text[32];
    chain->op.done = on_put;
    server_type()->put(&server_rig.store, worker_of(chain), text_of(key, "chain-%d", (int)chain->number),
                       text_of(text, "%d", chain->round), 60000, &chain->op);
}

static void on_get(struct rp_store_op *op, int code, struct rp_str value) {
    struct chain *chain = (struct chain *)op;
    char text[32];
    chain->wrong += code != 0 || !rp_str_equal(value, text_of(text, "%d", chain->round));
    if (++chain->round == ROUNDS)
        uv_sem_post(&chains_left);
    else
        put_next(chain);
}

static void get_there(struct rp_worker *worker, void *arg) {
    struct chain *chain = arg;
    char key[32];
    chain->op.done = on_get;
    server_type()->get(&server_rig.store, worker, text_of(key, "chain-%d", (int)chain->number), &chain->op);
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
    put_next(arg);
}

static void end(struct rp_worker *worker, void *arg) {
    (void)arg;
    server_type()->type.detach(&server_rig.store.element, worker, server_rig.locals[rp_worker_index(worker)]);
    worker_end(worker);
    uv_sem_post(&workers_left);
}

static void every_worker_sees_what_is_acknowledged(void **state) {
    (void)state;
    size_t count = sizeof chains / sizeof *chains;
    uv_sem_init(&chains_left, 0);
    uv_sem_init(&workers_left, 0);
    server_open(); /* until the server is there */
    server_close();
    assert_int_equal(store_rig_open(&server_rig, server_type(), "main", &server_options, STORE_RIG_WORKERS), 0);
    for (size_t i = 0; i < count; i++) {
        chains[i] = (struct chain){.number = (unsigned)i, .at = (unsigned)i % STORE_RIG_WORKERS};
        rp_worker_post(worker_of(&chains[i]), begin, &chains[i]);
    }
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) worker_start(server_rig.group.workers[i]);
    for (size_t i = 0; i < count; i++) uv_sem_wait(&chains_left);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) rp_worker_post(server_rig.group.workers[i], end, NULL);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) uv_sem_wait(&workers_left);
    for (unsigned i = 0; i < STORE_RIG_WORKERS; i++) worker_join(server_rig.group.workers[i]);
    server_type()->type.close(&server_rig.store.element);
    worker_group_finish(&server_rig.group);
    for (size_t i = 0; i < count; i++) assert_int_equal(chains[i].wrong, 0);
    uv_sem_destroy(&chains_left);
    uv_sem_destroy(&workers_left);
}

int main(void) {
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, server_make, server_remove)
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_put_is_found_until_it_is_deleted),
        STORE_TEST(keys_and_values_are_bytes),
        STORE_TEST(nothing_is_found_behind_its_expiry),
        STORE_TEST(numbers_are_added_to),
        STORE_TEST(a_number_keeps_the_life_it_began_with),
        STORE_TEST(calls_keep_their_order),
        STORE_TEST(large_values_come_back_whole),
        STORE_TEST(beyond_its_queue_it_is_busy),
        STORE_TEST(a_list_has_the_keys_with_the_prefix),
        STORE_TEST(stores_with_other_prefixes_do_not_meet),
        STORE_TEST(every_worker_sees_what_is_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
