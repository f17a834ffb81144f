/* What the bot file says of a model besides its options: what it costs, and what bounds a call of it. */
#ifndef CORE_MODEL_TERMS_H
#define CORE_MODEL_TERMS_H

#include "core/money/limit.h"
#include "core/money/price.h"

struct model_terms {
    bool priced; /* in the price table */
    struct price price;
    int64_t bulk; /* what part of it a call in a batch costs, in thousandths */
    int64_t max_tokens; /* of a reply, where the prompt says nothing else; 0: not bounded */
    const char *system; /* what it is told where the prompt has no system text; NULL: nothing */
};

#endif
