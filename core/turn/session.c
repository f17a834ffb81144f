/* A session's bytes: "RPS3", the user, the time to wake (little-endian, 64 bits), the pipeline that wakes, what is pending,
 * the variables as JSON text, how many texts were dropped and how many the summary stands for (64 bits each), the summary,
 * then the entries of the conversation (session_entry.c); each text has its length in front. "RPS2", the form before,
 * has neither these numbers nor a summary nor rounds of tools, and "RPS1" has neither time nor pipeline nor pending text.
 * Entries are neither opened nor copied when a turn begins, so that a long history costs a rule's reply next to nothing. */
#include "core/turn/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/turn/session_entry.h"

enum { NUMBER = 8 }; /* bytes */

static const char magic[] = "RPS3"; /* the last character is the form */

/* ---- decoding ------------------------------------------------------------------------------------------------------ */

static int take_number(struct rp_str *rest, uint64_t *out) {
    uint64_t value = 0;
    if (rest->len < NUMBER) return -RP_EIO;
    for (size_t i = NUMBER; i > 0; i--) value = value << 8 | (unsigned char)rest->data[i - 1];
    *out = value;
    *rest = rp_str_n(rest->data + NUMBER, rest->len - NUMBER);
    return 0;
}

/* The form, 1 to 3; 0: it is none. */
static int take_form(struct rp_str *rest) {
    size_t len = sizeof(magic) - 1;
    if (rest->len < len || memcmp(rest->data, magic, len - 1) != 0) return 0;
    char form = rest->data[len - 1];
    *rest = rp_str_n(rest->data + len, rest->len - len);
    return form >= '1' && form <= magic[len - 1] ? form - '0' : 0;
}

static int take_head(struct rp_str *rest, int form, struct session *out) {
    uint64_t wake_ms = 0;
    int result = text_take(rest, &out->user);
    if (result == 0 && form >= 2) result = take_number(rest, &wake_ms);
    if (result == 0 && form >= 2) result = text_take(rest, &out->pipeline);
    if (result == 0 && form >= 2) result = text_take(rest, &out->pending);
    if (result == 0) result = text_take(rest, &out->vars_text);
    if (result == 0 && form >= 3) result = take_number(rest, &out->begins);
    if (result == 0 && form >= 3) result = take_number(rest, &out->summed);
    if (result == 0 && form >= 3) result = text_take(rest, &out->summary);
    out->wake_ms = (int64_t)wake_ms;
    return result;
}

/* Looks at every entry, so that nothing can go wrong later. */
static int take_entries(struct rp_str rest, int form, struct session *out) {
    struct entry entry;
    out->stored = rest;
    while (rest.len > 0) {
        if (entry_take(&rest, form >= 3, &entry) != 0) return -RP_EIO;
        out->said += entry.kind != ENTRY_ROUND;
        out->message_count += entry_messages(&entry);
    }
    return 0;
}

int session_decode(struct session *session, struct rp_str bytes) {
    struct rp_str rest = bytes;
    struct session read = {0};
    int form = take_form(&rest);
    if (form == 0 || take_head(&rest, form, &read) != 0 || take_entries(rest, form, &read) != 0) return -RP_EIO;
    *session = read;
    return 0;
}

/* ---- what was said --------------------------------------------------------------------------------------------------- */

const struct rp_message *session_texts(struct session *session, struct rp_arena *arena) {
    struct rp_str rest = session->stored;
    struct entry entry;
    if (session->texts || session->said == 0) return session->texts;
    struct rp_message *end = session->texts = rp_arena_alloc(arena, session->said * sizeof(*end));
    while (rest.len > 0 && entry_take(&rest, true, &entry) == 0)
        if (entry.kind != ENTRY_ROUND) end = entry_open(&entry, arena, NULL, NULL, end);
    return session->texts;
}

/* Calls get ids of their own: the same in each turn, another one for each call, and of a form that all providers take,
 * whichever of them the call is from. */
const struct rp_message *session_messages(struct session *session, struct rp_arena *arena, size_t *out_count) {
    struct rp_str rest = session->stored;
    struct entry entry;
    size_t said = 0, calls = 0;
    char id[8];
    *out_count = session->message_count;
    if (session->messages || session->message_count == 0) return session->messages;
    struct rp_message *end = session->messages = rp_arena_alloc(arena, session->message_count * sizeof(*end));
    while (rest.len > 0 && entry_take(&rest, true, &entry) == 0) {
        if (entry.kind != ENTRY_ROUND) {
            said++;
            calls = 0;
        }
        snprintf(id, sizeof(id), "c%05x", (unsigned)((session->begins + said) & 0xfffff));
        end = entry_open(&entry, arena, id, &calls, end);
    }
    return session->messages;
}

size_t session_summed(const struct session *session) {
    uint64_t stored = session->summed > session->begins ? session->summed - session->begins : 0;
    return session->summary.len == 0 ? 0 : stored < session->said ? (size_t)stored : session->said;
}

/* ---- dropping -------------------------------------------------------------------------------------------------------- */

struct rest { /* of the conversation, without the exchanges that have been dropped */
    struct rp_str stored;
    size_t said;
};

/* An exchange is a user's text with what follows it; what an event has said stands by itself. */
static bool begins_exchange(enum entry_kind kind, enum entry_kind before) {
    return kind == ENTRY_USER || (kind == ENTRY_BOT && before == ENTRY_BOT);
}

/* What is left when the oldest exchanges are dropped until `room` bytes and `most` texts are enough. */
static struct rest drop_oldest(const struct session *session, size_t most, size_t room) {
    struct rp_str at = session->stored;
    enum entry_kind before = ENTRY_USER;
    for (size_t gone = 0; at.len > 0;) {
        struct rest left = {at, session->said - gone};
        struct entry entry;
        entry_take(&at, true, &entry);
        bool begins = left.stored.len == session->stored.len || begins_exchange(entry.kind, before);
        if (begins && left.stored.len <= room && left.said <= most) return left;
        gone += entry.kind != ENTRY_ROUND;
        before = entry.kind;
    }
    return (struct rest){.stored = at};
}

/* ---- encoding -------------------------------------------------------------------------------------------------------- */

static int put_number(struct rp_buf *out, uint64_t value) {
    unsigned char bytes[NUMBER];
    for (size_t i = 0; i < NUMBER; i++) bytes[i] = value >> 8 * i & 255;
    return rp_buf_append(out, bytes, NUMBER);
}

static int put_vars(struct rp_buf *out, const struct session *session) {
    if (!session->vars_changed) return text_put(out, session->vars_text);
    char *text = json_object_size(session->vars) ? json_dumps(session->vars, JSON_COMPACT) : NULL;
    int result = text_put(out, rp_str(text));
    free(text);
    return result;
}

/* `*out_begins`: where the number of dropped texts stands, which is known last. */
static int put_head(struct rp_buf *out, const struct session *session, size_t *out_begins) {
    int result = rp_buf_append(out, magic, sizeof(magic) - 1);
    if (result == 0) result = text_put(out, session->user);
    if (result == 0) result = put_number(out, (uint64_t)session->wake_ms);
    if (result == 0) result = text_put(out, session->pipeline);
    if (result == 0) result = text_put(out, session->pending);
    if (result == 0) result = put_vars(out, session);
    *out_begins = out->len;
    if (result == 0) result = put_number(out, session->begins);
    if (result == 0) result = put_number(out, session->summed);
    return result ? result : text_put(out, session->summary);
}

struct added {
    size_t size, said;
};

static struct added measure(const struct rp_message *messages, size_t count) {
    struct added added = {0};
    for (size_t i = 0, size, span; i < count; i += span ? span : 1) {
        span = entry_span(messages + i, count - i, &size);
        added.size += span ? size : 0;
        added.said += span == 1;
    }
    return added;
}

static int put_messages(struct rp_buf *out, const struct rp_message *messages, size_t count) {
    int result = 0;
    for (size_t i = 0, size, span; result == 0 && i < count; i += span ? span : 1) {
        span = entry_span(messages + i, count - i, &size);
        if (span) result = entry_put(out, messages + i, span);
    }
    return result;
}

static void set_begins(struct rp_buf *out, size_t place, uint64_t value) {
    for (size_t i = 0; i < NUMBER; i++) out->data[place + i] = (char)(value >> 8 * i & 255);
}

int session_encode(const struct session *session, const struct rp_message *messages, size_t count, size_t max_messages,
                   struct rp_buf *out) {
    size_t place;
    struct added added = measure(messages, count);
    if (put_head(out, session, &place) != 0) return -RP_ETOOLARGE;
    size_t room = out->max - out->len;
    /* An exchange that is larger than a session may be is answered, but not remembered. */
    bool fits = added.said <= max_messages && added.size <= room;
    struct rest left = fits ? drop_oldest(session, max_messages - added.said, room - added.size) : (struct rest){0};
    set_begins(out, place, session->begins + (session->said - left.said));
    rp_buf_reserve(out, left.stored.len + added.size); /* at once, if it fits */
    if (rp_buf_append_str(out, left.stored) != 0) return -RP_ETOOLARGE;
    return fits ? put_messages(out, messages, count) : 0;
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
