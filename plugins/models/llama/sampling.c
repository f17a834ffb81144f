/* Builds chains of llama.cpp's samplers. A grammar is asked about the token that was chosen, and only when it refuses
 * that one are all tokens checked: going through a large vocabulary costs far more than choosing twice. */
#include "sampling.h"

#include <math.h>
#include <stdlib.h>

#define PENALTY_TOKENS 64

static void add(struct sampling *sampling, struct llama_sampler *sampler) {
    llama_sampler_chain_add(sampling->chain, sampler);
}

static uint32_t seed_of(const struct sampling_settings *settings) {
    uint32_t seed = (uint32_t)settings->seed;
    if (settings->seed < 0) rp_random(&seed, sizeof(seed));
    return seed;
}

static void build(struct sampling *sampling, const struct sampling_settings *settings, const struct llama_vocab *vocab) {
    bool greedy = settings->temperature <= 0, penalised = settings->repeat_penalty != 1;
    int32_t tokens = llama_vocab_n_tokens(vocab);
    if (greedy && !penalised) return;
    sampling->chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    if (penalised)
        add(sampling, llama_sampler_init_penalties(tokens, PENALTY_TOKENS, (float)settings->repeat_penalty, 0, 0));
    if (greedy) {
        add(sampling, llama_sampler_init_greedy());
        return;
    }
    if (settings->top_k > 0) add(sampling, llama_sampler_init_top_k((int32_t)settings->top_k));
    if (settings->top_p < 1) add(sampling, llama_sampler_init_top_p((float)settings->top_p, 1));
    if (settings->min_p > 0) add(sampling, llama_sampler_init_min_p((float)settings->min_p, 1));
    add(sampling, llama_sampler_init_temp((float)settings->temperature));
    add(sampling, llama_sampler_init_dist(seed_of(settings)));
}

int sampling_init(struct sampling *sampling, const struct sampling_settings *settings, const char *grammar,
                  const struct llama_vocab *vocab) {
    *sampling = (struct sampling){0};
    if (grammar) {
        sampling->grammar = llama_sampler_init_grammar(vocab, grammar, "root");
        if (!sampling->grammar) return -RP_EINVALID;
    }
    build(sampling, settings, vocab);
    return 0;
}

void sampling_finish(struct sampling *sampling) {
    if (sampling->chain) llama_sampler_free(sampling->chain);
    if (sampling->grammar) llama_sampler_free(sampling->grammar);
    free(sampling->candidates);
    *sampling = (struct sampling){0};
}

static llama_token likeliest(const float *logits, int32_t count) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* All tokens with their logits; the grammar's refusals are out when it is asked for. */
static llama_token choose(struct sampling *sampling, const float *logits, int32_t count, bool by_grammar) {
    if (!sampling->candidates) sampling->candidates = rp_alloc((size_t)count * sizeof(*sampling->candidates));
    for (int32_t i = 0; i < count; i++) sampling->candidates[i] = (llama_token_data){i, logits[i], 0};
    llama_token_data_array all = {sampling->candidates, (size_t)count, -1, false};
    if (by_grammar) llama_sampler_apply(sampling->grammar, &all);
    if (sampling->chain) {
        llama_sampler_apply(sampling->chain, &all);
    } else {
        all.selected = 0;
        for (size_t i = 1; i < all.size; i++)
            if (all.data[i].logit > all.data[all.selected].logit) all.selected = (int64_t)i;
    }
    return all.data[all.selected < 0 ? 0 : all.selected].id;
}

static bool grammar_takes(const struct sampling *sampling, llama_token token) {
    llama_token_data one = {token, 1, 0};
    llama_token_data_array only = {&one, 1, -1, false};
    llama_sampler_apply(sampling->grammar, &only);
    return !isinf(one.logit);
}

int sampling_go_on(struct sampling *sampling, const struct llama_vocab *vocab, struct rp_str begun) {
    if (!sampling->grammar || begun.len == 0) return 0;
    llama_token *tokens = rp_alloc((begun.len + 8) * sizeof(*tokens)); /* a token has a byte at least */
    int32_t count =
        llama_tokenize(vocab, begun.data, (int32_t)begun.len, tokens, (int32_t)(begun.len + 8), false, false);
    int32_t taken = 0;
    for (; taken < count && grammar_takes(sampling, tokens[taken]); taken++)
        llama_sampler_accept(sampling->grammar, tokens[taken]);
    free(tokens);
    return taken == count ? 0 : -RP_EINVALID;
}

llama_token sampling_next(struct sampling *sampling, struct llama_context *context, int32_t index) {
    const float *logits = llama_get_logits_ith(context, index);
    int32_t count = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
    llama_token token = sampling->chain ? choose(sampling, logits, count, false) : likeliest(logits, count);
    if (sampling->grammar && !grammar_takes(sampling, token)) token = choose(sampling, logits, count, true);
    if (sampling->grammar) llama_sampler_accept(sampling->grammar, token);
    if (sampling->chain) llama_sampler_accept(sampling->chain, token);
    return token;
}
