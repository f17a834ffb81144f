/* The keys of a model, and the header that goes with each. One is used until a server refuses or limits it; then it rests,
 * and the next takes its place, for all workers. */
#include <stdlib.h>
#include <strings.h>

#include "core/remote/internal.h"

#define HEAD_MAX (32 * 1024)
#define REST_LIMITED_MS (10 * 1000)       /* where the server does not say how long */
#define REST_REFUSED_MS (10 * 60 * 1000)  /* a key that is used up or not accepted */
#define REST_MAX_MS (60 * 60 * 1000)

/* ---- the header -------------------------------------------------------------------------------------------------- */

static bool named_by(const json_t *headers, const char *field) {
    const char *name;
    json_t *value;
    size_t len = strcspn(field, ":");
    json_object_foreach((json_t *)headers, name, value) {
        if (strlen(name) == len && strncasecmp(name, field, len) == 0) return true;
    }
    return false;
}

static int append_headers(struct rp_buf *head, json_t *headers) {
    const char *name;
    json_t *value;
    int rc = 0;
    json_object_foreach(headers, name, value) {
        if (rc == 0) rc = rp_buf_printf(head, "%s: %s", name, json_string_value(value));
        if (rc == 0) rc = rp_buf_append(head, "", 1);
    }
    return rc;
}

/* The bot file's own headers count more than those of the protocol. */
static int append_protocol(struct rp_buf *head, const struct remote *remote, const char *key) {
    struct rp_buf own;
    rp_buf_init(&own, HEAD_MAX);
    int rc = remote->protocol->head(remote->options, key, &own);
    for (size_t at = 0; rc == 0 && at < own.len; at += strlen(own.data + at) + 1) {
        const char *field = own.data + at;
        if (!named_by(remote->options->headers, field)) rc = rp_buf_append(head, field, strlen(field) + 1);
    }
    rp_buf_finish(&own);
    return rc;
}

static void point_to_fields(struct remote_key *key) {
    size_t count = 0;
    for (size_t at = 0; at < key->head.len; at += strlen(key->head.data + at) + 1) count++;
    key->fields = rp_calloc(count + 1, sizeof(*key->fields));
    count = 0;
    for (size_t at = 0; at < key->head.len; at += strlen(key->head.data + at) + 1)
        key->fields[count++] = key->head.data + at;
}

static int open_key(const struct remote *remote, struct remote_key *key, const char *text) {
    static const char type[] = "Content-Type: application/json";
    key->text = text && *text ? text : NULL;
    rp_buf_init(&key->head, HEAD_MAX);
    int rc = rp_buf_append(&key->head, type, sizeof(type));
    if (rc == 0) rc = append_headers(&key->head, remote->options->headers);
    if (rc == 0) rc = append_protocol(&key->head, remote, key->text);
    if (rc == 0) point_to_fields(key);
    return rc;
}

int keys_open(struct remote *remote) {
    const struct rp_option_list *list = &remote->options->api_key;
    remote->key_count = list->count ? list->count : 1;
    remote->keys = rp_calloc(remote->key_count, sizeof(*remote->keys));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < remote->key_count; i++)
        rc = open_key(remote, &remote->keys[i], list->count ? list->items[i] : NULL);
    return rc;
}

void keys_close(struct remote *remote) {
    for (size_t i = 0; i < remote->key_count; i++) {
        rp_buf_finish(&remote->keys[i].head);
        free(remote->keys[i].fields);
    }
    free(remote->keys);
}

/* ---- taking turns ------------------------------------------------------------------------------------------------ */

static int64_t rest_ms(const struct outcome *outcome, int64_t retry_after_ms) {
    if (outcome->code == RP_EUPQUOTA || outcome->code == RP_EUPAUTH) return REST_REFUSED_MS;
    if (outcome->status != 429) return 0; /* what else goes wrong is not the key's fault */
    if (retry_after_ms < 0) return REST_LIMITED_MS;
    return retry_after_ms < REST_MAX_MS ? retry_after_ms : REST_MAX_MS;
}

/* The one in use, or the next that does not rest; where all do, the one that will be the first to be rested. */
size_t keys_pick(struct remote *remote, int64_t now_ms) {
    size_t start = atomic_load(&remote->key), best = start;
    for (size_t i = 0; i < remote->key_count; i++) {
        size_t at = (start + i) % remote->key_count;
        int64_t rested_at = atomic_load(&remote->keys[at].rested_at);
        if (rested_at <= now_ms) return at;
        if (rested_at < atomic_load(&remote->keys[best].rested_at)) best = at;
    }
    return best;
}

bool keys_change(struct remote *remote, int64_t now_ms, const struct outcome *outcome, int64_t retry_after_ms,
                 struct key_use *use) {
    int64_t rest = rest_ms(outcome, retry_after_ms);
    if (remote->key_count == 1 || rest == 0) return false;
    atomic_store(&remote->keys[use->key].rested_at, now_ms + rest);
    size_t next = keys_pick(remote, now_ms);
    if (use->tried & (1u << next) || atomic_load(&remote->keys[next].rested_at) > now_ms) return false;
    atomic_store(&remote->key, next);
    use->key = next;
    return true;
}

void keys_hide(const struct remote *remote, struct rp_buf *text) {
    for (size_t i = 0; i < remote->key_count; i++) {
        size_t len = remote->keys[i].text ? strlen(remote->keys[i].text) : 0;
        for (size_t at = 0; len > 0 && at + len <= text->len; at++) {
            if (memcmp(text->data + at, remote->keys[i].text, len) == 0) memset(text->data + at, '*', len);
        }
    }
}
