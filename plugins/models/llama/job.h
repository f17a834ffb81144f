/* One question to the engine and its answer: what passes between a worker and the engine's thread.
 *
 * Two references, the worker's and the engine's. The question is written before job_submit and the engine's from then
 * on; the answer is under the lock; `ask` is the worker's alone. */
#ifndef LLAMA_JOB_H
#define LLAMA_JOB_H

#include <repartee/turn.h>
#include <stdatomic.h>

#include "prompt.h"
#include "sampling.h"
#include "stop.h"

struct ask;

struct job {
    atomic_uint refs;
    struct rp_worker *worker;
    struct ask *ask;       /* NULL: the turn has ended */
    atomic_bool cancelled; /* by the worker; the engine drops it at the next token */

    /* the question */
    struct prompt prompt;
    struct sampling sampling;
    struct stop stop;
    int64_t max_tokens; /* 0: until the context is full */

    /* the answer */
    uv_mutex_t lock;
    struct rp_buf text; /* whole characters that the worker has not taken yet */
    size_t text_max;    /* beyond it the sequence waits */
    bool over, posted;  /* posted: the worker is told already */
    enum rp_finish finish;
    struct rp_fault fault; /* code 0: none; the message is a constant */
    struct rp_usage usage;
    int64_t reused; /* tokens of the prompt that needed no work */

    struct job *next; /* in the engine's queue */
};

struct job *job_create(struct rp_worker *worker, size_t text_max); /* one reference */
void job_ref(struct job *job);
void job_unref(struct job *job); /* takes NULL */

/* The engine's: adds to the answer and tells the worker. */
void job_add_text(struct job *job, const char *data, size_t len);
void job_end(struct job *job, enum rp_finish finish, const struct rp_fault *fault); /* fault NULL: it is whole */
bool job_full(struct job *job); /* the worker has not taken enough of it */

/* ask.c: there is something new in the answer; on the job's worker. */
void ask_on_news(struct ask *ask);

#endif
