/* One chat: the request becomes a turn, the turn's chunks become a JSON object or an event stream. The next chunk is
 * asked for only when the client has been sent all there is, so a slow client slows the model and fills no queue. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>

static struct rp_buf *out_clear(struct local *local) {
    if (local->out.cap > OUT_KEPT) rp_buf_finish(&local->out);
    rp_buf_clear(&local->out);
    return &local->out;
}

void chat_refuse(const struct rp_http_ops *http, struct rp_http_exchange *exchange, struct local *local,
                 const struct rp_fault *fault, const char *request_id) {
    struct rp_buf *out = out_clear(local);
    char retry[40] = "";
    if (fault->retry_after > 0) snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", fault->retry_after);
    rp_buf_json_error(out, fault->code, fault->message, request_id);
    http->respond(exchange, rp_error_http_status(fault->code), "application/json", retry, rp_buf_str(out));
}

/* ---- the reply ------------------------------------------------------------------------------------------------------- */

/* The exchange is answered: nobody may touch it from here on. */
static void answered(struct chat *chat) {
    chat->exchange = NULL;
}

static void send_whole(struct chat *chat, enum rp_finish finish) {
    struct rp_buf *out = out_clear(chat->local);
    if (rp_turn_json(chat->turn, finish, out) == 0) {
        chat->http->respond(chat->exchange, 200, "application/json", NULL, rp_buf_str(out));
    } else {
        const struct rp_fault fault = {.code = RP_EREPLYSIZE};
        chat_refuse(chat->http, chat->exchange, chat->local, &fault, chat->id);
    }
    answered(chat);
}

static void stream_begin(struct chat *chat) {
    if (chat->begun) return;
    chat->begun = true;
    chat->http->begin(chat->exchange, 200, "text/event-stream", "Cache-Control: no-cache\r\n");
}

static void stream_end(struct chat *chat, enum rp_finish finish) {
    struct rp_buf *out = out_clear(chat->local);
    stream_begin(chat);
    if (sse_done(out, chat->turn, finish) != 0) {
        const struct rp_fault fault = {.code = RP_EREPLYSIZE};
        sse_error(out_clear(chat->local), &fault, chat->id);
    }
    chat->http->write(chat->exchange, rp_buf_str(out));
    chat->http->end(chat->exchange);
    answered(chat);
}

static void fail(struct chat *chat, const struct rp_fault *fault) {
    if (!chat->begun) {
        chat_refuse(chat->http, chat->exchange, chat->local, fault, chat->id);
    } else {
        struct rp_buf *out = out_clear(chat->local);
        sse_error(out, fault, chat->id);
        chat->http->write(chat->exchange, rp_buf_str(out));
        chat->http->end(chat->exchange);
    }
    answered(chat);
}

/* True: the client can take more. */
static bool stream_delta(struct chat *chat, struct rp_str text) {
    struct rp_buf *out = out_clear(chat->local);
    stream_begin(chat);
    if (sse_delta(out, text) != 0) {
        const struct rp_fault fault = {.code = RP_EREPLYSIZE};
        fail(chat, &fault);
        rp_turn_cancel(chat->turn);
        return false;
    }
    return chat->http->write(chat->exchange, rp_buf_str(out)) == 0;
}

/* ---- the turn's sink --------------------------------------------------------------------------------------------------- */

static void write_chunk(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct chat *chat = (struct chat *)sink;
    bool ready = true;
    if (!chat->exchange) return;
    if (flow == RP_ERROR) {
        fail(chat, &chunk->fault);
        return;
    }
    if (chat->stream && chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0) ready = stream_delta(chat, chunk->text);
    if (!chat->exchange) return;
    if (flow == RP_MORE) {
        chat->owes_more = !ready;
        if (ready) rp_turn_more(chat->turn);
    } else if (chat->stream) {
        stream_end(chat, chunk->finish);
    } else {
        send_whole(chat, chunk->finish);
    }
}

static void chat_release(struct chat *chat) {
    chat->next = chat->local->spare;
    chat->local->spare = chat;
}

static void done(struct rp_sink *sink) {
    struct chat *chat = (struct chat *)sink;
    const struct rp_fault fault = {.code = RP_ECANCELLED};
    if (chat->exchange) fail(chat, &fault); /* the turn ended without a last chunk */
    chat_release(chat);
}

static const struct rp_sink_ops sink_ops = {.write = write_chunk, .done = done};

/* ---- the client --------------------------------------------------------------------------------------------------------- */

static void on_writable(void *arg) {
    struct chat *chat = arg;
    if (!chat->owes_more) return;
    chat->owes_more = false;
    rp_turn_more(chat->turn);
}

static void on_gone(void *arg) {
    struct chat *chat = arg;
    chat->exchange = NULL;
    rp_turn_cancel(chat->turn);
}

static const struct rp_http_watcher watcher = {.on_writable = on_writable, .on_gone = on_gone};

/* ---- the request ---------------------------------------------------------------------------------------------------------- */

static struct chat *chat_take(struct local *local) {
    struct chat *chat = local->spare;
    if (chat)
        local->spare = chat->next;
    else
        chat = rp_alloc(sizeof(*chat));
    *chat = (struct chat){.sink = {.ops = &sink_ops}, .local = local};
    return chat;
}

void chat_free_spare(struct local *local) {
    while (local->spare) {
        struct chat *chat = local->spare;
        local->spare = chat->next;
        free(chat);
    }
}

static void log_refused(const struct rp_http_request *request, const struct rp_fault *fault) {
    struct rp_log_line line;
    if (!rp_log_enabled(RP_LOG_INFO)) return;
    rp_log_open(&line, RP_LOG_INFO, "http");
    rp_log_str(&line, "request_id", rp_str(request->id));
    rp_log_str(&line, "address", request->address);
    rp_log_str(&line, "code", rp_str(rp_error_code(fault->code)));
    rp_log_str(&line, "message", rp_str(fault->message ? fault->message : rp_error_text(fault->code)));
    rp_log_close(&line);
}

void chat_begin(struct rp_transport *transport, struct rp_http_exchange *exchange, const struct rp_http_request *request,
                const struct rp_turn_start *start) {
    const struct options *options = transport->element.options;
    struct local *local = rp_local(&transport->element, request->worker);
    struct chat *chat = chat_take(local);
    chat->http = rp_http(options->on);
    chat->exchange = exchange;
    chat->id = request->id;
    chat->stream = start->stream;
    int status = rp_turn_start(transport, request->worker, start, &chat->sink, &chat->turn);
    if (status == 0) {
        chat->http->watch(exchange, &watcher, chat);
        return;
    }
    struct rp_fault fault = rp_turn_start_fault(status);
    chat_release(chat);
    log_refused(request, &fault);
    chat_refuse(rp_http(options->on), exchange, local, &fault, request->id);
}

static void begin_message(struct rp_transport *transport, struct rp_http_exchange *exchange,
                          const struct rp_http_request *request, const struct rp_chat_body *message) {
    const struct rp_turn_start start = {
        .id = request->id,
        .message = message->text,
        .session = message->session,
        .user = message->user,
        .address = request->address,
        .metadata = message->metadata,
        .stream = message->stream,
        .explain = message->explain,
    };
    chat_begin(transport, exchange, request, &start);
}

void chat_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    struct rp_transport *transport = arg;
    const struct options *options = transport->element.options;
    struct local *local = rp_local(&transport->element, request->worker);
    struct rp_chat_body message = {0};
    struct rp_error error;
    struct rp_fault fault = {0};
    /* The Content-Type does not matter: people try a bot with `curl -d`, which says that it sends a form. */
    if (rp_chat_body_parse(request->body, "the body", out_clear(local), &message, &error))
        fault = (struct rp_fault){.code = error.code, .message = error.text};
    else if (!message.explain || explain_allowed(transport, exchange, request, &fault))
        begin_message(transport, exchange, request, &message);
    rp_chat_body_finish(&message);
    if (!fault.code) return;
    log_refused(request, &fault);
    chat_refuse(rp_http(options->on), exchange, local, &fault, request->id);
}
