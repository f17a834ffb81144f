/* What comes back: curl's callbacks, and the fields of the response. All of it runs with curl on the stack, except the
 * look-ups. */
#include <stdlib.h>

#include "core/http_client/internal.h"

int response_on_connected(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port) {
    struct rp_fetch *fetch = arg;
    (void)remote_ip, (void)local_ip, (void)remote_port;
    if (fetch->opened_count) socket_on_connected(fetch, local_port);
    fetch_moved(fetch, FETCH_WAITING);
    return fetch->cancelled ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static bool ends_head(const char *data, size_t len) {
    return (len == 2 && data[0] == '\r' && data[1] == '\n') || (len == 1 && data[0] == '\n');
}

/* Once for each line; interim responses (1xx) and trailers come this way too. */
size_t response_on_head(char *data, size_t size, size_t count, void *arg) {
    struct rp_fetch *fetch = arg;
    size_t len = size * count;
    if (fetch->cancelled) return 0;
    fetch_moved(fetch, FETCH_READING);
    fetch->head_bytes += len;
    if (fetch->head_bytes > FETCH_HEAD_MAX) {
        fetch->failure = -RP_ETOOLARGE;
        return 0;
    }
    if (fetch->head_done || !ends_head(data, len)) return len;
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return len;
    fetch->head_done = true;
    fetch->status = (int)status;
    if (fetch->ops.on_head) fetch->ops.on_head(fetch, fetch->status);
    return fetch->cancelled ? 0 : len;
}

size_t response_on_body(char *data, size_t size, size_t count, void *arg) {
    struct rp_fetch *fetch = arg;
    size_t len = size * count;
    if (fetch->cancelled) return CURL_WRITEFUNC_ERROR;
    fetch_moved(fetch, FETCH_READING);
    if (fetch->max_body && len > fetch->max_body - fetch->body_bytes) {
        fetch->failure = -RP_ETOOLARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    if (fetch->ops.on_data && fetch->ops.on_data(fetch, data, len) == RP_FETCH_PAUSE) {
        fetch->paused = true;
        return fetch->cancelled ? CURL_WRITEFUNC_ERROR : CURL_WRITEFUNC_PAUSE;
    }
    fetch->body_bytes += len;
    return fetch->cancelled ? CURL_WRITEFUNC_ERROR : len;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

const char *rp_fetch_field(struct rp_fetch *fetch, const char *name) {
    struct curl_header *header = NULL;
    if (fetch->answer) return answer_field(fetch, name);
    if (curl_easy_header(fetch->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return NULL;
    return header->value;
}

/* A number of units (fractions allowed) and nothing else, as milliseconds; -1: it is none. */
static int64_t read_number(const char *text, double unit_ms) {
    size_t digits = strspn(text, "0123456789.");
    char *end = NULL;
    if (digits == 0 || digits > 12) return -1;
    double number = strtod(text, &end);
    return end == text + digits && end[strspn(end, " \t")] == '\0' ? (int64_t)(number * unit_ms) : -1;
}

int64_t rp_fetch_retry_after_ms(struct rp_fetch *fetch) {
    const char *text = rp_fetch_field(fetch, "retry-after-ms");
    int64_t wait = text ? read_number(text, 1) : -1;
    if (wait >= 0) return wait;
    text = rp_fetch_field(fetch, "retry-after");
    if (!text) return -1;
    wait = read_number(text, 1000);
    if (wait >= 0) return wait;
    time_t when = curl_getdate(text, NULL);
    if (when < 0) return -1;
    int64_t left = (int64_t)when * 1000 - rp_wall_ms();
    return left > 0 ? left : 0;
}
