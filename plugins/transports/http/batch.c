/* POST /v1/batch: many messages in a request, {"items": […]} or JSON lines, and a line of JSON for each as they are done.
 * The last line says how many there were, so that a reply that was cut off is never taken for a whole one. A client that
 * reads slowly gets nothing new begun; one that leaves ends what is under way. */
#include "http.h"

#include <stdlib.h>
#include <strings.h>

#include <repartee/json_scan.h>

struct batch {
    struct rp_batch *items;
    struct rp_http_exchange *exchange; /* NULL: the client has left */
    const struct rp_http_ops *http;
    struct rp_transport *transport;
    struct rp_worker *worker;
    struct local *local;
    struct batch **link, *next; /* of the worker's */
    struct rp_scan scan;        /* over the array; or else */
    bool lines, first;
    bool bulk; /* its items can wait for hours */
    struct rp_cutter cutter;
    struct rp_str rest; /* of the lines */
    char *id; /* the request's */
    int64_t total, given, succeeded, failed;
};

/* ---- what the body holds ----------------------------------------------------------------------------------------- */

static bool is_lines(struct rp_str type) {
    static const char *const names[] = {"application/x-ndjson", "application/ndjson", "application/jsonl",
                                        "application/x-jsonlines"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);
        bool whole = type.len == len || (type.len > len && (type.data[len] == ';' || type.data[len] == ' '));
        if (whole && strncasecmp(type.data, names[i], len) == 0) return true;
    }
    return false;
}

static int64_t count_items(struct rp_scan scan) {
    int64_t count = 0;
    for (bool first = rp_scan_open(&scan, '['); rp_scan_item(&scan, &first); rp_scan_skip(&scan)) count++;
    return count;
}

static int read_array(struct batch *batch, struct rp_str body, struct rp_error *error) {
    struct rp_str key, array = {0};
    int found = 0;
    rp_scan_init(&batch->scan, body);
    for (bool first = rp_scan_open(&batch->scan, '{'); rp_scan_key(&batch->scan, &first, &key);) {
        if (rp_str_equal(key, RP_STR("items")) && ++found)
            rp_scan_raw(&batch->scan, &array);
        else
            rp_scan_skip(&batch->scan);
    }
    if (!rp_scan_done(&batch->scan))
        return rp_error_set(error, RP_EJSON,
                            "the body is not a JSON object (JSON lines need Content-Type: application/x-ndjson)");
    if (found != 1 || array.data[0] != '[')
        return rp_error_set(error, RP_EINVALID, "the body must have one field 'items', an array");
    rp_scan_init(&batch->scan, array);
    batch->total = count_items(batch->scan);
    batch->first = rp_scan_open(&batch->scan, '[');
    return 0;
}

static int read_lines(struct batch *batch, struct rp_str body) {
    struct rp_str rest = body, line;
    while (rp_cutter_next(&batch->cutter, &rest, &line) != RP_LINE_NONE) batch->total++;
    if (rp_cutter_rest(&batch->cutter, &line) != RP_LINE_NONE) batch->total++;
    batch->rest = body;
    return 0;
}

static int read_body(struct batch *batch, const struct rp_http_request *request, const struct options *options,
                     struct rp_error *error) {
    batch->lines = is_lines(batch->http->field(batch->exchange, "Content-Type"));
    rp_cutter_init(&batch->cutter, request->body.len);
    int code = batch->lines ? read_lines(batch, request->body) : read_array(batch, request->body, error);
    if (code == 0 && batch->total > options->batch_items)
        code = rp_error_set(error, RP_ETOOLARGE, "a batch may have %lld items, this one has %lld",
                            (long long)options->batch_items, (long long)batch->total);
    return code;
}

/* ---- items and results ------------------------------------------------------------------------------------------- */

static bool next_line(struct batch *batch, struct rp_str *out_text) {
    if (rp_cutter_next(&batch->cutter, &batch->rest, out_text) == RP_LINE_TEXT) return true;
    return batch->given < batch->total && rp_cutter_rest(&batch->cutter, out_text) == RP_LINE_TEXT;
}

static bool next_item(struct batch *batch, struct rp_str *out_text) {
    return rp_scan_item(&batch->scan, &batch->first) && rp_scan_raw(&batch->scan, out_text);
}

static enum rp_batch_next next(void *arg, struct rp_batch_item *item) {
    struct batch *batch = arg;
    if (!(batch->lines ? next_line(batch, &item->text) : next_item(batch, &item->text))) return RP_BATCH_END;
    item->number = batch->given++;
    snprintf(item->head, sizeof(item->head), "\"index\":%lld", (long long)item->number);
    return RP_BATCH_ITEM;
}

static void result(void *arg, const struct rp_batch_result *given) {
    struct batch *batch = arg;
    if (given->code == 0)
        batch->succeeded++;
    else
        batch->failed++;
    if (batch->http->write(batch->exchange, given->line) > 0) rp_batch_pause(batch->items);
}

/* Only a shutdown leaves any. */
static int64_t left(const struct batch *batch) {
    return batch->total - batch->succeeded - batch->failed;
}

static void write_last(struct batch *batch) {
    char line[256];
    int len =
        left(batch) == 0
            ? snprintf(line, sizeof(line), "{\"done\":true,\"succeeded\":%lld,\"failed\":%lld}\n",
                       (long long)batch->succeeded, (long long)batch->failed)
            : snprintf(line, sizeof(line),
                       "{\"done\":false,\"succeeded\":%lld,\"failed\":%lld,\"left\":%lld,\"error\":{\"code\":\"%s\","
                       "\"message\":\"%s\"}}\n",
                       (long long)batch->succeeded, (long long)batch->failed, (long long)left(batch),
                       rp_error_code(RP_EDRAINING), rp_error_text(RP_EDRAINING));
    batch->http->write(batch->exchange, rp_str_n(line, (size_t)len));
    batch->http->end(batch->exchange);
}

static void log_batch(const struct batch *batch) {
    struct rp_log_line line;
    if (!rp_log_enabled(RP_LOG_INFO)) return;
    rp_log_open(&line, RP_LOG_INFO, "http");
    rp_log_str(&line, "request_id", rp_str(batch->id));
    rp_log_str(&line, "message", batch->exchange ? RP_STR("a batch has ended") : RP_STR("the client of a batch has left"));
    rp_log_int(&line, "succeeded", batch->succeeded);
    rp_log_int(&line, "failed", batch->failed);
    rp_log_int(&line, "left", left(batch));
    rp_log_close(&line);
}

static void batch_free(struct batch *batch) {
    *batch->link = batch->next;
    if (batch->next) batch->next->link = batch->link;
    batch->local->batch_count--;
    rp_batch_destroy(batch->items);
    rp_cutter_finish(&batch->cutter);
    free(batch->id);
    rp_element_release(&batch->transport->element, batch->worker);
    free(batch);
}

static void done(void *arg) {
    struct batch *batch = arg;
    log_batch(batch);
    if (batch->exchange) write_last(batch);
    batch_free(batch);
}

static const struct rp_batch_ops ops = {.next = next, .result = result, .done = done};

/* ---- the client -------------------------------------------------------------------------------------------------- */

static void on_writable(void *arg) {
    rp_batch_go(((struct batch *)arg)->items);
}

static void on_gone(void *arg) {
    struct batch *batch = arg;
    batch->exchange = NULL;
    rp_batch_cancel(batch->items);
}

static const struct rp_http_watcher watcher = {.on_writable = on_writable, .on_gone = on_gone};

/* ---- the request ------------------------------------------------------------------------------------------------- */

static void begin(struct batch *batch, struct rp_transport *transport, const struct rp_http_request *request) {
    const struct options *options = transport->element.options;
    struct rp_fault unused;
    const struct rp_batch_options wanted = {
        .ops = &ops,
        .arg = batch,
        .transport = transport,
        .worker = request->worker,
        .concurrency = (size_t)(batch->bulk ? options->batch_bulk_concurrency : options->batch_concurrency),
        .wait_ms = batch->bulk ? options->batch_bulk_ms : options->batch_wait_ms,
        .time_ms = batch->bulk ? options->batch_bulk_ms : 0,
        .patient = batch->bulk,
        .may_explain = explain_allowed(transport, batch->exchange, request, &unused),
        .id = request->id,
        .address = request->address,
    };
    batch->items = rp_batch_create(&wanted);
    batch->http->watch(batch->exchange, &watcher, batch);
    batch->http->begin(batch->exchange, 200, "application/x-ndjson", "Cache-Control: no-cache\r\n");
    rp_batch_go(batch->items);
}

static struct batch *batch_create(struct rp_transport *transport, struct rp_http_exchange *exchange,
                                  const struct rp_http_request *request) {
    const struct options *options = transport->element.options;
    struct local *local = rp_local(&transport->element, request->worker);
    struct batch *batch = rp_calloc(1, sizeof(*batch));
    batch->exchange = exchange;
    batch->http = rp_http(options->on);
    batch->transport = transport;
    batch->id = rp_strdup(request->id);
    batch->worker = request->worker;
    batch->bulk = rp_str_is(request->query, "bulk") || rp_str_is(request->query, "bulk=true");
    rp_element_hold(&transport->element, batch->worker); /* the exchange may end first */
    batch->local = local;
    batch->link = &local->batches;
    batch->next = local->batches;
    if (batch->next) batch->next->link = &batch->next;
    local->batches = batch;
    local->batch_count++;
    return batch;
}

static int check_bulk(const struct options *options, const struct batch *batch, struct rp_error *error) {
    if (!batch->bulk || options->batch_bulk_ms > 0) return 0;
    return rp_error_set(error, RP_EINVALID, "batches are not asked in bulk here");
}

/* Each keeps its body until its end. */
static int check_room(const struct options *options, const struct local *local, struct rp_error *error) {
    if (local->batch_count <= options->batches) return 0;
    return rp_error_set(error, RP_EBUSY, "too many batches are under way");
}

void batch_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    struct rp_transport *transport = arg;
    const struct options *options = transport->element.options;
    struct local *local = rp_local(&transport->element, request->worker);
    struct rp_error error = {0};
    struct batch *batch = batch_create(transport, exchange, request);
    if (check_room(options, local, &error) == 0 && check_bulk(options, batch, &error) == 0 &&
        read_body(batch, request, options, &error) == 0) {
        begin(batch, transport, request);
        return;
    }
    const struct rp_fault fault = {
        .code = error.code, .message = error.text, .retry_after = error.code == RP_EBUSY ? 1 : 0};
    const struct rp_http_ops *http = batch->http;
    batch_free(batch);
    chat_refuse(http, exchange, local, &fault, request->id);
}

void batch_drain(struct rp_transport *transport, struct rp_worker *worker) {
    struct local *local = rp_local(&transport->element, worker);
    if (!rp_worker_draining(worker)) return; /* a reload: what has begun goes on to its end */
    for (struct batch *batch = local->batches; batch; batch = batch->next) rp_batch_stop(batch->items);
}
