/* Notes of batches that were handed in, a file each, so that a later run finds them: first a line with the ids of the
 * requests, before anything is sent, then a line with the provider's id. Written on libuv's threads. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/remote/bulk.h"

#define FILE_MAX (64 * 1024 * 1024) /* bytes; a request takes 67 */
#define FOLDER_MAX 10000            /* files in it */

struct note_write {
    uv_work_t work;
    struct bulk_batch *batch; /* NULL: it has ended */
    void (*done)(struct bulk_batch *batch, int code);
    char *folder; /* to be made; NULL: the file is there */
    char *path;
    struct rp_buf text;
    int code;
};

void bulk_key_mark(const char *key, char out[17]) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    out[0] = '\0';
    if (!key) return;
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)key, strlen(key), NULL, 0);
    sodium_bin2hex(out, 17, hash, 8);
}

static char *path_of(const struct bulk *bulk, const char *name) {
    size_t size = strlen(bulk->folder) + strlen(name) + 2;
    char *path = rp_alloc(size);
    snprintf(path, size, "%s/%s", bulk->folder, name);
    return path;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool take_string(const json_t *object, const char *name, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= size) return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static int read_ids(const json_t *list, struct bulk_ids *out) {
    size_t count = json_array_size(list);
    out->ids = rp_calloc(count ? count : 1, BULK_HASH);
    for (out->count = 0; out->count < count; out->count++) {
        const json_t *name = json_array_get(list, out->count);
        if (!json_is_string(name) || !bulk_unname(rp_str(json_string_value(name)), out->ids[out->count])) break;
    }
    if (out->count == count && count > 0) return 0;
    free(out->ids);
    *out = (struct bulk_ids){0};
    return -RP_EJSON;
}

static int read_head(const json_t *head, const char *url, struct bulk_note *note, struct bulk_ids *out_ids) {
    const char *whose = json_string_value(json_object_get(head, "url"));
    if (!whose) return -RP_EJSON;
    if (strcmp(whose, url) != 0) return 0;
    const json_t *made = json_object_get(head, "made");
    if (!json_is_integer(made) || !take_string(head, "key", note->key, sizeof(note->key))) return -RP_EJSON;
    note->made_ms = json_integer_value(made);
    int rc = read_ids(json_object_get(head, "ids"), out_ids);
    note->total = (int64_t)out_ids->count;
    return rc;
}

static int read_id(const json_t *tail, struct bulk_note *note) {
    struct rp_scan scan;
    const char *id = json_string_value(json_object_get(tail, "batch"));
    char quoted[RP_BULK_ID_SIZE + 2];
    if (!id || snprintf(quoted, sizeof(quoted), "\"%s\"", id) >= (int)sizeof(quoted)) return -RP_EJSON;
    rp_scan_init(&scan, rp_str(quoted));
    take_string(tail, "key", note->key, sizeof(note->key)); /* the one that it was handed in with in the end */
    return rp_bulk_scan_id(&scan, note->id, sizeof(note->id)) && *note->id ? 0 : -RP_EJSON;
}

/* One line; false: it is torn, since the process or the machine died while it was written. */
static bool next_line(struct rp_str *text, struct rp_str *out) {
    const char *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    if (!end) return false;
    *out = rp_str_n(text->data, (size_t)(end - text->data));
    *text = rp_str_n(end + 1, text->len - out->len - 1);
    return true;
}

int bulk_note_read(struct rp_str text, const char *url, struct bulk_note *note, struct bulk_ids *out_ids,
                   struct rp_error *error) {
    struct rp_str line;
    json_t *value;
    *out_ids = (struct bulk_ids){0};
    if (!next_line(&text, &line)) return -RP_ENOTFOUND;
    if (rp_json_parse(line.data, line.len, &value, error) != 0) return -RP_EJSON;
    int rc = read_head(value, url, note, out_ids);
    json_decref(value);
    int number = 1;
    if (rc == 0 && out_ids->count > 0 && next_line(&text, &line)) {
        number = 2;
        if (rp_json_parse(line.data, line.len, &value, error) != 0) value = NULL;
        rc = value ? read_id(value, note) : -RP_EJSON;
        json_decref(value);
    }
    if (rc == 0) return 0;
    free(out_ids->ids);
    *out_ids = (struct bulk_ids){0};
    rp_error_set(error, RP_EJSON,
                 "this is no note of a batch; without the file its requests are asked, and paid, anew");
    if (error) error->line = number;
    return rc;
}

static int read_file(const char *path, struct rp_buf *out) {
    char piece[65536];
    FILE *file = fopen(path, "re");
    if (!file) return -RP_EIO;
    size_t len;
    int rc = 0;
    while (rc == 0 && (len = fread(piece, 1, sizeof(piece), file)) > 0) rc = rp_buf_append(out, piece, len);
    if (ferror(file)) rc = -RP_EIO;
    fclose(file);
    return rc;
}

/* What stands behind the last whole line would spoil the next one. */
static void cut_torn(const char *path, struct rp_str text) {
    size_t whole = text.len;
    while (whole > 0 && text.data[whole - 1] != '\n') whole--;
    if (whole < text.len && truncate(path, (off_t)whole) != 0)
        rp_log(RP_LOG_WARN, "bulk", "%s ends inside a line", path);
}

static void insert(struct bulk *bulk, struct bulk_note *note) {
    struct bulk_note **link = &bulk->notes;
    while (*link && (*link)->made_ms <= note->made_ms) link = &(*link)->next;
    note->next = *link;
    *link = note;
}

struct bulk_note *bulk_note_create(struct bulk *bulk) {
    struct bulk_note *note = rp_calloc(1, sizeof(*note));
    rp_id(note->marker);
    note->made_ms = rp_wall_ms();
    insert(bulk, note);
    return note;
}

void bulk_note_reopen(struct bulk *bulk, struct bulk_note *note, const unsigned char id[BULK_HASH]) {
    struct bulk_past *past = rp_calloc(1, sizeof(*past));
    memcpy(past->node.id, id, BULK_HASH);
    past->note = note;
    note->open++;
    bulk_table_add(&bulk->past, &past->node);
}

static int load_file(struct bulk *bulk, const char *name, struct rp_error *error) {
    char *path = path_of(bulk, name);
    struct bulk_note *note = rp_calloc(1, sizeof(*note));
    struct bulk_ids ids = {0};
    struct rp_buf text;
    rp_buf_init(&text, FILE_MAX);
    memcpy(note->marker, name, sizeof(note->marker)); /* as long as is_marker() wants it */
    note->kept = true;
    int rc = read_file(path, &text);
    if (rc != 0) rp_error_set(error, RP_EIO, "the note of a batch cannot be read");
    if (rc == 0) rc = bulk_note_read(rp_buf_str(&text), bulk->url, note, &ids, error);
    if (rc == -RP_ENOTFOUND) unlink(path);
    if (rc == 0) cut_torn(path, rp_buf_str(&text));
    if (rc != 0 && rc != -RP_ENOTFOUND && error) snprintf(error->file, sizeof(error->file), "%s", path);
    note->ids = ids;
    if (rc == 0 && ids.count)
        insert(bulk, note);
    else
        free(note);
    rp_buf_finish(&text);
    free(path);
    return rc == -RP_ENOTFOUND ? 0 : rc;
}

static bool is_marker(const char *name) {
    return strlen(name) == RP_ID_SIZE - 1 && strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz") == RP_ID_SIZE - 1;
}

/* Those of the oldest notes come first, so that a request that was made twice finds its answers in that order. */
static void open_all(struct bulk *bulk) {
    for (struct bulk_note *note = bulk->notes; note; note = note->next) {
        for (size_t i = 0; i < note->ids.count; i++) bulk_note_reopen(bulk, note, note->ids.ids[i]);
        free(note->ids.ids);
        note->ids = (struct bulk_ids){0};
    }
}

int bulk_notes_load(struct bulk *bulk, struct rp_error *error) {
    DIR *folder = bulk->folder ? opendir(bulk->folder) : NULL;
    if (!folder && bulk->folder && errno != ENOENT)
        return rp_error_at(error, RP_EIO, bulk->folder, 0, "the notes of batches cannot be read: %s", strerror(errno));
    if (!folder) return 0;
    int rc = 0;
    unsigned count = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder));) {
        if (!is_marker(entry->d_name)) continue;
        rc = ++count > FOLDER_MAX
                 ? rp_error_at(error, RP_EIO, bulk->folder, 0, "there are too many files in this folder")
                 : load_file(bulk, entry->d_name, error);
    }
    closedir(folder);
    open_all(bulk);
    return rc;
}

/* ---- taking away ------------------------------------------------------------------------------------------------- */

static void take_away(const struct bulk *bulk, struct bulk_note *note) {
    if (!note->kept) return;
    char *path = path_of(bulk, note->marker);
    if (unlink(path) != 0 && errno != ENOENT)
        rp_log(RP_LOG_WARN, "bulk", "%s cannot be taken away: %s", path, strerror(errno));
    free(path);
    note->kept = false;
}

/* Out of the table: those of `note`, or all. */
static void drop_past(struct bulk *bulk, const struct bulk_note *note) {
    for (size_t i = 0; i < bulk->past.size; i++) {
        for (struct bulk_node *node = bulk->past.slots[i], *next; node; node = next) {
            next = node->chain;
            if (note && ((struct bulk_past *)node)->note != note) continue;
            bulk_table_remove(&bulk->past, node);
            free(node);
        }
    }
}

void bulk_notes_forget(struct bulk *bulk, struct bulk_note *note) {
    struct bulk_note **link = &bulk->notes;
    while (*link != note) link = &(*link)->next;
    *link = note->next;
    take_away(bulk, note);
    if (note->open) drop_past(bulk, note);
    free(note);
}

/* Where somebody left without an answer, the next run goes the same ways again, and needs also what was answered. */
void bulk_notes_leave(struct bulk *bulk) {
    for (struct bulk_note *note = bulk->notes, *next; note; note = next) {
        next = note->next;
        if (!bulk->left && note->open == 0 && !note->batch) take_away(bulk, note);
        free(note);
    }
    bulk->notes = NULL;
    if (bulk->folder && !bulk->left) rmdir(bulk->folder); /* others' notes may be there still */
    drop_past(bulk, NULL);
    bulk_table_finish(&bulk->past);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int write_all(int fd, struct rp_str text) {
    while (text.len > 0) {
        ssize_t written = write(fd, text.data, text.len);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -RP_EIO;
        text = rp_str_n(text.data + written, text.len - (size_t)written);
    }
    return 0;
}

static int sync_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -RP_EIO;
    int rc = fsync(fd) == 0 ? 0 : -RP_EIO;
    close(fd);
    return rc;
}

/* So that it is there after a power cut too, its own name has to be on the disk. */
static int make_folder(const char *folder) {
    if (mkdir(folder, 0700) != 0) return errno == EEXIST ? 0 : -RP_EIO;
    char *above = rp_strdup(folder);
    int rc = sync_folder(dirname(above));
    free(above);
    return rc;
}

static void on_work(uv_work_t *work) {
    struct note_write *write = (struct note_write *)work;
    int how = write->folder ? O_CREAT | O_EXCL : O_APPEND;
    write->code = -RP_EIO;
    if (write->folder && make_folder(write->folder) != 0) return;
    int fd = open(write->path, O_WRONLY | O_CLOEXEC | how, 0600);
    if (fd < 0) return;
    int rc = write_all(fd, rp_buf_str(&write->text));
    if (rc == 0 && fsync(fd) != 0) rc = -RP_EIO;
    if (close(fd) != 0) rc = -RP_EIO;
    if (rc == 0 && write->folder) rc = sync_folder(write->folder);
    write->code = rc;
}

static void on_written(uv_work_t *work, int status) {
    struct note_write *write = (struct note_write *)work;
    struct bulk_batch *batch = write->batch;
    void (*done)(struct bulk_batch * batch, int code) = write->done;
    int code = status == 0 ? write->code : -RP_EIO;
    if (code != 0) rp_log(RP_LOG_ERROR, "bulk", "%s cannot be written", write->path);
    rp_buf_finish(&write->text);
    free(write->folder);
    free(write->path);
    free(write);
    if (!batch) return;
    batch->write = NULL;
    done(batch, code);
}

static struct note_write *start_write(struct bulk_batch *batch, void (*done)(struct bulk_batch *batch, int code)) {
    struct note_write *write = rp_calloc(1, sizeof(*write));
    write->batch = batch;
    write->done = done;
    write->path = path_of(batch->bulk, batch->note->marker);
    rp_buf_init(&write->text, FILE_MAX);
    batch->write = write;
    return write;
}

static int write_head(struct rp_buf *out, const struct bulk_batch *batch) {
    const struct bulk *bulk = batch->bulk;
    char name[BULK_NAME_SIZE];
    int rc = rp_buf_printf(out, "{\"model\":");
    if (rc == 0) rc = rp_buf_json(out, bulk->remote->element->name, strlen(bulk->remote->element->name));
    if (rc == 0) rc = rp_buf_append_str(out, RP_STR(",\"url\":"));
    if (rc == 0) rc = rp_buf_json(out, bulk->url, strlen(bulk->url));
    if (rc == 0)
        rc = rp_buf_printf(out, ",\"key\":\"%s\",\"made\":%lld,\"ids\":[", batch->note->key,
                           (long long)batch->note->made_ms);
    for (const struct bulk_item *item = batch->items; rc == 0 && item; item = item->next) {
        bulk_name(item->node.id, name);
        rc = rp_buf_printf(out, "%s\"%s\"", item == batch->items ? "" : ",", name);
    }
    return rc ? rc : rp_buf_append_str(out, RP_STR("]}\n"));
}

void bulk_note_write(struct bulk_batch *batch, void (*done)(struct bulk_batch *batch, int code)) {
    struct note_write *write = start_write(batch, done);
    write->folder = rp_strdup(batch->bulk->folder);
    batch->note->kept = true;
    write_head(&write->text, batch); /* what a batch may hold at most fits */
    uv_queue_work(rp_worker_loop(batch->bulk->worker), &write->work, on_work, on_written);
}

void bulk_note_add_id(struct bulk_batch *batch, void (*done)(struct bulk_batch *batch, int code)) {
    struct note_write *write = start_write(batch, done);
    rp_buf_printf(&write->text, "{\"batch\":\"%s\",\"key\":\"%s\"}\n", batch->note->id, batch->note->key);
    uv_queue_work(rp_worker_loop(batch->bulk->worker), &write->work, on_work, on_written);
}

void bulk_note_drop_write(struct bulk_batch *batch) {
    if (batch->write) batch->write->batch = NULL;
    batch->write = NULL;
}
