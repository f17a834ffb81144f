/* How the next token is chosen. */
#ifndef LLAMA_SAMPLING_H
#define LLAMA_SAMPLING_H

#include <llama.h>
#include <repartee/base.h>

struct sampling_settings {
    double temperature; /* 0: always the likeliest token */
    double top_p, min_p;
    int64_t top_k;
    double repeat_penalty; /* 1: none */
    int64_t seed;          /* negative: another one each time */
};
/* One sequence's samplers. Made on the worker; used by the engine's thread. */
struct sampling {
    struct llama_sampler *chain;   /* NULL: the likeliest token */
    struct llama_sampler *grammar; /* NULL: none */
    llama_token_data *candidates;
};

/* `grammar`: GBNF with a rule "root", or NULL. 0, or -RP_EINVALID when it cannot be read. */
int sampling_init(struct sampling *sampling, const struct sampling_settings *settings, const char *grammar,
                  const struct llama_vocab *vocab);
/* The reply has begun so: the grammar is to go on behind it. 0, or -RP_EINVALID when it does not allow this. */
int sampling_go_on(struct sampling *sampling, const struct llama_vocab *vocab, struct rp_str begun);
void sampling_finish(struct sampling *sampling);
/* The token that follows, by the logits of the batch's place `index`; it is accepted. */
llama_token sampling_next(struct sampling *sampling, struct llama_context *context, int32_t index);

#endif
