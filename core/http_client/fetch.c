/* The life of a fetch: started, watched by its clocks, paused and resumed, ended in exactly one way. */
#include <errno.h>
#include <stdlib.h>

#include "core/http_client/internal.h"
#include "core/loop/worker.h"

static void on_timer(struct rp_timer *timer);

/* ---- making and keeping ------------------------------------------------------------------------------------------ */

static struct rp_fetch *fetch_take(struct http_client *client) {
    struct rp_fetch *fetch = client->idle;
    if (fetch) {
        client->idle = fetch->next;
        client->idle_count--;
        return fetch;
    }
    fetch = rp_calloc(1, sizeof(*fetch));
    fetch->client = client;
    fetch->timer.run = on_timer;
    rp_buf_init(&fetch->url, SIZE_MAX / 2);
    rp_buf_init(&fetch->head, SIZE_MAX / 2);
    fetch->easy = easy_create(fetch);
    return fetch;
}

void fetch_free(struct rp_fetch *fetch) {
    curl_easy_cleanup(fetch->easy);
    curl_url_cleanup(fetch->parsed);
    rp_buf_finish(&fetch->url);
    rp_buf_finish(&fetch->head);
    free(fetch->fields);
    free(fetch->default_ca);
    free(fetch);
}

static void fetch_recycle(struct rp_fetch *fetch) {
    struct http_client *client = fetch->client;
    if (client->idle_count >= FETCH_IDLE_MAX) {
        fetch_free(fetch);
        return;
    }
    fetch->next = client->idle;
    client->idle = fetch;
    client->idle_count++;
}

static void link_active(struct rp_fetch *fetch) {
    fetch->prev = NULL;
    fetch->next = fetch->client->active;
    if (fetch->next) fetch->next->prev = fetch;
    fetch->client->active = fetch;
    fetch->active = true;
}

/* Out of curl and of the list: nothing calls the fetch any more. */
static void deactivate(struct rp_fetch *fetch) {
    if (fetch->added) curl_multi_remove_handle(fetch->client->multi, fetch->easy);
    if (fetch->marked) client_unmark(fetch);
    rp_timer_stop(fetch->client->worker, &fetch->timer);
    rp_task_cancel(fetch->client->worker, &fetch->answer_task);
    if (fetch->next) fetch->next->prev = fetch->prev;
    if (fetch->prev)
        fetch->prev->next = fetch->next;
    else
        fetch->client->active = fetch->next;
    fetch->added = fetch->active = false;
}

void fetch_drop(struct rp_fetch *fetch) {
    deactivate(fetch);
    fetch_recycle(fetch);
}

void fetch_finish(struct rp_fetch *fetch, int code, const char *detail) {
    deactivate(fetch);
    if (!fetch->cancelled) fetch->ops.on_done(fetch, code, detail);
    fetch_recycle(fetch);
}

/* ---- clocks ------------------------------------------------------------------------------------------------------ */

static int64_t phase_limit(const struct rp_fetch *fetch) {
    switch (fetch->phase) {
    case FETCH_CONNECTING:
        return fetch->connect_ms;
    case FETCH_WAITING:
        return fetch->first_byte_ms;
    case FETCH_READING:
        break;
    }
    return fetch->paused ? 0 : fetch->stall_ms; /* while we do not read, the peer cannot be late */
}

static int64_t fetch_due(const struct rp_fetch *fetch) {
    int64_t limit = phase_limit(fetch);
    int64_t due = limit ? fetch->moved_ms + limit : INT64_MAX;
    int64_t total = fetch->total_ms ? fetch->started_ms + fetch->total_ms : INT64_MAX;
    return due < total ? due : total;
}

/* A timer that fires too early is set anew when it fires: bytes that come need not touch it. */
static void fetch_arm(struct rp_fetch *fetch) {
    struct rp_worker *worker = fetch->client->worker;
    int64_t due = fetch_due(fetch);
    if (due == INT64_MAX || (rp_timer_started(&fetch->timer) && fetch->timer.due <= due)) return;
    rp_timer_start(worker, &fetch->timer, due - rp_worker_now_ms(worker));
}

void fetch_moved(struct rp_fetch *fetch, enum fetch_phase phase) {
    bool entered = fetch->phase != phase;
    fetch->suspected = false;
    fetch->phase = phase;
    fetch->moved_ms = rp_worker_now_ms(fetch->client->worker);
    if (entered) fetch_arm(fetch);
}

static struct rp_str origin(const struct rp_fetch *fetch) {
    const char *start = strstr(fetch->url.data, "://");
    start = start ? start + 3 : fetch->url.data;
    size_t len = strcspn(start, "/?#");
    for (size_t i = 0; i < len; i++) {
        if (start[i] == '@') return rp_str_n(start + i + 1, len - i - 1); /* never log what may be a password */
    }
    return rp_str_n(start, len);
}

static const char *describe_timeout(struct rp_fetch *fetch, int64_t now) {
    static const char *const late[] = {
        [FETCH_CONNECTING] = "could not be reached within",
        [FETCH_WAITING] = "gave no response within",
        [FETCH_READING] = "sent nothing more for",
    };
    struct rp_str host = origin(fetch);
    bool total = fetch->total_ms && now >= fetch->started_ms + fetch->total_ms;
    snprintf(fetch->detail, sizeof(fetch->detail), "%.*s %s %lld ms", RP_STR_ARG(host),
             total ? "did not complete its response within" : late[fetch->phase],
             (long long)(total ? fetch->total_ms : phase_limit(fetch)));
    return fetch->detail;
}

static void on_timer(struct rp_timer *timer) {
    struct rp_fetch *fetch = (struct rp_fetch *)((char *)timer - offsetof(struct rp_fetch, timer));
    int64_t now = rp_worker_now_ms(fetch->client->worker);
    if (fetch_due(fetch) > now) {
        fetch_arm(fetch);
        return;
    }
    if (!fetch->suspected) { /* perhaps it was us who stood still: the loop gets to see first what has come meanwhile */
        fetch->suspected = true;
        rp_timer_start(fetch->client->worker, &fetch->timer, 1);
        return;
    }
    const char *detail = describe_timeout(fetch, now);
    fetch_finish(fetch, -RP_EUPTIMEOUT, detail);
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static int code_of(const struct rp_fetch *fetch, CURLcode result) {
    if (fetch->failure) return fetch->failure;
    switch (result) {
    case CURLE_OK:
        return 0;
    case CURLE_PARTIAL_FILE:
        return -RP_ETRUNCATED;
    case CURLE_OPERATION_TIMEDOUT:
        return -RP_EUPTIMEOUT;
    case CURLE_BAD_CONTENT_ENCODING:
        return -RP_EUNSUPPORTED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return -RP_EUPCERT;
    default:
        return -RP_EUPSTREAM;
    }
}

static const char *describe(struct rp_fetch *fetch, CURLcode result) {
    struct rp_str host = origin(fetch);
    long number = 0;
    char *out = fetch->detail;
    size_t size = sizeof(fetch->detail);
    if (fetch->failure) {
        snprintf(out, size, "the response of %.*s is too large", RP_STR_ARG(host));
    } else if (result == CURLE_COULDNT_CONNECT) {
        curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &number);
        snprintf(out, size, "could not connect to %.*s: %s", RP_STR_ARG(host),
                 number ? strerror((int)number) : "no address answered");
    } else if (result == CURLE_COULDNT_RESOLVE_HOST) {
        snprintf(out, size, "could not find the host of %.*s", RP_STR_ARG(host));
    } else if (result == CURLE_PARTIAL_FILE) {
        snprintf(out, size, "the response of %.*s ended too early", RP_STR_ARG(host));
    } else if (result == CURLE_GOT_NOTHING) {
        snprintf(out, size, "%.*s closed the connection without a response", RP_STR_ARG(host));
    } else if (code_of(fetch, result) == -RP_EUPCERT) {
        snprintf(out, size, "the certificate of %.*s is not trusted: %s", RP_STR_ARG(host),
                 fetch->error[0] ? fetch->error : curl_easy_strerror(result));
    } else {
        snprintf(out, size, "%.*s: %s", RP_STR_ARG(host), fetch->error[0] ? fetch->error : curl_easy_strerror(result));
    }
    return out;
}

void fetch_on_message(struct rp_fetch *fetch, CURLcode result) {
    int code = code_of(fetch, result);
    fetch_finish(fetch, code, code == 0 ? "" : describe(fetch, result));
}

void fetch_meet_mark(struct rp_fetch *fetch) {
    struct http_client *client = fetch->client;
    if (fetch->cancelled) {
        fetch_drop(fetch);
        return;
    }
    if (!fetch->added) {
        fetch->added = curl_multi_add_handle(client->multi, fetch->easy) == CURLM_OK;
        if (!fetch->added) fetch_finish(fetch, -RP_EUPSTREAM, "the transfer could not be started");
        return;
    }
    if (!fetch->paused) return;
    fetch->paused = false;
    fetch_moved(fetch, FETCH_READING);
    fetch_arm(fetch);
    client_enter(client);
    CURLcode result = curl_easy_pause(fetch->easy, CURLPAUSE_CONT); /* calls on_data with what was not taken */
    client->inside = false;
    if (result != CURLE_OK && !fetch->cancelled) fetch_on_message(fetch, result);
}

/* ---- what plugins call ------------------------------------------------------------------------------------------- */

int rp_fetch_start(struct rp_worker *worker, const struct rp_fetch_request *request, struct rp_fetch **out) {
    struct rp_fetch *fetch = fetch_take(worker_http(worker));
    if (easy_prepare(fetch, request) != 0) {
        fetch_recycle(fetch);
        return -RP_EINVALID;
    }
    fetch->ops = *request->ops;
    fetch->arg = request->arg;
    fetch->connect_ms = request->connect_ms ? request->connect_ms : FETCH_CONNECT_MS;
    fetch->first_byte_ms = request->first_byte_ms;
    fetch->stall_ms = request->stall_ms;
    fetch->total_ms = request->total_ms;
    fetch->max_body = request->max_body;
    fetch->phase = FETCH_CONNECTING;
    fetch->started_ms = fetch->moved_ms = rp_worker_now_ms(worker);
    fetch->head_bytes = fetch->body_bytes = 0;
    fetch->status = fetch->failure = 0;
    fetch->opened_count = 0;
    fetch->head_done = fetch->paused = fetch->cancelled = fetch->suspected = false;
    fetch->error[0] = '\0';
    link_active(fetch);
    *out = fetch;
    fetch->answer = NULL;
    if (fetch->client->stand_in) {
        answer_start(fetch, request);
        return 0;
    }
    fetch_arm(fetch);
    client_mark(fetch);
    return 0;
}

void rp_fetch_resume(struct rp_fetch *fetch) {
    if (!fetch->active) return;
    if (fetch->answer)
        answer_resume(fetch);
    else
        client_mark(fetch);
}

void rp_fetch_cancel(struct rp_fetch *fetch) {
    if (!fetch || !fetch->active || fetch->cancelled) return;
    fetch->cancelled = true;
    rp_timer_stop(fetch->client->worker, &fetch->timer);
    if (fetch->client->inside)
        client_mark(fetch);
    else
        fetch_drop(fetch);
}

void *rp_fetch_arg(const struct rp_fetch *fetch) {
    return fetch->arg;
}

int rp_fetch_status(const struct rp_fetch *fetch) {
    return fetch->status;
}
