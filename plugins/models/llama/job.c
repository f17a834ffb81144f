/* Life of a job, and the news of it that travel to its worker. */
#include "job.h"

#include <stdlib.h>

#define REPLY_MAX ((size_t)64 << 20) /* bytes; a turn's own limit is far below */

struct job *job_create(struct rp_worker *worker, size_t text_max) {
    struct job *job = rp_calloc(1, sizeof(*job));
    atomic_init(&job->refs, 1);
    job->worker = worker;
    job->text_max = text_max;
    rp_buf_init(&job->text, REPLY_MAX);
    uv_mutex_init(&job->lock);
    return job;
}

void job_ref(struct job *job) {
    atomic_fetch_add(&job->refs, 1);
}

void job_unref(struct job *job) {
    if (!job || atomic_fetch_sub(&job->refs, 1) > 1) return;
    prompt_finish(&job->prompt);
    sampling_finish(&job->sampling);
    stop_finish(&job->stop);
    rp_buf_finish(&job->text);
    uv_mutex_destroy(&job->lock);
    free(job);
}

static void on_news(struct rp_worker *worker, void *arg) {
    struct job *job = arg;
    if (worker && job->ask) ask_on_news(job->ask);
    job_unref(job);
}

/* One message is enough until the worker has looked. With the lock held; it is let go. */
static void tell(struct job *job) {
    bool first = !job->posted;
    job->posted = true;
    uv_mutex_unlock(&job->lock);
    if (!first) return;
    job_ref(job);
    rp_worker_post(job->worker, on_news, job);
}

void job_add_text(struct job *job, const char *data, size_t len) {
    if (len == 0) return;
    uv_mutex_lock(&job->lock);
    rp_buf_append(&job->text, data, len);
    tell(job);
}

void job_end(struct job *job, enum rp_finish finish, const struct rp_fault *fault) {
    uv_mutex_lock(&job->lock);
    job->over = true;
    job->finish = finish;
    if (fault) job->fault = *fault;
    tell(job);
}

bool job_full(struct job *job) {
    uv_mutex_lock(&job->lock);
    bool full = job->text.len >= job->text_max;
    uv_mutex_unlock(&job->lock);
    return full;
}
