/* The inbox: answers come from the two threads in batches and are given out on the worker that asked. */
#include <stdlib.h>

#include "sqlite.h"

struct inbox *inbox_create(struct rp_worker *worker, struct queue *queue) {
    struct inbox *inbox = rp_calloc(1, sizeof *inbox);
    inbox->worker = worker;
    inbox->queue = queue;
    atomic_init(&inbox->refs, 1);
    line_init(&inbox->answers);
    if (uv_mutex_init(&inbox->lock) != 0) goto no_lock;
    if (uv_cond_init(&inbox->answered) != 0) goto no_answered;
    return inbox;
no_answered:
    uv_mutex_destroy(&inbox->lock);
no_lock:
    free(inbox);
    return NULL;
}

static void unref(struct inbox *inbox) {
    if (atomic_fetch_sub(&inbox->refs, 1) != 1) return;
    uv_cond_destroy(&inbox->answered);
    uv_mutex_destroy(&inbox->lock);
    free(inbox);
}

/* ---- giving out ------------------------------------------------------------------------------------------------------ */

static void give_keys(struct call *call) {
    size_t at = 0, len;
    while (at < call->out.len) {
        memcpy(&len, call->out.data + at, sizeof len);
        at += sizeof len;
        call->op->done(call->op, 0, rp_str_n(call->out.data + at, len));
        at += len;
    }
}

/* True: there are more keys, and the call is under way again. */
static bool give_list(struct inbox *inbox, struct call *call) {
    give_keys(call);
    rp_buf_clear(&call->out);
    bool more = call->code == 0 && call->at.len > 0;
    if (more && !inbox->ending) {
        queue_read_again(inbox->queue, call);
        return true;
    }
    int code = more ? -RP_EDRAINING : call->code ? call->code : -RP_ENOTFOUND;
    call->op->done(call->op, code, rp_str_n(NULL, 0));
    return false;
}

static void give(struct inbox *inbox, struct call *call) {
    if (call->kind == CALL_LIST) {
        if (give_list(inbox, call)) return;
    } else {
        call->op->done(call->op, call->code, call->code == 0 ? rp_buf_str(&call->out) : rp_str_n(NULL, 0));
    }
    inbox->out--;
    call_free(call);
}

static void give_all(struct inbox *inbox, struct line *answers) {
    struct call *call;
    while ((call = line_take(answers))) give(inbox, call);
}

static void on_answers(struct rp_worker *worker, void *arg) {
    struct inbox *inbox = arg;
    struct line answers;
    line_init(&answers);
    uv_mutex_lock(&inbox->lock);
    line_move(&inbox->answers, &answers);
    uv_mutex_unlock(&inbox->lock);
    if (worker) give_all(inbox, &answers); /* a worker that is gone has taken its answers in inbox_end */
    unref(inbox);
}

void inbox_end(struct inbox *inbox) {
    struct line answers;
    line_init(&answers);
    uv_mutex_lock(&inbox->lock);
    inbox->ending = true;
    while (inbox->out > 0) {
        while (!inbox->answers.first) uv_cond_wait(&inbox->answered, &inbox->lock);
        line_move(&inbox->answers, &answers);
        uv_mutex_unlock(&inbox->lock);
        give_all(inbox, &answers);
        uv_mutex_lock(&inbox->lock);
    }
    uv_mutex_unlock(&inbox->lock);
    unref(inbox);
}

/* ---- coming in --------------------------------------------------------------------------------------------------------- */

/* The message is posted under the lock: then the worker cannot be gone, as it waits in inbox_end for the answer. */
static void answer(struct inbox *inbox, struct call *call) {
    uv_mutex_lock(&inbox->lock);
    bool first = !inbox->answers.first; /* a message is needed only for the first: it takes all */
    line_add(&inbox->answers, call);
    if (inbox->ending) {
        uv_cond_signal(&inbox->answered);
    } else if (first) {
        atomic_fetch_add(&inbox->refs, 1);
        rp_worker_post(inbox->worker, on_answers, inbox);
    }
    uv_mutex_unlock(&inbox->lock);
}

void inbox_answer_all(struct line *answers) {
    struct call *call;
    while ((call = line_take(answers))) answer(call->inbox, call);
}
