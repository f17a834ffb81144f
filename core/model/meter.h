/* What is counted of a model's calls: in the metrics, for the turn, and against the bot's budgets. Made when the model is
 * opened; a model without a meter is not counted. */
#ifndef CORE_MODEL_METER_H
#define CORE_MODEL_METER_H

#include <repartee/plugin.h>

#include "core/money/hold.h"

struct model_meter *model_meter_create(const struct rp_model *model); /* NULL for one that forwards */
void model_meter_destroy(struct model_meter *meter);                  /* takes NULL */

/* The budgets that a call of this model has to do with; NULL: none. */
const struct budgets *model_meter_budgets(const struct model_meter *meter); /* takes NULL */

/* A call under way, in the turn's arena. The source's writes and its close pass here. */
struct model_watch {
    struct rp_model *model;
    const struct rp_call *call;
    const struct rp_element *by;
    int64_t started_ns, first_ns; /* first_ns: of the first text or tool call; 0: none yet */
    struct rp_usage usage;        /* as the model says */
    int64_t parts;                /* of tokens that have come, estimated (tokens.h) */
    struct budget_hold *hold;     /* what is reserved for it; NULL: nothing */
    bool bulk;                    /* see model_watch_bulk */
    bool over;
};
/* Takes the hold over, which may be NULL: the end of the call settles it. */
void model_watch_begin(struct rp_source *source, struct rp_model *model, const struct rp_call *call,
                       struct budget_hold *hold);
void model_watch_chunk(struct rp_source *source, const struct rp_chunk *chunk, enum rp_flow flow);
/* The call waits for a batch of the provider, or does so no more: it costs what a batch does, and nothing as long as it has
 * no answer, for another call may still get that. Also for a source that nobody watches. */
void model_watch_bulk(struct rp_source *source, bool bulk);
void model_watch_close(struct rp_source *source); /* a reply that has not ended counts as cancelled */

#endif
