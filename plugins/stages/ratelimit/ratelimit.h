/* The stage: what its files share. */
#ifndef RATELIMIT_RATELIMIT_H
#define RATELIMIT_RATELIMIT_H

#include <repartee/plugin.h>

enum ratelimit_per { RATELIMIT_USER, RATELIMIT_SESSION, RATELIMIT_ADDRESS };

struct ratelimit_options {
    double rate;
    int64_t burst; /* 0: a second's worth */
    int per;       /* enum ratelimit_per */
    int64_t entries;
};

extern const struct rp_stage_type ratelimit_stage; /* ratelimit.c */
extern const struct rp_option ratelimit_table[];   /* plugin.c */

#endif
