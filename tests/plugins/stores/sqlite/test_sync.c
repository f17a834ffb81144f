/* Nothing is acknowledged before it is on disk. SQLite's way to the system is watched: what a file holds at each fsync is
 * copied aside, and these copies are all that a power cut leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "place.h"

#define PUTS 200
#define VALUE 24000

static sqlite3_vfs *base, watched;
static sqlite3_io_methods base_methods[2], methods[2]; /* of the database, of the log */
static atomic_int unsynced; /* writes to the log since its last fsync */

/* Behind the system's own part of a file stands its name. */
static const char **name_of(sqlite3_file *file) {
    return (const char **)(void *)((char *)file + base->szOsFile);
}

static bool is_log(sqlite3_file *file) {
    const char *dash = strrchr(*name_of(file), '-');
    return dash && strcmp(dash, "-wal") == 0;
}

static void copy_file(const char *from, const char *to) {
    static char block[1 << 16];
    ssize_t len;
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0) abort();
    while ((len = read(in, block, sizeof block)) > 0)
        if (write(out, block, (size_t)len) != len) abort();
    close(in);
    close(out);
}

static int on_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at) {
    if (is_log(file)) atomic_fetch_add(&unsynced, 1);
    return base_methods[is_log(file)].xWrite(file, data, len, at);
}

static int on_sync(sqlite3_file *file, int flags) {
    char aside[256];
    int code = base_methods[is_log(file)].xSync(file, flags);
    snprintf(aside, sizeof aside, "%s.synced", *name_of(file));
    copy_file(*name_of(file), aside);
    if (is_log(file)) atomic_store(&unsynced, 0);
    return code;
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    int code = base->xOpen(base, name, file, flags, out_flags);
    if (code != SQLITE_OK || !(flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB))) return code;
    *name_of(file) = name;
    bool log = is_log(file);
    if (!base_methods[log].xWrite) {
        base_methods[log] = methods[log] = *file->pMethods;
        methods[log].xWrite = on_write;
        methods[log].xSync = on_sync;
    }
    file->pMethods = &methods[log];
    return code;
}

static int watch(void **state) {
    (void)state;
    base = sqlite3_vfs_find(NULL);
    watched = *base;
    watched.zName = "watched";
    watched.szOsFile += (int)sizeof(char *);
    watched.xOpen = on_open;
    return sqlite3_vfs_register(&watched, 1);
}

/* ---- the tests --------------------------------------------------------------------------------------------------------- */

static char value[VALUE + 1];

static const char *value_of(int number) {
    memset(value, 'a' + number % 26, VALUE);
    snprintf(value, 16, "%d", number);
    return value;
}

static int put(int number) {
    char key[32];
    snprintf(key, sizeof key, "key-%d", number);
    return store_rig_put(&place_rig, key, value_of(number), 0);
}

static void with_full_every_answer_comes_behind_an_fsync(void **state) {
    (void)state;
    place_open();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(put(i), 0);
        assert_int_equal(atomic_load(&unsynced), 0);
    }
    place_close();
}

static void with_normal_it_does_not(void **state) {
    (void)state;
    place_options.synchronous = SYNCHRONOUS_NORMAL;
    place_open();
    assert_int_equal(put(1), 0);
    assert_int_not_equal(atomic_load(&unsynced), 0);
    place_close();
}

/* The store of what was synced, as the machine finds it when the power is back. */
static void assert_all_there(int count) {
    struct options options = place_options;
    struct store_rig cut;
    char key[32], from[256], path[256], log[300];
    snprintf(path, sizeof path, "%s", place_path("cut.db"));
    snprintf(from, sizeof from, "%s.synced", place_options.path);
    copy_file(from, path);
    snprintf(from, sizeof from, "%s-wal.synced", place_options.path);
    snprintf(log, sizeof log, "%s-wal", path);
    copy_file(from, log);
    options.path = path;
    assert_int_equal(store_rig_open(&cut, place_type(), "cut", &options, 1), 0);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        assert_true(store_rig_has(&cut, key, value_of(i)));
    }
    store_rig_close(&cut);
    unlink(path);
    unlink(log);
}

/* Enough of them that the log is moved into the file again and again. */
static void a_power_cut_loses_nothing_acknowledged(void **state) {
    (void)state;
    place_open();
    for (int i = 0; i < PUTS; i++) {
        assert_int_equal(put(i), 0);
        if (i % 41 == 40) assert_all_there(i + 1);
    }
    assert_all_there(PUTS);
    place_close();
}

int main(void) {
#define SYNC_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        SYNC_TEST(with_full_every_answer_comes_behind_an_fsync),
        SYNC_TEST(with_normal_it_does_not),
        SYNC_TEST(a_power_cut_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, watch, NULL);
}
