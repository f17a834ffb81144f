/* The SQLite store through its type, as the core calls it: what it keeps, forgets, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "place.h"

#define HOUR INT64_C(3600000)

static void what_was_put_is_there_after_reopening(void **state) {
    (void)state;
    place_open();
    assert_int_equal(store_rig_code(&place_rig, "a"), -RP_ENOTFOUND);
    assert_int_equal(store_rig_put(&place_rig, "a", "1", 0), 0);
    assert_int_equal(store_rig_put(&place_rig, "b", "", HOUR), 0);
    assert_int_equal(store_rig_put(&place_rig, "", "the empty key", 0), 0);
    assert_int_equal(store_rig_put(&place_rig, "a", "2", 0), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(store_rig_has(&place_rig, "a", "2"));
        assert_true(store_rig_has(&place_rig, "b", ""));
        assert_true(store_rig_has(&place_rig, "", "the empty key"));
        place_reopen();
    }
    assert_int_equal(store_rig_del(&place_rig, "a"), 0);
    assert_int_equal(store_rig_del(&place_rig, "a"), 0);
    place_reopen();
    assert_int_equal(store_rig_code(&place_rig, "a"), -RP_ENOTFOUND);
    place_close();
}

static void keys_and_values_are_bytes(void **state) {
    (void)state;
    char key[KEY_MAX + 1], value[256];
    memset(key, 0xff, sizeof key);
    for (size_t i = 0; i < sizeof value; i++) value[i] = (char)i;
    place_open();
    assert_int_equal(store_rig_put_bytes(&place_rig, RP_STR("a\0b"), RP_STR("1")), 0);
    assert_int_equal(store_rig_put_bytes(&place_rig, RP_STR("a"), RP_STR("2")), 0);
    assert_int_equal(store_rig_put_bytes(&place_rig, rp_str_n(key, KEY_MAX), rp_str_n(value, sizeof value)), 0);
    assert_int_equal(store_rig_put_bytes(&place_rig, rp_str_n(key, KEY_MAX + 1), RP_STR("")), -RP_ETOOLARGE);
    struct store_answer answer = {0};
    store_rig_begin_get(&place_rig, rp_str_n(key, KEY_MAX), &answer);
    store_rig_wait(&place_rig, &answer);
    assert_true(rp_str_equal(rp_buf_str(&answer.value), rp_str_n(value, sizeof value)));
    rp_buf_finish(&answer.value);
    assert_true(store_rig_has(&place_rig, "a", "2"));
    place_close();
}

static void large_values_come_back_whole(void **state) {
    (void)state;
    size_t len = (size_t)place_options.queue / 4;
    char *value = malloc(len + 1);
    for (size_t i = 0; i < len; i++) value[i] = (char)('a' + i % 23);
    value[len] = '\0';
    place_open();
    assert_int_equal(store_rig_put(&place_rig, "large", value, 0), 0);
    assert_int_equal(store_rig_put_bytes(&place_rig, RP_STR("large"), rp_str_n(value, len + 1)), -RP_ETOOLARGE);
    place_reopen();
    assert_true(store_rig_has(&place_rig, "large", value));
    place_close();
    free(value);
}

/* Nobody waits in between: each call sees what was asked for before. */
static void calls_for_one_key_keep_their_order(void **state) {
    (void)state;
    enum { ROUNDS = 200 };
    static struct store_answer puts[ROUNDS], gets[ROUNDS];
    memset(puts, 0, sizeof puts);
    memset(gets, 0, sizeof gets);
    place_open();
    for (int i = 0; i < ROUNDS; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        store_rig_begin_put(&place_rig, RP_STR("k"), rp_str(value), 0, &puts[i]);
        store_rig_begin_get(&place_rig, RP_STR("k"), &gets[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        store_rig_wait(&place_rig, &gets[i]);
        assert_int_equal(puts[i].calls, 1);
        assert_int_equal(puts[i].code, 0);
        assert_int_equal(atoi(gets[i].value.data), i);
        rp_buf_finish(&gets[i].value);
        rp_buf_finish(&puts[i].value);
    }
    place_close();
}

static void nothing_is_found_from_its_expiry_on(void **state) {
    (void)state;
    struct store_answer listed = {0};
    place_open();
    assert_int_equal(store_rig_put(&place_rig, "short", "1", 1000), 0);
    assert_int_equal(store_rig_put(&place_rig, "long", "2", HOUR), 0);
    assert_int_equal(store_rig_put(&place_rig, "longest", "3", INT64_MAX), 0);
    clock_advance(999);
    assert_true(store_rig_has(&place_rig, "short", "1"));
    clock_advance(1);
    assert_int_equal(store_rig_code(&place_rig, "short"), -RP_ENOTFOUND);
    store_rig_list(&place_rig, RP_STR("short"), &listed);
    assert_int_equal(listed.value.len, 0);
    rp_buf_finish(&listed.value);
    place_reopen();
    assert_int_equal(store_rig_code(&place_rig, "short"), -RP_ENOTFOUND);
    assert_true(store_rig_has(&place_rig, "long", "2"));
    assert_int_equal(store_rig_put(&place_rig, "short", "again", 1000), 0);
    assert_true(store_rig_has(&place_rig, "short", "again"));
    clock_advance(HOUR);
    assert_int_equal(store_rig_code(&place_rig, "long"), -RP_ENOTFOUND);
    assert_true(store_rig_has(&place_rig, "longest", "3"));
    place_close();
}

static int64_t rows_left(void) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(place_options.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM entry", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void numbers_are_added_to(void **state) {
    (void)state;
    int64_t sum;
    char key[KEY_MAX + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    place_open();
    store_rig_check_numbers(&place_rig);
    assert_int_equal(store_rig_add(&place_rig, key, 1, 0, &sum), -RP_ETOOLARGE);
    place_reopen();
    assert_int_equal(store_rig_add(&place_rig, "n", 1, 0, &sum), 0);
    assert_int_equal(sum, 4);
    place_close();
}

static void a_number_keeps_the_life_it_began_with(void **state) {
    (void)state;
    int64_t sum;
    place_open();
    assert_int_equal(store_rig_add(&place_rig, "n", 1, 1000, &sum), 0);
    assert_int_equal(store_rig_add(&place_rig, "n", 1, HOUR, &sum), 0);
    clock_advance(999);
    assert_int_equal(store_rig_add(&place_rig, "n", 1, 0, &sum), 0);
    assert_int_equal(sum, 3);
    clock_advance(1);
    assert_int_equal(store_rig_code(&place_rig, "n"), -RP_ENOTFOUND);
    assert_int_equal(store_rig_add(&place_rig, "n", 1, HOUR, &sum), 0);
    assert_int_equal(sum, 1);
    place_close();
}

/* Many at once end up in one transaction. */
static void additions_under_way_together_all_count(void **state) {
    (void)state;
    enum { CALLS = 300 };
    static struct store_answer answers[CALLS];
    memset(answers, 0, sizeof answers);
    place_open();
    for (int i = 0; i < CALLS; i++) store_rig_begin_add(&place_rig, RP_STR("n"), 2, 0, &answers[i]);
    for (int i = 0; i < CALLS; i++) {
        store_rig_wait(&place_rig, &answers[i]);
        assert_int_equal(answers[i].code, 0);
        assert_int_equal(atoi(answers[i].value.data), 2 * (i + 1));
        rp_buf_finish(&answers[i].value);
    }
    place_close();
}

static void the_expired_goes_although_nobody_asks_for_it(void **state) {
    (void)state;
    char key[32];
    place_open();
    for (int i = 0; i < 600; i++) {
        static struct store_answer answers[600];
        snprintf(key, sizeof key, "key-%d", i);
        answers[i] = (struct store_answer){0};
        store_rig_begin_put(&place_rig, rp_str(key), RP_STR("x"), i % 100 ? 1000 : 0, &answers[i]);
        if (i == 599)
            for (int j = 0; j < 600; j++) {
                store_rig_wait(&place_rig, &answers[j]);
                rp_buf_finish(&answers[j].value);
            }
    }
    clock_advance(1000);
    for (int i = 0; i < 200 && rows_left() > 6; i++) usleep(50000);
    assert_int_equal(rows_left(), 6);
    place_close();
}

/* ---- lists ------------------------------------------------------------------------------------------------------------- */

static void put_many(const char *format, int count) {
    char key[64];
    struct store_answer *answers = calloc((size_t)count, sizeof *answers);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, format, i);
        store_rig_begin_put(&place_rig, rp_str(key), RP_STR("v"), HOUR, &answers[i]);
    }
    for (int i = 0; i < count; i++) {
        store_rig_wait(&place_rig, &answers[i]);
        assert_int_equal(answers[i].code, 0);
        rp_buf_finish(&answers[i].value);
    }
    free(answers);
}

static size_t lines_of(const struct rp_buf *text) {
    size_t lines = 0;
    for (size_t i = 0; i < text->len; i++) lines += text->data[i] == '\n';
    return lines;
}

static void a_list_has_each_key_with_the_prefix_once(void **state) {
    (void)state;
    struct store_answer answer = {0};
    char line[64];
    place_open();
    put_many("timer/%06d", 1000);
    put_many("timer0%d", 3);
    put_many("session/%d", 3);
    store_rig_list(&place_rig, RP_STR("timer/"), &answer);
    assert_int_equal(answer.code, -RP_ENOTFOUND);
    assert_int_equal(lines_of(&answer.value), 1000);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "timer/%06d\n", i);
        assert_non_null(strstr(answer.value.data, line));
    }
    store_rig_list(&place_rig, RP_STR(""), &answer);
    assert_int_equal(lines_of(&answer.value), 1006);
    store_rig_list(&place_rig, RP_STR("x"), &answer);
    assert_int_equal(answer.value.len, 0);
    rp_buf_finish(&answer.value);
    place_close();
}

static void a_list_sees_the_puts_before_it(void **state) {
    (void)state;
    struct store_answer put = {0}, answer = {0};
    place_open();
    store_rig_begin_put(&place_rig, RP_STR("timer/a"), RP_STR("1"), 0, &put);
    store_rig_list(&place_rig, RP_STR("timer/"), &answer);
    assert_string_equal(answer.value.data, "timer/a\n");
    rp_buf_finish(&answer.value);
    rp_buf_finish(&put.value);
    place_close();
}

/* ---- limits and life --------------------------------------------------------------------------------------------------- */

static void beyond_its_queue_it_is_busy_and_recovers(void **state) {
    (void)state;
    enum { PUTS = 64 };
    static struct store_answer answers[PUTS];
    static char value[16 << 10];
    memset(answers, 0, sizeof answers);
    sqlite3 *db;
    int busy = 0;
    place_options.queue = 256 << 10;
    place_open();
    assert_int_equal(sqlite3_open(place_options.path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK); /* so that nothing is written */
    for (int i = 0; i < PUTS; i++)
        store_rig_begin_put(&place_rig, RP_STR("k"), rp_str_n(value, sizeof value), 0, &answers[i]);
    sqlite3_close(db);
    for (int i = 0; i < PUTS; i++) {
        store_rig_wait(&place_rig, &answers[i]);
        busy += answers[i].code == -RP_EBUSY;
        if (answers[i].code != -RP_EBUSY) assert_int_equal(answers[i].code, 0);
        rp_buf_finish(&answers[i].value);
    }
    assert_in_range(busy, 1, PUTS - 1);
    assert_int_equal(store_rig_put(&place_rig, "k", "x", 0), 0);
    assert_true(store_rig_has(&place_rig, "k", "x"));
    place_close();
}

static void detaching_delivers_what_is_under_way(void **state) {
    (void)state;
    static struct store_answer puts[300], gets[300];
    memset(puts, 0, sizeof puts);
    memset(gets, 0, sizeof gets);
    place_open();
    for (int i = 0; i < 300; i++) {
        store_rig_begin_put(&place_rig, RP_STR("k"), RP_STR("x"), 0, &puts[i]);
        store_rig_begin_get(&place_rig, i % 2 ? RP_STR("k") : RP_STR("other"), &gets[i]);
    }
    place_close();
    for (int i = 0; i < 300; i++) {
        assert_int_equal(puts[i].calls, 1);
        assert_int_equal(puts[i].code, 0);
        assert_int_equal(gets[i].calls, 1);
        assert_int_equal(gets[i].code, i % 2 ? 0 : -RP_ENOTFOUND);
        rp_buf_finish(&puts[i].value);
        rp_buf_finish(&gets[i].value);
    }
    place_open();
    assert_true(store_rig_has(&place_rig, "k", "x"));
    place_close();
}

/* As a reload does it: the new one opens before the old one closes, the second time by another name of the file. */
static void two_stores_share_one_file(void **state) {
    (void)state;
    struct store_rig other;
    struct options options = place_options;
    place_open();
    assert_int_equal(symlink(place_options.path, place_path("link.db")), 0);
    options.path = place_path("link.db");
    options.synchronous = SYNCHRONOUS_NORMAL;
    assert_int_equal(store_rig_open(&other, place_type(), "other", &options, 1), 0);
    assert_ptr_equal(other.store.element.state, place_rig.store.element.state);
    assert_int_equal(store_rig_put(&place_rig, "a", "1", 0), 0);
    assert_true(store_rig_has(&other, "a", "1"));
    place_close();
    assert_true(store_rig_has(&other, "a", "1"));
    assert_int_equal(store_rig_put(&other, "b", "2", 0), 0);
    store_rig_close(&other);
    place_open();
    assert_true(store_rig_has(&place_rig, "b", "2"));
    place_close();
}

int main(void) {
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_put_is_there_after_reopening),
        STORE_TEST(keys_and_values_are_bytes),
        STORE_TEST(large_values_come_back_whole),
        STORE_TEST(calls_for_one_key_keep_their_order),
        STORE_TEST(nothing_is_found_from_its_expiry_on),
        STORE_TEST(numbers_are_added_to),
        STORE_TEST(a_number_keeps_the_life_it_began_with),
        STORE_TEST(additions_under_way_together_all_count),
        STORE_TEST(the_expired_goes_although_nobody_asks_for_it),
        STORE_TEST(a_list_has_each_key_with_the_prefix_once),
        STORE_TEST(a_list_sees_the_puts_before_it),
        STORE_TEST(beyond_its_queue_it_is_busy_and_recovers),
        STORE_TEST(detaching_delivers_what_is_under_way),
        STORE_TEST(two_stores_share_one_file),
    };
    clock_freeze(INT64_C(1790000000000));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
