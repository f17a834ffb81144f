/* Estimates of tokens, inside the core: of a text that comes in pieces, and of all that a call sends. */
#ifndef CORE_MODEL_TOKENS_H
#define CORE_MODEL_TOKENS_H

#include <repartee/plugin.h>

/* Parts of a token, to be added up over the pieces of a text. */
#define TOKEN_PARTS 12
int64_t tokens_parts(struct rp_str text);
static inline int64_t tokens_from_parts(int64_t parts) {
    return (parts + TOKEN_PARTS - 1) / TOKEN_PARTS;
}

/* What the model reads of a call: messages, tools, schema, images. Counted by the model where it can, else estimated. */
int64_t tokens_of_call(const struct rp_model *model, const struct rp_call *call);

#endif
