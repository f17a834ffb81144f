/* A session's stored bytes: whatever a store hands back is a session or an error, and a session that was read can be
 * written and is the same when it is read again. */
#include <stdlib.h>

#include "core/turn/session.h"

static void check(bool good) {
    if (!good) abort();
}

static void write_again(struct session *session, struct rp_arena *arena) {
    struct session again = {0};
    struct rp_buf bytes;
    rp_buf_init(&bytes, 1 << 20);
    check(session_encode(session, NULL, 0, SIZE_MAX, &bytes) == 0);
    check(session_decode(&again, arena, rp_buf_str(&bytes)) == 0);
    check(again.message_count == session->message_count && rp_str_equal(again.user, session->user));
    for (size_t i = 0; i < again.message_count; i++)
        check(rp_str_equal(again.messages[i].text, session->messages[i].text));
    session_get(&again, "x");
    session_finish(&again);
    rp_buf_finish(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_arena *arena = rp_arena_create();
    struct session session = {0};
    struct rp_str bytes = rp_arena_str(arena, rp_str_n((const char *)data, size));
    if (session_decode(&session, arena, bytes) == 0) {
        session_get(&session, "x");
        write_again(&session, arena);
    }
    session_finish(&session);
    rp_arena_destroy(arena);
    return 0;
}
