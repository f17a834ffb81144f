/* What is said on a connection: frames become turns, one at a time and in order, and chunks become frames. Bytes,
 * pings and the end of the connection are connection.c's. Functions here never free the connection: their callers
 * settle it. */
#include "websocket.h"

#include <stdlib.h>

#define EXPLAIN_REFUSED "explanations are not for this caller: see the options 'explain' and 'explain_token'"

static struct connection *connection_of(struct rp_sink *sink) {
    return (struct connection *)((char *)sink - offsetof(struct connection, sink));
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void log_refusal(struct connection *connection, const struct rp_fault *fault, const char *id) {
    if (!rp_log_enabled(RP_LOG_INFO)) return;
    struct rp_log_line line;
    rp_log_open(&line, RP_LOG_INFO, "websocket");
    rp_log_str(&line, "message", RP_STR("a frame was refused"));
    rp_log_str(&line, "request_id", rp_str(id));
    rp_log_str(&line, "address", rp_str(connection->address));
    rp_log_str(&line, "code", rp_str(rp_error_code(fault->code)));
    rp_log_str(&line, "reason", rp_str(fault->message ? fault->message : rp_error_text(fault->code)));
    rp_log_close(&line);
}

static void send_error(struct connection *connection, const struct rp_fault *fault, const char *id) {
    if (frame_error(&connection->local->json, fault, id)) connection->broken = true;
    connection_send(connection);
}

/* For what never became a turn; a turn logs itself. */
void conversation_error(struct connection *connection, const struct rp_fault *fault, struct rp_str id) {
    char made[RP_ID_SIZE], given[FRAME_ID_MAX + 1];
    const char *name = made;
    if (id.len) {
        memcpy(given, id.data, id.len);
        given[id.len] = '\0';
        name = given;
    } else {
        rp_id(made);
    }
    log_refusal(connection, fault, name);
    send_error(connection, fault, name);
}

/* ---- chunks out -------------------------------------------------------------------------------------------------- */

static void send_delta(struct connection *connection, struct rp_str text) {
    if (text.len == 0) return;
    if (frame_delta(&connection->local->json, text)) connection->broken = true;
    connection_send(connection);
}

static void send_reply(struct connection *connection, enum rp_finish finish) {
    if (frame_reply(&connection->local->json, connection->turn, finish)) connection->broken = true;
    connection_send(connection);
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct connection *connection = connection_of(sink);
    if (connection->cancelled) return;
    connection->ended = flow != RP_MORE;
    if (flow == RP_ERROR) {
        send_error(connection, &chunk->fault, connection->turn->id);
    } else {
        if (chunk->type == RP_CHUNK_TEXT) send_delta(connection, chunk->text);
        if (flow == RP_END) send_reply(connection, chunk->finish);
    }
    connection_flush(connection, true);
    connection->owes_more = flow == RP_MORE;
    if (connection->owes_more && connection->pending == 0) conversation_writable(connection);
    connection_settle(connection);
}

void conversation_writable(struct connection *connection) {
    if (!connection->turn || !connection->owes_more) return;
    connection->owes_more = false;
    rp_turn_more(connection->turn);
}

static void on_done(struct rp_sink *sink) {
    struct connection *connection = connection_of(sink);
    connection->turn = NULL;
    connection->cancelled = connection->ended = connection->owes_more = false;
    connection->message_ms = rp_worker_now_ms(connection->local->worker);
    connection_settle(connection);
}

const struct rp_sink_ops conversation_sink = {.write = on_write, .done = on_done};

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static void remember(char **place, struct rp_str text) {
    if (*place && rp_str_equal(rp_str(*place), text)) return;
    free(*place);
    *place = NULL;
    if (text.len == 0) return;
    *place = rp_alloc(text.len + 1);
    memcpy(*place, text.data, text.len);
    (*place)[text.len] = '\0';
}

/* What the code's own sentence leaves open. */
static const char *start_refusal(int code) {
    if (code != -RP_EINVALID) return NULL;
    return "the text must not be blank; 'session' and 'user' take at most 128 bytes and no control characters";
}

static void start_turn(struct connection *connection, const struct frame *frame) {
    char id[FRAME_ID_MAX + 1] = "";
    if (frame->id.len) memcpy(id, frame->id.data, frame->id.len);
    struct rp_turn_start start = {
        .id = frame->id.len ? id : NULL,
        .message = frame->text,
        .session = frame->session.data ? frame->session : rp_str(connection->session),
        .user = frame->user.data ? frame->user : rp_str(connection->user),
        .address = rp_str(connection->address),
        .metadata = frame->metadata,
        .stream = true,
        .explain = frame->explain,
    };
    if (frame->explain && !connection->may_explain) {
        conversation_error(connection, &(struct rp_fault){RP_EFORBIDDEN, EXPLAIN_REFUSED, 0}, frame->id);
        return;
    }
    int code = rp_turn_start(connection->transport, connection->local->worker, &start, &connection->sink,
                             &connection->turn);
    if (code) {
        connection->turn = NULL;
        conversation_error(connection, &(struct rp_fault){-code, start_refusal(code), code == -RP_EBUSY}, frame->id);
        return;
    }
    remember(&connection->session, connection->turn->session);
    remember(&connection->user, connection->turn->user);
}

/* Kept as text: what a parsed message takes is not bounded by its length. */
static void wait_in_line(struct connection *connection, struct rp_str text, struct rp_str id) {
    if (connection->waiting >= connection->options->queue) {
        static const struct rp_fault full = {RP_EBUSY, "too many messages of this connection wait for their turn", 1};
        conversation_error(connection, &full, id);
        return;
    }
    struct waiting *waiting = rp_alloc(sizeof *waiting + text.len);
    *waiting = (struct waiting){.len = text.len};
    memcpy(waiting->text, text.data, text.len);
    *(connection->last ? &connection->last->next : &connection->first) = waiting;
    connection->last = waiting;
    connection->waiting++;
}

static struct waiting *take_waiting(struct connection *connection) {
    struct waiting *waiting = connection->first;
    connection->first = waiting->next;
    if (!connection->first) connection->last = NULL;
    connection->waiting--;
    return waiting;
}

static bool busy(const struct connection *connection) {
    return connection->turn || connection->pending > 0;
}

void conversation_next(struct connection *connection) {
    while (connection->first && !busy(connection) && stream_state(&connection->stream) == STREAM_OPEN) {
        struct waiting *waiting = take_waiting(connection);
        struct frame frame;
        if (frame_parse(rp_str_n(waiting->text, waiting->len), &frame, NULL) == 0) {
            start_turn(connection, &frame);
            frame_finish(&frame);
        }
        free(waiting);
    }
}

/* ---- frames in --------------------------------------------------------------------------------------------------- */

static void on_message(struct connection *connection, struct rp_str text, const struct frame *frame) {
    connection->message_ms = rp_worker_now_ms(connection->local->worker);
    if (connection->draining) {
        conversation_error(connection, &(struct rp_fault){.code = RP_EDRAINING}, frame->id);
    } else if (busy(connection) || connection->first) {
        wait_in_line(connection, text, frame->id);
    } else {
        start_turn(connection, frame);
    }
}

/* Without an id whatever runs is meant; with one, only that turn: it may have ended while the frame was on its way. */
static void on_cancel(struct connection *connection, struct rp_str id) {
    if (!connection->turn || connection->cancelled || connection->ended) return;
    if (id.len && !rp_str_equal(id, rp_str(connection->turn->id))) return;
    send_error(connection, &(struct rp_fault){.code = RP_ECANCELLED}, connection->turn->id);
    connection->cancelled = true;
    rp_turn_cancel(connection->turn);
}

void conversation_on_text(void *arg, struct rp_str text) {
    struct connection *connection = arg;
    struct frame frame;
    struct rp_error error = {0};
    int code = frame_parse(text, &frame, &error);
    if (code) {
        conversation_error(connection, &(struct rp_fault){.code = -code, .message = error.text}, (struct rp_str){0});
        return;
    }
    switch (frame.type) {
    case FRAME_MESSAGE: on_message(connection, text, &frame); break;
    case FRAME_CANCEL: on_cancel(connection, frame.id); break;
    case FRAME_PING:
        if (frame_pong(&connection->local->json)) connection->broken = true;
        connection_send(connection);
        break;
    }
    frame_finish(&frame);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void drop_waiting(struct connection *connection) {
    while (connection->first) free(take_waiting(connection));
}

void conversation_end(struct connection *connection) {
    drop_waiting(connection);
    if (!connection->turn || connection->cancelled) return;
    connection->cancelled = true;
    rp_turn_cancel(connection->turn);
}

void conversation_drain(struct connection *connection) {
    while (connection->first) {
        struct waiting *waiting = take_waiting(connection);
        struct frame frame;
        if (frame_parse(rp_str_n(waiting->text, waiting->len), &frame, NULL) == 0) {
            conversation_error(connection, &(struct rp_fault){.code = RP_EDRAINING}, frame.id);
            frame_finish(&frame);
        }
        free(waiting);
    }
}
