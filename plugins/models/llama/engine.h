/* The engine: one llama.cpp context on a thread of its own, which works on several turns at once.
 *
 * In each pass every running sequence adds one token and the prompts that wait fill up the rest of the batch, so that a
 * new turn joins without the others waiting for it. A sequence keeps what it has computed: the next turn of the same
 * conversation only pays for what is new. Elements that ask for the same file with the same settings share an engine,
 * those that differ in the settings still share the weights; both end with the last user.
 *
 * acquire and release belong to the threads that open and close elements; submit may be called by any worker. */
#ifndef LLAMA_ENGINE_H
#define LLAMA_ENGINE_H

#include "job.h"

struct engine;

struct engine_settings {
    const char *path;
    int64_t context;       /* tokens of one sequence; 0: what the model was trained with */
    int64_t slots;         /* sequences */
    int64_t batch;         /* tokens of one pass */
    int64_t threads;       /* 0: one for each core */
    int64_t gpu_layers;    /* -1: all that fit */
    int64_t queue;         /* turns that may wait for a free sequence */
    bool mmap, mlock;
};

/* Loads the file, or finds it loaded. `name` is the model's in the bot file, for the log. 0, or -RP_ECONFIG. */
int engine_acquire(const struct engine_settings *settings, const char *name, struct engine **out,
                   struct rp_error *error);
void engine_release(struct engine *engine); /* waits for the thread's end with the last user; takes NULL */

const struct llama_model *engine_model(const struct engine *engine);
uint32_t engine_context(const struct engine *engine); /* tokens of one sequence */

/* Takes over one reference. 0; -RP_EBUSY when too many wait already, the reference is the caller's then. */
int engine_submit(struct engine *engine, struct job *job);
void engine_poke(struct engine *engine); /* a job was cancelled, or its reader has taken text */

#endif
