/* A sequence from its prompt to its last token. */
#include "slot.h"

#include <stdlib.h>

#define PIECE_MAX 256 /* bytes of one token's text; a longer one is asked for again */

void slot_init(struct slot *slot, llama_seq_id sequence, size_t capacity) {
    *slot = (struct slot){.sequence = sequence, .capacity = capacity, .output = -1};
    slot->tokens = rp_alloc(capacity * sizeof(*slot->tokens));
}

void slot_finish(struct slot *slot) {
    job_unref(slot->job);
    free(slot->tokens);
}

size_t slot_shared(const struct slot *slot, const llama_token *tokens, size_t count) {
    size_t most = slot->computed < count ? slot->computed : count, same = 0;
    while (same < most && slot->tokens[same] == tokens[same]) same++;
    return same;
}

void slot_begin(struct slot *slot, struct llama_context *context, struct job *job, const llama_token *tokens,
                size_t count) {
    size_t shared = slot_shared(slot, tokens, count);
    if (shared == count) shared--; /* the last one is computed again: its logits are needed */
    /* Some kinds of memory (recurrent ones) cannot go back; they begin anew. */
    if (!llama_memory_seq_rm(llama_get_memory(context), slot->sequence, (llama_pos)shared, -1)) {
        llama_memory_seq_rm(llama_get_memory(context), slot->sequence, -1, -1);
        shared = 0;
    }
    memcpy(slot->tokens, tokens, count * sizeof(*tokens));
    slot->count = slot->prompt_count = count;
    slot->computed = shared;
    slot->job = job;
    slot->state = SLOT_PROMPT;
    job->usage.input_tokens = (int64_t)count;
    job->reused = (int64_t)shared;
}

void slot_end(struct slot *slot, enum rp_finish finish, const struct rp_fault *fault) {
    struct job *job = slot->job;
    if (!fault) {
        struct rp_str rest = stop_rest(&job->stop);
        job_add_text(job, rest.data, rest.len);
    }
    job_end(job, finish, fault);
    job_unref(job);
    slot->job = NULL;
    slot->state = SLOT_FREE;
    if (slot->count > slot->computed) slot->count = slot->computed;
}

void slot_forget(struct slot *slot, struct llama_context *context) {
    llama_memory_seq_rm(llama_get_memory(context), slot->sequence, -1, -1);
    slot->count = slot->computed = 0;
}

/* ---- one token --------------------------------------------------------------------------------------------------- */

/* True: a stop text has come. */
static bool add_piece(struct slot *slot, const struct llama_vocab *vocab, llama_token token) {
    char small[PIECE_MAX], *piece = small;
    struct rp_str text;
    int32_t len = llama_token_to_piece(vocab, token, small, sizeof(small), 0, false);
    if (len < 0) {
        piece = rp_alloc((size_t)-len);
        len = llama_token_to_piece(vocab, token, piece, -len, 0, false);
    }
    bool stopped = stop_feed(&slot->job->stop, piece, len > 0 ? (size_t)len : 0, &text);
    job_add_text(slot->job, text.data, text.len);
    if (piece != small) free(piece);
    return stopped;
}

static bool out_of_room(const struct slot *slot) {
    const struct job *job = slot->job;
    return slot->count == slot->capacity || (job->max_tokens && job->usage.output_tokens >= job->max_tokens);
}

void slot_advance(struct slot *slot, struct llama_context *context) {
    const struct llama_vocab *vocab = llama_model_get_vocab(llama_get_model(context));
    struct job *job = slot->job;
    llama_token token = sampling_next(&job->sampling, context, slot->output);
    slot->output = -1;
    slot->state = SLOT_RUNNING;
    if (llama_vocab_is_eog(vocab, token)) {
        slot_end(slot, RP_FINISH_STOP, NULL);
        return;
    }
    job->usage.output_tokens++;
    bool stopped = add_piece(slot, vocab, token);
    slot->tokens[slot->count++] = token;
    if (stopped)
        slot_end(slot, RP_FINISH_STOP, NULL);
    else if (out_of_room(slot))
        slot_end(slot, RP_FINISH_LENGTH, NULL);
}
