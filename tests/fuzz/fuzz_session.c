/* A session's stored bytes: whatever a store hands back is a session or an error, and a session that was read can be
 * written and is the same when it is read again. */
#include <stdlib.h>

#include "core/turn/session.h"

static void check(bool good) {
    if (!good) abort();
}

/* Each call is followed by its results, and they are the same again. */
static void check_messages(struct session *session, struct session *again, struct rp_arena *arena) {
    size_t count, other, results = 0;
    const struct rp_message *messages = session_messages(session, arena, &count);
    const struct rp_message *others = session_messages(again, arena, &other);
    const struct rp_message *texts = session_texts(session, arena);
    check(count == other && session->said <= count);
    for (size_t i = 0; i < count; i++) {
        check(messages[i].role == others[i].role && rp_str_equal(messages[i].text, others[i].text));
        check((messages[i].role == RP_ROLE_TOOL) == (results > 0));
        if (results > 0) results--;
        if (messages[i].role == RP_ROLE_ASSISTANT) results = messages[i].call_count;
        for (size_t k = 0; k < messages[i].call_count; k++) {
            check(rp_str_equal(messages[i].calls[k].name, others[i].calls[k].name));
            check(rp_str_equal(messages[i].calls[k].id, others[i].calls[k].id));
        }
    }
    check(results == 0);
    for (size_t i = 0; i < session->said; i++) check(texts[i].call_count == 0);
}

static void write_again(struct session *session, struct rp_arena *arena) {
    struct session again = {0};
    struct rp_buf bytes;
    rp_buf_init(&bytes, 1 << 20);
    check(session_encode(session, NULL, 0, SIZE_MAX, &bytes) == 0);
    check(session_decode(&again, rp_arena_str(arena, rp_buf_str(&bytes))) == 0);
    check(rp_str_equal(again.user, session->user) && rp_str_equal(again.summary, session->summary));
    check(session_summed(&again) == session_summed(session));
    check_messages(session, &again, arena);
    session_get(&again, "x");
    session_finish(&again);
    rp_buf_finish(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    struct rp_str bytes = rp_arena_str(arena, rp_str_n((const char *)data, size));
    if (session_decode(&session, bytes) == 0) {
        session_get(&session, "x");
        write_again(&session, arena);
    }
    session_finish(&session);
    rp_arena_destroy(arena);
    return 0;
}
