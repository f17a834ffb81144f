/* What the store opens, and what it refuses with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"

#define NOBODY 65534

static void run_sql(const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place_options.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void write_file(const char *text) {
    FILE *file = fopen(place_options.path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static unsigned mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void the_folder_is_made_and_nobody_else_may_read_the_file(void **state) {
    (void)state;
    char path[200], folder[200], log[220];
    snprintf(path, sizeof path, "%s", place_path("data/deep/shop.db"));
    snprintf(folder, sizeof folder, "%s", place_path("data/deep"));
    snprintf(log, sizeof log, "%s-wal", path);
    place_options.path = path;
    place_open();
    assert_int_equal(store_rig_put(&place_rig, "a", "1", 0), 0);
    assert_int_equal(mode_of(folder), 0700);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(log), 0600);
    place_close();
}

static void an_empty_file_becomes_a_store(void **state) {
    (void)state;
    write_file("");
    place_open();
    assert_int_equal(store_rig_put(&place_rig, "a", "1", 0), 0);
    place_reopen();
    assert_true(store_rig_has(&place_rig, "a", "1"));
    place_close();
}

static void what_is_no_database_is_refused(void **state) {
    (void)state;
    write_file("This is a letter to my aunt, longer than the head of a database, so that nobody can take it for one.");
    place_refuses("is not an SQLite database");
    place_options.path = place_path("");
    place_refuses("is a folder");
    place_options.path = "/dev/null";
    place_refuses("is not a file");
    place_options.path = "/dev/null/below.db";
    place_refuses("Not a directory");
}

static void a_database_of_somebody_else_is_refused_and_left_alone(void **state) {
    (void)state;
    run_sql("CREATE TABLE customers (name); INSERT INTO customers VALUES ('Ada');");
    place_refuses("the SQLite database of another program");
    run_sql("SELECT name FROM customers; PRAGMA application_id = 77;");
    place_refuses("the SQLite database of another program");
}

static void a_newer_schema_is_refused(void **state) {
    (void)state;
    place_open();
    place_close();
    run_sql("PRAGMA user_version = 2");
    place_refuses("newer version of repartee: its schema is 2, the newest one known here is 1");
    run_sql("PRAGMA user_version = 1");
    place_open();
    place_close();
}

static void a_locked_file_is_refused_after_a_while(void **state) {
    (void)state;
    sqlite3 *db;
    place_open();
    place_close();
    assert_int_equal(sqlite3_open(place_options.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM entry; COMMIT",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    place_options.patience = 20;
    place_refuses("is locked by another process");
    sqlite3_close(db);
    place_open();
    place_close();
}

/* Root may write anywhere: another process tries it as somebody else. */
static void refuses_nobody(const char *path, const char *text) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && seteuid(NOBODY) != 0) _exit(2);
        place_options.path = path;
        int code = store_rig_open(&place_rig, place_type(), "main", &place_options, 1);
        if (code == 0 || !strstr(place_rig.error.text, text)) fprintf(stderr, "'%s'\n", place_rig.error.text);
        _exit(code == 0 || !strstr(place_rig.error.text, text));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void what_may_not_be_written_is_refused(void **state) {
    (void)state;
    char folder[200];
    snprintf(folder, sizeof folder, "%s", place_path("."));
    place_open();
    place_close();
    chmod(folder, 0555);
    refuses_nobody(place_path("data/new.db"), "cannot make the folder");
    refuses_nobody(place_path("new.db"), "cannot make '");
    chmod(place_options.path, 0666);
    refuses_nobody(place_options.path, "or its folder, is read-only");
    chmod(place_options.path, 0444);
    refuses_nobody(place_options.path, "is read-only");
    chmod(place_options.path, 0000);
    refuses_nobody(place_options.path, "Permission denied");
    chmod(folder, 0755);
}

int main(void) {
#define OPEN_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        OPEN_TEST(the_folder_is_made_and_nobody_else_may_read_the_file),
        OPEN_TEST(an_empty_file_becomes_a_store),
        OPEN_TEST(what_is_no_database_is_refused),
        OPEN_TEST(a_database_of_somebody_else_is_refused_and_left_alone),
        OPEN_TEST(a_newer_schema_is_refused),
        OPEN_TEST(a_locked_file_is_refused_after_a_while),
        OPEN_TEST(what_may_not_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
