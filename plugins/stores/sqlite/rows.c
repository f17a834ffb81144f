/* What is done on a connection: the statements, and how a call becomes one of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sqlite.h"

#define LIST_ROWS 256 /* looked at in one step */
#define SWEEP_ROWS 256
#define LIST_BYTES ((size_t)LIST_ROWS * (KEY_MAX + sizeof(size_t)))
#define VALUE_MAX ((size_t)1 << 30) /* SQLite's own */

int rows_prepare(struct rows *rows, sqlite3 *db) {
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&rows->begin, "BEGIN IMMEDIATE"},
        {&rows->commit, "COMMIT"},
        {&rows->rollback, "ROLLBACK"},
        {&rows->put, "INSERT INTO entry (key, expires, value) VALUES (?1, ?2, ?3) "
                     "ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, value = excluded.value"},
        {&rows->del, "DELETE FROM entry WHERE key = ?1"},
        {&rows->get, "SELECT value FROM entry WHERE key = ?1 AND (expires = 0 OR expires > ?2)"},
        {&rows->list, "SELECT key, expires FROM entry WHERE key >= ?1 ORDER BY key"},
        {&rows->sweep, "DELETE FROM entry WHERE rowid IN "
                       "(SELECT rowid FROM entry WHERE expires > 0 AND expires <= ?1 LIMIT ?2)"},
        {&rows->number, "SELECT value, expires FROM entry WHERE key = ?1 AND (expires = 0 OR expires > ?2)"},
    };
    *rows = (struct rows){.db = db};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int code = sqlite3_prepare_v3(db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].statement, NULL);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

void rows_finish(struct rows *rows) {
    sqlite3_stmt *all[] = {rows->begin, rows->commit, rows->rollback, rows->put,
                           rows->del,   rows->get,    rows->list,     rows->sweep,  rows->number};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
    sqlite3_close(rows->db);
    *rows = (struct rows){0};
}

int rows_run(sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code;
}

/* A NULL pointer would be NULL, not empty. Borrowed until the statement is reset. */
static void bind_bytes(sqlite3_stmt *statement, int place, struct rp_str bytes) {
    sqlite3_bind_blob64(statement, place, bytes.len ? bytes.data : "", bytes.len, SQLITE_STATIC);
}

static struct rp_str column_bytes(sqlite3_stmt *statement, int place) {
    const void *bytes = sqlite3_column_blob(statement, place); /* before its length is asked for */
    return rp_str_n(bytes, (size_t)sqlite3_column_bytes(statement, place));
}

static int put(struct rows *rows, struct call *call) {
    bind_bytes(rows->put, 1, call_key(call));
    sqlite3_bind_int64(rows->put, 2, call->expires_ms);
    bind_bytes(rows->put, 3, call_value(call));
    return rows_run(rows->put);
}

static int del(struct rows *rows, struct call *call) {
    bind_bytes(rows->del, 1, call_key(call));
    return rows_run(rows->del);
}

static int get(struct rows *rows, struct call *call) {
    bind_bytes(rows->get, 1, call_key(call));
    sqlite3_bind_int64(rows->get, 2, rp_wall_ms());
    int code = sqlite3_step(rows->get);
    call->code = -RP_ENOTFOUND;
    if (code == SQLITE_ROW) {
        if (!call->out.max) rp_buf_init(&call->out, VALUE_MAX);
        call->code = rp_buf_append_str(&call->out, column_bytes(rows->get, 0));
        code = SQLITE_DONE;
    }
    sqlite3_reset(rows->get);
    return code;
}

/* ---- adding ------------------------------------------------------------------------------------------------------------ */

#define NUMBER_SIZE 21

/* What is there now, with the life that it has; a key that is not there leaves both as they are. */
static int read_number(struct rows *rows, struct call *call, int64_t *out_number) {
    bind_bytes(rows->number, 1, call_key(call));
    sqlite3_bind_int64(rows->number, 2, rp_wall_ms());
    int code = sqlite3_step(rows->number);
    if (code == SQLITE_ROW) {
        call->code = rp_str_int64(column_bytes(rows->number, 0), out_number);
        call->expires_ms = sqlite3_column_int64(rows->number, 1);
        code = SQLITE_DONE;
    }
    sqlite3_reset(rows->number);
    return code;
}

/* In a transaction, so that nobody writes between reading and writing. */
static int add(struct rows *rows, struct call *call) {
    int64_t number = 0;
    char text[NUMBER_SIZE];
    call->code = 0;
    int code = read_number(rows, call, &number);
    if (code != SQLITE_DONE) return code;
    if (call->code == 0 && __builtin_add_overflow(number, call->delta, &number)) call->code = -RP_EINVALID;
    if (call->code != 0) return SQLITE_DONE;
    int len = snprintf(text, sizeof text, "%" PRId64, number);
    if (!call->out.max) rp_buf_init(&call->out, NUMBER_SIZE);
    rp_buf_append(&call->out, text, (size_t)len);
    bind_bytes(rows->put, 1, call_key(call));
    sqlite3_bind_int64(rows->put, 2, call->expires_ms);
    bind_bytes(rows->put, 3, rp_str_n(text, (size_t)len));
    return rows_run(rows->put);
}

/* ---- listing ----------------------------------------------------------------------------------------------------------- */

static bool has_prefix(struct rp_str key, struct rp_str prefix) {
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.data, prefix.data, prefix.len) == 0);
}

static void add_key(struct call *call, struct rp_str key) {
    rp_buf_append(&call->out, &key.len, sizeof key.len);
    rp_buf_append_str(&call->out, key);
}

/* The next step begins at the smallest key behind this one. */
static void continue_behind(struct call *call, struct rp_str key) {
    rp_buf_clear(&call->at);
    rp_buf_append_str(&call->at, key);
    rp_buf_append(&call->at, "", 1);
}

static int list(struct rows *rows, struct call *call) {
    struct rp_str from = call->at.len ? rp_buf_str(&call->at) : call_key(call);
    int64_t now = rp_wall_ms();
    int code = SQLITE_ROW, count = 0;
    bool more = true;
    if (!call->at.max) rp_buf_init(&call->at, KEY_MAX + 1);
    if (!call->out.max) rp_buf_init(&call->out, LIST_BYTES);
    sqlite3_bind_blob64(rows->list, 1, from.len ? from.data : "", from.len, SQLITE_TRANSIENT);
    while (count < LIST_ROWS && (code = sqlite3_step(rows->list)) == SQLITE_ROW) {
        struct rp_str key = column_bytes(rows->list, 0);
        int64_t expires = sqlite3_column_int64(rows->list, 1);
        if (key.len > KEY_MAX) {
            code = SQLITE_CORRUPT; /* not from here */
            break;
        }
        more = has_prefix(key, call_key(call));
        if (!more) break;
        if (expires == 0 || expires > now) add_key(call, key);
        continue_behind(call, key);
        count++;
    }
    sqlite3_reset(rows->list);
    if (code == SQLITE_DONE || !more) rp_buf_clear(&call->at);
    call->code = 0;
    return code == SQLITE_ROW ? SQLITE_DONE : code;
}

int rows_do(struct rows *rows, struct call *call) {
    rp_buf_clear(&call->out);
    switch (call->kind) {
    case CALL_PUT: return put(rows, call);
    case CALL_DEL: return del(rows, call);
    case CALL_GET: return get(rows, call);
    case CALL_ADD: return add(rows, call);
    default: return list(rows, call);
    }
}

/* ---- sweeping ---------------------------------------------------------------------------------------------------------- */

int rows_sweep(struct rows *rows, int64_t now_ms, bool *out_more) {
    sqlite3_bind_int64(rows->sweep, 1, now_ms);
    sqlite3_bind_int(rows->sweep, 2, SWEEP_ROWS);
    int code = rows_run(rows->sweep);
    *out_more = code == SQLITE_DONE && sqlite3_changes(rows->db) == SWEEP_ROWS;
    return code;
}
