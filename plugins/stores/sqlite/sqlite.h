/* The SQLite store: what its files share.
 *
 * A database is one file with two threads: the writer, which puts many calls into one transaction, and the reader. A
 * worker's calls go to one of them by the queue, and come back to the worker by its inbox. Stores that name the same
 * file share the database, so that a reload goes on with what is open. */
#ifndef SQLITE_H
#define SQLITE_H

#include <repartee/metrics.h>
#include <repartee/plugin.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct options {
    const char *path;
    int synchronous;  /* enum synchronous */
    int64_t max;      /* bytes of the file */
    int64_t queue;    /* bytes of calls that wait */
    int64_t patience; /* ms to wait for another process */
};
enum synchronous { SYNCHRONOUS_FULL, SYNCHRONOUS_NORMAL };

#define KEY_MAX 4096 /* bytes */

/* ---- calls ------------------------------------------------------------------------------------------------------- */

enum kind { CALL_GET, CALL_PUT, CALL_DEL, CALL_LIST, CALL_ADD };

struct call {
    struct call *next;      /* in its line */
    struct call *next_same; /* writes: the next in its bucket of pending keys */
    enum kind kind;
    int code; /* the answer, with `out` */
    struct inbox *inbox;
    struct rp_store_op *op;
    int64_t expires_ms; /* rp_wall_ms(); 0: never */
    int64_t delta;      /* add */
    uint64_t hash;
    struct rp_buf out; /* get: the value. add: the sum. list: keys, each with its length (size_t) in front */
    struct rp_buf at;  /* list: where the next step begins; empty at the end */
    size_t key_len, value_len;
    char bytes[]; /* key or prefix, then value */
};
struct line { /* first in, first out */
    struct call *first, **last;
};

static inline struct rp_str call_key(const struct call *call) {
    return rp_str_n(call->bytes, call->key_len);
}
static inline struct rp_str call_value(const struct call *call) {
    return rp_str_n(call->bytes + call->key_len, call->value_len);
}
static inline bool call_writes(const struct call *call) {
    return call->kind == CALL_PUT || call->kind == CALL_DEL || call->kind == CALL_ADD;
}
struct call *call_create(enum kind kind, struct rp_str key, struct rp_str value); /* NULL: memory is out */
void call_free(struct call *call);
size_t call_cost(const struct call *call);
void line_init(struct line *line);
void line_add(struct line *line, struct call *call);
struct call *line_take(struct line *line); /* NULL: empty */
void line_move(struct line *from, struct line *to); /* all of it, behind what is there */

/* ---- queue: from the workers to the two threads -------------------------------------------------------------------- */

#define PENDING_BUCKETS 256

struct queue {
    uv_mutex_t lock;
    uv_cond_t write_wanted, read_wanted;
    struct line writes, reads;
    size_t write_count, last_batch;
    size_t awaited; /* writes: the writer is woken when there are so many */
    struct call *pending[PENDING_BUCKETS]; /* writes that are not on disk yet, by key */
    size_t pending_count;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    size_t waiting, max; /* bytes of calls without an answer */
    bool closing;
};

int queue_init(struct queue *queue);
void queue_finish(struct queue *queue);
void queue_close(struct queue *queue); /* the threads end when their lines are empty */
void queue_set_max(struct queue *queue, size_t max);
/* Any thread. 0, or -RP_EBUSY: then the caller keeps the call. What reads a key that is being written goes behind. */
int queue_add(struct queue *queue, struct call *call);
/* Waits for calls, `wait_ns` at most, and from the first one on `gather_ns` for as many as there were the last time.
 * False: the queue is closed and empty. */
bool queue_take_writes(struct queue *queue, uint64_t wait_ns, uint64_t gather_ns, struct line *out_batch);
bool queue_take_reads(struct queue *queue, struct line *out_batch);
/* The answers are there: writes are on disk or have failed. */
void queue_settle(struct queue *queue, const struct line *batch);
void queue_read_again(struct queue *queue, struct call *call); /* a list goes on */

/* ---- inbox: answers on their way to one worker ---------------------------------------------------------------------- */

struct inbox {
    struct rp_worker *worker;
    struct queue *queue;
    atomic_uint refs; /* the worker's, and one while a message is on its way */
    uv_mutex_t lock;
    uv_cond_t answered;
    struct line answers;
    size_t out; /* calls that have not been delivered; the worker's own */
    bool ending;
};

struct inbox *inbox_create(struct rp_worker *worker, struct queue *queue); /* NULL: no lock can be made */
/* Waits for what is under way, delivers it, and lets go. */
void inbox_end(struct inbox *inbox);
void inbox_answer_all(struct line *answers); /* any thread; empties the line */

/* ---- rows: what is done on a connection ------------------------------------------------------------------------------ */

struct rows {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback, *put, *del, *get, *list, *sweep, *number;
    int wal_pages; /* as of the last commit */
};

/* All return a result code of SQLite, SQLITE_OK or SQLITE_DONE when all is well. */
int rows_prepare(struct rows *rows, sqlite3 *db); /* takes over the connection in any case */
void rows_finish(struct rows *rows);
int rows_run(sqlite3_stmt *statement); /* one that gives no rows */
int rows_do(struct rows *rows, struct call *call); /* sets the call's answer when it succeeds */
int rows_sweep(struct rows *rows, int64_t now_ms, bool *out_more); /* some of what has expired; more: there is more */

/* ---- file: making, opening, checking --------------------------------------------------------------------------------- */

int file_make(const char *path, struct stat *out_status, struct rp_error *error);
/* A connection to the file, set up, the schema made or checked. */
int file_open(const char *path, const struct options *options, sqlite3 **out_db, struct rp_error *error);
int file_set(sqlite3 *db, int synchronous, int64_t max); /* what can change while it is open: an SQLite code */

/* ---- health: failing is told once, and so is its end ------------------------------------------------------------------ */

struct health {
    const char *path, *what; /* "write to" */
    struct rp_metric *errors;
    bool failing;
    unsigned long failed; /* calls */
    int64_t failed_ns;    /* the last one */
};
void health_bad(struct health *health, const char *why, size_t calls);
void health_good(struct health *health);

/* ---- the database ----------------------------------------------------------------------------------------------------- */

struct database {
    struct database *next;
    unsigned users;
    dev_t device;
    ino_t inode;
    char *path;
    struct queue queue;
    struct rows writer, reader; /* each its thread's own */
    struct health writing, reading;
    struct rp_metric *commits;
    atomic_int synchronous;
    _Atomic int64_t max;
    atomic_bool changed; /* the two above: the writer is to set them */
    uv_thread_t writer_thread, reader_thread;
};

int database_open(const struct rp_element *element, struct database **out_database, struct rp_error *error);
void database_close(struct database *database);
void writer_main(void *database);
void reader_main(void *database);

/* ---- the store's calls -------------------------------------------------------------------------------------------------- */

int store_open(struct rp_element *element, struct rp_error *error);
void store_close(struct rp_element *element);
int store_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void store_detach(struct rp_element *element, struct rp_worker *worker, void *local);
void store_get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
void store_put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value, int64_t ttl_ms,
               struct rp_store_op *op);
void store_del(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
void store_list(struct rp_store *store, struct rp_worker *worker, struct rp_str prefix, struct rp_store_op *op);
void store_add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
               struct rp_store_op *op);

#endif
