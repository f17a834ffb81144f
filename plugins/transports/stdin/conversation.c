/* The worker's side of the console: lines become turns, one at a time, and chunks become orders. */
#include "stdin.h"

#include <stdlib.h>
#include <unistd.h>

#define TEXT_MAX (256u << 20) /* bytes of one order; the core limits a reply long before */

struct conversation {
    struct rp_sink sink;
    unsigned users; /* generations that are attached */
    struct rp_transport *transport;
    struct rp_worker *worker;
    const struct options *options;
    struct console *console;
    struct rp_turn *turn;
    struct order order;    /* what is being put together */
    char session[RP_ID_SIZE];
    bool ordered;          /* the console is at work on an order */
    bool ending;           /* the turn is over; `order` is its last */
    bool more, cancelled;  /* the turn waits to be asked; the user has had enough of it */
    bool terminal, failed; /* failed: a turn was, and somebody may look at the exit code */
    bool closed;           /* there is no console any more */
    bool stopping;
};

static struct conversation *conversation_of(struct rp_sink *sink) {
    return (struct conversation *)((char *)sink - offsetof(struct conversation, sink));
}

/* ---- orders ------------------------------------------------------------------------------------------------------ */

static void order(struct conversation *conversation, bool last) {
    conversation->order.last = last;
    conversation->ordered = true;
    conversation->ending = false;
    console_order(conversation->console, &conversation->order);
}

static void stop(struct conversation *conversation) {
    if (conversation->stopping) return;
    conversation->stopping = true;
    rp_stop(conversation->worker, conversation->failed && !conversation->terminal ? 1 : 0);
}

/* The reply is over on this side; on the other it may still be being written. */
static void end_reply(struct conversation *conversation) {
    if (conversation->closed) {
        rp_worker_release(conversation->worker);
        stop(conversation);
        return;
    }
    conversation->ending = true;
    if (!conversation->ordered) order(conversation, true);
}

static void add_error(struct conversation *conversation, const struct rp_fault *fault, const char *id) {
    const char *message = fault->message ? fault->message : rp_error_text(fault->code);
    conversation->failed = true;
    if (conversation->options->json) {
        rp_buf_json_error(&conversation->order.text, fault->code, message, id);
        rp_buf_append_str(&conversation->order.text, RP_STR("\n"));
        return;
    }
    rp_buf_clear(&conversation->order.error);
    rp_buf_printf(&conversation->order.error, "%s (%s)", message, rp_error_code(fault->code));
}

/* ---- the sink ---------------------------------------------------------------------------------------------------- */

static void add_chunk(struct conversation *conversation, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_buf *text = &conversation->order.text;
    int code = 0;
    if (flow == RP_ERROR) {
        add_error(conversation, &chunk->fault, conversation->turn->id);
    } else if (!conversation->options->json) {
        if (chunk->type == RP_CHUNK_TEXT) code = rp_buf_append_str(text, chunk->text);
    } else if (flow == RP_END) {
        code = rp_turn_json(conversation->turn, chunk->finish, text);
        if (!code) code = rp_buf_append_str(text, RP_STR("\n"));
    }
    if (code) add_error(conversation, &(struct rp_fault){.code = RP_EREPLYSIZE}, conversation->turn->id);
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct conversation *conversation = conversation_of(sink);
    if (conversation->cancelled) return;
    add_chunk(conversation, chunk, flow);
    if (flow != RP_MORE) return; /* done() comes next, and ends the reply */
    if (conversation->order.text.len == 0) {
        rp_turn_more(conversation->turn);
        return;
    }
    conversation->more = true;
    order(conversation, false);
}

static void on_done(struct rp_sink *sink) {
    struct conversation *conversation = conversation_of(sink);
    conversation->turn = NULL;
    conversation->more = conversation->cancelled = false;
    end_reply(conversation);
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

/* ---- events from the console ------------------------------------------------------------------------------------- */

static void start_turn(struct conversation *conversation, struct rp_str text) {
    const struct options *options = conversation->options;
    const char *user = options->user ? options->user : getenv("USER");
    char id[RP_ID_SIZE];
    rp_id(id);
    struct rp_turn_start start = {
        .id = id,
        .message = text,
        .session = rp_str(options->session ? options->session : conversation->session),
        .user = rp_str(user),
        .address = RP_STR("local"),
        .stream = !options->json,
    };
    int code =
        rp_turn_start(conversation->transport, conversation->worker, &start, &conversation->sink, &conversation->turn);
    if (code == 0) return;
    conversation->turn = NULL;
    add_error(conversation, &(struct rp_fault){.code = -code}, id);
    end_reply(conversation);
}

static void on_long(struct conversation *conversation) {
    char message[80], id[RP_ID_SIZE];
    rp_id(id);
    snprintf(message, sizeof message, "the line is longer than %lld bytes", (long long)conversation->options->line);
    add_error(conversation, &(struct rp_fault){.code = RP_ETOOLARGE, .message = message}, id);
    end_reply(conversation);
}

static void on_written(struct conversation *conversation) {
    bool last = conversation->order.last;
    conversation->ordered = false;
    if (last) {
        rp_worker_release(conversation->worker);
    } else if (conversation->ending) {
        order(conversation, true);
    } else if (conversation->more) {
        conversation->more = false;
        rp_turn_more(conversation->turn);
    }
}

static void on_interrupt(struct conversation *conversation) {
    if (!conversation->turn || conversation->cancelled) return;
    add_error(conversation, &(struct rp_fault){.code = RP_ECANCELLED}, conversation->turn->id);
    conversation->cancelled = true;
    rp_turn_cancel(conversation->turn);
}

static void on_closed(struct conversation *conversation) {
    bool busy = conversation->ordered || conversation->turn;
    conversation->closed = true;
    conversation->ordered = false;
    if (conversation->turn) {
        conversation->cancelled = true;
        rp_turn_cancel(conversation->turn);
        return;
    }
    if (busy) rp_worker_release(conversation->worker);
    stop(conversation);
}

static void on_event(void *arg, enum event event, struct rp_str text) {
    struct conversation *conversation = arg;
    switch (event) {
    case EVENT_LINE:
        rp_worker_hold(conversation->worker);
        start_turn(conversation, text);
        break;
    case EVENT_LONG:
        rp_worker_hold(conversation->worker);
        on_long(conversation);
        break;
    case EVENT_WRITTEN: on_written(conversation); break;
    case EVENT_INTERRUPT: on_interrupt(conversation); break;
    case EVENT_END: stop(conversation); break;
    case EVENT_BROKEN:
        conversation->failed = true;
        on_closed(conversation);
        break;
    case EVENT_CLOSED: on_closed(conversation); break;
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct conversation *conversation_create(struct rp_transport *transport, struct rp_worker *worker) {
    struct conversation *conversation = rp_calloc(1, sizeof *conversation);
    const struct options *options = transport->element.options;
    conversation->sink.ops = &sink_ops;
    conversation->transport = transport;
    conversation->worker = worker;
    conversation->users = 1;
    conversation->options = options;
    conversation->terminal = !options->message && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    rp_buf_init(&conversation->order.text, TEXT_MAX);
    rp_buf_init(&conversation->order.error, 4096);
    rp_id(conversation->session);
    conversation->console = console_create(&(struct console_setup){
        .worker = worker,
        .on_event = on_event,
        .arg = conversation,
        .message = options->message,
        .max_line = (size_t)options->line,
        .terminal = conversation->terminal,
        .raw = options->json,
        .welcome = options->force ? "Ctrl-C stops a reply, Ctrl-D ends the chat.\n"
                                  : "Talk to the bot here. Ctrl-C stops a reply, Ctrl-D stops the server.\n",
    });
    return conversation;
}

int conversation_start(struct conversation *conversation, struct rp_error *error) {
    return console_start(conversation->console, error);
}

void conversation_drain(struct conversation *conversation) {
    conversation->stopping = true;
    console_stop_reading(conversation->console);
}

struct conversation *conversation_join(struct conversation *conversation) {
    if (conversation) conversation->users++;
    return conversation;
}

void conversation_adopt(struct conversation *conversation, struct rp_transport *transport) {
    conversation->transport = transport;
    conversation->options = transport->element.options;
}

void conversation_leave(struct conversation *conversation) {
    if (!conversation || --conversation->users > 0) return;
    console_destroy(conversation->console);
    rp_buf_finish(&conversation->order.text);
    rp_buf_finish(&conversation->order.error);
    free(conversation);
}
