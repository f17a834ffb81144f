/* The writer: what has gathered while the disk was busy becomes one transaction, and is answered when that is on disk.
 * Between two transactions it moves the write-ahead log into the file and sweeps out what has expired, a bit at a time. */
#include "sqlite.h"

#define SWEEP_NS UINT64_C(1000000000) /* between two looks for what has expired, when there was nothing */
#define CHECKPOINT_PAGES 1000
#define GATHER_PART 10 /* of the time that a batch takes */
#define GATHER_MAX_NS 1000000

/* Stands in for SQLite's own, which would move the log before the answer is given. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    (void)db, (void)name;
    *(int *)arg = pages;
    return SQLITE_OK;
}

/* A file that was moved or deleted takes everything without a word. */
static const char *moved(sqlite3 *db) {
    int answer = 0;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &answer);
    return answer ? "the file is not there any more" : NULL;
}

/* ---- batches ----------------------------------------------------------------------------------------------------------- */

static int run_calls(struct rows *rows, struct call *first, const struct call *end) {
    for (struct call *call = first; call != end; call = call->next) {
        int code = rows_do(rows, call);
        if (code != SQLITE_DONE) return code;
    }
    return SQLITE_DONE;
}

/* All of it or nothing. `end`: the call behind the last. */
static int run_transaction(struct rows *rows, struct call *first, const struct call *end) {
    int code = rows_run(rows->begin);
    if (code == SQLITE_DONE) code = run_calls(rows, first, end);
    if (code == SQLITE_DONE) code = rows_run(rows->commit);
    if (code != SQLITE_DONE && !sqlite3_get_autocommit(rows->db)) rows_run(rows->rollback);
    return code;
}

static int run_alone(struct rows *rows, struct call *call) {
    rp_buf_clear(&call->at); /* a list begins again */
    return call_writes(call) ? run_transaction(rows, call, call->next) : rows_do(rows, call);
}

/* Why a call failed, in SQLite's words, and in ours where they say too little. */
static const char *words(int code) {
    switch (code & 0xff) {
    case SQLITE_FULL: return "the disk is full, or the file as large as 'max' allows";
    case SQLITE_BUSY: return "another process has locked the file";
    default: return sqlite3_errstr(code);
    }
}

/* One call that finds no room is no reason to fail the others, which may even make some. */
static void run_one_by_one(struct database *database, const struct line *batch) {
    for (struct call *call = batch->first; call; call = call->next) {
        int code = run_alone(&database->writer, call);
        if (code == SQLITE_DONE) continue;
        call->code = -RP_EIO;
        health_bad(&database->writing, words(code), 1);
    }
}

static void fail_all(struct database *database, const struct line *batch, const char *why) {
    size_t calls = 0;
    for (struct call *call = batch->first; call; call = call->next, calls++) {
        rp_buf_clear(&call->out);
        call->code = -RP_EIO;
    }
    health_bad(&database->writing, why, calls);
}

/* How long the disk took. */
static int64_t run_batch(struct database *database, const struct line *batch) {
    const char *gone = moved(database->writer.db);
    if (gone) {
        fail_all(database, batch, gone);
        return 0;
    }
    int64_t before = rp_now_ns();
    int code = run_transaction(&database->writer, batch->first, NULL);
    int64_t took = rp_now_ns() - before;
    rp_metric_observe(database->commits, took);
    if (code == SQLITE_DONE)
        health_good(&database->writing);
    else if ((code & 0xff) == SQLITE_FULL)
        run_one_by_one(database, batch);
    else
        fail_all(database, batch, words(code));
    return took;
}

/* ---- in between -------------------------------------------------------------------------------------------------------- */

static void apply_settings(struct database *database) {
    if (!atomic_exchange(&database->changed, false)) return;
    file_set(database->writer.db, atomic_load(&database->synchronous), atomic_load(&database->max));
}

/* Readers are not waited for: what is left is for the next time. */
static void checkpoint(struct rows *rows) {
    if (rows->wal_pages < CHECKPOINT_PAGES) return;
    rows->wal_pages = 0;
    sqlite3_wal_checkpoint_v2(rows->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int64_t sweep(struct rows *rows) {
    bool more;
    rows_sweep(rows, rp_wall_ms(), &more);
    return rp_now_ns() + (more ? 0 : (int64_t)SWEEP_NS);
}

void writer_main(void *arg) {
    struct database *database = arg;
    struct line batch;
    int64_t sweep_ns = rp_now_ns(), gather_ns = 0;
    line_init(&batch);
    sqlite3_wal_hook(database->writer.db, on_commit, &database->writer.wal_pages);
    for (;;) {
        int64_t wait = sweep_ns - rp_now_ns();
        if (!queue_take_writes(&database->queue, wait > 0 ? (uint64_t)wait : 0, (uint64_t)gather_ns, &batch)) break;
        apply_settings(database);
        if (batch.first) gather_ns = run_batch(database, &batch) / GATHER_PART;
        if (gather_ns > GATHER_MAX_NS) gather_ns = GATHER_MAX_NS;
        queue_settle(&database->queue, &batch);
        inbox_answer_all(&batch);
        checkpoint(&database->writer);
        if (rp_now_ns() >= sweep_ns) sweep_ns = sweep(&database->writer);
    }
    sqlite3_wal_checkpoint_v2(database->writer.db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}
