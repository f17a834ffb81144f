/* What a route tells of the room for a conversation. Whoever replies, it must fit: the largest count of its targets counts,
 * the smallest context that is known, the longest reply. */
#include "route.h"

int64_t route_tokens(const struct rp_model *model, struct rp_str text) {
    const struct route_options *options = model->element.options;
    int64_t most = 0;
    bool estimated = false; /* the estimate is the same for all */
    for (size_t i = 0; i < options->use.count; i++) {
        const struct rp_model *target = options->use.items[i];
        const struct rp_model_type *type = (const struct rp_model_type *)(const void *)target->element.type;
        if (!type->tokens && estimated) continue;
        estimated = estimated || !type->tokens;
        int64_t tokens = rp_model_tokens(target, text);
        if (tokens > most) most = tokens;
    }
    return most;
}

int64_t route_context(const struct rp_model *model) {
    const struct route_options *options = model->element.options;
    int64_t least = 0;
    for (size_t i = 0; i < options->use.count; i++) {
        int64_t context = rp_model_context(options->use.items[i]);
        if (context > 0 && (least == 0 || context < least)) least = context;
    }
    return least;
}

int64_t route_reply(const struct rp_model *model) {
    const struct route_options *options = model->element.options;
    int64_t most = 0;
    for (size_t i = 0; i < options->use.count; i++) {
        int64_t reply = rp_model_reply(options->use.items[i]);
        if (reply > most) most = reply;
    }
    return most;
}
