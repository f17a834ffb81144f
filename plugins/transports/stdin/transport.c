/* The transport as the core sees it. It has one conversation, on worker 0, and only where somebody can talk: with
 * `force` (`repartee chat`) always, otherwise on a terminal that is ours to read. */
#include "stdin.h"

#include <unistd.h>

/* A background job that reads the terminal is stopped, the whole server with it. */
static bool in_foreground(void) {
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

int stdin_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    (void)error;
    const struct options *options = element->options;
    if (rp_worker_index(worker) != 0) return 0;
    if (element->before) {
        *out_local = conversation_join(rp_local(element->before, worker));
    } else if (options->force || in_foreground()) {
        *out_local = conversation_create((struct rp_transport *)(void *)element, worker);
    }
    return 0;
}

void stdin_detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)element, (void)worker;
    conversation_leave(local);
}

void stdin_adopt(struct rp_element *element, struct rp_worker *worker) {
    struct conversation *conversation = rp_local(element, worker);
    if (conversation) conversation_adopt(conversation, (struct rp_transport *)(void *)element);
}

void stdin_start(struct rp_transport *transport, struct rp_worker *worker) {
    struct conversation *conversation = rp_local(&transport->element, worker);
    struct rp_error error = {0};
    if (!conversation || conversation_start(conversation, &error) == 0) return;
    rp_log(RP_LOG_ERROR, "stdin", "%s", error.text);
    rp_stop(worker, 1);
}

void stdin_drain(struct rp_transport *transport, struct rp_worker *worker) {
    struct conversation *conversation = rp_local(&transport->element, worker);
    if (conversation) conversation_drain(conversation);
}
