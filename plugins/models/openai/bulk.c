/* The batch endpoint: requests are uploaded as a file of lines, and the results are files of lines, one of answers and one
 * of what failed. */
#include <stdio.h>

#include "openai.h"

#define ENDPOINT "/v1/chat/completions"

/* ---- written ----------------------------------------------------------------------------------------------------- */

static int line_write(const void *options, struct rp_str id, struct rp_str body, struct rp_buf *out) {
    (void)options;
    int rc = rp_buf_append_str(out, RP_STR("{\"custom_id\":\""));
    if (rc == 0) rc = rp_buf_append_str(out, id);
    if (rc == 0) rc = rp_buf_append_str(out, RP_STR("\",\"method\":\"POST\",\"url\":\"" ENDPOINT "\",\"body\":"));
    if (rc == 0) rc = rp_buf_append_str(out, body);
    return rc ? rc : rp_buf_append(out, "}", 1);
}

static int submit_write(const void *options, const char *file, const char *marker, struct rp_buf *out) {
    (void)options;
    return rp_buf_printf(out,
                         "{\"input_file_id\":\"%s\",\"endpoint\":\"" ENDPOINT
                         "\",\"completion_window\":\"24h\",\"metadata\":{\"repartee\":\"%s\"}}",
                         file, marker);
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

static bool take_status(struct rp_scan *scan, struct rp_bulk_batch *batch) {
    static const struct {
        const char *name;
        enum rp_bulk_state state;
    } states[] = {
        {"completed", RP_BULK_OVER},
        {"expired", RP_BULK_OVER},
        {"cancelled", RP_BULK_OVER},
        {"failed", RP_BULK_FAILED},
    };
    char status[32] = "";
    if (!rp_bulk_scan_id(scan, status, sizeof(status))) return false;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(status, states[i].name) == 0) batch->state = states[i].state;
    }
    return true;
}

static bool take_file(struct rp_scan *scan, const char *files, char out[RP_BULK_URL_SIZE]) {
    char id[RP_BULK_ID_SIZE] = "";
    if (!rp_bulk_scan_id(scan, id, sizeof(id))) return false;
    if (*id) snprintf(out, RP_BULK_URL_SIZE, "%s/%s/content", files, id);
    return true;
}

static bool take_counts(struct rp_scan *scan, struct rp_bulk_batch *batch) {
    struct rp_str key;
    int64_t failed = 0;
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        int64_t *field = rp_str_is(key, "total")       ? &batch->total
                         : rp_str_is(key, "completed") ? &batch->settled
                         : rp_str_is(key, "failed")    ? &failed
                                                       : NULL;
        if (!(field ? rp_scan_count(scan, field) : rp_scan_skip(scan))) return false;
    }
    batch->settled += failed;
    return !scan->broken;
}

static bool take_metadata(struct rp_scan *scan, struct rp_bulk_batch *batch) {
    struct rp_str key;
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "repartee") ? rp_bulk_scan_id(scan, batch->marker, sizeof(batch->marker))
                                               : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

/* {"data": [{"code", "message", "line"}, …]}: the first says what it is about. */
static bool take_errors(struct rp_scan *scan, struct rp_answer *answer) {
    struct rp_str key;
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        if (!rp_str_is(key, "data") || rp_scan_peek(scan) != '[') {
            if (!rp_scan_skip(scan)) return false;
            continue;
        }
        bool first_item = rp_scan_open(scan, '['), taken = false;
        while (rp_scan_item(scan, &first_item)) {
            if (!(taken ? rp_scan_skip(scan) : rp_answer_scan_error(answer, scan))) return false;
            taken = true;
        }
    }
    return !scan->broken;
}

static int batch_read(const void *options, struct rp_str json, struct rp_bulk_batch *out, struct rp_answer *answer) {
    struct rp_scan scan;
    struct rp_str key;
    (void)options;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "id")               ? rp_bulk_scan_id(&scan, out->id, sizeof(out->id))
                    : rp_str_is(key, "status")         ? take_status(&scan, out)
                    : rp_str_is(key, "output_file_id") ? take_file(&scan, bulk_protocol.files, out->results[0])
                    : rp_str_is(key, "error_file_id")  ? take_file(&scan, bulk_protocol.files, out->results[1])
                    : rp_str_is(key, "request_counts") ? take_counts(&scan, out)
                    : rp_str_is(key, "metadata")       ? take_metadata(&scan, out)
                    : rp_str_is(key, "errors")         ? take_errors(&scan, answer)
                    : rp_str_is(key, "created_at")     ? rp_scan_count(&scan, &out->made_s)
                                                       : rp_scan_skip(&scan);
        if (!good) break;
    }
    return rp_scan_done(&scan) && *out->id ? 0 : -RP_EJSON;
}

/* ---- a result ---------------------------------------------------------------------------------------------------- */

static bool take_response(struct rp_scan *scan, struct rp_bulk_result *out) {
    struct rp_str key;
    int64_t status = 0;
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "status_code") ? rp_scan_count(scan, &status)
                    : rp_str_is(key, "body")      ? rp_scan_raw(scan, &out->body)
                                                  : rp_scan_skip(scan);
        if (!good) return false;
    }
    out->status = status >= 100 && status <= 599 ? (int)status : 0;
    return !scan->broken;
}

/* What no response came for. */
static bool take_error(struct rp_scan *scan, struct rp_bulk_result *out, bool *out_failed) {
    struct rp_str key;
    char code[64] = "";
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    *out_failed = true;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "code") ? rp_bulk_scan_id(scan, code, sizeof(code)) : rp_scan_skip(scan);
        if (!good) return false;
    }
    if (strcmp(code, "batch_expired") == 0) out->end = RP_BULK_EXPIRED;
    if (strcmp(code, "batch_cancelled") == 0) out->end = RP_BULK_CANCELLED;
    return !scan->broken;
}

static int result_read(const void *options, struct rp_str line, struct rp_bulk_result *out) {
    struct rp_scan scan;
    struct rp_str key, id = {0};
    bool failed = false;
    (void)options;
    *out = (struct rp_bulk_result){.end = RP_BULK_ANSWERED};
    rp_scan_init(&scan, line);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "custom_id")  ? rp_scan_raw(&scan, &id)
                    : rp_str_is(key, "response") ? take_response(&scan, out)
                    : rp_str_is(key, "error")    ? take_error(&scan, out, &failed)
                                                 : rp_scan_skip(&scan);
        if (!good) break;
    }
    if (!rp_scan_done(&scan) || id.len < 2 || id.data[0] != '"') return -RP_EJSON;
    out->id = rp_str_n(id.data + 1, id.len - 2);
    if (out->end != RP_BULK_ANSWERED || (out->status && out->body.len)) return 0;
    if (!failed) return -RP_EJSON;
    out->status = 500;
    out->body = line; /* it has the error where a refusal has it */
    return 0;
}

const struct rp_bulk_protocol bulk_protocol = {
    .path = "/batches",
    .files = "/files",
    .after = "after",
    .open = "",
    .between = "\n",
    .close = "\n",
    .line = line_write,
    .submit = submit_write,
    .batch = batch_read,
    .result = result_read,
};
