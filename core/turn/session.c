/* A session's bytes: "RPS2", the user, the time to wake (little-endian, 64 bits), the pipeline that wakes, what is pending,
 * the variables as JSON text, then the messages, each text with its length in front (little-endian, 32 bits). "RPS1", the
 * form before, has neither time nor pipeline nor pending text. Messages are neither parsed nor copied when a turn begins, so that a long history costs a
 * rule's reply next to nothing. */
#include <stdlib.h>

#include "core/turn/session.h"

static const char magic[4] = "RPS2", magic_before[4] = "RPS1";

enum { MESSAGE_HEAD = 1 + 4 }; /* bytes in front of a message's text: its role, its length */

/* ---- decoding ------------------------------------------------------------------------------------------------------ */

static int take_text(struct rp_str *rest, struct rp_str *out) {
    if (rest->len < 4) return -RP_EIO;
    const unsigned char *p = (const unsigned char *)rest->data;
    size_t len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (len > rest->len - 4) return -RP_EIO;
    *out = rp_str_n(rest->data + 4, len);
    *rest = rp_str_n(rest->data + 4 + len, rest->len - 4 - len);
    return 0;
}

static int take_message(struct rp_str *rest, struct rp_message *out) {
    if (rest->data[0] != RP_ROLE_USER && rest->data[0] != RP_ROLE_ASSISTANT) return -RP_EIO;
    *out = (struct rp_message){.role = (enum rp_role)rest->data[0]};
    *rest = rp_str_n(rest->data + 1, rest->len - 1);
    return take_text(rest, &out->text);
}

static size_t count_messages(struct rp_str rest) {
    struct rp_message message;
    size_t count = 0;
    for (; rest.len > 0; count++)
        if (take_message(&rest, &message) != 0) return SIZE_MAX;
    return count;
}

static int take_time(struct rp_str *rest, int64_t *out) {
    uint64_t value = 0;
    if (rest->len < 8) return -RP_EIO;
    for (size_t i = 8; i > 0; i--) value = value << 8 | (unsigned char)rest->data[i - 1];
    *out = (int64_t)value;
    *rest = rp_str_n(rest->data + 8, rest->len - 8);
    return 0;
}

static int take_head(struct rp_str *rest, struct session *out) {
    if (rest->len < sizeof(magic)) return -RP_EIO;
    bool now = memcmp(rest->data, magic, sizeof(magic)) == 0;
    if (!now && memcmp(rest->data, magic_before, sizeof(magic)) != 0) return -RP_EIO;
    *rest = rp_str_n(rest->data + sizeof(magic), rest->len - sizeof(magic));
    int result = take_text(rest, &out->user);
    if (result == 0 && now) result = take_time(rest, &out->wake_ms);
    if (result == 0 && now) result = take_text(rest, &out->pipeline);
    if (result == 0 && now) result = take_text(rest, &out->pending);
    return result ? result : take_text(rest, &out->vars_text);
}

int session_decode(struct session *session, struct rp_arena *arena, struct rp_str bytes) {
    struct rp_str rest = bytes;
    struct session read = {0};
    if (take_head(&rest, &read) != 0) return -RP_EIO;
    read.message_count = count_messages(rest);
    if (read.message_count == SIZE_MAX) return -RP_EIO;
    read.messages = rp_arena_alloc(arena, (read.message_count + 1) * sizeof(*read.messages));
    for (size_t i = 0; i < read.message_count; i++) take_message(&rest, &read.messages[i]);
    *session = read;
    return 0;
}

/* ---- encoding ------------------------------------------------------------------------------------------------------ */

static int put_text(struct rp_buf *out, struct rp_str text) {
    unsigned char len[4] = {text.len & 255, text.len >> 8 & 255, text.len >> 16 & 255, text.len >> 24 & 255};
    int result = rp_buf_append(out, len, sizeof(len));
    return result ? result : rp_buf_append_str(out, text);
}

static int put_head(struct rp_buf *out, const struct session *session) {
    unsigned char wake[8];
    for (size_t i = 0; i < sizeof(wake); i++) wake[i] = (uint64_t)session->wake_ms >> 8 * i & 255;
    int result = rp_buf_append(out, magic, sizeof(magic));
    if (result == 0) result = put_text(out, session->user);
    if (result == 0) result = rp_buf_append(out, wake, sizeof(wake));
    if (result == 0) result = put_text(out, session->pipeline);
    return result ? result : put_text(out, session->pending);
}

static int put_message(struct rp_buf *out, const struct rp_message *message) {
    char role = (char)message->role;
    int result = rp_buf_append(out, &role, 1);
    return result ? result : put_text(out, message->text);
}

static size_t message_size(const struct rp_message *message) {
    return MESSAGE_HEAD + message->text.len;
}

static int put_vars(struct session *session, struct rp_buf *out) {
    if (!session->vars_changed) return put_text(out, session->vars_text);
    char *text = json_object_size(session->vars) ? json_dumps(session->vars, JSON_COMPACT) : NULL;
    int result = put_text(out, rp_str(text));
    free(text);
    return result;
}

/* How many of the older messages are kept: the newest that fit. */
static size_t messages_kept(const struct session *session, const struct rp_message *added, size_t added_count,
                            size_t max_messages, size_t room) {
    for (size_t i = 0; i < added_count; i++) {
        size_t size = message_size(&added[i]);
        if (size > room) return 0;
        room -= size;
    }
    size_t kept = 0;
    while (kept < session->message_count && kept + added_count < max_messages) {
        size_t size = message_size(&session->messages[session->message_count - 1 - kept]);
        if (size > room) break;
        room -= size;
        kept++;
    }
    return kept;
}

/* Stored messages stand behind one another in the bytes that they were read from, and go on like that. */
static struct rp_str stored_messages(const struct session *session, size_t kept) {
    if (kept == 0) return rp_str_n(NULL, 0);
    const struct rp_message *last = &session->messages[session->message_count - 1];
    const char *start = last[1 - (ptrdiff_t)kept].text.data - MESSAGE_HEAD;
    return rp_str_n(start, (size_t)(last->text.data + last->text.len - start));
}

int session_encode(struct session *session, const struct rp_message *added, size_t added_count, size_t max_messages,
                   struct rp_buf *out) {
    if (put_head(out, session) != 0 || put_vars(session, out) != 0) return -RP_ETOOLARGE;
    size_t kept = messages_kept(session, added, added_count, max_messages, out->max - out->len);
    struct rp_str stored = stored_messages(session, kept);
    size_t size = 0;
    for (size_t i = 0; i < added_count; i++) size += message_size(&added[i]);
    rp_buf_reserve(out, stored.len + size); /* at once, if it fits */
    if (rp_buf_append_str(out, stored) != 0) return -RP_ETOOLARGE;
    /* An exchange that is larger than a session may be is answered, but not remembered. */
    if (max_messages < added_count || size > out->max - out->len) return 0;
    for (size_t i = 0; i < added_count; i++)
        if (put_message(out, &added[i]) != 0) return -RP_ETOOLARGE;
    return 0;
}

/* ---- variables ----------------------------------------------------------------------------------------------------- */

static json_t *vars_of(struct session *session) {
    if (session->vars) return session->vars;
    if (session->vars_text.len)
        session->vars = json_loadb(session->vars_text.data, session->vars_text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(session->vars)) {
        json_decref(session->vars);
        session->vars = json_object();
    }
    return session->vars;
}

const json_t *session_vars(struct session *session) {
    return vars_of(session);
}

const json_t *session_get(struct session *session, const char *name) {
    if (!session->vars && session->vars_text.len == 0) return NULL;
    return json_object_get(vars_of(session), name);
}

int session_set(struct session *session, const char *name, json_t *value, size_t max_bytes) {
    json_t *vars = vars_of(session);
    json_t *old = json_incref(json_object_get(vars, name));
    if (!value || json_is_null(value))
        json_object_del(vars, name);
    else if (json_object_set(vars, name, value) != 0) {
        json_decref(old);
        return -RP_EINVALID;
    }
    if (json_dumpb(vars, NULL, 0, JSON_COMPACT) > max_bytes) {
        if (old)
            json_object_set(vars, name, old);
        else
            json_object_del(vars, name);
        json_decref(old);
        return -RP_ETOOLARGE;
    }
    json_decref(old);
    session->vars_changed = true;
    return 0;
}

void session_finish(struct session *session) {
    json_decref(session->vars);
    session->vars = NULL;
}
