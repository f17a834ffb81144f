/* A disk that is full, a file at its ceiling, a file that is gone: what is refused then, what still works, and that all is
 * well again afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mount.h>
#endif
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log_sink.h"
#include "place.h"

static char value[32 << 10];
static char log_path[200];

/* ---- a small disk ------------------------------------------------------------------------------------------------------ */

static char disk[200];
static bool mounted;

/* A file system of 2 MiB where that is allowed; else a bound on the size of files, which fails in nearly the same way. */
static void make_small_disk(void) {
    snprintf(disk, sizeof disk, "%s", place_path("disk"));
    assert_int_equal(mkdir(disk, 0700), 0);
#ifdef __linux__
    mounted = mount("tmpfs", disk, "tmpfs", 0, "size=2m") == 0;
#endif
    if (!mounted) print_message("no mounting here: a bound on the size of files stands in for the full disk\n");
    static char path[220];
    snprintf(path, sizeof path, "%s/store.db", disk);
    place_options.path = path;
}

static void bound_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void fill_disk(void) {
    if (!mounted) {
        signal(SIGXFSZ, SIG_IGN);
        bound_files(1 << 16);
        return;
    }
    char path[220];
    snprintf(path, sizeof path, "%s/filler", disk);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(fd, value, 4096) > 0) {
    }
    close(fd);
}

static void free_disk(void) {
    char path[220];
    snprintf(path, sizeof path, "%s/filler", disk);
    if (mounted)
        unlink(path);
    else
        bound_files(RLIM_INFINITY);
}

static int leave_disk(void **state) {
#ifdef __linux__
    if (mounted) umount(disk);
#endif
    if (disk[0] && !mounted) bound_files(RLIM_INFINITY);
    mounted = false;
    return place_remove(state);
}

/* ---- the log ----------------------------------------------------------------------------------------------------------- */

static void open_log(void) {
    snprintf(log_path, sizeof log_path, "%s", place_path("log"));
    assert_int_equal(log_open(RP_LOG_INFO, log_path, NULL), 0);
}

static unsigned lines_with(const char *text) {
    char line[4096];
    unsigned count = 0;
    FILE *file = fopen(log_path, "rb");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}

/* ---- the tests --------------------------------------------------------------------------------------------------------- */

static int put(const char *key) {
    return store_rig_put_bytes(&place_rig, rp_str(key), rp_str_n(value, sizeof value));
}

/* Until one is refused; how many were not. */
static int put_until_refused(const char *format) {
    char key[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, format, i);
        int code = put(key);
        if (code == 0) continue;
        assert_int_equal(code, -RP_EIO);
        return i;
    }
    fail_msg("the disk does not fill up");
    return 0;
}

static void assert_all_there(const char *format, int count) {
    char key[32];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, format, i);
        struct store_answer answer = {0};
        store_rig_get(&place_rig, key, &answer);
        assert_int_equal(answer.code, 0);
        assert_int_equal(answer.value.len, sizeof value);
        rp_buf_finish(&answer.value);
    }
}

static void a_full_disk_refuses_and_recovers(void **state) {
    (void)state;
    open_log();
    make_small_disk();
    place_open();
    assert_int_equal(put("before"), 0);
    fill_disk();
    int kept = put_until_refused("full-%d");
    for (int i = 0; i < 5; i++) assert_int_equal(put("more"), -RP_EIO);
    assert_all_there("full-%d", kept); /* reading goes on */
    assert_int_equal(store_rig_code(&place_rig, "more"), -RP_ENOTFOUND);
    free_disk();
    assert_int_equal(put("after"), 0);
    usleep(1100000);
    assert_int_equal(put("after"), 0);
    place_reopen();
    assert_all_there("full-%d", kept);
    assert_all_there("before", 1);
    assert_all_there("after", 1);
    place_close();
    log_close();
    assert_int_equal(lines_with("cannot write to"), 1);
    assert_int_equal(lines_with("store.db'"), 2); /* the path is in both */
    if (mounted) assert_int_equal(lines_with("the disk is full"), 1);
    assert_int_equal(lines_with("can write to"), 1);
}

static void opening_on_a_full_disk_says_so(void **state) {
    (void)state;
    make_small_disk();
    fill_disk();
    if (mounted) place_refuses("full");
    free_disk();
    place_open();
    place_close();
}

/* At the ceiling what is new finds no place; what makes room is done, also when both come in one batch. */
static void a_file_at_its_ceiling_still_forgets(void **state) {
    (void)state;
    struct store_answer too_many = {0}, smaller = {0};
    place_options.max = 1 << 20;
    place_open();
    int kept = put_until_refused("full-%d");
    assert_in_range(kept, 20, 32);
    store_rig_begin_put(&place_rig, RP_STR("new"), rp_str_n(value, sizeof value), 0, &too_many);
    store_rig_begin_put(&place_rig, RP_STR("full-0"), RP_STR("small"), 0, &smaller);
    store_rig_wait(&place_rig, &too_many);
    store_rig_wait(&place_rig, &smaller);
    assert_int_equal(too_many.code, -RP_EIO);
    assert_int_equal(smaller.code, 0);
    assert_true(store_rig_has(&place_rig, "full-0", "small"));
    assert_int_equal(store_rig_del(&place_rig, "full-1"), 0);
    assert_int_equal(put("new"), 0);
    rp_buf_finish(&too_many.value);
    rp_buf_finish(&smaller.value);
    place_close();
}

static void a_file_that_is_gone_takes_nothing(void **state) {
    (void)state;
    open_log();
    place_open();
    assert_int_equal(put("before"), 0);
    assert_int_equal(unlink(place_options.path), 0);
    assert_int_equal(put("after"), -RP_EIO);
    assert_int_equal(store_rig_del(&place_rig, "before"), -RP_EIO);
    place_close();
    log_close();
    assert_int_equal(lines_with("the file is not there any more"), 1);
}

static void a_lock_by_somebody_else_is_waited_for(void **state) {
    (void)state;
    struct store_answer answer = {0};
    sqlite3 *db;
    place_open();
    assert_int_equal(sqlite3_open(place_options.path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000); /* the store's own sweep may be at it */
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    store_rig_begin_put(&place_rig, RP_STR("a"), RP_STR("1"), 0, &answer);
    usleep(50000);
    assert_int_equal(answer.calls, 0);
    assert_int_equal(store_rig_code(&place_rig, "b"), -RP_ENOTFOUND); /* reading goes on */
    sqlite3_close(db);
    store_rig_wait(&place_rig, &answer);
    assert_int_equal(answer.code, 0);
    rp_buf_finish(&answer.value);
    place_close();
}

static void a_lock_that_lasts_is_an_error(void **state) {
    (void)state;
    sqlite3 *db;
    place_options.patience = 20;
    place_open();
    assert_int_equal(sqlite3_open(place_options.path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000); /* the store's own sweep may be at it */
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put("a"), -RP_EIO);
    sqlite3_close(db);
    assert_int_equal(put("a"), 0);
    place_close();
}

int main(void) {
#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, leave_disk)
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_full_disk_refuses_and_recovers),
        DISK_TEST(opening_on_a_full_disk_says_so),
        DISK_TEST(a_file_at_its_ceiling_still_forgets),
        DISK_TEST(a_file_that_is_gone_takes_nothing),
        DISK_TEST(a_lock_by_somebody_else_is_waited_for),
        DISK_TEST(a_lock_that_lasts_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
