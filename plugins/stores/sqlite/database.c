/* Databases: one for each file, however many stores name it; its two connections and two threads. */
#include <pthread.h>
#include <stdlib.h>

#include "sqlite.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list; held while one opens or closes */
static struct database *databases;

static int open_rows(const struct options *options, struct rows *out_rows, struct rp_error *error) {
    sqlite3 *db;
    int code = file_open(options->path, options, &db, error);
    if (code) return code;
    if (rows_prepare(out_rows, db) == SQLITE_OK) return 0;
    code = rp_error_set(error, RP_EIO, "cannot use '%s': %s", options->path, sqlite3_errmsg(db));
    rows_finish(out_rows);
    return code;
}

static int open_both(struct database *database, const struct options *options, struct rp_error *error) {
    int code = open_rows(options, &database->writer, error);
    if (code) return code;
    code = open_rows(options, &database->reader, error);
    if (code) rows_finish(&database->writer);
    return code;
}

/* ---- threads ----------------------------------------------------------------------------------------------------------- */

static int start_threads(struct database *database) {
    if (uv_thread_create(&database->writer_thread, writer_main, database) != 0) return -RP_ENOMEM;
    if (uv_thread_create(&database->reader_thread, reader_main, database) == 0) return 0;
    queue_close(&database->queue);
    uv_thread_join(&database->writer_thread);
    return -RP_ENOMEM;
}

static void end_threads(struct database *database) {
    queue_close(&database->queue);
    uv_thread_join(&database->writer_thread);
    uv_thread_join(&database->reader_thread);
}

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

static void forget(struct database *database) {
    queue_finish(&database->queue);
    free(database->path);
    free(database);
}

static int start(struct database *database, const struct options *options, struct rp_error *error) {
    int code = open_both(database, options, error);
    if (code) return code;
    if (start_threads(database) == 0) return 0;
    rows_finish(&database->reader);
    rows_finish(&database->writer);
    return rp_error_set(error, RP_ENOMEM, "cannot start a thread");
}

static struct health health(const struct rp_element *element, const char *path, const char *what, const char *kind) {
    struct rp_metric *errors = rp_metric(RP_COUNTER, "repartee_store_errors_total", "Calls that a store has failed",
                                         "store", element->name, "call", kind, NULL);
    return (struct health){.path = path, .what = what, .errors = errors};
}

static int create(const struct rp_element *element, const struct stat *status, struct database **out_database,
                  struct rp_error *error) {
    const struct options *options = element->options;
    struct database *database = rp_calloc(1, sizeof *database);
    if (queue_init(&database->queue) != 0) {
        free(database);
        return rp_error_set(error, RP_ENOMEM, "cannot make a lock");
    }
    database->device = status->st_dev;
    database->inode = status->st_ino;
    database->path = rp_strdup(options->path);
    database->queue.max = (size_t)options->queue;
    database->writing = health(element, database->path, "write to", "write");
    database->reading = health(element, database->path, "read from", "read");
    database->commits = rp_metric(RP_HISTOGRAM, "repartee_store_commit_seconds", "Time until a batch is on disk",
                                  "store", element->name, NULL);
    int code = start(database, options, error);
    if (code)
        forget(database);
    else
        *out_database = database;
    return code;
}

/* The settings of whoever came last count: after a reload that is the new bot file. */
static void share(struct database *database, const struct options *options) {
    queue_set_max(&database->queue, (size_t)options->queue);
    atomic_store(&database->synchronous, options->synchronous);
    atomic_store(&database->max, options->max);
    atomic_store(&database->changed, true);
}

static struct database *find(const struct stat *status) {
    struct database *database = databases;
    while (database && (database->device != status->st_dev || database->inode != status->st_ino))
        database = database->next;
    return database;
}

int database_open(const struct rp_element *element, struct database **out_database, struct rp_error *error) {
    const struct options *options = element->options;
    struct stat status;
    int code = file_make(options->path, &status, error);
    if (code) return code;
    pthread_mutex_lock(&lock);
    struct database *database = find(&status);
    if (database) {
        share(database, options);
    } else if ((code = create(element, &status, &database, error)) == 0) {
        database->next = databases;
        databases = database;
    }
    if (code == 0) {
        database->users++;
        *out_database = database;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

void database_close(struct database *database) {
    pthread_mutex_lock(&lock);
    if (--database->users == 0) {
        struct database **at = &databases;
        while (*at != database) at = &(*at)->next;
        *at = database->next;
        end_threads(database);
        rows_finish(&database->reader);
        rows_finish(&database->writer);
        forget(database);
    }
    pthread_mutex_unlock(&lock);
}
