/* What is counted of a model's calls. Made when the model is opened; a model without a meter is not counted. */
#ifndef CORE_MODEL_METER_H
#define CORE_MODEL_METER_H

#include <repartee/plugin.h>

struct model_meter *model_meter_create(const struct rp_model *model); /* NULL for one that forwards */
void model_meter_destroy(struct model_meter *meter);                  /* takes NULL */

/* A call under way, in the turn's arena. The source's writes and its close pass here. */
struct model_watch {
    struct rp_model *model;
    const struct rp_element *by;
    int64_t started_ns, first_ns; /* first_ns: of the first text or tool call; 0: none yet */
    struct rp_usage usage;
    bool over;
};
void model_watch_begin(struct rp_source *source, struct rp_model *model, const struct rp_element *by);
void model_watch_chunk(struct rp_source *source, const struct rp_chunk *chunk, enum rp_flow flow);
void model_watch_close(struct rp_source *source); /* a reply that has not ended counts as cancelled */

#endif
