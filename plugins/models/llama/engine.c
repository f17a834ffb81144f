/* The registry of engines, and the thread of each: who waits, who runs, and what goes into the next pass. */
#include "engine.h"

#include <repartee/log.h>
#include <repartee/metrics.h>
#include <stdlib.h>

#include "slot.h"
#include "weights.h"

struct engine {
    struct engine_settings settings; /* path: the weights' */
    struct weights *weights;
    struct llama_context *context;
    unsigned users;
    struct engine *next;

    uv_thread_t thread;
    bool started;
    uv_mutex_t lock; /* of the queue, the counts, `poked` and `stopping` */
    uv_cond_t wake;
    struct job *first, **last;
    int64_t waiting, inside; /* inside: those that run too */
    bool poked, stopping;

    /* the thread's own */
    struct slot *slots;
    struct llama_batch batch;
    uint64_t turns;
    unsigned busy;
    struct rp_metric *busy_shown, *waiting_shown, *tokens_shown, *reused_shown;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t registry_lock;
static struct engine *engines;

/* ---- the queue --------------------------------------------------------------------------------------------------- */

int engine_submit(struct engine *engine, struct job *job) {
    uv_mutex_lock(&engine->lock);
    bool full = engine->inside >= engine->settings.slots + engine->settings.queue;
    if (!full) {
        engine->inside++;
        *engine->last = job;
        engine->last = &job->next;
        rp_metric_set(engine->waiting_shown, ++engine->waiting);
        uv_cond_signal(&engine->wake);
    }
    uv_mutex_unlock(&engine->lock);
    return full ? -RP_EBUSY : 0;
}

void engine_poke(struct engine *engine) {
    uv_mutex_lock(&engine->lock);
    engine->poked = true;
    uv_cond_signal(&engine->wake);
    uv_mutex_unlock(&engine->lock);
}

static struct job *take(struct engine *engine) {
    struct job *job = engine->first;
    if (!job) return NULL;
    engine->first = job->next;
    if (!engine->first) engine->last = &engine->first;
    rp_metric_set(engine->waiting_shown, --engine->waiting);
    return job;
}

static void leave(struct engine *engine) {
    uv_mutex_lock(&engine->lock);
    engine->inside--;
    uv_mutex_unlock(&engine->lock);
}

/* Turns that were given up while they waited go at once, wherever they stand. With the lock held. */
static void drop_cancelled(struct engine *engine) {
    struct job **at = &engine->first;
    while (*at) {
        struct job *job = *at;
        if (!atomic_load(&job->cancelled)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        rp_metric_set(engine->waiting_shown, --engine->waiting);
        engine->inside--;
        job_unref(job);
    }
    engine->last = at;
}

/* ---- admission --------------------------------------------------------------------------------------------------- */

/* Of the free sequences the one that has computed most of the prompt, of equals the one that was not used for longest. */
static struct slot *best_slot(struct engine *engine, const llama_token *tokens, size_t count) {
    struct slot *best = NULL;
    size_t most = 0;
    for (int64_t i = 0; i < engine->settings.slots; i++) {
        struct slot *slot = &engine->slots[i];
        if (slot->state != SLOT_FREE) continue;
        size_t shared = slot_shared(slot, tokens, count);
        if (best && (shared < most || (shared == most && slot->used > best->used))) continue;
        best = slot;
        most = shared;
    }
    return best;
}

static void refuse(struct engine *engine, struct job *job, int code, const char *message) {
    leave(engine);
    job_end(job, RP_FINISH_STOP, &(struct rp_fault){.code = code, .message = message});
    job_unref(job);
}

static void begin(struct engine *engine, struct job *job) {
    llama_token *tokens;
    size_t count = prompt_tokenize(&job->prompt, llama_model_get_vocab(engine->weights->model), &tokens);
    if (count == 0) {
        refuse(engine, job, RP_EINVALID, "there is nothing to answer");
    } else if (count >= engine_context(engine)) {
        refuse(engine, job, RP_ETOOLARGE, "the conversation is longer than the model's context");
    } else {
        struct slot *slot = best_slot(engine, tokens, count);
        slot->used = ++engine->turns;
        slot_begin(slot, engine->context, job, tokens, count);
        rp_metric_add(engine->reused_shown, job->reused);
        engine->busy++;
    }
    free(tokens);
}

/* Waits for work. False: the engine ends. */
static bool admit(struct engine *engine) {
    uv_mutex_lock(&engine->lock);
    drop_cancelled(engine);
    while (!engine->stopping && !engine->poked && engine->busy == 0 && !engine->first)
        uv_cond_wait(&engine->wake, &engine->lock);
    engine->poked = false;
    bool go_on = !engine->stopping;
    while (go_on && engine->busy < engine->settings.slots) {
        struct job *job = take(engine);
        if (!job) break;
        uv_mutex_unlock(&engine->lock); /* tokens take their time */
        begin(engine, job);
        uv_mutex_lock(&engine->lock);
    }
    uv_mutex_unlock(&engine->lock);
    return go_on;
}

/* ---- one pass ---------------------------------------------------------------------------------------------------- */

static void add_token(struct engine *engine, struct slot *slot, bool output) {
    struct llama_batch *batch = &engine->batch;
    int32_t at = batch->n_tokens++;
    batch->token[at] = slot->tokens[slot->computed];
    batch->pos[at] = (llama_pos)slot->computed;
    batch->n_seq_id[at] = 1;
    batch->seq_id[at][0] = slot->sequence;
    batch->logits[at] = output;
    if (output) slot->output = at;
    slot->computed++;
}

static bool room(const struct engine *engine) {
    return engine->batch.n_tokens < engine->settings.batch;
}

static void add_prompt(struct engine *engine, struct slot *slot) {
    while (room(engine) && slot->computed < slot->count) add_token(engine, slot, slot->computed + 1 == slot->count);
}

/* Running sequences first, a token each: who has begun to speak goes on at the same pace. */
static void fill_batch(struct engine *engine) {
    engine->batch.n_tokens = 0;
    for (int64_t i = 0; i < engine->settings.slots; i++) {
        struct slot *slot = &engine->slots[i];
        if (slot->state == SLOT_RUNNING && room(engine) && !job_full(slot->job)) add_token(engine, slot, true);
    }
    for (int64_t i = 0; i < engine->settings.slots; i++)
        if (engine->slots[i].state == SLOT_PROMPT) add_prompt(engine, &engine->slots[i]);
}

static void end(struct engine *engine, struct slot *slot, enum rp_finish finish, const struct rp_fault *fault) {
    slot_end(slot, finish, fault);
    engine->busy--;
    leave(engine);
}

/* What the context holds after a failure is not known for sure: everybody begins anew. */
static void fail_all(struct engine *engine, int code) {
    rp_log(RP_LOG_ERROR, "llama", "'%s': the pass failed with %d; its turns end", engine->settings.path, code);
    for (int64_t i = 0; i < engine->settings.slots; i++) {
        struct slot *slot = &engine->slots[i];
        slot->output = -1;
        if (slot->state != SLOT_FREE)
            end(engine, slot, RP_FINISH_STOP, &(struct rp_fault){.code = RP_EUPSTREAM});
        slot_forget(slot, engine->context);
    }
}

static void drop_leavers(struct engine *engine) {
    for (int64_t i = 0; i < engine->settings.slots; i++) {
        struct slot *slot = &engine->slots[i];
        if (slot->state != SLOT_FREE && atomic_load(&slot->job->cancelled))
            end(engine, slot, RP_FINISH_STOP, &(struct rp_fault){.code = RP_ECANCELLED});
    }
}

static void advance(struct engine *engine) {
    for (int64_t i = 0; i < engine->settings.slots; i++) {
        struct slot *slot = &engine->slots[i];
        if (slot->output < 0) continue;
        slot_advance(slot, engine->context);
        if (slot->state != SLOT_FREE) continue;
        engine->busy--;
        leave(engine);
    }
}

/* All running sequences wait for their readers: so does the engine. */
static void wait_for_readers(struct engine *engine) {
    uv_mutex_lock(&engine->lock);
    while (!engine->stopping && !engine->poked && !(engine->first && engine->busy < engine->settings.slots))
        uv_cond_wait(&engine->wake, &engine->lock);
    uv_mutex_unlock(&engine->lock);
}

static void pass(struct engine *engine) {
    drop_leavers(engine);
    fill_batch(engine);
    if (engine->batch.n_tokens > 0) {
        int code = llama_decode(engine->context, engine->batch);
        rp_metric_add(engine->tokens_shown, engine->batch.n_tokens);
        if (code == 0)
            advance(engine);
        else
            fail_all(engine, code);
    } else if (engine->busy > 0) {
        wait_for_readers(engine);
    }
    rp_metric_set(engine->busy_shown, engine->busy);
}

static void run(void *arg) {
    struct engine *engine = arg;
    while (admit(engine)) pass(engine);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static struct llama_context *make_context(const struct engine *engine) {
    const struct engine_settings *settings = &engine->settings;
    struct llama_context_params params = llama_context_default_params();
    int64_t each = settings->context ? settings->context : llama_model_n_ctx_train(engine->weights->model);
    int64_t threads = settings->threads ? settings->threads : (int64_t)uv_available_parallelism();
    params.n_ctx = (uint32_t)(each * settings->slots);
    params.n_seq_max = (uint32_t)settings->slots;
    params.n_batch = params.n_ubatch = (uint32_t)settings->batch;
    params.n_outputs_max = (uint32_t)settings->slots;
    params.n_threads = params.n_threads_batch = (int32_t)threads;
    params.no_perf = true;
    return llama_init_from_model(engine->weights->model, params);
}

static void init_thread(struct engine *engine, const char *name) {
    engine->slots = rp_calloc((size_t)engine->settings.slots, sizeof(*engine->slots));
    for (int64_t i = 0; i < engine->settings.slots; i++)
        slot_init(&engine->slots[i], (llama_seq_id)i, engine_context(engine));
    engine->batch = llama_batch_init((int32_t)engine->settings.batch, 0, 1);
    engine->last = &engine->first;
    engine->busy_shown = rp_metric(RP_GAUGE, "repartee_llama_running", "Turns in work", "model", name, NULL);
    engine->waiting_shown = rp_metric(RP_GAUGE, "repartee_llama_waiting", "Turns that wait", "model", name, NULL);
    engine->tokens_shown =
        rp_metric(RP_COUNTER, "repartee_llama_computed_tokens_total", "Tokens computed", "model", name, NULL);
    engine->reused_shown = rp_metric(RP_COUNTER, "repartee_llama_reused_tokens_total",
                                     "Tokens of prompts that an earlier turn had computed", "model", name, NULL);
    uv_mutex_init(&engine->lock);
    uv_cond_init(&engine->wake);
}

static void finish_thread(struct engine *engine) {
    uv_mutex_lock(&engine->lock);
    engine->stopping = true;
    uv_cond_signal(&engine->wake);
    uv_mutex_unlock(&engine->lock);
    if (engine->started) uv_thread_join(&engine->thread);
    for (int64_t i = 0; i < engine->settings.slots; i++) slot_finish(&engine->slots[i]);
    for (struct job *job; (job = take(engine));) job_unref(job);
    free(engine->slots);
    llama_batch_free(engine->batch);
    uv_mutex_destroy(&engine->lock);
    uv_cond_destroy(&engine->wake);
}

static int start(struct engine *engine, const char *name, struct rp_error *error) {
    engine->context = make_context(engine);
    if (!engine->context)
        return rp_error_set(error, RP_ECONFIG, "'%s': a context for %lld sequences cannot be made; fewer 'slots' or a "
                                               "smaller 'context' need less memory",
                            engine->settings.path, (long long)engine->settings.slots);
    init_thread(engine, name);
    engine->started = uv_thread_create(&engine->thread, run, engine) == 0;
    if (engine->started) return 0;
    return rp_error_set(error, RP_ECONFIG, "no thread can be started");
}

static void destroy(struct engine *engine) {
    if (engine->slots) finish_thread(engine);
    if (engine->context) llama_free(engine->context);
    weights_release(engine->weights);
    free(engine);
}

/* ---- the registry ------------------------------------------------------------------------------------------------ */

static void init_registry(void) {
    uv_mutex_init(&registry_lock);
}

static struct engine *find(const struct weights *weights, const struct engine_settings *settings) {
    for (struct engine *at = engines; at; at = at->next) {
        const struct engine_settings *own = &at->settings;
        if (at->weights == weights && own->context == settings->context && own->slots == settings->slots &&
            own->batch == settings->batch && own->threads == settings->threads && own->queue == settings->queue)
            return at;
    }
    return NULL;
}

static int make(const struct engine_settings *settings, struct weights *weights, const char *name,
                struct engine **out, struct rp_error *error) {
    struct engine *engine = rp_calloc(1, sizeof(*engine));
    engine->settings = *settings;
    engine->settings.path = weights->path;
    engine->weights = weights;
    int rc = start(engine, name, error);
    if (rc != 0) {
        destroy(engine);
        return rc;
    }
    engine->next = engines;
    engines = *out = engine;
    return 0;
}

static int acquire(const struct engine_settings *settings, const char *name, struct engine **out,
                   struct rp_error *error) {
    struct weights *weights;
    int rc = weights_acquire(settings->path, settings->gpu_layers, settings->mmap, settings->mlock, name, &weights, error);
    if (rc != 0) return rc;
    *out = find(weights, settings);
    if (*out)
        weights_release(weights); /* the engine has its own share */
    else
        rc = make(settings, weights, name, out, error);
    if (rc == 0) (*out)->users++;
    return rc;
}

int engine_acquire(const struct engine_settings *settings, const char *name, struct engine **out,
                   struct rp_error *error) {
    uv_once(&once, init_registry);
    uv_mutex_lock(&registry_lock);
    int rc = acquire(settings, name, out, error);
    uv_mutex_unlock(&registry_lock);
    return rc;
}

void engine_release(struct engine *engine) {
    if (!engine) return;
    uv_mutex_lock(&registry_lock);
    if (--engine->users == 0) {
        struct engine **at = &engines;
        while (*at != engine) at = &(*at)->next;
        *at = engine->next;
        destroy(engine);
    }
    uv_mutex_unlock(&registry_lock);
}

const struct llama_model *engine_model(const struct engine *engine) {
    return engine->weights->model;
}

uint32_t engine_context(const struct engine *engine) {
    return llama_n_ctx_seq(engine->context);
}
