/* What the calls of models have cost that were made for a turn, and for its branches: for its line in the log and its
 * explanation. In the turn's arena. */
#ifndef CORE_TURN_SPEND_H
#define CORE_TURN_SPEND_H

#include "core/turn/turn.h"

#define SPEND_CALLS 16 /* told one by one; of further ones only the sums are */

struct spend_call {
    const char *model;
    const char *outcome; /* "ok", or an error's code */
    struct rp_usage usage;
    int64_t cost;   /* core/money/price.h; -1: it has no price */
    bool estimated; /* it ended without saying what it has used */
};
struct spend {
    struct rp_usage usage; /* of all of them */
    int64_t cost;          /* -1: none has a price */
    bool estimated;        /* at least one is */
    size_t count;
    struct spend_call calls[SPEND_CALLS];
};

/* A branch's counts for the turn that it came from, as long as that is there. */
void spend_add(struct turn *turn, const struct spend_call *call);
void spend_log(const struct turn *turn, struct rp_log_line *line); /* adds its fields */

#endif
