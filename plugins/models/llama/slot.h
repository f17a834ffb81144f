/* One sequence of the context: the turn it works on, and what it has computed so far. The engine's thread only. */
#ifndef LLAMA_SLOT_H
#define LLAMA_SLOT_H

#include "job.h"

enum slot_state {
    SLOT_FREE,    /* no turn; what it computed for the last one may be of use for the next */
    SLOT_PROMPT,  /* the prompt is being read */
    SLOT_RUNNING, /* one token a pass */
};
struct slot {
    llama_seq_id sequence;
    enum slot_state state;
    struct job *job;
    llama_token *tokens; /* the prompt, then what was chosen; as many as the sequence may have */
    size_t count;        /* of them known */
    size_t computed;     /* of them in the context's memory */
    size_t prompt_count;
    size_t capacity;
    int32_t output; /* the place in this pass's batch whose logits are its own; -1: none */
    uint64_t used;  /* when it was last given a turn, counted */
};

void slot_init(struct slot *slot, llama_seq_id sequence, size_t capacity);
void slot_finish(struct slot *slot);

/* How many tokens of this prompt the sequence has computed already. */
size_t slot_shared(const struct slot *slot, const llama_token *tokens, size_t count);
/* Gives it a turn: keeps what is shared, forgets the rest. Takes over the job's reference. */
void slot_begin(struct slot *slot, struct llama_context *context, struct job *job, const llama_token *tokens,
                size_t count);
void slot_end(struct slot *slot, enum rp_finish finish, const struct rp_fault *fault); /* tells the job, lets it go */
void slot_forget(struct slot *slot, struct llama_context *context); /* frees the memory behind its sequence */
/* Chooses the next token from the logits of this pass; ends the turn when that was the last. */
void slot_advance(struct slot *slot, struct llama_context *context);

#endif
