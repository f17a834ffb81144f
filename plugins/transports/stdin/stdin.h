/* What the files of this plugin share.
 *
 * Two threads. The console's own thread does everything that can block: it edits and reads lines, and writes replies.
 * Worker 0 runs the turns. The console posts events to the worker; the worker hands orders to the console, one at a
 * time, and asks its turn for more when the order has been carried out: a terminal that stands still holds up the turn,
 * and nothing else. */
#ifndef STDIN_H
#define STDIN_H

#include "layout.h"

#include <repartee/log.h>
#include <repartee/plugin.h>

struct options {
    int64_t line;
    const char *message, *session, *user;
    bool json, force;
};

/* ---- console.c: the thread --------------------------------------------------------------------------------------- */

enum event {
    EVENT_LINE,      /* `text` is a message */
    EVENT_LONG,      /* a line was too long */
    EVENT_WRITTEN,   /* the order has been carried out */
    EVENT_INTERRUPT, /* Ctrl-C while a reply comes */
    EVENT_END,       /* the input is over */
    EVENT_CLOSED,    /* nobody reads the output any more */
    EVENT_BROKEN,    /* the output takes no more: the disk is full, or worse */
};

/* The next thing to write. */
struct order {
    struct rp_buf text;  /* of the reply, or whole JSON lines */
    struct rp_buf error; /* one line; len 0: none */
    bool last;           /* the reply ends with it */
};

struct console;

struct console_setup {
    struct rp_worker *worker;
    void (*on_event)(void *arg, enum event event, struct rp_str text); /* on the worker; text is borrowed */
    void *arg;
    const char *message; /* the only message; NULL: lines are read */
    size_t max_line;
    bool terminal, raw; /* raw: the text of orders is written as it is, errors are part of it */
    const char *welcome;
};

struct console *console_create(const struct console_setup *setup);
int console_start(struct console *console, struct rp_error *error);
/* Takes the order with what its buffers hold. Not before the last one was EVENT_WRITTEN. */
void console_order(struct console *console, struct order *order);
void console_stop_reading(struct console *console); /* a reply under way is still written */
/* Ends the thread, whatever it does. No event comes any more. Takes NULL. */
void console_destroy(struct console *console);

/* For the console's own files, on its thread. */
enum input { INPUT_LINE, INPUT_LONG, INPUT_END, INPUT_STOPPED };
enum wait { WAIT_READY, WAIT_WOKEN, WAIT_STOPPED };
const struct console_setup *console_setup(const struct console *console);
/* Waits until the descriptor is ready, or something else calls for attention. fd -1: only for that. */
enum wait console_wait(struct console *console, int fd, short events);
bool console_may_read(struct console *console);
void console_post(struct console *console, enum event event, struct rp_str text);
bool console_write(struct console *console, int fd, struct rp_str text); /* false: closed, or stopped */

/* ---- pipe.c, terminal.c: where lines come from ------------------------------------------------------------------- */

struct pipe_input *pipe_input_create(size_t max_line);
void pipe_input_destroy(struct pipe_input *input);
enum input pipe_input_read(struct pipe_input *input, struct console *console, struct rp_str *out_line);

struct terminal *terminal_create(struct console *console);
void terminal_destroy(struct terminal *terminal); /* sets the terminal back as it was; takes NULL */
enum input terminal_read(struct terminal *terminal, struct rp_str *out_line);
void terminal_watch(struct terminal *terminal); /* from here to the next read, keys only count for Ctrl-C */
void terminal_keys(struct terminal *terminal);  /* stdin is readable meanwhile */

/* ---- conversation.c: the worker's side --------------------------------------------------------------------------- */

struct conversation;

struct conversation *conversation_create(struct rp_transport *transport, struct rp_worker *worker);
/* The generations share it: one user more; the last one that leaves ends it. Takes NULL. */
struct conversation *conversation_join(struct conversation *conversation);
void conversation_leave(struct conversation *conversation);
void conversation_adopt(struct conversation *conversation, struct rp_transport *transport); /* it is this one's now */
int conversation_start(struct conversation *conversation, struct rp_error *error);
void conversation_drain(struct conversation *conversation);

/* ---- transport.c: the hooks of the type -------------------------------------------------------------------------- */

int stdin_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void stdin_detach(struct rp_element *element, struct rp_worker *worker, void *local);
void stdin_start(struct rp_transport *transport, struct rp_worker *worker);
void stdin_adopt(struct rp_element *element, struct rp_worker *worker);
void stdin_drain(struct rp_transport *transport, struct rp_worker *worker);

#endif
