/* Message batches: the requests stand in the POST itself, the results are one file of lines. */
#include <stdio.h>
#include <time.h>

#include "anthropic.h"

static int line_write(const void *options, struct rp_str id, struct rp_str body, struct rp_buf *out) {
    (void)options;
    int rc = rp_buf_append_str(out, RP_STR("{\"custom_id\":\""));
    if (rc == 0) rc = rp_buf_append_str(out, id);
    if (rc == 0) rc = rp_buf_append_str(out, RP_STR("\",\"params\":"));
    if (rc == 0) rc = rp_buf_append_str(out, body);
    return rc ? rc : rp_buf_append(out, "}", 1);
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

static bool take_status(struct rp_scan *scan, struct rp_bulk_batch *batch) {
    char status[32] = "";
    if (!rp_bulk_scan_id(scan, status, sizeof(status))) return false;
    if (strcmp(status, "ended") == 0) batch->state = RP_BULK_OVER;
    return true;
}

static bool take_counts(struct rp_scan *scan, struct rp_bulk_batch *batch) {
    struct rp_str key;
    int64_t open = 0, count;
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        count = 0;
        if (!rp_scan_count(scan, &count)) return false;
        if (count < 0 || count > 1000000000) continue;
        if (rp_str_is(key, "processing")) open = count;
        batch->total += count;
    }
    batch->settled = batch->total - open;
    return !scan->broken;
}

/* "2026-11-26T18:37:24.100435Z"; anything else is no time. */
static bool take_time(struct rp_scan *scan, int64_t *out_s) {
    char text[40] = "";
    struct tm tm = {0};
    if (!rp_bulk_scan_id(scan, text, sizeof(text))) return false;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &tm.tm_sec) != 6)
        return true;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    time_t time = timegm(&tm);
    if (time > 0) *out_s = time;
    return true;
}

/* What cannot be part of a URL is left out. */
static bool take_url(struct rp_scan *scan, char out[RP_BULK_URL_SIZE]) {
    struct rp_buf url;
    rp_buf_init(&url, RP_BULK_URL_SIZE - 1);
    bool good = rp_scan_short(scan, &url), fit = url.len > 0 && strlen(url.data) == url.len;
    for (size_t i = 0; fit && i < url.len; i++) fit = url.data[i] > ' ' && url.data[i] < 0x7F;
    if (fit) memcpy(out, url.data, url.len + 1);
    rp_buf_finish(&url);
    return good;
}

static int batch_read(const void *options, struct rp_str json, struct rp_bulk_batch *out, struct rp_answer *answer) {
    struct rp_scan scan;
    struct rp_str key;
    (void)options, (void)answer;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "id")                  ? rp_bulk_scan_id(&scan, out->id, sizeof(out->id))
                    : rp_str_is(key, "processing_status") ? take_status(&scan, out)
                    : rp_str_is(key, "request_counts")    ? take_counts(&scan, out)
                    : rp_str_is(key, "created_at")        ? take_time(&scan, &out->made_s)
                    : rp_str_is(key, "results_url")       ? take_url(&scan, out->results[0])
                                                          : rp_scan_skip(&scan);
        if (!good) break;
    }
    if (!rp_scan_done(&scan) || !*out->id) return -RP_EJSON;
    if (out->state == RP_BULK_OVER && !*out->results[0])
        snprintf(out->results[0], RP_BULK_URL_SIZE, "%s/%s/results", bulk_protocol.path, out->id);
    return 0;
}

/* ---- a result ---------------------------------------------------------------------------------------------------- */

struct result {
    struct rp_str message, error;
    char type[32];
};

static bool take_result(struct rp_scan *scan, struct result *out) {
    struct rp_str key;
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "type")      ? rp_bulk_scan_id(scan, out->type, sizeof(out->type))
                    : rp_str_is(key, "message") ? rp_scan_raw(scan, &out->message)
                    : rp_str_is(key, "error")   ? rp_scan_raw(scan, &out->error)
                                                : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

/* The status that a request alone would have been refused with. The error may stand inside another: {"type": "error",
 * "error": {"type", "message"}}. */
static int status_of(struct rp_str error) {
    static const struct {
        const char *type;
        int status;
    } types[] = {
        {"invalid_request_error", 400}, {"invalid_request", 400},  {"authentication_error", 401},
        {"billing_error", 402},         {"permission_error", 403}, {"not_found_error", 404},
        {"request_too_large", 413},     {"rate_limit_error", 429}, {"api_error", 500},
        {"timeout_error", 504},         {"overloaded_error", 529},
    };
    struct rp_scan scan;
    struct rp_str key, inner = {0};
    char type[64] = "";
    rp_scan_init(&scan, error);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "type")                                  ? rp_bulk_scan_id(&scan, type, sizeof(type))
                    : rp_str_is(key, "error") && rp_scan_peek(&scan) == '{' ? rp_scan_raw(&scan, &inner)
                                                                            : rp_scan_skip(&scan);
        if (!good) break;
    }
    if (inner.len) return status_of(inner); /* as deep as JSON may be at most */
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(type, types[i].type) == 0) return types[i].status;
    }
    return 500;
}

static int result_end(const struct result *result, struct rp_bulk_result *out) {
    if (strcmp(result->type, "succeeded") == 0 && result->message.len) {
        out->status = 200;
        out->body = result->message;
    } else if (strcmp(result->type, "errored") == 0 && result->error.len) {
        out->status = status_of(result->error);
        out->body = result->error;
    } else if (strcmp(result->type, "expired") == 0) {
        out->end = RP_BULK_EXPIRED;
    } else if (strcmp(result->type, "canceled") == 0) {
        out->end = RP_BULK_CANCELLED;
    } else {
        return -RP_EJSON;
    }
    return 0;
}

static int result_read(const void *options, struct rp_str line, struct rp_bulk_result *out) {
    struct rp_scan scan;
    struct rp_str key, id = {0};
    struct result result = {0};
    (void)options;
    *out = (struct rp_bulk_result){.end = RP_BULK_ANSWERED};
    rp_scan_init(&scan, line);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "custom_id") ? rp_scan_raw(&scan, &id)
                    : rp_str_is(key, "result")  ? take_result(&scan, &result)
                                                : rp_scan_skip(&scan);
        if (!good) break;
    }
    if (!rp_scan_done(&scan) || id.len < 2 || id.data[0] != '"') return -RP_EJSON;
    out->id = rp_str_n(id.data + 1, id.len - 2);
    return result_end(&result, out);
}

const struct rp_bulk_protocol bulk_protocol = {
    .path = "/v1/messages/batches",
    .after = "after_id",
    .open = "{\"requests\":[",
    .between = ",",
    .close = "]}",
    .line = line_write,
    .batch = batch_read,
    .result = result_read,
};
