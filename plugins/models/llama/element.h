/* A configured model: its options, and the engine that it shares. */
#ifndef LLAMA_ELEMENT_H
#define LLAMA_ELEMENT_H

#include <repartee/plugin.h>

#include "engine.h"

struct llama_options {
    const char *path, *system, *chat_template;
    int64_t context, slots, batch, threads, gpu_layers, queue, buffer;
    bool mmap, mlock;
    double temperature, top_p, min_p, repeat_penalty;
    int64_t top_k, seed, max_tokens;
};
struct element { /* made in open; read by all workers */
    const struct llama_options *options;
    const char *name;
    struct engine *engine;
    const char *chat_template; /* the model's own, or the option's */
};

int element_check(const void *options, struct rp_error *error);
int element_open(struct rp_element *element, struct rp_error *error);
void element_close(struct rp_element *element);
/* What the core wants to know to choose what of a conversation goes along; any thread. */
int64_t element_tokens(const struct rp_model *model, struct rp_str text);
int64_t element_context(const struct rp_model *model);

/* ask.c */
unsigned element_takes(const struct rp_model *model);
struct rp_source *element_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);

#endif
