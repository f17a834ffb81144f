/* Calls of models that budgets have to do with: the source reserves at its first more(), and asks the model when there is
 * enough. A call that is refused never reaches the model. */
#ifndef CORE_MODEL_BUDGET_H
#define CORE_MODEL_BUDGET_H

#include "core/model/meter.h"

struct rp_source *budget_source(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);
bool budget_is_source(const struct rp_source *source);

/* ask.c: asks at once; the hold, which may be NULL, is settled at the end. */
struct rp_source *model_ask_now(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call,
                                struct budget_hold *hold);

#endif
