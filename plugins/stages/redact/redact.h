/* The stage: what its files share. */
#ifndef REDACT_REDACT_H
#define REDACT_REDACT_H

#include <repartee/plugin.h>

#include "mask.h"

enum redact_on { REDACT_BOTH, REDACT_MESSAGE, REDACT_REPLY };

struct redact_options {
    struct rp_pattern_list patterns;
    const char *mask;
    int on; /* enum redact_on */
    int64_t hold;
};

extern const struct rp_stage_type redact_stage; /* redact.c */
extern const struct rp_option redact_table[];   /* plugin.c */

/* reply.c: hangs the masking into the reply of a turn that passes. */
void reply_tap(struct rp_turn *turn, const struct mask *mask);

/* tool.c: a tool call's arguments, masked value by value so that they stay JSON. Memory of the arena, or `arguments`
 * itself. 0, or an error of mask_text. */
int tool_mask(const struct mask *mask, struct rp_arena *arena, struct rp_str arguments, struct rp_str *out_arguments);

#endif
