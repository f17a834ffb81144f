/* One POST for each event, and the wait between two attempts. A post keeps its own copy of where it goes, since it may
 * outlive the generation that sent it. An attempt under way holds the worker, so that a server that stops finishes it. */
#include "core/turn/event_post.h"

#include <repartee/http_client.h>
#include <repartee/metrics.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_WAIT_MS 1000
#define LONGEST_WAIT_MS 60000
#define BODY_MAX ((size_t)4 << 20)
#define ANSWER_MAX ((size_t)64 << 10)
#define FIELDS 4

struct event_post {
    struct rp_timer timer; /* first: the wait before the next attempt */
    struct rp_worker *worker;
    struct event_post *next, **at;
    struct rp_fetch *fetch; /* NULL: none under way */
    struct rp_buf body;
    char *name, *url, *secret; /* secret NULL: not signed */
    char id[RP_ID_SIZE];
    int64_t timeout_ms, retries, attempts;
};
struct event_posts {
    struct event_post *first;
    int64_t count;
};

static void attempt(struct event_post *post);

/* ---- the end ------------------------------------------------------------------------------------------------------- */

static void forget(struct event_post *post) {
    struct event_posts *posts = post->worker->event_posts;
    *post->at = post->next;
    if (post->next) post->next->at = post->at;
    posts->count--;
    rp_timer_stop(post->worker, &post->timer);
    if (post->fetch) {
        rp_fetch_cancel(post->fetch);
        rp_worker_release(post->worker);
    }
    rp_buf_finish(&post->body);
    free(post->name);
    free(post->url);
    free(post->secret);
    free(post);
}

static void count(const char *outcome) {
    rp_metric_add(rp_metric(RP_COUNTER, "repartee_events_total", "Events posted, by what became of them", "outcome",
                            outcome, NULL), 1);
}

static void give_up(struct event_post *post, const char *why) {
    rp_log(RP_LOG_ERROR, "event", "the event '%s' (%s) was not taken: %s", post->name, post->id, why);
    count("lost");
    forget(post);
}

void event_posts_destroy(struct event_posts *posts) {
    while (posts && posts->first) give_up(posts->first, "the server stops");
    free(posts);
}

/* ---- attempts ------------------------------------------------------------------------------------------------------ */

static void on_timer(struct rp_timer *timer) {
    attempt((struct event_post *)(void *)timer);
}

static void again(struct event_post *post, const char *why) {
    if (post->attempts > post->retries || rp_worker_draining(post->worker)) {
        give_up(post, why);
        return;
    }
    int64_t wait = FIRST_WAIT_MS << (post->attempts < 7 ? post->attempts - 1 : 6);
    rp_timer_start(post->worker, &post->timer, wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS);
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    (void)fetch;
    (void)data;
    (void)len;
    return RP_FETCH_TAKEN; /* what it answers is of no interest */
}

/* A server that says no for good is not asked again. */
static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct event_post *post = rp_fetch_arg(fetch);
    int status = rp_fetch_status(fetch);
    char why[256];
    post->fetch = NULL;
    rp_worker_release(post->worker);
    if (code)
        snprintf(why, sizeof(why), "%s", detail ? detail : rp_error_text(code));
    else
        snprintf(why, sizeof(why), "HTTP status %d", status);
    if (code == 0 && status >= 200 && status < 300) {
        count("sent");
        forget(post);
    } else if (code == 0 && status >= 400 && status < 500 && status != 408 && status != 429) {
        give_up(post, why);
    } else {
        again(post, why);
    }
}

static const struct rp_fetch_ops ops = {.on_data = on_data, .on_done = on_done};

/* "sha256=" and the HMAC in hex, of the timestamp, a dot and the body. */
static void sign(const struct event_post *post, const char *timestamp, char *out, size_t size) {
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)post->secret, strlen(post->secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp, strlen(timestamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)post->body.data, post->body.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    snprintf(out, size, "X-Repartee-Signature: sha256=%s", hex);
}

static void attempt(struct event_post *post) {
    char id[64], timestamp[32], stamp[64], signature[128];
    const char *fields[FIELDS + 1] = {"Content-Type: application/json", id, stamp};
    snprintf(id, sizeof(id), "X-Repartee-Event-Id: %s", post->id);
    snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(rp_wall_ms() / 1000));
    snprintf(stamp, sizeof(stamp), "X-Repartee-Timestamp: %s", timestamp);
    if (post->secret) {
        sign(post, timestamp, signature, sizeof(signature));
        fields[3] = signature;
    }
    const struct rp_fetch_request request = {.method = "POST",
                                             .url = post->url,
                                             .fields = fields,
                                             .body = rp_buf_str(&post->body),
                                             .total_ms = post->timeout_ms,
                                             .max_body = ANSWER_MAX,
                                             .ops = &ops,
                                             .arg = post};
    post->attempts++;
    if (rp_fetch_start(post->worker, &request, &post->fetch) == 0)
        rp_worker_hold(post->worker);
    else
        give_up(post, "the URL cannot be used");
}

/* ---- the beginning ------------------------------------------------------------------------------------------------- */

static int put(struct rp_buf *out, const char *key, struct rp_str value) {
    int rc = rp_buf_append_str(out, rp_str(key));
    return rc ? rc : rp_buf_json(out, value.data, value.len);
}

static int put_time(struct rp_buf *out) {
    char text[32];
    time_t seconds = (time_t)(rp_wall_ms() / 1000);
    struct tm at;
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &at));
    return put(out, ",\"timestamp\":", rp_str(text));
}

static int write_body(struct rp_buf *out, const struct turn *turn, const struct turn_event *event) {
    char *data = event->data ? json_dumps(event->data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int rc = put(out, "{\"event\":", rp_str(event->name));
    if (rc == 0) rc = put(out, ",\"session\":", turn->pub.session);
    if (rc == 0) rc = put(out, ",\"user\":", turn->pub.user);
    if (rc == 0) rc = put(out, ",\"request_id\":", rp_str(turn->pub.id));
    if (rc == 0) rc = put_time(out);
    if (rc == 0) rc = rp_buf_printf(out, ",\"data\":%s}", data ? data : "null");
    free(data);
    return rc;
}

static struct event_post *post_create(struct rp_worker *worker, const struct bot_events *events, const char *name) {
    struct event_posts *posts = worker->event_posts;
    struct event_post *post = rp_calloc(1, sizeof(*post));
    post->timer.run = on_timer;
    post->worker = worker;
    post->name = rp_strdup(name);
    post->url = rp_strdup(events->url);
    if (events->secret) post->secret = rp_strdup(events->secret);
    post->timeout_ms = events->timeout_ms;
    post->retries = events->retries;
    rp_id(post->id);
    rp_buf_init(&post->body, BODY_MAX);
    post->next = posts->first;
    post->at = &posts->first;
    if (posts->first) posts->first->at = &post->next;
    posts->first = post;
    posts->count++;
    return post;
}

int64_t event_posts_count(const struct event_posts *posts) {
    return posts ? posts->count : 0;
}

void event_post(struct turn *turn, const struct turn_event *event) {
    struct rp_worker *worker = turn->pub.worker;
    const struct bot_events *events = turn->runtime->events;
    if (!worker->event_posts) worker->event_posts = rp_calloc(1, sizeof(*worker->event_posts));
    if (worker->event_posts->count >= events->queue) {
        rp_log(RP_LOG_ERROR, "event", "the event '%s' was not posted: too many are on their way", event->name);
        count("lost");
        return;
    }
    struct event_post *post = post_create(worker, events, event->name);
    if (write_body(&post->body, turn, event) == 0)
        attempt(post);
    else
        give_up(post, "it is too large");
}
