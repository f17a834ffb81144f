/* The database file: made with its folder, for nobody else to read; opened, set up, and checked to be ours. The schema's
 * version is in user_version: a file of a newer one is refused, so that an older program does not garble it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sqlite.h"

#define APPLICATION 0x52505453 /* "RPTS" */
#define SCHEMA 1
#define JOURNAL_BYTES (16 << 20) /* what the write-ahead log keeps of its size when it is empty */

static const char setup[] = "PRAGMA fullfsync = ON;" /* macOS: fsync alone does not reach the disk */
                            "PRAGMA checkpoint_fullfsync = ON;"
                            "PRAGMA trusted_schema = OFF;";

static const char schema[] =
    "CREATE TABLE entry (key BLOB NOT NULL, expires INTEGER NOT NULL, value BLOB NOT NULL);"
    "CREATE UNIQUE INDEX entry_key ON entry (key);"
    "CREATE INDEX entry_expires ON entry (expires) WHERE expires > 0;"; /* expires: ms since 1970; 0: never */

/* ---- making ------------------------------------------------------------------------------------------------------------ */

/* A folder is there for good when the one above it is on disk. */
static void sync_above(const char *path) {
    char above[PATH_MAX];
    snprintf(above, sizeof above, "%s", path);
    char *slash = strrchr(above, '/');
    slash[slash == above] = '\0';
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static int make_folders(const char *path, struct rp_error *error) {
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return rp_error_set(error, RP_EIO, "the path '%.200s…' is too long", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) == 0)
            sync_above(folder);
        else if (errno != EEXIST)
            return rp_error_set(error, RP_EIO, "cannot make the folder '%s': %s", folder, strerror(errno));
        *slash = '/';
    }
    return 0;
}

/* Opened only when it was not there: closing another descriptor of a database would drop the locks on it. */
static int make_new(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno == EEXIST ? 0 : -RP_EIO;
    close(fd);
    return 0;
}

int file_make(const char *path, struct stat *out_status, struct rp_error *error) {
    struct stat status;
    if (stat(path, &status) != 0 && errno == ENOENT) {
        int code = make_folders(path, error);
        if (code) return code;
        if (make_new(path) != 0) return rp_error_set(error, RP_EIO, "cannot make '%s': %s", path, strerror(errno));
    }
    if (stat(path, &status) != 0) return rp_error_set(error, RP_EIO, "cannot open '%s': %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode)) return rp_error_set(error, RP_EIO, "'%s' is a folder", path);
    if (!S_ISREG(status.st_mode)) return rp_error_set(error, RP_EIO, "'%s' is not a file", path);
    *out_status = status;
    return 0;
}

/* ---- checking ---------------------------------------------------------------------------------------------------------- */

static int refuse(sqlite3 *db, const char *path, struct rp_error *error) {
    int system_error = sqlite3_system_errno(db);
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_NOTADB: return rp_error_set(error, RP_EIO, "'%s' is not an SQLite database", path);
    case SQLITE_BUSY: return rp_error_set(error, RP_EIO, "'%s' is locked by another process", path);
    case SQLITE_READONLY: return rp_error_set(error, RP_EIO, "'%s', or its folder, is read-only", path);
    case SQLITE_CANTOPEN:
        return rp_error_set(error, RP_EIO, "cannot open '%s', or make the files beside it: %s", path,
                            system_error ? strerror(system_error) : sqlite3_errmsg(db));
    default: return rp_error_set(error, RP_EIO, "cannot open '%s': %s", path, sqlite3_errmsg(db));
    }
}

static int ask_number(sqlite3 *db, const char *sql, int64_t *out) {
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* All of it as of one moment: another process may be making the schema. */
static int check_owner(sqlite3 *db, const char *path, struct rp_error *error) {
    int64_t version, application, tables;
    if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) || ask_number(db, "PRAGMA user_version", &version) ||
        ask_number(db, "PRAGMA application_id", &application) ||
        ask_number(db, "SELECT count(*) FROM sqlite_master", &tables) || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
        return refuse(db, path, error);
    if (application != APPLICATION && (application || version || tables))
        return rp_error_set(error, RP_EIO, "'%s' is the SQLite database of another program", path);
    if (version > SCHEMA)
        return rp_error_set(error, RP_EIO,
                            "'%s' was written by a newer version of repartee: its schema is %lld, the newest one "
                            "known here is %d",
                            path, (long long)version, SCHEMA);
    return 0;
}

/* ---- setting up -------------------------------------------------------------------------------------------------------- */

static int use_wal(sqlite3 *db, const char *path, struct rp_error *error) {
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    bool wal = code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    if (wal) return 0;
    if (code != SQLITE_ROW) return refuse(db, path, error);
    return rp_error_set(error, RP_EIO, "'%s' cannot have a write-ahead log: does its file system share memory?", path);
}

static int make_schema(sqlite3 *db) {
    char sql[sizeof schema + 200];
    int64_t version = 0;
    int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK) code = ask_number(db, "PRAGMA user_version", &version); /* another process may be first */
    snprintf(sql, sizeof sql, "%s PRAGMA application_id = %d; PRAGMA user_version = %d;", schema, APPLICATION, SCHEMA);
    if (code == SQLITE_OK && version == 0) code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return code;
}

int file_set(sqlite3 *db, int synchronous, int64_t max) {
    char sql[200];
    int64_t page = 4096;
    int code = ask_number(db, "PRAGMA page_size", &page);
    if (code != SQLITE_OK) return code;
    snprintf(sql, sizeof sql, "PRAGMA synchronous = %s; PRAGMA max_page_count = %lld; PRAGMA journal_size_limit = %d",
             synchronous == SYNCHRONOUS_FULL ? "FULL" : "NORMAL", (long long)(max / page), JOURNAL_BYTES);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int set_up(sqlite3 *db, const char *path, const struct options *options, struct rp_error *error) {
    sqlite3_busy_timeout(db, (int)options->patience);
    sqlite3_extended_result_codes(db, 1);
    int code = check_owner(db, path, error);
    if (code) return code;
    if (sqlite3_db_readonly(db, "main")) return rp_error_set(error, RP_EIO, "'%s' is read-only", path);
    code = use_wal(db, path, error);
    if (code) return code;
    if (sqlite3_exec(db, setup, NULL, NULL, NULL) || file_set(db, options->synchronous, options->max) ||
        make_schema(db))
        return refuse(db, path, error);
    return 0;
}

int file_open(const char *path, const struct options *options, sqlite3 **out_db, struct rp_error *error) {
    sqlite3 *db;
    if (!sqlite3_threadsafe()) return rp_error_set(error, RP_EIO, "this SQLite was built for a single thread");
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    code = code == SQLITE_OK ? set_up(db, path, options, error) : refuse(db, path, error);
    if (code) {
        sqlite3_close(db);
        return code;
    }
    *out_db = db;
    return 0;
}
